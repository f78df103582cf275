import { assert, describe, it } from "@effect/vitest"
import { detectionBound, detectorOptions, falseFailoversPerDay, forHosts } from "../../src/domain/DetectorOptions.ts"
import { assumedLoss, type LossModel } from "../../src/domain/LossModel.ts"
import { kOfN, kOfNBound, ours } from "../support/detection/Detectors.ts"
import { watchLossyPaths, watchWithPauses } from "../support/detection/LossyPaths.ts"
import { ratioAtLeast } from "../support/detection/PoissonRatio.ts"

const day = 86_400_000
const hosts = 1_000
const ourOptions = forHosts(detectorOptions(), hosts)
/** As often as ours on average, and as long as ours until a dead host is found. */
const plain = { interval: 950, timeout: 500, k: 1, n: 1 }

describe("on a virtual clock, 1,000 hosts for 24 hours of bursty loss", () => {
  it("fails at least 50 times fewer living hosts than plain k of n at the same probe rate and detection time", () => {
    assert.approximately(kOfNBound(plain), detectionBound(ourOptions), 0.001)
    const watch = { model: assumedLoss, paths: hosts, lasts: day, calmInterval: plain.interval, seed: 20_261_123 }
    const mine = watchLossyPaths(ours(ourOptions), watch)
    const theirs = watchLossyPaths(kOfN(plain), watch)
    assert.isAtLeast(ratioAtLeast(theirs.failures, mine.failures), 50)
  })

  it("fails none because the watching machine itself was held up, where plain k of n does", () => {
    const watch = { paths: 100, lasts: day, every: 600_000, length: 2_000, seed: 20_261_123 }
    assert.strictEqual(watchWithPauses(ours(ourOptions), watch).failures, 0)
    assert.strictEqual(watchWithPauses(ours(detectorOptions(undefined, 2, "fast")), watch).failures, 0)
    assert.isAbove(watchWithPauses(kOfN(plain), watch).failures, 10)
  })
})

describe("the formula for false failovers", () => {
  const worse: LossModel = { every: 60_000, lasts: 150, lossWhenGood: 1e-4, lossWhenBad: 0.7 }
  for (const [what, options] of [
    ["3 misses", detectorOptions()],
    ["7 misses", forHosts(detectorOptions(), 1_000)],
    ["--detect fast", detectorOptions(undefined, 2, "fast")],
  ] as const)
    it(`agrees with what the detector does on paths worse than assumed: ${what}`, () => {
      const calmInterval = options.interval * 0.95
      const watch = { model: worse, paths: 100, lasts: day, calmInterval, seed: 20_261_123 }
      const { failures } = watchLossyPaths(ours(options), watch)
      const expected = falseFailoversPerDay(options, 100, worse)
      assert.isAbove(expected, 30)
      // Four standard deviations, and a tenth since a probe after a cleared suspicion comes sooner than the formula knows.
      assert.approximately(failures, expected, 4 * Math.sqrt(expected) + expected / 10)
    })
})

describe("the bound on a ratio of two counts", () => {
  it("is the known one: of 100 and none at least 33, of 10 and 10 less than one", () => {
    assert.approximately(ratioAtLeast(100, 0), 1 / (0.05 ** (-1 / 100) - 1), 0.01)
    assert.isBelow(ratioAtLeast(10, 10), 1)
    assert.isAbove(ratioAtLeast(1_000, 10), 50)
  })
})
