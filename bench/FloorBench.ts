import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Schedule } from "effect"
import { describes, routeWrites } from "../src/domain/TokenBucket.ts"
import { startDaemon } from "../test/support/daemon/Daemon.ts"
import { island } from "../test/support/daemon/Island.ts"
import { daemonPort } from "../test/support/daemon/Ports.ts"
import { awsEnvironment } from "../test/support/ec2/AwsEnvironment.ts"
import { type Amounts, hostRange, specOf, victim, vpcId } from "../test/support/ec2/CarriedCells.ts"
import { type FloorWorld, floorWorld } from "./FloorWorld.ts"
import type { Row } from "./Measure.ts"
import { megabytes } from "./RunningServer.ts"

/** What one contender took to move all cells of the victim. */
interface Run {
  /** From the verdict, or the word to begin, until EC2 had done the last write. */
  readonly seconds: number
  /** Writes that were sent, and how many of them EC2 refused for its limit. */
  readonly calls: number
  readonly throttled: number
}

const runOf = ({ seen }: FloorWorld, from: number): Run => ({
  seconds: (Math.max(...seen.writtenAt) - from) / 1_000,
  calls: seen.calls.get("ReplaceRoute") ?? 0,
  throttled: seen.throttled,
})

/** Until no cell leads to the victim, and all of these writes were answered. */
const untilMoved = ({ left, seen }: FloorWorld, cells: number) =>
  Effect.repeat(left, {
    until: (remaining) => remaining === 0 && seen.writtenAt.length >= cells,
    schedule: Schedule.spaced("20 millis"),
  })

/** The reads of a run: of each call's bucket, the share that was taken, of the call that took the largest. */
const readShare = ({ seen }: FloorWorld, before: ReadonlyMap<string, number>, seconds: number): number =>
  Math.max(
    ...[...seen.calls].map(([operation, count]) =>
      operation.startsWith("Describe")
        ? (count - (before.get(operation) ?? 0)) / (describes.refillPerSecond * seconds)
        : 0,
    ),
  ) * 100

/** A daemon that knows all its hosts to be healthy, in a network of its own. */
const running = Effect.fnUntraced(function* (amounts: Amounts) {
  const world = yield* floorWorld(amounts)
  const land = yield* island([hostRange])
  yield* land.leadTo(Number(new URL(world.endpoint).port))
  const file = join(land.folder, "spec.json")
  yield* Effect.promise(() => writeFile(file, JSON.stringify(specOf(amounts))))
  const source = ["--mode", "configfile", "--file", file, "--vpc", vpcId, "--region", "us-east-1"]
  const daemon = yield* startDaemon(land, { args: [...source, "--port", `${daemonPort}`, "--log-format", "json"] })
  const isReady = Effect.map(daemon.get("/metrics"), ({ text }) =>
    text.split("\n").some((line) => /^vpc_router_hosts\{.*"healthy".* 10$/.test(line)),
  )
  yield* Effect.repeat(
    Effect.orElseSucceed(isReady, () => false),
    { until: (ready) => ready, schedule: Schedule.spaced("200 millis"), times: 150 },
  )
  return { world, land, daemon }
})

const ours = (cells: number) =>
  Effect.gen(function* () {
    const { daemon, land, world } = yield* running({ cells })
    const before = new Map(world.seen.calls)
    const from = Date.parse((yield* daemon.status).now)
    yield* land.fail(victim)
    yield* untilMoved(world, cells)
    const { failovers, now } = yield* daemon.until("the failover verified", (status) =>
      status.failovers.some(({ verified_at }) => verified_at !== null),
    )
    const seconds = (Date.parse(now) - from) / 1_000
    return {
      ...runOf(world, Date.parse(failovers[0]?.failed_at ?? "")),
      reads: readShare(world, before, seconds),
      memory: megabytes(daemon.pid),
    }
  }).pipe(Effect.scoped)

const promiseAll = fileURLToPath(new URL("PromiseAll.ts", import.meta.url))

const peer = (cells: number, retryMode: "standard" | "adaptive") =>
  Effect.gen(function* () {
    const world = yield* floorWorld({ cells })
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--no-warnings", promiseAll, `${cells}`, retryMode], {
          env: { ...process.env, ...awsEnvironment(world.endpoint) },
          stdio: ["pipe", "pipe", "inherit"],
        }),
      ),
      (started) => Effect.sync(() => started.kill("SIGKILL")),
    )
    const lines = createInterface(child.stdout)
    const line = Effect.callback<string>((resume) => void lines.once("line", (text) => resume(Effect.succeed(text))))
    yield* line
    child.stdin.write("go\n")
    const from = Number(yield* line)
    yield* untilMoved(world, cells)
    return runOf(world, from)
  }).pipe(Effect.scoped)

const share = ({ calls, throttled }: Run): number => (throttled / calls) * 100

/** A host that carries so many cells dies: this project, and what a script would do, in turn on the same world. */
const measure = Effect.fnUntraced(function* (cells: number) {
  const own = yield* ours(cells)
  const peers = [
    { what: "standard", run: yield* peer(cells, "standard") },
    { what: "adaptive", run: yield* peer(cells, "adaptive") },
  ]
  const floor = Math.max(0, (cells - routeWrites.capacity) / routeWrites.refillPerSecond)
  const beside = (figure: (run: Run) => number) => peers.map(({ run, what }) => ({ what, figure: figure(run) }))
  const over: Omit<Row, "what"> =
    floor === 0
      ? { figure: own.seconds, unit: "s", aim: 0.5, peers: beside(({ seconds }) => seconds) }
      : { figure: own.seconds / floor, unit: "× the floor", aim: 1.05, peers: beside(({ seconds }) => seconds / floor) }
  const rows: ReadonlyArray<Row> = [
    { what: `failover of ${cells} cells, whose floor is ${floor} s, from the verdict to the last write`, ...over },
    {
      what: `calls for these ${cells} writes`,
      figure: own.calls,
      unit: "",
      peers: beside(({ calls }) => calls),
    },
    { what: "of these throttled", figure: share(own), unit: "%", aim: 1, peers: beside(share) },
    { what: "reads meanwhile, of the fullest Describe bucket", figure: own.reads, unit: "%", aim: 5 },
    ...(cells === 50 ? [{ what: "memory of the daemon meanwhile", figure: own.memory, unit: "MB" } as const] : []),
  ]
  return rows
})

const behindRepairs = Effect.gen(function* () {
  const { daemon, land } = yield* running({ cells: 40, repairs: 1_000 })
  yield* Effect.sleep("5 seconds")
  yield* land.fail(victim)
  // The status is long while so much is to be done; asking for it again and again would be measured, too.
  const complete = /complete: 40 routes moved, (\d+) ms after the verdict/
  const { message } = yield* daemon.logged(complete)
  const row: Row = {
    what: "failover of 40 cells that arrives behind 1,000 repairs",
    figure: Number(complete.exec(message)?.[1]) / 1_000,
    unit: "s",
    aim: 0.5,
  }
  return [row]
}).pipe(Effect.scoped)

/** The peers are `Promise.all` over all writes on the SDK's two modes of retries, again and again until every write has succeeded. */
export const floorRows = (cells: number): Promise<ReadonlyArray<Row>> => Effect.runPromise(measure(cells))

/** One failover while repairs are under way, for which EC2's bucket has long been empty but for the reserve. */
export const reserveRows = (): Promise<ReadonlyArray<Row>> => Effect.runPromise(behindRepairs)
