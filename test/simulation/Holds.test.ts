import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Metric } from "effect"
import { defaultGuards } from "../../src/domain/GuardPolicy.ts"
import { guardHoldJson, guardNames } from "../../src/runtime/GuardsToJson.ts"
import { entryOf } from "../../src/runtime/LogFormat.ts"
import { layer as metricsLayer, Metrics } from "../../src/runtime/metrics/Metrics.ts"
import { Reconciler } from "../../src/runtime/Reconciler.ts"
import { Simulation } from "../../src/services/ec2/Simulation.ts"
import { guardKinds } from "../../src/services/http/StatusJson.ts"
import { readExposition } from "../support/metrics/Exposition.ts"
import { type DaemonOptions, pass, Specs } from "../support/runtime/SimulatedDaemon.ts"
import { anchors, stand } from "../support/runtime/ZoneStand.ts"

type Kind = (typeof guardKinds)[number]
type Stand = ReturnType<typeof stand>

/** How one kind of hold comes about and ends, played on twelve hosts. */
interface Case {
  readonly options?: Partial<DaemonOptions>
  readonly begin: (stand: Stand) => Effect.Effect<void, never, Specs>
  /** The line of the log, and the same when it is over. */
  readonly line: RegExp
  /** How many hosts keep their routes by it. */
  readonly hosts: number
  /** When it ends by itself, in milliseconds from when it began; undefined: when its reason is gone. */
  readonly lasts: number | undefined
  /** Its reason goes, or its time comes. */
  readonly end: (stand: Stand) => Effect.Effect<void, never, Specs>
  /** What EC2 is asked for when it is confirmed, and when it ends by itself. */
  readonly moves: "ReplaceRoute" | "DeleteRoute"
  readonly movesAtItsEnd: boolean
}

const limited = { policy: { guards: { ...defaultGuards, failoverLimit: 1 } } }
const accept = (stand: Stand, most: number) =>
  Effect.gen(function* () {
    yield* (yield* Specs).accept(Object.fromEntries(Object.entries(stand.spec).slice(0, most)))
  })

const cases: Readonly<Record<Kind, Case>> = {
  deletion_brake: {
    begin: (here) => Effect.andThen(accept(here, 2), pass(100)),
    line: /held: 10\.66\.10\.0\/24 in rtb-0: not deleted/,
    hosts: 0,
    lasts: undefined,
    end: (here) => Effect.andThen(accept(here, 60), pass(100)),
    moves: "DeleteRoute",
    movesAtItsEnd: false,
  },
  monitor_cut_off: {
    options: { anchors },
    begin: ({ cut }) =>
      Effect.andThen(
        Effect.sync(() => cut(true)),
        pass(10_000, 50),
      ),
    line: /held: this monitor is cut off/,
    hosts: 12,
    lasts: undefined,
    end: ({ cut }) =>
      Effect.andThen(
        Effect.sync(() => cut(false)),
        pass(5_000),
      ),
    moves: "ReplaceRoute",
    movesAtItsEnd: false,
  },
  after_cut_off: {
    options: { anchors },
    begin: ({ addresses, cut, die }) =>
      Effect.gen(function* () {
        cut(true)
        yield* pass(10_000, 50)
        die(addresses.slice(0, 2))
        cut(false)
        // Two good answers a second apart, and all but these are well.
        yield* pass(2_500)
      }),
    // Not what is said of a destination whose hosts these are.
    line: /held: [\d., ]+(and \d+ more )?failed while nobody was heard/,
    hosts: 2,
    lasts: 3_500,
    end: () => pass(4_000),
    moves: "ReplaceRoute",
    movesAtItsEnd: true,
  },
  mass_failure: {
    begin: ({ addresses, die }) =>
      Effect.andThen(
        Effect.sync(() => die(addresses.slice(0, 9))),
        pass(4_000),
      ),
    line: /held: \d+ of 12 hosts failed together/,
    hosts: 9,
    lasts: undefined,
    end: ({ addresses, live }) =>
      Effect.andThen(
        Effect.sync(() => live(addresses)),
        pass(15_000),
      ),
    moves: "ReplaceRoute",
    movesAtItsEnd: false,
  },
  failover_limit: {
    options: limited,
    begin: ({ addresses, die }) =>
      Effect.andThen(
        Effect.sync(() => die(addresses.slice(4, 9))),
        pass(3_000),
      ),
    line: /held: .* waits?: 1 host was failed over within a minute/,
    hosts: 4,
    lasts: 60_000,
    end: ({ addresses, live }) =>
      Effect.andThen(
        Effect.sync(() => live(addresses)),
        pass(4_000),
      ),
    moves: "ReplaceRoute",
    movesAtItsEnd: false,
  },
}

/** A daemon of twelve hosts in three zones with this case's options, its metrics, and its log. */
const playing = ({ options = {} }: Case) => {
  const lines: Array<string> = []
  const collect = Logger.make((logged) => void lines.push(`${entryOf(logged).message}`))
  // More destinations than hosts, so that every host carries some.
  const here = stand(12, 3, options, 60)
  const layer = metricsLayer({ version: "1.2.3", dryRun: false, updateEvery: undefined }).pipe(
    Layer.provideMerge(here.layer),
    Layer.provide(Layer.sync(Metric.MetricRegistry, () => new Map())),
    Layer.provideMerge(Layer.fresh(Logger.layer([collect]))),
  )
  return { here, layer, lines }
}

const calls = Effect.gen(function* () {
  return yield* (yield* Simulation).calls
})

/** The row of this kind, as the status shows it. */
const rowOf = (kind: Kind) =>
  Effect.gen(function* () {
    const { conditions, holds } = yield* (yield* Reconciler).status
    return holds.map(guardHoldJson(conditions)).find((row) => row.kind === kind)
  })

const holding = (kind: Kind) =>
  Effect.gen(function* () {
    const { values } = readExposition(yield* (yield* Metrics).text)
    return values.get(`vpc_router_guard_holding{guard="${kind}"}`)
  })

describe("every kind of hold", () => {
  it("is one that status and metrics name", () => {
    assert.sameMembers(Object.values(guardNames), [...guardKinds])
  })

  for (const kind of guardKinds) {
    const played = cases[kind]
    describe(kind, () => {
      {
        const { here, layer, lines } = playing(played)
        it.effect("has a reason, a beginning, an end, a line in the log, a metric and a row in the status", () =>
          Effect.gen(function* () {
            yield* here.settled
            yield* pass(60_000, 100)
            assert.strictEqual(yield* holding(kind), 0)
            yield* played.begin(here)
            const { now } = yield* (yield* Reconciler).status
            const row = yield* rowOf(kind)
            assert.isDefined(row)
            assert.match(row!.hash, /^[0-9a-f]{16}$/)
            assert.include(row!.words, row!.hash)
            assert.lengthOf(row!.hosts, played.hosts)
            const since = Date.parse(row!.since ?? "")
            assert.isAtMost(since, now)
            assert.isAbove(since, now - 15_000)
            if (played.lasts === undefined) assert.isNull(row!.until)
            else assert.approximately(Date.parse(row!.until ?? "") - since, played.lasts, 500)
            assert.strictEqual(yield* holding(kind), 1)
            assert.isDefined(lines.find((line) => played.line.test(line)))
            assert.isUndefined(lines.find((line) => line.startsWith("over after") && played.line.test(line)))

            const before = yield* calls
            yield* played.end(here)
            assert.isUndefined(yield* rowOf(kind))
            assert.strictEqual(yield* holding(kind), 0)
            assert.isDefined(lines.find((line) => line.startsWith("over after") && played.line.test(line)))
            const moved = ((yield* calls).get(played.moves) ?? 0) - (before.get(played.moves) ?? 0)
            assert.strictEqual(moved > 0, played.movesAtItsEnd)
          }).pipe(Effect.provide(layer)),
        )
      }

      {
        const { here, layer } = playing(played)
        it.effect("lets go what it holds, at once, when exactly its hash is confirmed", () =>
          Effect.gen(function* () {
            const { confirm } = yield* Reconciler
            yield* here.settled
            yield* pass(60_000, 100)
            yield* played.begin(here)
            const row = yield* rowOf(kind)
            const before = yield* calls
            assert.isFalse(yield* confirm("0123456789abcdef"))
            yield* pass(100)
            assert.deepStrictEqual((yield* calls).get(played.moves), before.get(played.moves))
            assert.isTrue(yield* confirm(row?.hash ?? ""))
            yield* pass(100)
            assert.isUndefined(yield* rowOf(kind))
            assert.strictEqual(yield* holding(kind), 0)
            const { holds } = yield* (yield* Reconciler).status
            assert.deepStrictEqual(holds, [])
            // All of them at once are more than the failover limit: what is confirmed waits for no other guard.
            if (kind !== "monitor_cut_off")
              assert.isAbove((yield* calls).get(played.moves) ?? 0, before.get(played.moves) ?? 0)
          }).pipe(Effect.provide(layer)),
        )
      }
    })
  }
})
