// npm run bench: the figures that matter, each beside peers in the same run where there are some, as the rows of the table in docs/benchmarks.md.
// `npm run bench -- WORD` measures the parts whose name holds the word; `--full` takes what is long at full length, half an hour altogether.
import { cpus, loadavg, totalmem } from "node:os"
import { daemonRows } from "./DaemonBench.ts"
import { floorRows } from "./FloorBench.ts"
import { largeRows } from "./LargeBench.ts"
import { type Row, table } from "./Measure.ts"
import { pingRows } from "./PingBench.ts"
import { planRows } from "./PlanBench.ts"

const args = process.argv.slice(2)
const isFull = args.includes("--full")
const words = args.filter((word) => !word.startsWith("-"))

const parts: ReadonlyArray<readonly [string, () => ReadonlyArray<Row> | Promise<ReadonlyArray<Row>>]> = [
  ["planning", planRows],
  ["the daemon", daemonRows],
  ["failover beside its floor", () => floorRows(isFull ? [50, 200, 1_000] : [50, 200])],
  ["a large VPC", () => largeRows(isFull ? 300 : 10)],
  ["pinging", pingRows],
]

const load = (): string => loadavg()[0]?.toFixed(1) ?? ""

const rows: Array<Row> = []
for (const [what, measure] of parts) {
  if (words.length > 0 && !words.some((word) => what.includes(word))) continue
  process.stderr.write(`measuring ${what}, at a load of ${load()} …\n`)
  rows.push(...(await measure()))
}
const [processor] = cpus()
process.stdout.write(
  `${cpus().length} × ${processor?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n\n${table(rows)}\n`,
)
// Connections of clients may stand for a while.
process.exit()
