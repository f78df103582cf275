import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Schedule, Schema } from "effect"
import { type RunningDaemon, startDaemon } from "../test/support/daemon/Daemon.ts"
import { type Island, island } from "../test/support/daemon/Island.ts"
import { daemonPort } from "../test/support/daemon/Ports.ts"
import { destinationOf, hostOf, largeVpcId } from "../test/support/ec2/LargeEc2.ts"
import { serveLargeVpc } from "../test/support/ec2/LargeStand.ts"
import { median } from "./Measure.ts"
import { megabytes } from "./RunningServer.ts"

const size = { tables: 200, routes: 1_000, hosts: 10_000 }
/** Hosts in the spec: each of the destinations has two. */
const watched = 1_000
const hostRange = "10.214.0.0/16"
const recheckSeconds = 5

const stallsModule = fileURLToPath(new URL("../test/support/daemon/LoopStalls.mjs", import.meta.url))
const Stalls = Schema.fromJsonString(Schema.Struct({ p99: Schema.Finite, max: Schema.Finite }))

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
  /** What the event loop did since this was last asked. */
  const stalls = Effect.gen(function* () {
    yield* Effect.promise(() => rm(figures, { force: true }))
    yield* daemon.signal("SIGUSR2")
    return yield* Effect.tryPromise({ try: () => readFile(figures, "utf8"), catch: () => "none yet" as const }).pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Stalls)),
      Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 }),
    )
  })
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

/** Reads as often as it can, so many times; the median memory during each reading. */
const longRun = Effect.fnUntraced(function* (readings: number) {
  const { daemon, readings: done } = yield* largeDaemon(yield* island([hostRange]), 1)
  const seen = yield* watchMemory(daemon)
  const medians: Array<number> = []
  for (let last = yield* done; medians.length < readings;) {
    yield* Effect.sleep("250 millis")
    const count = yield* done
    if (count === last) continue
    last = count
    medians.push(median(seen.splice(0)))
    process.stderr.write(`reading ${count}: ${medians.at(-1)?.toFixed(0)} MB\n`)
  }
  return medians
}, Effect.scoped)

const shortRun = Effect.gen(function* () {
  const { daemon, readings, stalls } = yield* largeDaemon(yield* island([hostRange]), recheckSeconds)
  const settled = (yield* readings) + 2
  yield* Effect.repeat(Effect.delay(readings, "250 millis"), { until: (count) => count >= settled })
  yield* stalls
  const seen = yield* watchMemory(daemon)
  yield* Effect.sleep("60 seconds")
  const { max, p99 } = yield* stalls
  return { p99, max, settled: median(seen), peak: megabytes(daemon.pid, "VmHWM") }
}).pipe(Effect.scoped)

console.log(await Effect.runPromise(shortRun))
const medians = await Effect.runPromise(longRun(Number(process.argv[2])))
console.log(slope(medians), medians.slice(0, 5), medians.slice(-5))
