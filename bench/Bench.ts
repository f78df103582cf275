// npm run bench: the figures that matter, each beside peers in the same run where there are some, as the rows of the table in docs/benchmarks.md.
// `npm run bench -- WORD` measures the parts whose name holds the word; `--full` takes what is long at full length, half an hour altogether.
import { cpus, loadavg, totalmem } from "node:os"
import { daemonRows } from "./DaemonBench.ts"
import { floorRows, reserveRows } from "./FloorBench.ts"
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
  ...[50, 200, ...(isFull ? [1_000] : [])].map(
    (cells) => [`failover of ${cells} cells`, () => floorRows(cells)] as const,
  ),
  ["failover behind repairs", reserveRows],
  ["a large VPC", () => largeRows(isFull ? 300 : 10)],
  ["pinging", pingRows],
]

const load = (): string => loadavg()[0]?.toFixed(1) ?? ""

const rows: Array<Row> = []
for (const [what, measure] of parts) {
  if (words.length > 0 && !words.some((word) => what.includes(word))) continue
  process.stderr.write(`measuring ${what}, at a load of ${load()} …\n`)
  // One that cannot be measured, for want of a tool or of patience, leaves the others.
  const measured = await Promise.resolve(measure()).catch((error: unknown) => void process.stderr.write(`${error}\n`))
  process.stderr.write(`${table(measured ?? [])}\n`)
  rows.push(...(measured ?? []))
}
const [processor] = cpus()
process.stdout.write(
  `${cpus().length} × ${processor?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n\n${table(rows)}\n`,
)
// Connections of clients may stand for a while.
process.exit()
