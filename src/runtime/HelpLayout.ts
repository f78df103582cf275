import type { OptionEntry } from "./OptionTable.ts"

/** The width to write help for, on a terminal that is so many columns wide. */
export const helpWidth = (columns: number): number => Math.min(100, Math.max(80, columns))

/** Breaks at spaces, into lines of at most `width`. */
export const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

const column = 36

/** Something, and beside it what it is. */
export const row = (start: string, text: string, width: number): ReadonlyArray<string> => {
  const [first = "", ...rest] = wrap(text, width - column)
  const indented = rest.map((line) => " ".repeat(column) + line)
  const head = `  ${start}`
  return head.length + 1 < column
    ? [head.padEnd(column) + first, ...indented]
    : [head, " ".repeat(column) + first, ...indented]
}

/** An option with its short form, what it takes, and what it does. */
export const optionRow = (
  name: string,
  { help, kind, metavar, short }: OptionEntry,
  width: number,
): ReadonlyArray<string> => {
  const value = metavar === undefined ? "" : kind === "optional-value" ? ` [${metavar}]` : ` ${metavar}`
  return row(`${short === undefined ? "    " : `-${short}, `}--${name}${value}`, help, width)
}

/** Options that belong together. */
export interface OptionSection {
  readonly title: string
  readonly about?: string | undefined
  readonly options: ReadonlyArray<readonly [name: string, entry: OptionEntry]>
}

export const sectionLines = ({ about, options, title }: OptionSection, width: number): ReadonlyArray<string> => [
  "",
  `${title}:`,
  ...(about === undefined ? [] : wrap(about, width - 2).map((line) => `  ${line}`)),
  ...options.flatMap(([name, entry]) => optionRow(name, entry, width)),
]

/** Commands, each with what it does indented below. */
export const exampleLines = (
  examples: ReadonlyArray<readonly [command: string, what: string]>,
  width: number,
): ReadonlyArray<string> =>
  examples.flatMap(([command, what]) => [`  ${command}`, ...wrap(what, width - 6).map((line) => `      ${line}`)])
