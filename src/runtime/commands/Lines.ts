import type { Screen } from "./Screen.ts"

/** What a piece of text says at a glance. Colours only repeat what the words say. */
export type Tone = "plain" | "strong" | "faint" | "good" | "warn" | "bad"

export interface Span {
  readonly text: string
  readonly tone: Tone
}

/** A line of a report. */
export type Line = ReadonlyArray<Span>

export const span = (text: string, tone: Tone = "plain"): Span => ({ text, tone })

/** A line of one tone. */
export const line = (text: string, tone: Tone = "plain"): Line => [span(text, tone)]

export const blank: Line = []

/** ANSI's select graphic rendition. */
const codes: Readonly<Record<Tone, string>> = { plain: "", strong: "1", faint: "2", good: "32", warn: "33", bad: "31" }

const paint = ({ text, tone }: Span, isColoured: boolean): string =>
  isColoured && tone !== "plain" && text !== "" ? `\u001B[${codes[tone]}m${text}\u001B[0m` : text

/** Text from elsewhere (names, EC2's messages) may hold what a terminal would obey. */
const shown = (text: string): string => text.replaceAll(/\p{Cc}/gu, "\u{FFFD}")

/** The line as it is printed; with `width`, cut off there. */
export const render = (spans: Line, { isColoured }: Pick<Screen, "isColoured">, width = Infinity): string => {
  let left = width
  const painted: Array<string> = []
  for (const { text, tone } of spans) {
    const clean = shown(text)
    const part = clean.length > left ? `${clean.slice(0, Math.max(0, left - 1))}…` : clean
    if (left > 0) painted.push(paint({ text: part, tone }, isColoured))
    left -= clean.length
  }
  return painted.join("").trimEnd()
}

/** Rows whose columns stand below one another, two spaces apart. The last one is not padded. */
export const table = (rows: ReadonlyArray<Line>, indent = "  "): ReadonlyArray<Line> => {
  const widths: Array<number> = []
  for (const cells of rows)
    cells.forEach(({ text }, column) => (widths[column] = Math.max(widths[column] ?? 0, text.length)))
  return rows.map((cells) => [
    span(indent),
    ...cells.flatMap(({ text, tone }, column) =>
      column === cells.length - 1
        ? [span(text, tone)]
        : [span(text, tone), span("".padEnd((widths[column] ?? 0) - text.length + 2))],
    ),
  ])
}

/** `1 host`, `2 hosts`. */
export const count = (many: number, one: string, more = `${one}s`): string => `${many} ${many === 1 ? one : more}`
