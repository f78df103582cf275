import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { namespace } from "../test/support/netns/Namespaces.ts"
import { watchHosts } from "../test/support/netns/RunningProber.ts"
import type { Row } from "./Measure.ts"
import { megabytes, pause } from "./RunningServer.ts"

const seconds = 10
/** Of user and system time in /proc/PID/stat, a second (`getconf CLK_TCK`). */
const ticks = 100

const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) / ticks
}

/** Percent of a core that a running process takes, once it has settled. */
const share = async (child: ChildProcess): Promise<{ readonly cpu: number; readonly memory: number }> => {
  const { pid } = child
  if (pid === undefined) throw new Error("not started")
  await pause(3_000)
  const before = cpuSeconds(pid)
  await pause(seconds * 1_000)
  const cpu = ((cpuSeconds(pid) - before) / seconds) * 100
  const memory = megabytes(pid)
  const ended = once(child, "exit")
  child.kill("SIGKILL")
  await ended
  return { cpu, memory }
}

/** Hosts of one local range of a namespace of this run's own: every address of it answers there, and none is elsewhere. */
const answering = Effect.fnUntraced(function* (count: number) {
  const own = yield* namespace()
  yield* own.ip("link set lo up")
  yield* own.ip("route add local 10.214.0.0/16 dev lo")
  const hosts = Array.from({ length: count }, (_, n) => `10.214.${n >> 8}.${n & 255}`)
  const inside = (command: string, args: ReadonlyArray<string>) =>
    // `ip netns exec` becomes the command: the process measured is the command's own.
    spawn("ip", ["netns", "exec", own.name, command, ...args], { stdio: "ignore" })
  return { hosts, inside }
})

const server = `require("node:http").createServer((_, answer) => answer.end("well")).listen(8080)`

/** CPU for so many hosts that are checked by HTTP every second, by the prober alone. */
const measureHttp = (count: number) =>
  Effect.gen(function* () {
    const { hosts, inside } = yield* answering(count)
    yield* Effect.acquireRelease(
      Effect.sync(() => inside(process.execPath, ["-e", server])),
      (child) => Effect.sync(() => child.kill("SIGKILL")),
    )
    return yield* Effect.promise(() => share(inside(process.execPath, [watchHosts, "http:8080", ...hosts])))
  }).pipe(Effect.scoped)

const measure = (count: number) =>
  Effect.gen(function* () {
    const { hosts, inside } = yield* answering(count)
    const ours = yield* Effect.promise(() => share(inside(process.execPath, [watchHosts, "icmpecho", ...hosts])))
    const folder = mkdtempSync(join(tmpdir(), "bench-"))
    const list = join(folder, "hosts")
    writeFileSync(list, hosts.join("\n"))
    const interval = count > 1_000 ? "0.1" : "1"
    const theirs = yield* Effect.promise(() =>
      share(inside("fping", ["-q", "-l", "-p", "1000", "-i", interval, "-f", list])),
    )
    rmSync(folder, { recursive: true })
    return { count, ours, theirs }
  }).pipe(Effect.scoped)

/** CPU for so many hosts pinged every second, beside fping on the same hosts. Needs root, `ip` and `fping`. */
export const pingRows = async (): Promise<ReadonlyArray<Row>> => {
  const rows: Array<Row> = []
  for (const count of [1_000, 10_000]) {
    const { ours, theirs } = await Effect.runPromise(measure(count))
    const hosts = count.toLocaleString("en")
    rows.push(
      {
        what: `pinging ${hosts} hosts a second`,
        figure: ours.cpu,
        unit: "% of a core",
        peers: [{ what: "fping", figure: theirs.cpu }],
      },
      {
        what: `memory of the prober, ${hosts} hosts`,
        figure: ours.memory,
        unit: "MB",
        peers: [{ what: "fping", figure: theirs.memory }],
      },
    )
  }
  const { cpu, memory } = await Effect.runPromise(measureHttp(1_000))
  rows.push({ what: "checking 1,000 hosts by HTTP a second", figure: cpu, unit: "% of a core" })
  rows.push({ what: "memory of the prober, 1,000 hosts by HTTP", figure: memory, unit: "MB" })
  return rows
}
