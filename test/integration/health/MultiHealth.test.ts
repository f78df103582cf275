import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Verdict } from "../../../src/domain/Health.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import * as MultiHealth from "../../../src/services/health/MultiHealth.ts"
import * as Prober from "../../../src/services/health/Prober.ts"
import { ScriptedProbe } from "./ScriptedProbe.ts"

const [a, b] = [ip("10.0.0.1"), ip("10.0.0.2")] as const

/** Two probers as one source, and the last verdict of each host. */
const start = Effect.gen(function* () {
  const ping = new ScriptedProbe()
  const tcp = new ScriptedProbe()
  const source = yield* MultiHealth.make([
    yield* Prober.make({ ...ping.service, name: "ping" }),
    yield* Prober.make({ ...tcp.service, name: "tcp" }),
  ])
  const verdicts = new Map<Ip, Verdict>()
  yield* source.verdicts.pipe(
    Stream.runForEach((batch) => Effect.sync(() => batch.forEach(({ host, verdict }) => verdicts.set(host, verdict)))),
    Effect.forkScoped,
  )
  yield* source.watch(new Set([a, b]))
  return { ping, tcp, source, verdicts }
})

const reasonOf = (verdict: Verdict | undefined) => (verdict?._tag === "Failed" ? verdict.reason : verdict?._tag)

describe("several health sources", () => {
  it.effect("call a host healthy while all do, and failed as soon as one does", () =>
    Effect.gen(function* () {
      const { ping, source, tcp, verdicts } = yield* start
      assert.strictEqual(source.name, "ping,tcp")
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual([reasonOf(verdicts.get(a)), reasonOf(verdicts.get(b))], ["Healthy", "Healthy"])
      tcp.fate = (host) => (host === b ? "silent" : 1)
      yield* TestClock.adjust("1500 millis")
      assert.strictEqual(reasonOf(verdicts.get(a)), "Healthy")
      assert.strictEqual(reasonOf(verdicts.get(b)), "tcp: no reply to 3 probes in 0.45 s")
      ping.fate = (host) => (host === b ? "silent" : 1)
      yield* TestClock.adjust("1500 millis")
      assert.strictEqual(
        reasonOf(verdicts.get(b)),
        "ping: no reply to 3 probes in 0.45 s; tcp: no reply to 3 probes in 0.45 s",
      )
      ping.fate = () => 1
      tcp.fate = () => 1
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(reasonOf(verdicts.get(b)), "Healthy")
    }),
  )

  it.effect("go on without one that is down, and know nothing when all are", () =>
    Effect.gen(function* () {
      const { ping, source, tcp, verdicts } = yield* start
      yield* TestClock.adjust("3 seconds")
      tcp.fate = (host) => (host === b ? "silent" : 1)
      yield* TestClock.adjust("1500 millis")
      assert.strictEqual(verdicts.get(b)?._tag, "Failed")
      tcp.unavailable = "broken"
      tcp.die("broken")
      yield* TestClock.adjust("10 millis")
      assert.strictEqual((yield* source.state)._tag, "Up")
      assert.deepStrictEqual([reasonOf(verdicts.get(a)), reasonOf(verdicts.get(b))], ["Healthy", "Healthy"])
      ping.unavailable = "broken as well"
      ping.die("broken as well")
      yield* TestClock.adjust("10 millis")
      const state = yield* source.state
      assert.strictEqual(state._tag === "Down" ? state.why : undefined, "ping: broken as well; tcp: broken")
      assert.deepStrictEqual([reasonOf(verdicts.get(a)), reasonOf(verdicts.get(b))], ["Unknown", "Unknown"])
      ping.unavailable = undefined
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([reasonOf(verdicts.get(a)), reasonOf(verdicts.get(b))], ["Healthy", "Healthy"])
    }),
  )

  it.effect("are unsure of a host that one which is up has not heard of yet", () =>
    Effect.gen(function* () {
      const { source, tcp, verdicts } = yield* start
      tcp.fate = () => "silent"
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* source.state)._tag, "Up")
      assert.deepStrictEqual([reasonOf(verdicts.get(a)), reasonOf(verdicts.get(b))], ["Unknown", "Unknown"])
    }),
  )
})
