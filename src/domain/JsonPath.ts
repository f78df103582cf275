/** Where something stands in a JSON text: object keys and list indexes, outermost first. */
export type JsonPath = ReadonlyArray<string | number>

const maxQuoted = 64

/**
 * Foreign text in double quotes, for logs and answers: printable ASCII, everything else (line breaks, terminal escapes,
 * lone surrogates) as `\uXXXX`; cut to 64 characters.
 */
export const quote = (text: string): string => {
  const shown = text.length > maxQuoted ? `${text.slice(0, maxQuoted - 3)}...` : text
  return JSON.stringify(shown).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

/** The path as text, `$["10.0.0.0/8"][1]`. The whole text is `$`. */
export const showPath = (path: JsonPath): string =>
  `$${path.map((step) => (typeof step === "number" ? `[${step}]` : `[${quote(step)}]`)).join("")}`
