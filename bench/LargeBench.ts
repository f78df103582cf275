import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schedule } from "effect"
import { type RunningDaemon, startDaemon } from "../test/support/daemon/Daemon.ts"
import { type Island, island } from "../test/support/daemon/Island.ts"
import { stallsIn, stallsModule } from "../test/support/daemon/LoopStalls.ts"
import { daemonPort } from "../test/support/daemon/Ports.ts"
import { destinationOf, hostOf, largeVpcId } from "../test/support/ec2/LargeEc2.ts"
import { serveLargeVpc } from "../test/support/ec2/LargeStand.ts"
import { median, type Row } from "./Measure.ts"
import { megabytes } from "./RunningServer.ts"

const size = { tables: 200, routes: 1_000, hosts: 10_000 }
/** Hosts in the spec: each of the destinations has two. */
const watched = 1_000
const hostRange = "10.214.0.0/16"

/** A daemon on the large VPC, all of whose hosts answer, that reads it every so many seconds. */
const largeDaemon = Effect.fnUntraced(function* (land: Island, recheckSeconds: number) {
  const { endpoint } = yield* serveLargeVpc(size, ["ip", "netns", "exec", land.namespace.name])
  const [spec, figures] = [join(land.folder, "spec.json"), join(land.folder, "stalls.json")]
  const routes = Array.from({ length: watched }, (_, n) => [destinationOf(n), [hostOf(n), hostOf((n + 1) % watched)]])
  yield* Effect.promise(() => writeFile(spec, JSON.stringify(Object.fromEntries(routes))))
  const source = ["--mode", "configfile", "--file", spec, "--vpc", largeVpcId, "--region", "us-east-1"]
  const daemon = yield* startDaemon(land, {
    args: [
      ...source,
      "--route-recheck-interval",
      `${recheckSeconds}`,
      "--log-format",
      "json",
      "--port",
      `${daemonPort}`,
    ],
    env: { AWS_ENDPOINT_URL: endpoint, NODE_OPTIONS: `--import=${stallsModule}`, STALLS_FILE: figures },
  })
  const stalls = stallsIn(figures, daemon.signal("SIGUSR2"))
  const readings = Effect.map(daemon.get("/metrics"), ({ text }) =>
    Number(/^vpc_router_refreshes_total\{[^}]*result="done"[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0),
  )
  const isReady = Effect.map(
    daemon.get("/metrics"),
    ({ text }) => Number(/^vpc_router_hosts\{[^}]*verdict="healthy"[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0) >= watched,
  )
  yield* Effect.repeat(
    Effect.orElseSucceed(isReady, () => false),
    {
      until: (ready) => ready,
      schedule: Schedule.spaced("500 millis"),
      times: 240,
    },
  )
  return { daemon, stalls, readings }
})

/** Resident memory, looked at ten times a second from now on. */
const watchMemory = Effect.fnUntraced(function* ({ pid }: RunningDaemon) {
  const seen: Array<number> = []
  const look = Effect.sync(() => void seen.push(megabytes(pid)))
  yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced("100 millis")))
  return seen
})

/** The slope of a line through the points (0, values[0]), (1, values[1]) …, by least squares. */
const slope = (values: ReadonlyArray<number>): number => {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const [over, under] = values.reduce(
    ([over, under], value, n) => [over + (n - middle) * (value - mean), under + (n - middle) ** 2],
    [0, 0],
  )
  return over / under
}

const word = "200 tables × 1,000 routes, 10,000 hosts"

/** At the default interval: memory between readings, where it is least, and the most there ever was. */
const atRest = Effect.gen(function* () {
  const { daemon, readings } = yield* largeDaemon(yield* island([hostRange]), 30)
  yield* Effect.repeat(Effect.delay(readings, "250 millis"), { until: (count) => count >= 2 })
  const seen = yield* watchMemory(daemon)
  yield* Effect.sleep("60 seconds")
  return [
    { what: `memory, ${word} read every 30 s, between readings`, figure: Math.min(...seen), unit: "MB", aim: 250 },
    { what: "the most that it ever was", figure: megabytes(daemon.pid, "VmHWM"), unit: "MB" },
  ] satisfies ReadonlyArray<Row>
}).pipe(Effect.scoped)

/** Reads as often as it is allowed to, so many times: how late the event loop was, and the memory during each reading. */
const reading = Effect.fnUntraced(function* (readings: number) {
  const { daemon, readings: done, stalls } = yield* largeDaemon(yield* island([hostRange]), 1)
  const first = (yield* done) + 2
  yield* Effect.repeat(Effect.delay(done, "250 millis"), { until: (count) => count >= first })
  const seen = yield* watchMemory(daemon)
  yield* stalls
  const medians: Array<number> = []
  for (let last = yield* done; medians.length < readings;) {
    yield* Effect.sleep("250 millis")
    const count = yield* done
    if (count === last) continue
    last = count
    medians.push(median(seen.splice(0)))
    if (medians.length % 25 === 0)
      process.stderr.write(`${medians.length} readings, ${medians.at(-1)?.toFixed(0)} MB\n`)
  }
  return { stalls: yield* stalls, medians }
}, Effect.scoped)

/** So few readings tell nothing of memory that is lost. */
const fewest = 100

/** The daemon on a large VPC over HTTP, 1,000 of whose hosts are in the spec and pinged. */
export const largeRows = async (readings: number): Promise<ReadonlyArray<Row>> => {
  const rest = await Effect.runPromise(atRest)
  const { medians, stalls } = await Effect.runPromise(reading(readings))
  const over = `over ${readings} readings, one after the other`
  return [
    ...rest,
    { what: `how late the event loop is in 99 of 100 cases, ${over}`, figure: stalls.p99, unit: "ms", aim: 20 },
    { what: "at the worst", figure: stalls.max, unit: "ms" },
    ...(readings < fewest
      ? []
      : [{ what: `memory that a reading adds, ${over}`, figure: slope(medians) * 1_024, unit: "KB" } as const]),
  ]
}
