/** One line of the table: a figure, the peer's figure in the same run, and what the figure should be at most. */
export interface Row {
  readonly what: string
  readonly figure: number
  readonly unit: "ms" | "MB" | "% of a core"
  readonly peer?: { readonly what: string; readonly figure: number }
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
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

/** The rows as a Markdown table. */
export const table = (rows: ReadonlyArray<Row>): string =>
  [
    "| what | figure | aim | peer in the same run | ratio |",
    "| --- | ---: | ---: | --- | ---: |",
    ...rows.map(({ aim, figure, peer, unit, what }) =>
      [
        "",
        what,
        `${round(figure)} ${unit}`,
        aim === undefined ? "" : `≤ ${aim}`,
        peer === undefined ? "" : `${peer.what}: ${round(peer.figure)}`,
        peer === undefined ? "" : round(figure / peer.figure),
        "",
      ]
        .join(" | ")
        .trim(),
    ),
  ].join("\n")
