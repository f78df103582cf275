import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { ip, Probe, type ProbeSink, ProbeUnavailable } from "../../../src/plugin.ts"
import * as PluginProbe from "../../../src/services/health/PluginProbe.ts"
import * as Prober from "../../../src/services/health/Prober.ts"
import type { ChosenPlugin } from "../../../src/services/PluginSession.ts"
import { garbage, pass, plugin } from "./Foreign.ts"

const host = ip("10.0.0.1")

/** A plugin whose probe opens so; the types that a test breaks are those that JavaScript does not know. */
const withOpen = (open: unknown): ChosenPlugin => plugin(() => Layer.succeed(Probe, { name: "foreign", open } as never))

const withSend = (send: (sink: ProbeSink) => unknown): ChosenPlugin =>
  withOpen((sink: ProbeSink) => Effect.succeed({ send: send(sink) }))

/** Runs the real prober on the plugin's probe, with one host. */
const watch = Effect.fnUntraced(function* (chosen: ChosenPlugin) {
  const source = yield* Prober.make(yield* PluginProbe.make(chosen))
  const tags: Array<string> = []
  yield* source.verdicts.pipe(
    Stream.runForEach((batch) => Effect.sync(() => tags.push(...batch.map(({ verdict }) => verdict._tag)))),
    Effect.forkScoped,
  )
  yield* source.watch(new Set([host]))
  const why = Effect.map(source.state, (state) => (state._tag === "Down" ? state.why : undefined))
  return { source, tags, why }
})

/** Answers every probe with these arguments in place of the right ones. */
const answering =
  (answer: (sink: ProbeSink, sequence: number) => void) =>
  (sink: ProbeSink) =>
  (batch: ReadonlyArray<{ readonly sequence: number }>) =>
    Effect.sync(() => batch.forEach(({ sequence }) => answer(sink, sequence)))

describe("the probe of a plugin", () => {
  it.effect("is driven as any other: a host that answers is healthy, and failed when it stops", () =>
    Effect.gen(function* () {
      let isAlive = true
      const send = answering((sink, sequence) => (isAlive ? sink.replied(host, sequence, 0) : undefined))
      const { source, tags } = yield* watch(withSend(send))
      yield* pass(2_000)
      assert.deepStrictEqual([source.name, tags.at(-1)], ["foreign", "Healthy"])
      isAlive = false
      yield* pass(1_600)
      assert.deepStrictEqual(tags.at(-1), "Failed")
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("does not say when an answer came: one with a wrong clock makes nobody live longer", () =>
    Effect.gen(function* () {
      let isAlive = true
      const wrongClock = (sink: ProbeSink, sequence: number) => sink.replied(host, sequence, 1e15)
      const send = answering((sink, sequence) => (isAlive ? wrongClock(sink, sequence) : undefined))
      const { tags } = yield* watch(withSend(send))
      yield* pass(2_000)
      assert.deepStrictEqual(tags.at(-1), "Healthy")
      isAlive = false
      yield* pass(1_600)
      assert.deepStrictEqual(tags.at(-1), "Failed")
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("is down while the plugin fails, whatever it fails with", () =>
    Effect.gen(function* () {
      const failures: ReadonlyArray<readonly [chosen: ChosenPlugin, why: string]> = [
        [
          plugin(() => {
            throw new Error("boom")
          }),
          "layer: boom",
        ],
        [plugin(() => Layer.empty), "layer: it gave no Probe"],
        [withOpen(42), "its Probe has no function open"],
        [
          withOpen(() => {
            throw new Error("boom")
          }),
          "open: boom",
        ],
        [withOpen(() => 42), "open: it gave no Effect"],
        [withOpen(() => Effect.die("boom")), "open: boom"],
        [withOpen(() => new ProbeUnavailable({ why: "no socket" })), "open: no socket"],
        [withOpen(() => Effect.succeed({})), "open: its transport has no function send"],
        [
          withSend(() => () => {
            throw new Error("boom")
          }),
          "send: boom",
        ],
        [withSend(() => () => 42), "send: it gave no Effect"],
        [withSend(() => () => Effect.die("boom")), "send: boom"],
        [withSend((sink) => () => Effect.sync(() => sink.died("gone"))), "gone"],
      ]
      for (const [chosen, reason] of failures) {
        const { tags, why } = yield* watch(chosen)
        yield* pass(300)
        assert.strictEqual(yield* why, reason)
        assert.deepStrictEqual(new Set(tags), new Set(["Unknown"]))
      }
      const stray = withSend(answering((sink, sequence) => sink.replied(host, sequence, 0)))
      const { why } = yield* watch(stray)
      yield* pass(300)
      stray.strays.report("boom")
      yield* pass(50)
      assert.strictEqual(yield* why, "boom")
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("is down when opening or sending hangs", () =>
    Effect.gen(function* () {
      for (const never of [Effect.never, Effect.uninterruptible(Effect.never)]) {
        const opens = yield* watch(withOpen(() => never))
        yield* pass(10_200)
        assert.strictEqual(yield* opens.why, "open: it did not return in time")
        const sends = yield* watch(withSend(() => () => never))
        yield* pass(1_200)
        assert.strictEqual(yield* sends.why, "send: it did not return in time")
      }
    }).pipe(Effect.provide(NodeServices.layer)),
  )

  it.effect("makes nobody healthy with answers that answer nothing, however many", () =>
    Effect.gen(function* () {
      const answers: ReadonlyArray<(sink: ProbeSink, sequence: number) => void> = [
        (sink) => sink.replied(ip("10.9.9.9"), 0, 0),
        (sink, sequence) => sink.replied(host, sequence + 7, 0),
        (sink) => Array.from({ length: 100_000 }, (_, n) => sink.replied(ip("10.9.9.9"), n % 65_536, 0)),
        ...garbage.map(([, value]) => (sink: ProbeSink) => {
          sink.replied(value as never, value as never, value as never)
          sink.unsent(value as never, value as never, value as never)
        }),
      ]
      for (const answer of answers) {
        const { tags } = yield* watch(withSend(answering(answer)))
        yield* pass(3_000)
        assert.deepStrictEqual(new Set(tags), new Set(["Unknown"]))
      }
    }).pipe(Effect.provide(NodeServices.layer)),
  )
})
