import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  acceptedPerDay,
  detectionBound,
  detectModes,
  detectorOptions,
  falseFailoversPerDay,
  forHosts,
  replyWindow,
  silence,
} from "../../src/domain/DetectorOptions.ts"
import { allLost, assumedLoss, type LossModel } from "../../src/domain/LossModel.ts"

const anyMode = fc.constantFrom(...detectModes)
const anyHosts = fc.integer({ min: 1, max: 30_000 })

/**
 * The formula of docs/detection.md, written out: over every course of good and bad moments, the chance of the course times the
 * chance that each probe is lost in it.
 */
const byEveryCourse = (
  { every, lasts, lossWhenBad, lossWhenGood }: LossModel,
  times: ReadonlyArray<number>,
): number => {
  const shareBad = lasts / every
  const rate = 1 / lasts + 1 / (every - lasts)
  const moves = (from: boolean, to: boolean, pause: number) => {
    const stationary = to ? shareBad : 1 - shareBad
    const rest = Math.exp(-rate * pause)
    return stationary * (1 - rest) + (from === to ? rest : 0)
  }
  const courses = (at: number, wasBad: boolean): number =>
    at === times.length
      ? 1
      : [false, true].reduce((sum, isBad) => {
          const pause = (times[at] ?? 0) - (times[at - 1] ?? 0)
          const chance = at === 0 ? (isBad ? shareBad : 1 - shareBad) : moves(wasBad, isBad, pause)
          return sum + chance * (isBad ? lossWhenBad : lossWhenGood) * courses(at + 1, isBad)
        }, 0)
  return courses(0, false)
}

describe("the number of confirmations", () => {
  it("is the least from the mode's on that keeps the expected false failovers a day within the stated bound, or as many as fit", () => {
    fc.assert(
      fc.property(anyMode, anyHosts, (mode, hosts) => {
        const base = detectorOptions(undefined, 2, mode)
        const { fall, ...options } = forHosts(base, hosts)
        const expected = (probes: number) => {
          const gap = (base.fall - 2) * (base.gap / (probes - 2))
          const times = silence({ ...base, fall: probes, gap })
          return (hosts * 86_400_000 * byEveryCourse(assumedLoss, times)) / (base.interval * 0.95)
        }
        const most = Math.floor(((base.fall - 2) * base.gap) / 10) + 2
        assert.isAtLeast(fall, base.fall)
        assert.isAtMost(fall, most)
        if (fall < most) assert.isAtMost(expected(fall), acceptedPerDay)
        if (fall > base.fall) assert.isAbove(expected(fall - 1), acceptedPerDay)
        assert.approximately(falseFailoversPerDay({ ...options, fall }, hosts) / expected(fall), 1, 1e-6)
      }),
      { numRuns: 300 },
    )
  })

  it("changes neither the bound nor how late a reply may come, and their probes go out over at least 300 ms", () => {
    fc.assert(
      fc.property(anyMode, anyHosts, (mode, hosts) => {
        const base = detectorOptions(undefined, 2, mode)
        const options = forHosts(base, hosts)
        assert.approximately(detectionBound(options), detectionBound(base), 0.001)
        assert.approximately(replyWindow(options), replyWindow(base), 0.001)
        assert.isAtLeast(silence(options).at(-1) ?? 0, 299.999)
        assert.isAtLeast(options.gap, 10)
        assert.isAtMost(options.gap, 150)
      }),
    )
  })

  it("grows with the number of hosts: 3 misses for ten, 7 for a thousand", () => {
    const falls = [1, 10, 100, 1_000, 10_000].map((hosts) => forHosts(detectorOptions(), hosts).fall)
    assert.deepStrictEqual(falls, [3, 3, 4, 7, 11])
    assert.deepStrictEqual(
      falls,
      falls.toSorted((one, other) => one - other),
    )
  })

  it("is the operator's where --fall says it, however many hosts there are", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), anyMode, anyHosts, (fall, mode, hosts) => {
        const options = detectorOptions(fall, 2, mode)
        assert.deepStrictEqual(forHosts(options, hosts), options)
        assert.strictEqual(options.fall, fall)
      }),
    )
  })
})

describe("the bounds that are promised", () => {
  it("are 1.5 s, and 0.9 s as BFD's at 300 ms × 3", () => {
    assert.strictEqual(detectionBound(detectorOptions()), 1450)
    assert.strictEqual(detectionBound(detectorOptions(undefined, 2, "fast")), 900)
    assert.strictEqual(detectorOptions(undefined, 2, "fast").interval, 300)
  })
})

describe("the loss that is assumed", () => {
  it("gives the same chance as all courses of the path added up", () => {
    fc.assert(
      fc.property(
        fc.record({
          every: fc.integer({ min: 2_000, max: 10_000_000 }),
          lasts: fc.integer({ min: 1, max: 1_000 }),
          lossWhenGood: fc.double({ min: 0, max: 1, noNaN: true }),
          lossWhenBad: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 8 }),
        (model, gaps) => {
          let at = 0
          const times = [0, ...gaps.map((gap) => (at += gap))]
          assert.approximately(allLost(model, times), byEveryCourse(model, times), 1e-12)
        },
      ),
    )
  })

  it("is within what was measured between data centres: 1 to 10 packets in 100,000", () => {
    assert.isAtLeast(allLost(assumedLoss, [0]), 1e-5)
    assert.isAtMost(allLost(assumedLoss, [0]), 1e-4)
  })
})
