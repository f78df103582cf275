import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type DetectMode, detectionBound, detectorOptions, withTiming } from "../../src/domain/DetectorOptions.ts"
import type { Millis } from "../../src/domain/Health.ts"
import { type Ip, ip } from "../../src/domain/Ip.ts"
import { type Doubt, RollCall } from "../../src/services/health/RollCall.ts"
import { Watchlist } from "../../src/services/health/Watchlist.ts"
import { Collected, play } from "../support/detection/WatchedWorld.ts"
import { runs } from "../support/domain/Runs.ts"

const host = (n: number): Ip => ip(`10.0.${n >> 8}.${n & 255}`)
const hosts = (count: number): ReadonlyArray<Ip> => Array.from({ length: count }, (_, n) => host(n))

const never = { confirmed: -Infinity, failed: -Infinity }
const doubt = (of: number, more: Partial<Doubt> = {}): Doubt => ({ of, isCrowd: false, ...never, ...more })

describe("when a host falls silent", () => {
  it("all others are asked if they are few, twice an interval at most", () => {
    const calls = new RollCall()
    assert.strictEqual(calls.due(doubt(50), 1_000, 1_000), "all")
    calls.ask("all", hosts(49), 1_000)
    assert.isUndefined(calls.due(doubt(50), 1_000, 1_499))
    assert.strictEqual(calls.due(doubt(50), 1_000, 1_500), "all")
  })

  it("whose silence lasts, they are asked who were not asked since it began", () => {
    const calls = new RollCall()
    calls.ask("all", hosts(49), 1_000)
    assert.isUndefined(calls.due(doubt(50, { confirmed: 1_000 }), 1_000, 1_300))
    assert.strictEqual(calls.due(doubt(50, { confirmed: 1_001 }), 1_000, 1_300), "all")
  })

  it("some of many are asked; and all, if one in ten of these is silent, too, or many are without being asked", () => {
    const calls = new RollCall()
    assert.strictEqual(calls.due(doubt(1_000), 1_000, 1_000), "some")
    calls.ask("some", hosts(50), 1_000)
    for (let n = 0; n < 4; n++) calls.settled(host(n), true)
    assert.isUndefined(calls.due(doubt(1_000), 1_000, 1_150))
    calls.settled(host(4), true)
    assert.strictEqual(calls.due(doubt(1_000), 1_000, 1_150), "all")
    calls.ask("all", hosts(900), 1_150)
    assert.isUndefined(calls.due(doubt(1_000), 1_000, 1_151))
    assert.strictEqual(new RollCall().due(doubt(1_000, { isCrowd: true }), 1_000, 1_000), "all")
  })

  it("they had their say when the last of them answered or missed its probe, and no earlier call counts for it", () => {
    const calls = new RollCall()
    calls.ask("all", hosts(2), 1_000)
    calls.settled(host(0), false)
    assert.isFalse(calls.isHeard(900))
    calls.settled(host(1), true)
    assert.isTrue(calls.isHeard(900))
    assert.isFalse(calls.isHeard(1_001))
    calls.reset()
    assert.isFalse(calls.isHeard(900))
  })
})

describe("a failure that waits for others to have their say", () => {
  /** Host 0 misses its second probe; then it and host 1 answer in this order. */
  const toldOf = (order: ReadonlyArray<0 | 1>) => {
    const changed = new Collected()
    const list = new Watchlist({ ...detectorOptions(1), jitter: 0 }, changed, 1)
    list.watch(new Set(hosts(2)), 0)
    const last = new Map<Ip, number>()
    const sendUntil = (until: Millis): Millis => {
      let now: Millis = 0
      while (list.earliest <= until) {
        now = Math.max(now, Math.ceil(list.earliest))
        for (const { host: one, sequence } of list.take(now, 1)) {
          last.set(one, sequence)
          if (now < 1_150 && !(one === host(0) && sequence > 0)) list.replied(one, sequence, now)
        }
      }
      return now
    }
    const now = sendUntil(1_160)
    for (const n of order) list.replied(host(n), last.get(host(n)) ?? -1, now + 1)
    list.take(now + 1_000, 1)
    return changed.news.get(host(0))?._tag
  }

  it("is told if they answer first", () => assert.strictEqual(toldOf([1, 0]), "Failed"))

  it("is none if the host itself answers first", () => assert.strictEqual(toldOf([0, 1]), "Healthy"))
})

interface Outage {
  readonly count: number
  readonly zones: number
  readonly seed: number
  readonly mode: DetectMode
  readonly fall: number | undefined
  readonly diesAt: Millis
  readonly roundTrip: Millis
  readonly answersBadly: boolean
}

/**
 * The hosts of a prober that has just started are probed in one rush. Moments at which such a rush is nearly over are the worst: the
 * last of it is found silent long before the others are probed again.
 */
const anyMoment = fc.oneof(fc.integer({ min: 1_200, max: 6_000 }), fc.integer({ min: 1_020, max: 1_100 }))

const anyOutage = (most: number): fc.Arbitrary<Outage> =>
  fc.record({
    count: fc.oneof(fc.integer({ min: 3, max: 60 }), fc.integer({ min: 51, max: most })),
    zones: fc.constantFrom(1, 2, 3),
    seed: fc.nat(),
    mode: fc.constantFrom<DetectMode>("normal", "fast"),
    fall: fc.option(fc.constantFrom(1, 2, 3, 5), { nil: undefined }),
    diesAt: anyMoment,
    roundTrip: fc.constantFrom(1, 10, 50),
    answersBadly: fc.boolean(),
  })

const played = ({ count, diesAt, fall, mode, ...more }: Outage, dies: (n: number) => boolean, lasts: Millis) => {
  const detector = detectorOptions(fall, 2, mode)
  return { detector, ...play({ ...more, hosts: count, detector, diesAt, dies, until: diesAt + lasts }) }
}

/** More than two thirds, but not all; in several zones if there are several. */
const most = (count: number): number => Math.min(count - 1, Math.floor((count * 2) / 3) + 1)

describe("of hosts that fall silent, or begin to answer badly, at the same moment, whatever it is", () => {
  it("more than two thirds lose no route", () => {
    fc.assert(
      fc.property(anyOutage(160), (outage) => {
        const lost = most(outage.count)
        fc.pre(lost > (outage.count * 2) / 3)
        const { failed, failovers } = played(outage, (n) => n < lost, 1_700)
        assert.strictEqual(failed.size, lost)
        assert.deepStrictEqual(failovers, [])
      }),
      runs(40),
    )
  })

  it("all lose no route when they answer again a moment later", () => {
    fc.assert(
      fc.property(anyOutage(100), fc.integer({ min: 50, max: 2_500 }), (outage, gone) => {
        const { count, diesAt, fall, mode, ...more } = outage
        // Fewer confirmations are over before the others were asked and seen to be silent, too.
        fc.pre(fall === undefined || fall >= 3)
        const returnsAt = () => diesAt + gone
        const detector = detectorOptions(fall, 2, mode)
        const until = diesAt + gone + 6_000
        const { failovers } = play({ ...more, hosts: count, detector, diesAt, dies: () => true, returnsAt, until })
        assert.deepStrictEqual(failovers, [])
      }),
      runs(60),
    )
  })

  it("those of one zone lose theirs in time, each to one that lives", () => {
    fc.assert(
      fc.property(anyOutage(120), (outage) => {
        fc.pre(outage.zones > 1 && outage.count >= 2 * outage.zones)
        // Of more than that some are asked first, and no confirmation leaves time for the rest.
        fc.pre(outage.fall !== 1 || outage.count <= 50)
        const dies = (n: number): boolean => n % outage.zones === 0
        const { detector, failed, failovers } = played(outage, dies, 1_700)
        assert.strictEqual(failed.size, Math.ceil(outage.count / outage.zones))
        assert.isAbove(failovers.length, 0)
        for (const { to } of failovers) assert.isFalse(dies(to))
        const worst = Math.max(...failed.values(), ...failovers.map(({ at }) => at)) - outage.diesAt
        assert.isAtMost(worst, Math.min(1_500, detectionBound(detector) + 350))
      }),
      runs(30),
    )
  })

  it("a single one is told within the bound, as if nobody else were asked", () => {
    fc.assert(
      fc.property(anyOutage(120), (outage) => {
        const { detector, failed } = played({ ...outage, roundTrip: 2 }, (n) => n === 0, 1_700)
        // With one miss there is no confirmation to wait for the others by.
        const wait = outage.fall === 1 ? 2 + 2 : 2
        assert.isAtMost((failed.get(0) ?? Infinity) - outage.diesAt, detectionBound(detector) + wait)
      }),
      runs(40),
    )
  })
})

describe("a start in the middle of an outage", () => {
  for (const [lost, of] of [
    [3, 4],
    [9, 12],
    [70, 100],
  ] as const)
    it(`moves no route of ${lost} of ${of} hosts that do not answer`, () => {
      for (let seed = 0; seed < 4; seed++) {
        const dies = (n: number): boolean => n < lost
        const { failed, failovers } = play({
          hosts: of,
          zones: 3,
          seed,
          diesAt: 0,
          dies,
          until: 14_000,
          isRestart: true,
        })
        assert.strictEqual(failed.size, lost)
        assert.deepStrictEqual(failovers, [])
      }
    })

  it("moves none with a long time between probes, either, in which the first failures that are gathered grow old", () => {
    for (const interval of [10_000, 30_000])
      for (let seed = 0; seed < 3; seed++) {
        const detector = withTiming(detectorOptions(), { interval })
        const dies = (n: number) => n < 10
        const played = play({
          hosts: 12,
          zones: 3,
          seed,
          diesAt: 0,
          dies,
          until: 8 * interval,
          isRestart: true,
          detector,
        })
        assert.strictEqual(played.failed.size, 10, `seed ${seed}, a probe every ${interval} ms`)
        assert.deepStrictEqual(played.failovers, [], `seed ${seed}, a probe every ${interval} ms`)
      }
  })

  it("moves those of a few", () => {
    const { failovers } = play({
      hosts: 12,
      zones: 3,
      seed: 1,
      diesAt: 0,
      dies: (n) => n < 2,
      until: 14_000,
      isRestart: true,
    })
    assert.sameMembers([...new Set(failovers.map(({ from }) => from))], [0, 1])
  })

  for (const of of [2, 3, 6, 12, 30, 100])
    it(`moves no route of ${of} hosts of which none answered, and then all do again`, () => {
      const anyReturn = fc.record({
        seed: fc.nat(),
        zones: fc.constantFrom(1, 3),
        returnAt: fc.integer({ min: 500, max: 16_000 }),
        within: fc.constantFrom(0, 50, 300),
        places: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: of, maxLength: of }),
        roundTrip: fc.constantFrom(1, 10, 50),
        mode: fc.constantFrom<DetectMode>("normal", "fast"),
        fall: fc.option(fc.constantFrom(1, 3, 5), { nil: undefined }),
      })
      fc.assert(
        fc.property(anyReturn, ({ fall, mode, places, returnAt, roundTrip, seed, within, zones }) => {
          const { failed, failovers } = play({
            hosts: of,
            zones,
            seed,
            roundTrip,
            detector: detectorOptions(fall, 2, mode),
            diesAt: 0,
            dies: () => true,
            returnsAt: (n) => returnAt + within * (places[n] ?? 0),
            until: returnAt + 4_000,
            isRestart: true,
          })
          assert.deepStrictEqual([...failed], [])
          assert.deepStrictEqual(failovers, [])
        }),
        runs(of > 50 ? 10 : 40),
      )
    })

  for (const [of, within] of [
    [2, 9_000],
    [3, 9_000],
    [12, 9_000],
    [30, 9_000],
  ] as const)
    it(`moves no route of ${of} hosts of which none answered, and all do again within ${within / 1_000} s of the first`, () => {
      const anyReturn = fc.record({
        seed: fc.nat(),
        zones: fc.constantFrom(1, 3),
        returnAt: fc.integer({ min: 100, max: 40_000 }),
        places: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: of, maxLength: of }),
        roundTrip: fc.constantFrom(1, 10, 50),
        mode: fc.constantFrom<DetectMode>("normal", "fast"),
        fall: fc.option(fc.constantFrom(1, 3, 5), { nil: undefined }),
      })
      fc.assert(
        fc.property(anyReturn, ({ fall, mode, places, returnAt, roundTrip, seed, zones }) => {
          const { failovers } = play({
            hosts: of,
            zones,
            seed,
            roundTrip,
            detector: detectorOptions(fall, 2, mode),
            diesAt: 0,
            dies: () => true,
            returnsAt: (n) => returnAt + within * (places[n] ?? 0),
            until: returnAt + within + 16_000,
            isRestart: true,
          })
          assert.deepStrictEqual(failovers, [])
        }),
        runs(30),
      )
    })

  it("and of two hosts fails over the one that does not answer ten seconds after the other", () => {
    const { failovers } = play({
      hosts: 2,
      zones: 1,
      seed: 1,
      diesAt: 0,
      dies: () => true,
      returnsAt: (n) => (n === 0 ? Infinity : 20_000),
      until: 40_000,
      isRestart: true,
    })
    assert.sameMembers([...new Set(failovers.map(({ from }) => from))], [0])
    for (const { at } of failovers) {
      assert.isAbove(at, 30_000)
      assert.isBelow(at, 33_500)
    }
  })
})
