import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Verdict } from "../../../src/domain/Health.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import { HealthPolicy } from "../../../src/domain/HealthPolicy.ts"
import { ChangedVerdicts } from "../../../src/services/health/ChangedVerdicts.ts"
import { type HealthSource, SourceState } from "../../../src/services/health/HealthSource.ts"
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

/** A source that says what a test tells it to. */
const scripted = (name: string) => {
  const changed = new ChangedVerdicts()
  const notes = new Map<Ip, ReadonlyArray<string>>()
  let state: SourceState = SourceState.Up({ since: 0 })
  const source: HealthSource["Service"] = {
    name,
    watch: () => Effect.void,
    verdicts: changed.stream,
    state: Effect.sync(() => state),
    notes: Effect.sync(() => new Map(notes)),
  }
  return {
    source,
    notes,
    say: (host: Ip, verdict: Verdict) =>
      Effect.andThen(
        Effect.sync(() => changed.set(host, verdict)),
        settled,
      ),
    break: (why: string) =>
      Effect.andThen(
        Effect.sync(() => {
          state = SourceState.Down({ since: 1, why })
          for (const host of [a, b]) changed.set(host, Verdict.Unknown({ since: 0 }))
        }),
        settled,
      ),
  }
}

const settled = TestClock.adjust("1 millis")
const fine = Verdict.Healthy({ since: 1 })
const dead = (reason: string) => Verdict.Failed({ since: 1, reason })

describe("several health sources by a policy", () => {
  const three = Effect.fnUntraced(function* (policy: HealthPolicy) {
    const [ping, http, alarms] = ["ping", "http", "alarms"].map(scripted) as [Scripted, Scripted, Scripted]
    const source = yield* MultiHealth.make([ping.source, http.source, alarms.source], policy)
    const verdicts = new Map<Ip, Verdict>()
    yield* source.verdicts.pipe(
      Stream.runForEach((batch) =>
        Effect.sync(() => batch.forEach(({ host, verdict }) => verdicts.set(host, verdict))),
      ),
      Effect.forkScoped,
    )
    yield* source.watch(new Set([a, b]))
    for (const { say } of [ping, http, alarms]) for (const host of [a, b]) yield* say(host, fine)
    const notesOf = (host: Ip) =>
      Effect.map(source.notes ?? Effect.succeed(new Map()), (notes) => notes.get(host) ?? [])
    return { ping, http, alarms, source, notesOf, told: (host: Ip) => reasonOf(verdicts.get(host)) }
  })

  it.effect("fail a host by quorum:2 when two do, and note what one alone finds", () =>
    Effect.gen(function* () {
      const { http, notesOf, ping, source, told } = yield* three(HealthPolicy.Quorum({ count: 2 }))
      assert.strictEqual(source.policy, "quorum:2")
      assert.strictEqual(told(a), "Healthy")
      yield* ping.say(a, dead("no reply"))
      assert.deepStrictEqual([told(a), yield* notesOf(a)], ["Healthy", ["ping says failed: no reply"]])
      yield* http.say(a, dead("answered 503"))
      assert.deepStrictEqual([told(a), yield* notesOf(a)], ["http: answered 503; ping: no reply", []])
      assert.deepStrictEqual([told(b), yield* notesOf(b)], ["Healthy", []])
    }),
  )

  it.effect("go on without one that is down, and show each with its own state", () =>
    Effect.gen(function* () {
      const { alarms, ping, source, told } = yield* three(HealthPolicy.AllFail())
      yield* alarms.break("denied")
      yield* ping.say(a, dead("no reply"))
      assert.strictEqual(told(a), "Healthy")
      const standings = yield* source.standings ?? Effect.succeed([])
      assert.deepStrictEqual(
        standings.map(({ name, state }) => [name, state._tag === "Down" ? state.why : "up"]),
        [
          ["ping", "up"],
          ["http", "up"],
          ["alarms", "denied"],
        ],
      )
    }),
  )

  it.effect(
    "leave the verdict to those that watch a host, note the one that does not, and pass on what each notes",
    () =>
      Effect.gen(function* () {
        const { alarms, http, notesOf, ping, told } = yield* three(HealthPolicy.AnyFails())
        const unwatched = Verdict.Unwatched({ since: 1, why: "none" })
        yield* alarms.say(a, unwatched)
        http.notes.set(a, ["slow today"])
        assert.deepStrictEqual(
          [told(a), yield* notesOf(a)],
          ["Healthy", ["alarms does not watch it: none", "slow today"]],
        )
        yield* ping.say(a, unwatched)
        yield* http.say(a, unwatched)
        assert.deepStrictEqual([told(a), yield* notesOf(a)], ["Unwatched", ["slow today"]])
      }),
  )
})

type Scripted = ReturnType<typeof scripted>

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
