import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Random, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Millis } from "../../../src/domain/Health.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import { BootClock } from "../../../src/services/health/BootClock.ts"
import { type HealthSource, standingsOf } from "../../../src/services/health/HealthSource.ts"
import * as Prober from "../../../src/services/health/Prober.ts"
import * as SimulatedProbe from "../../../src/services/health/SimulatedProbe.ts"
import { now } from "../../../src/services/Now.ts"
import { ScriptedProbe } from "./ScriptedProbe.ts"

const [a, b, c] = [ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3")] as const
const many = (count: number) =>
  new Set(Array.from({ length: count }, (_, index) => ip(`10.1.${index >> 8}.${index & 255}`)))

interface Seen {
  readonly at: Millis
  readonly host: Ip
  readonly verdict: string
}

/** A prober over a script, with all its verdicts as they come. */
const start = Effect.fnUntraced(function* (script: ScriptedProbe = new ScriptedProbe()) {
  const source = yield* Prober.make(script.service)
  const seen: Array<Seen> = []
  const batches: Array<number> = []
  const begin = yield* now
  yield* source.verdicts.pipe(
    Stream.runForEach((batch) =>
      Effect.map(now, (at) => {
        batches.push(batch.length)
        for (const { host, verdict } of batch) seen.push({ at: at - begin, host, verdict: verdict._tag })
      }),
    ),
    Effect.forkScoped,
  )
  return { script, source, seen, batches, begin }
})

const lasting = (seen: ReadonlyArray<Seen>) => new Map(seen.map(({ host, verdict }) => [host, verdict]))

describe("the prober", () => {
  it.effect("probes each host about once a second and finds the ones that answer healthy within the first", () =>
    Effect.gen(function* () {
      const { script, seen, source } = yield* start()
      script.fate = (host) => (host === c ? "silent" : 5)
      yield* source.watch(new Set([a, b, c]))
      yield* TestClock.adjust("9900 millis")
      assert.deepStrictEqual(
        lasting(seen),
        new Map([
          [a, "Healthy"],
          [b, "Healthy"],
          [c, "Unknown"],
        ]),
      )
      assert.isAtMost(Math.max(...seen.map(({ at }) => at)), 10)
      for (const host of [a, b]) {
        const times = script.sent.filter((probe) => probe.host === host).map(({ at }) => at)
        const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0))
        assert.include([10, 11], times.length)
        for (const gap of gaps) {
          assert.isAtLeast(gap, 900)
          assert.isAtMost(gap, 1001)
        }
        assert.isAtLeast(new Set(gaps).size, 5)
      }
      assert.strictEqual((yield* source.state)._tag, "Up")
    }),
  )

  it.effect("fails a host that stops answering within 1.5 s, and no other", () =>
    Effect.gen(function* () {
      const { begin, script, seen, source } = yield* start()
      for (const [phase, host] of [a, b, c].entries()) {
        const death = begin + 3000 + phase * 10_000 + phase * 370
        const before = script.fate
        script.fate = (asked, at) => (asked === host && at >= death ? "silent" : before(asked, at))
      }
      yield* source.watch(new Set([a, b, c]))
      yield* TestClock.adjust("40 seconds")
      const failed = seen.filter(({ verdict }) => verdict === "Failed")
      assert.deepStrictEqual(
        failed.map(({ host }) => host),
        [a, b, c],
      )
      failed.forEach(({ at }, phase) => assert.isAtMost(at - (3000 + phase * 10_370), 1500))
    }),
  )

  it.effect("tells of a host that never answered after the grace, since others did", () =>
    Effect.gen(function* () {
      const { script, seen, source } = yield* start()
      script.fate = (host) => (host === c ? "silent" : 5)
      yield* source.watch(new Set([a, c]))
      yield* TestClock.adjust("9900 millis")
      assert.strictEqual(lasting(seen).get(c), "Unknown")
      // 12.5 s in all: such failures are gathered before they are told.
      yield* TestClock.adjust("2600 millis")
      assert.strictEqual(lasting(seen).get(c), "Failed")
    }),
  )

  it.effect("keeps silent of hosts that never answered while no host at all does", () =>
    Effect.gen(function* () {
      const { script, seen, source } = yield* start()
      script.fate = () => "silent"
      yield* source.watch(new Set([a, b, c]))
      yield* TestClock.adjust("1 minute")
      assert.isTrue(seen.every(({ verdict }) => verdict === "Unknown"))
    }),
  )

  it.effect("spreads the probes of 1,000 hosts over the interval and says their verdicts in batches", () =>
    Effect.gen(function* () {
      const { batches, script, seen, source } = yield* start()
      yield* source.watch(many(1000))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual([...lasting(seen).values()].filter((verdict) => verdict === "Healthy").length, 1000)
      assert.isAtMost(Math.max(...script.batches), 32)
      assert.strictEqual(batches[0], 1000)
      const perTenth = new Map<number, number>()
      for (const { at } of script.sent)
        perTenth.set(Math.floor(at / 100), (perTenth.get(Math.floor(at / 100)) ?? 0) + 1)
      // Evenly at first; from then on the jitter mixes them, some 105 on average.
      assert.isAtMost(Math.max(...perTenth.values()), 170)
    }),
  )

  it.effect("keeps the verdicts of hosts that stay, forgets those that go, and starts new ones as unknown", () =>
    Effect.gen(function* () {
      const { script, seen, source } = yield* start()
      yield* source.watch(new Set([a, b]))
      yield* TestClock.adjust("2 seconds")
      seen.length = 0
      script.sent.length = 0
      yield* source.watch(new Set([b, c]))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(
        seen.map(({ host, verdict }) => [host, verdict]),
        [
          [c, "Unknown"],
          [c, "Healthy"],
        ],
      )
      assert.isTrue(script.sent.every(({ host }) => host !== a))
      assert.include([2, 3], script.sent.filter(({ host }) => host === b).length)
      yield* source.watch(new Set())
      script.sent.length = 0
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(script.sent, 0)
    }),
  )

  it.effect("believes no reply from a host it does not watch, or to a probe it did not send", () =>
    Effect.gen(function* () {
      const { script, seen, source } = yield* start()
      script.fate = () => "silent"
      yield* source.watch(new Set([a]))
      yield* TestClock.adjust("2 seconds")
      script.reply(b, 0, yield* now)
      script.reply(a, 999, yield* now)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([...lasting(seen)], [[a, "Unknown"]])
    }),
  )

  it.effect("does the same thing at the same times when it is run again", () =>
    Effect.gen(function* () {
      const once = Effect.gen(function* () {
        const { begin, script, seen, source } = yield* start()
        script.fate = (host, at) => ((Math.floor(at - begin) * 7 + host.length * 13) % 5 === 0 ? "silent" : 20)
        yield* source.watch(many(50))
        yield* TestClock.adjust("30 seconds")
        return { seen, sent: script.sent.map(({ at, ...rest }) => ({ ...rest, at: at - begin })) }
      }).pipe(Effect.scoped, Random.withSeed("again"))
      assert.deepStrictEqual(yield* once, yield* once)
    }),
  )
})

describe("a prober with nothing to do", () => {
  it.effect("sleeps until the next probe once all are answered, and wakes for those of many hosts at once", () =>
    Effect.gen(function* () {
      const sleepsOf = Effect.fnUntraced(function* (count: number) {
        const control = yield* stoppable()
        const { source } = yield* startOn(control)
        yield* source.watch(many(count))
        yield* TestClock.adjust("5 seconds")
        const before = control.sleeps()
        yield* TestClock.adjust("20 seconds")
        return control.sleeps() - before
      }, Effect.scoped)
      // Replies take a sleep each, too, and each probe one more, of a third of the timeout.
      assert.isAtMost(yield* sleepsOf(1), 3 * 23)
      assert.isAtMost(yield* sleepsOf(1_000), 1_000 * 23 + 20 * 150)
      const control = yield* stoppable()
      const { source } = yield* startOn(control)
      yield* source.watch(new Set())
      yield* TestClock.adjust("1 second")
      const before = control.sleeps()
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(control.sleeps(), before)
    }),
  )
})

describe("a transport that is down", () => {
  it.effect("makes the source Down with the reason and every verdict unknown, and is opened again", () =>
    Effect.gen(function* () {
      const { script, seen, source } = yield* start()
      yield* source.watch(new Set([a, b]))
      yield* TestClock.adjust("2 seconds")
      seen.length = 0
      script.unavailable = "no permission"
      script.die("Network is down")
      yield* TestClock.adjust("10 millis")
      const down = yield* source.state
      assert.strictEqual(down._tag === "Down" ? down.why : undefined, "Network is down")
      assert.deepStrictEqual([...lasting(seen).values()], ["Unknown", "Unknown"])
      assert.strictEqual(script.closed, 1)
      yield* TestClock.adjust("20 seconds")
      const still = yield* source.state
      assert.deepInclude(still, { _tag: "Down", why: "no permission", since: down.since })
      script.unavailable = undefined
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual((yield* source.state)._tag, "Up")
      assert.deepStrictEqual([...lasting(seen).values()], ["Healthy", "Healthy"])
    }),
  )

  it.effect("is also one whose code fails unexpectedly", () =>
    Effect.gen(function* () {
      const { script, seen, source } = yield* start()
      yield* source.watch(new Set([a]))
      yield* TestClock.adjust("2 seconds")
      script.fate = () => {
        throw new Error("a mistake")
      }
      yield* TestClock.adjust("1200 millis")
      assert.strictEqual((yield* source.state)._tag, "Down")
      assert.strictEqual(lasting(seen).get(a), "Unknown")
      script.fate = () => 5
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(lasting(seen).get(a), "Healthy")
    }),
  )

  it.effect("is tried again ever more slowly, but at least every 40 s", () =>
    Effect.gen(function* () {
      const script = new ScriptedProbe()
      script.unavailable = "no permission"
      yield* start(script)
      yield* TestClock.adjust("2 minutes")
      assert.isAtMost(script.opened, 13)
      const before = script.opened
      yield* TestClock.adjust("10 minutes")
      assert.isAtLeast(script.opened - before, 15)
      assert.isAtMost(script.opened - before, 27)
    }),
  )

  it.effect("is also one from which no probe gets out, and that fails no host", () =>
    Effect.gen(function* () {
      const { script, seen, source } = yield* start()
      yield* source.watch(new Set([a, b, c]))
      yield* TestClock.adjust("2 seconds")
      script.fate = () => "unsendable"
      yield* TestClock.adjust("7 seconds")
      const down = yield* source.state
      assert.strictEqual(down._tag === "Down" ? down.why : undefined, "no probe leaves this machine: No buffer space")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* source.state)._tag, "Down")
      assert.deepStrictEqual([...new Set(lasting(seen).values())], ["Unknown"])
      assert.isTrue(seen.every(({ verdict }) => verdict !== "Failed"))
      script.fate = () => 5
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([...new Set(lasting(seen).values())], ["Healthy"])
      assert.strictEqual((yield* source.state)._tag, "Up")
    }),
  )

  it.effect("is closed when the source is", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { script, source } = yield* Scope.provide(start(), scope)
      yield* source.watch(new Set([a]))
      yield* TestClock.adjust("2 seconds")
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      const sent = script.sent.length
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(script.closed, 1)
      assert.lengthOf(script.sent, sent)
    }),
  )
})

/** A clock whose owner can be stopped: sleeps end only when it is let go on, as if the process had been stopped. */
const stoppable = Effect.fnUntraced(function* () {
  const inner = yield* Clock.Clock
  let skew = { monotonic: 0, wall: 0 }
  let sleeps = 0
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => inner.currentTimeMillisUnsafe() + skew.wall,
    currentTimeMillis: Effect.sync(() => inner.currentTimeMillisUnsafe() + skew.wall),
    currentTimeNanosUnsafe: () => inner.currentTimeNanosUnsafe() + BigInt(skew.wall) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => inner.currentTimeNanosUnsafe() + BigInt(skew.wall) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => inner.monotonicTimeNanosUnsafe() + BigInt(skew.monotonic) * 1_000_000n,
    monotonicTimeNanos: Effect.sync(() => inner.monotonicTimeNanosUnsafe() + BigInt(skew.monotonic) * 1_000_000n),
    sleep: (duration) => {
      sleeps++
      return inner.sleep(duration)
    },
  }
  /** Time passes in which nothing of this process runs: timers are found late. */
  const stop = (duration: Duration.Input) => {
    skew = { monotonic: skew.monotonic + Duration.toMillis(duration), wall: skew.wall + Duration.toMillis(duration) }
  }
  let suspended = 0
  const sinceBoot = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6 + suspended
  /** The wall clock is set ahead, or back. */
  const set = (duration: Duration.Input) => {
    skew = { ...skew, wall: skew.wall + Duration.toMillis(duration) }
  }
  /** The whole machine is suspended: its monotonic clock stands still as well. */
  const suspend = (duration: Duration.Input) => {
    set(duration)
    suspended += Duration.toMillis(duration)
  }
  return { clock, set, sinceBoot, sleeps: () => sleeps, stop, suspend }
})

/** A prober on such a clock. */
const startOn = ({ clock, sinceBoot }: Effect.Success<ReturnType<typeof stoppable>>) =>
  start().pipe(Effect.provideService(Clock.Clock, clock), Effect.provideService(BootClock, sinceBoot))

const heldUp = Effect.fnUntraced(function* (source: HealthSource["Service"]) {
  const [standing] = yield* standingsOf(source)
  return standing?.heldUp
})

describe("a process that was stopped", () => {
  for (const how of ["stop", "suspend"] as const) {
    it.effect(`(${how}) fails no host, though the replies of that time are lost`, () =>
      Effect.gen(function* () {
        const control = yield* stoppable()
        const { script, seen, source } = yield* startOn(control)
        yield* source.watch(many(100))
        yield* TestClock.adjust("3 seconds")
        // It runs for 60 ms between pauses of 5 s, and every reply to what it then sends is lost in the next pause.
        script.fate = () => "silent"
        const before = script.sent.length
        for (let round = 0; round < 40; round++) {
          yield* TestClock.adjust(60)
          control[how]("5 seconds")
        }
        assert.isAbove(script.sent.length - before, 200)
        script.fate = () => 5
        yield* TestClock.adjust("3 seconds")
        assert.isTrue(seen.every(({ verdict }) => verdict !== "Failed"))
        script.fate = (host) => (host === ip("10.1.0.7") ? "silent" : 5)
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(
          seen.filter(({ verdict }) => verdict === "Failed").map(({ host }) => host),
          [ip("10.1.0.7")],
        )
        const told = yield* heldUp(source)
        assert.strictEqual(told?.times, 40)
        assert.approximately(told?.millis ?? 0, 40 * 5_000, 40 * 60)
        assert.strictEqual(told?.last.why, "this process did not run")
        assert.strictEqual(told?.lately?.times, 40)
        yield* TestClock.adjust("2 minutes")
        assert.isUndefined((yield* heldUp(source))?.lately)
      }),
    )
  }
})

describe("a wall clock that is set", () => {
  for (const [how, by] of [
    ["ahead by five hours", 5 * 3_600_000],
    ["back by five hours", -5 * 3_600_000],
  ] as const)
    it.effect(`(${how}) changes nothing: hosts that live stay, one that dies is found within the bound`, () =>
      Effect.gen(function* () {
        const control = yield* stoppable()
        const { begin, script, seen, source } = yield* startOn(control)
        yield* source.watch(many(100))
        yield* TestClock.adjust("3 seconds")
        const victim = ip("10.1.0.7")
        const death = begin + 3_000
        script.fate = (host) => (host === victim ? "silent" : 5)
        for (let step = 0; step < 15; step++) {
          yield* TestClock.adjust(100)
          control.set(by)
        }
        const failed = seen.filter(({ verdict }) => verdict === "Failed")
        assert.deepStrictEqual(
          failed.map(({ host }) => host),
          [victim],
        )
        assert.isAtMost((failed[0]?.at ?? Infinity) - (death - begin), 1_500)
        assert.isUndefined(yield* heldUp(source))
      }),
    )
})

describe("this machine's own network", () => {
  it.effect("that refuses every probe for a moment fails no host, and the moment is told", () =>
    Effect.gen(function* () {
      const { script, seen, source } = yield* start()
      yield* source.watch(many(100))
      yield* TestClock.adjust("3 seconds")
      for (let round = 0; round < 20; round++) {
        // The link goes down before the replies are back, and so again and again.
        script.fate = () => "silent"
        yield* TestClock.adjust(140)
        script.fate = () => "unsendable"
        yield* TestClock.adjust(300)
        script.fate = () => 5
        yield* TestClock.adjust(20)
      }
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(seen.every(({ verdict }) => verdict !== "Failed"))
      const told = yield* heldUp(source)
      // Once a round at the least.
      assert.isAtLeast(told?.times ?? 0, 20)
      assert.strictEqual(told?.last.why, "No buffer space")
    }),
  )

  it.effect("that refuses the probes to some hosts all the time keeps no other host from its verdict", () =>
    Effect.gen(function* () {
      const { begin, script, seen, source } = yield* start()
      const refused = new Set([...many(100)].filter((_, index) => index % 2 === 0))
      const victim = ip("10.1.0.7")
      const death = begin + 5_000
      yield* source.watch(many(100))
      yield* TestClock.adjust("3 seconds")
      script.fate = (host, at) => (refused.has(host) ? "unsendable" : host === victim && at >= death ? "silent" : 5)
      yield* TestClock.adjust("5 seconds")
      const failed = seen.filter(({ verdict }) => verdict === "Failed")
      assert.deepStrictEqual(
        failed.map(({ host }) => host),
        [victim],
      )
      assert.isAtMost((failed[0]?.at ?? Infinity) - (death - begin), 1_500)
      // As it begins it may look like the whole machine's trouble, once.
      assert.isAtMost((yield* heldUp(source))?.times ?? 0, 1)
    }),
  )
})

describe("the simulated probe", () => {
  it.effect("answers for the hosts that the simulated network says are alive", () =>
    Effect.gen(function* () {
      const alive = new Set([a, b])
      const probe = SimulatedProbe.make({ answers: (host) => alive.has(host), roundTrip: 20 })
      const source = yield* Prober.make(probe)
      const seen: Array<readonly [Ip, string]> = []
      yield* source.verdicts.pipe(
        Stream.runForEach((batch) =>
          Effect.sync(() => batch.forEach(({ host, verdict }) => seen.push([host, verdict._tag]))),
        ),
        Effect.forkScoped,
      )
      yield* source.watch(new Set([a, b, c]))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(new Map(seen).get(b), "Healthy")
      alive.delete(b)
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual(
        [...new Map(seen)],
        [
          [a, "Healthy"],
          [b, "Failed"],
          [c, "Unknown"],
        ],
      )
    }),
  )
})
