// npm run bench:detection: from the moment on that a host's packets are dropped, how long until it is called dead; by this project's prober, BFD (BIRD) and
// HAProxy, in turn, in network namespaces of this run's own. Besides, CPU beside fping. Prints Markdown tables. Needs root, ip, nft, bird, haproxy, fping.
import { spawnSync } from "node:child_process"
import { Effect, Schedule } from "effect"
import { detectionBound, detectorOptions, forHosts } from "../src/domain/DetectorOptions.ts"
import { addresses, allAre, zone } from "../test/support/netns/HostNetwork.ts"
import { type Namespace, namespace } from "../test/support/netns/Namespaces.ts"
import { runProber } from "../test/support/netns/RunningProber.ts"
import { bird, haproxy, type Watcher } from "./DetectionPeers.ts"
import { table } from "./Measure.ts"
import { pingRows } from "./PingBench.ts"

const needed = { ip: "iproute2", nft: "nftables", bird: "bird2", haproxy: "haproxy", fping: "fping" }
const missing = Object.entries(needed).filter(([tool]) => spawnSync("which", [tool]).status !== 0)
if (missing.length > 0) {
  process.stderr.write(`bench:detection needs: apt-get install ${missing.map(([, debian]) => debian).join(" ")}\n`)
  process.exit(1)
}

const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN

interface Rounds {
  readonly rounds: number
  /** Hosts that die together in a round. */
  readonly atOnce: number
  /** Milliseconds that a round waits at most for verdicts, and for recovery. */
  readonly patience: number
}

/** Drops the packets of some hosts, waits for the verdicts on them, and lets them live again; in each round others, at another moment. */
const measure = Effect.fnUntraced(function* (
  hosts: Namespace,
  all: ReadonlyArray<string>,
  { downAt, upAt }: Watcher,
  { atOnce, patience, rounds }: Rounds,
) {
  const took: Array<number> = []
  const until = (holds: () => boolean) =>
    Effect.repeat(Effect.sleep(20), { until: holds, times: Math.ceil(patience / 20) })
  for (let round = 0; round < rounds; round++) {
    const victims = Array.from({ length: atOnce }, (_, n) => all[(round * atOnce + n * 7) % all.length] ?? "")
    yield* Effect.sleep(137 * (1 + (round % 7)))
    const list = [...new Set(victims)].join(", ")
    const from = Date.now()
    yield* hosts.nft(`add element inet test dead { ${list} }\nadd element inet test mute { ${list} }`)
    // The rules are in force at some moment within the call.
    const inForce = (from + Date.now()) / 2
    const isDown = (host: string) => (downAt.get(host) ?? 0) >= from
    yield* until(() => victims.every(isDown))
    for (const host of new Set(victims)) took.push(isDown(host) ? (downAt.get(host) ?? 0) - inForce : Infinity)
    const healed = Date.now()
    yield* hosts.nft("flush set inet test dead\nflush set inet test mute")
    yield* until(() => victims.every((host) => (upAt.get(host) ?? 0) >= healed))
  }
  return took.sort((one, other) => one - other)
})

const ours = (count: number, kind: string, rounds: Rounds) =>
  Effect.gen(function* () {
    const monitor = yield* namespace()
    const hosts = yield* zone(monitor, "zone-a", 214)
    const all = addresses(214, count)
    const prober = yield* runProber(monitor, kind, all)
    yield* allAre(prober, all, "Healthy")
    const [downAt, upAt] = [new Map<string, number>(), new Map<string, number>()]
    let read = 0
    // The prober prints its verdicts as it reaches them, each with its time; one that is said again keeps its first.
    const take = Effect.sync(() => {
      for (const one of prober.findings.slice(read)) {
        if (!("host" in one) || one.verdict === "Unknown") continue
        const [to, from] = one.verdict === "Failed" ? [downAt, upAt] : [upAt, downAt]
        if ((to.get(one.host) ?? 0) <= (from.get(one.host) ?? 0)) to.set(one.host, one.at)
      }
      read = prober.findings.length
    })
    yield* Effect.forkScoped(Effect.repeat(take, Schedule.spaced(10)))
    return yield* measure(hosts, all, { downAt, upAt }, rounds)
  }).pipe(Effect.scoped)

const byBird = Effect.gen(function* () {
  const monitor = yield* namespace()
  const hosts = yield* zone(monitor, "zone-a", 214)
  const pairs = Array.from({ length: 20 }, (_, n) => ({ local: `10.217.${n}.1`, neighbor: `10.217.${n}.2` }))
  for (const { local, neighbor } of pairs) {
    yield* monitor.ip(`address add ${local}/30 dev zone-a`)
    yield* hosts.ip(`address add ${neighbor}/30 dev zone-a`)
  }
  const watcher = yield* bird(monitor, hosts, pairs)
  const isUp = () => pairs.every(({ neighbor }) => watcher.upAt.has(neighbor))
  yield* Effect.repeat(Effect.sleep(100), { until: isUp, times: 200 })
  const all = pairs.map(({ neighbor }) => neighbor)
  return yield* measure(hosts, all, watcher, { rounds: 20, atOnce: 5, patience: 10_000 })
}).pipe(Effect.scoped)

const byHaproxy = Effect.gen(function* () {
  const monitor = yield* namespace()
  const hosts = yield* zone(monitor, "zone-a", 214)
  const all = addresses(214, 100)
  const watcher = yield* haproxy(monitor, hosts, all)
  yield* Effect.sleep("5 seconds")
  return yield* measure(hosts, all, watcher, { rounds: 5, atOnce: 20, patience: 30_000 })
}).pipe(Effect.scoped)

const bound = (mode: "normal" | "fast") => detectionBound(forHosts(detectorOptions(undefined, 2, mode), 1_000))
const contenders = [
  [
    "vpc-router, 1,000 hosts",
    `${bound("normal").toFixed(0)} ms`,
    1_500,
    ours(1_000, "icmpecho", { rounds: 20, atOnce: 10, patience: 10_000 }),
  ],
  [
    "vpc-router --detect fast, 1,000 hosts",
    `${bound("fast").toFixed(0)} ms`,
    1_000,
    ours(1_000, "icmpecho:fast", { rounds: 20, atOnce: 10, patience: 10_000 }),
  ],
  ["BFD, 300 ms × 3 (BIRD), 20 hosts", "900 ms", undefined, byBird],
  ["HAProxy, its default check, 100 hosts", "", undefined, byHaproxy],
] as const

// One word on the command line picks the contenders that it is part of.
const [, , only = ""] = process.argv
process.stdout.write(
  "| packets dropped → called dead | promised | p50 | p99 | longest | aim | trials |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
)
for (const [words, promised, aim, work] of contenders) {
  if (!words.includes(only)) continue
  process.stderr.write(`measuring ${words} …\n`)
  const took = await Effect.runPromise(work)
  const [p50, p99] = [quantile(took, 0.5), quantile(took, 0.99)]
  process.stdout.write(
    `| ${words} | ${promised} | ${p50.toFixed(0)} ms | ${p99.toFixed(0)} ms | ${(took.at(-1) ?? Number.NaN).toFixed(0)} ms | ${aim === undefined ? "" : `p99 ≤ ${aim} ms`} | ${took.length} |\n`,
  )
}
if (only !== "") process.exit()
process.stdout.write("\n")
process.stderr.write("measuring CPU beside fping …\n")
process.stdout.write(`${table(await pingRows())}\n`)
