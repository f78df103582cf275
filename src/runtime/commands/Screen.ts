import type { Environment } from "../OptionReader.ts"

/** Where a command prints. */
export interface Screen {
  readonly isTerminal: boolean
  readonly isColoured: boolean
  /** Of a terminal; elsewhere lines are as long as they are. */
  readonly columns: number
  readonly rows: number
}

/** Standard output, as it is now: a terminal may change its size. */
export const screenOf = (environment: Environment): Screen => {
  const { columns, isTTY, rows } = process.stdout
  return {
    isTerminal: isTTY,
    isColoured: isTTY && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb",
    // A terminal that does not know its size says 0.
    columns: columns || 80,
    rows: rows || 24,
  }
}
