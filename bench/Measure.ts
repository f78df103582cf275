/** One line of the table: a figure, the peers' figures in the same run, and what the figure should be at most. */
export interface Row {
  readonly what: string
  readonly figure: number
  readonly unit: "ms" | "s" | "MB" | "% of a core" | "%" | "× the floor" | "KB" | ""
  readonly peers?: ReadonlyArray<{ readonly what: string; readonly figure: number }>
  readonly aim?: number
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const high = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2
}

/** The median milliseconds of some runs of `work`, after one that does not count. */
export const timed = (runs: number, work: () => unknown): number => {
  work()
  return median(
    Array.from({ length: runs }, () => {
      const from = performance.now()
      work()
      return performance.now() - from
    }),
  )
}

const round = (value: number): string =>
  value >= 1_000
    ? value.toLocaleString("en", { maximumFractionDigits: 0 })
    : value >= 100
      ? value.toFixed(0)
      : value >= 10
        ? value.toFixed(1)
        : value.toFixed(2)

/** A count as it is, anything else to three digits. */
const shown = (value: number, unit: Row["unit"]): string =>
  unit === "" ? value.toLocaleString("en") : `${round(value)} ${unit}`

/** The rows as a Markdown table. */
export const table = (rows: ReadonlyArray<Row>): string =>
  [
    "| what | figure | aim | peer in the same run | ratio |",
    "| --- | ---: | ---: | --- | ---: |",
    ...rows.map(({ aim, figure, peers = [], unit, what }) =>
      [
        "",
        what,
        shown(figure, unit),
        aim === undefined ? "" : `≤ ${aim.toLocaleString("en")}`,
        peers.map((one) => `${one.what}: ${unit === "" ? shown(one.figure, unit) : round(one.figure)}`).join("; "),
        unit === "%" || unit === "× the floor" ? "" : peers.map((one) => round(figure / one.figure)).join("; "),
        "",
      ]
        .join(" | ")
        .trim(),
    ),
  ].join("\n")
