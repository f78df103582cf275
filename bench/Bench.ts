// npm run bench: the figures that matter, each beside a peer in the same run where there is one. Prints a Markdown table.
import { cpus, totalmem } from "node:os"
import { daemonRows } from "./DaemonBench.ts"
import { type Row, table } from "./Measure.ts"
import { pingRows } from "./PingBench.ts"
import { planRows } from "./PlanBench.ts"

const parts: ReadonlyArray<readonly [string, () => ReadonlyArray<Row> | Promise<ReadonlyArray<Row>>]> = [
  ["planning", planRows],
  ["the daemon", daemonRows],
  ["pinging", pingRows],
]

const rows: Array<Row> = []
for (const [what, measure] of parts) {
  process.stderr.write(`measuring ${what} …\n`)
  rows.push(...(await measure()))
}
const [processor] = cpus()
process.stdout.write(
  `${cpus().length} × ${processor?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n\n${table(rows)}\n`,
)
