import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Queue, Stream } from "effect"
import { HealthSource, type HostVerdict, type Ip, ip, now, SourceState, Verdict } from "../../../src/plugin.ts"
import * as PluginHealth from "../../../src/services/health/PluginHealth.ts"
import type { ChosenPlugin } from "../../../src/services/PluginSession.ts"
import { garbage, pass, plugin } from "./Foreign.ts"

const [a, b, stranger] = [ip("10.0.0.1"), ip("10.0.0.2"), ip("10.9.9.9")] as const
const healthy = (host: Ip): HostVerdict => ({ host, verdict: Verdict.Healthy({ since: 0 }) })
const failed = (host: Ip, reason = "it said so"): HostVerdict => ({
  host,
  verdict: Verdict.Failed({ since: 0, reason }),
})

/** What a plugin's source is made of; the types that a test breaks are those that JavaScript does not know. */
interface Parts {
  readonly watch?: unknown
  readonly verdicts?: unknown
  readonly state?: unknown
}

const up = Effect.succeed(SourceState.Up({ since: 0 }))

const withParts = (parts: Parts): ChosenPlugin => {
  const service = { name: "foreign", watch: () => Effect.void, verdicts: Stream.never, state: up, ...parts }
  return plugin(() => Layer.succeed(HealthSource, service as never))
}

/** Runs the source of a plugin on two hosts, and collects what it tells. */
const listen = Effect.fnUntraced(function* (chosen: ChosenPlugin) {
  const source = yield* PluginHealth.make(chosen)
  const told: Array<readonly [host: Ip, tag: string]> = []
  const present = new Map<Ip, Verdict>()
  yield* source.verdicts.pipe(
    Stream.runForEach((batch) =>
      Effect.sync(() => {
        for (const { host, verdict } of batch) {
          told.push([host, verdict._tag])
          present.set(host, verdict)
        }
      }),
    ),
    Effect.forkScoped,
  )
  yield* source.watch(new Set([a, b]))
  yield* pass(50)
  const tagsOf = (host: Ip) => told.flatMap(([of, tag]) => (of === host ? [tag] : []))
  const why = Effect.map(source.state, (state) => (state._tag === "Down" ? state.why : undefined))
  return { source, told, present, tagsOf, why }
})

describe("the health source of a plugin", () => {
  it.effect("tells what it says of the hosts that are watched, under the plugin's name", () =>
    Effect.gen(function* () {
      const batches = yield* Queue.unbounded<ReadonlyArray<HostVerdict>>()
      const watched: Array<ReadonlySet<Ip>> = []
      const watch = (hosts: ReadonlySet<Ip>) => Effect.sync(() => watched.push(hosts))
      const { present, source, tagsOf, told } = yield* listen(withParts({ verdicts: Stream.fromQueue(batches), watch }))
      yield* Queue.offer(batches, [healthy(a), failed(b), failed(stranger)])
      yield* pass(1_200)
      const began = yield* now
      assert.deepStrictEqual([tagsOf(a).at(-1), tagsOf(b).at(-1)], ["Healthy", "Failed"])
      assert.deepStrictEqual(
        present.get(b),
        Verdict.Failed({ since: present.get(b)?.since ?? 0, reason: "it said so" }),
      )
      assert.isAbove(present.get(b)?.since ?? 0, began - 1_300)
      assert.isFalse(present.has(stranger))
      assert.strictEqual(source.name, "foreign")
      const before = told.length
      yield* Queue.offer(batches, [healthy(a), failed(b, "for another reason")])
      yield* pass(1_200)
      assert.strictEqual(told.length, before)
      yield* source.watch(new Set([b, stranger]))
      yield* Queue.offer(batches, [failed(a), healthy(b)])
      yield* pass(1_200)
      assert.deepStrictEqual(
        [tagsOf(a).at(-1), tagsOf(b).at(-1), tagsOf(stranger).at(-1)],
        ["Healthy", "Healthy", "Unknown"],
      )
      assert.deepStrictEqual(watched, [new Set([a, b]), new Set([b, stranger])])
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("tells nothing before the plugin's source is up; unknown while it is down; all again when it is up", () =>
    Effect.gen(function* () {
      let state: SourceState = SourceState.Down({ since: 0, why: "no news yet" })
      const verdicts = Stream.concat(Stream.make([healthy(a), failed(b)]), Stream.never)
      const { tagsOf, why } = yield* listen(withParts({ verdicts, state: Effect.sync(() => state) }))
      yield* pass(2_000)
      assert.deepStrictEqual([tagsOf(a), yield* why], [["Unknown"], "no news yet"])
      state = SourceState.Up({ since: 0 })
      yield* pass(1_200)
      assert.deepStrictEqual(
        [tagsOf(a), tagsOf(b), yield* why],
        [["Unknown", "Healthy"], ["Unknown", "Failed"], undefined],
      )
      state = SourceState.Down({ since: 0, why: "cut off" })
      yield* pass(1_200)
      assert.deepStrictEqual([tagsOf(a).at(-1), tagsOf(b).at(-1), yield* why], ["Unknown", "Unknown", "cut off"])
      state = SourceState.Up({ since: 0 })
      yield* pass(1_200)
      assert.deepStrictEqual([tagsOf(a).at(-1), tagsOf(b).at(-1)], ["Healthy", "Failed"])
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  for (const [what, value] of garbage)
    it.effect(`is down when it is given ${what} for verdicts, for one verdict, or for its state`, () =>
      Effect.gen(function* () {
        const first = [healthy(a), healthy(b)]
        const then = (bad: unknown) => Stream.concat(Stream.make<Array<unknown>>(first, bad), Stream.never)
        const bad = [
          { verdicts: then(value) },
          { verdicts: then([value]) },
          { verdicts: then([{ host: a, verdict: value }]) },
        ]
        for (const parts of [...bad, { state: Effect.sync(() => value) }]) {
          const { told, why } = yield* listen(withParts(parts))
          yield* pass(500)
          assert.isString(yield* why)
          assert.deepStrictEqual(new Set(told.map(([, tag]) => tag)), new Set(["Unknown"]))
        }
      }).pipe(Effect.provide(NodeServices.layer)),
    )

  it.effect("is down while the plugin fails, whatever it fails with, and starts it anew", () =>
    Effect.gen(function* () {
      const failures: ReadonlyArray<readonly [chosen: ChosenPlugin, why: string]> = [
        [
          plugin(() => {
            throw new Error("boom")
          }),
          "layer: boom",
        ],
        [plugin(() => Layer.empty), "layer: it gave no HealthSource"],
        [plugin(() => Layer.effect(HealthSource, Effect.die("boom"))), "layer: boom"],
        [withParts({ verdicts: Stream.die("boom") }), "verdicts: boom"],
        [withParts({ verdicts: Stream.fail(null) }), "verdicts: null"],
        [withParts({ verdicts: Stream.make([healthy(a)]) }), "verdicts: they ended"],
        [withParts({ verdicts: 1 }), "its HealthSource lacks watch, verdicts or state"],
        [withParts({ state: Effect.die("boom") }), "state: boom"],
        [
          withParts({
            watch: () => {
              throw new Error("boom")
            },
          }),
          "watch: it threw",
        ],
        [withParts({ watch: () => 1 }), "watch: it gave no Effect"],
        [withParts({ watch: () => Effect.die("boom") }), "watch: boom"],
      ]
      for (const [chosen, reason] of failures) {
        const { told, why } = yield* listen(chosen)
        yield* pass(200)
        assert.strictEqual(yield* why, reason)
        assert.deepStrictEqual(new Set(told.map(([, tag]) => tag)), new Set(["Unknown"]))
      }
      let starts = 0
      const verdicts = Stream.concat(Stream.make([healthy(a), healthy(b)]), Stream.never)
      const again = Stream.suspend(() => (++starts < 3 ? Stream.die("boom") : verdicts))
      const { tagsOf, why } = yield* listen(withParts({ verdicts: again }))
      yield* pass(6_000)
      assert.deepStrictEqual([starts, tagsOf(a).at(-1), yield* why], [3, "Healthy", undefined])
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("holds up nobody when the plugin hangs, and is down then", () =>
    Effect.gen(function* () {
      const hangs = [Effect.never, Effect.uninterruptible(Effect.never)]
      for (const never of hangs)
        for (const [parts, reason] of [
          [{ watch: () => never }, "watch: it did not return in time"],
          [{ state: never }, "state: it did not return in time"],
        ] as const) {
          const { source, why } = yield* listen(withParts(parts))
          yield* source.watch(new Set([a]))
          yield* pass(5_200)
          assert.strictEqual(yield* why, reason)
        }
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("is down when the plugin contradicts itself many times over, and believes none of it", () =>
    Effect.gen(function* () {
      let said = 0
      const flood = Stream.fromEffectRepeat(Effect.sync(() => [++said % 2 === 0 ? healthy(a) : failed(a), healthy(b)]))
      for (const verdicts of [flood, Stream.concat(Stream.take(flood, 100_000), Stream.never)]) {
        const { told, why } = yield* listen(withParts({ verdicts }))
        yield* pass(600)
        assert.match((yield* why) ?? "", /^it contradicts itself: \d+ changes of 10.0.0.1 within 50 ms$/)
        assert.deepStrictEqual(new Set(told.map(([, tag]) => tag)), new Set(["Unknown"]))
      }
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("tells 100,000 repetitions once, and ignores 100,000 hosts that nobody watches", () =>
    Effect.gen(function* () {
      const same = Stream.range(1, 100_000).pipe(Stream.map(() => [healthy(a), failed(b)]))
      const strangers = Stream.range(1, 100_000).pipe(
        Stream.map((n) => [failed(ip(`10.${100 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`))]),
      )
      const { tagsOf, told, why } = yield* listen(
        withParts({ verdicts: Stream.concat(Stream.concat(strangers, same), Stream.never) }),
      )
      yield* pass(10_000, 100)
      const known = (host: Ip) => tagsOf(host).filter((tag) => tag !== "Unknown")
      assert.deepStrictEqual([yield* why, known(a), known(b)], [undefined, ["Healthy"], ["Failed"]])
      assert.strictEqual(new Set(told.map(([host]) => host)).size, 2)
      const huge = withParts({ verdicts: Stream.make(Array.from({ length: 100_000 }, () => healthy(a))) })
      const swamped = yield* listen(huge)
      yield* pass(100)
      assert.strictEqual(yield* swamped.why, "verdicts: it gave 100000 verdicts at once")
    }).pipe(Effect.provide(NodeServices.layer)),
  )
})
