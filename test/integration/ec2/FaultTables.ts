import { readFileSync } from "node:fs"
import { join } from "node:path"

/** The tables of docs/ec2-faults.md, which the matrix walks. */
const text = readFileSync(join(import.meta.dirname, "../../../docs/ec2-faults.md"), "utf8")

/** The rows of the table that begins with a header, cell by cell. */
const rowsUnder = (header: string, within = text): ReadonlyArray<ReadonlyArray<string>> => {
  const lines = within.split("\n")
  const from = lines.findIndex((line) => line.startsWith(`| ${header} |`))
  if (from < 0) throw new Error(`docs/ec2-faults.md has no table "${header}"`)
  const rest = lines.slice(from + 2)
  const end = rest.findIndex((line) => !line.startsWith("|"))
  return rest.slice(0, end < 0 ? undefined : end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const codeIn = (cell: string): string | undefined => /`([^`]+)`/.exec(cell)?.[1]

const units: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3_600 }

const secondsIn = (cell: string): number => {
  const [, count, unit = ""] = /^(\d+) (s|min|h)$/.exec(cell) ?? []
  const seconds = Number(count) * (units[unit] ?? Number.NaN)
  if (!Number.isFinite(seconds)) throw new Error(`docs/ec2-faults.md: "${cell}" is no time`)
  return seconds
}

/** What follows from a disposition. Seconds. */
export interface Consequence {
  readonly tries: number
  readonly again: number
}

export const consequences: ReadonlyMap<string, Consequence> = new Map(
  rowsUnder("taken for").map(([name = "", tries, again = ""]) => [
    name,
    { tries: Number(tries), again: secondsIn(again) },
  ]),
)

/** An answer of EC2 to a write. No `code`: any that is not listed. */
export interface AnswerRow {
  readonly name: string
  readonly code: string | undefined
  readonly message: string | undefined
  readonly status: number
  readonly disposition: string
}

export const answerRows: ReadonlyArray<AnswerRow> = rowsUnder("answer").map(
  ([answer = "", status = "", disposition = ""]) => ({
    name: `${answer.replaceAll("`", "")} (HTTP ${status}) is ${disposition}`,
    code: codeIn(answer),
    message: /"(.*) …"/.exec(answer)?.[1],
    status: Number(status),
    disposition,
  }),
)

/** A write without a proper answer. */
export interface TransportRow {
  readonly name: string
  readonly isDone: boolean
  readonly code: string | undefined
  readonly disposition: string
}

export const transportRows: ReadonlyArray<TransportRow> = rowsUnder("what happens").map(
  ([name = "", done, code = "", disposition = ""]) => ({
    name,
    isDone: done === "yes",
    code: codeIn(code),
    disposition,
  }),
)

/** A call of a reading that fails. */
export interface ReadingRow {
  readonly name: string
  readonly code: string
}

export const readingRows: ReadonlyArray<ReadingRow> = rowsUnder("what happens to one of the four calls").map(
  ([name = "", code = ""]) => ({ name, code: codeIn(code) ?? "" }),
)

/** The situations of the tables "what is so", of all sections. */
export const situations: ReadonlyArray<string> = text
  .split("\n## ")
  .flatMap((section) => (section.includes("| what is so |") ? rowsUnder("what is so", section) : []))
  .map(([name = ""]) => name)
