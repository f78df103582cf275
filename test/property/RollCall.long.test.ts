import { assert, describe, it } from "@effect/vitest"
import { randomness } from "../support/detection/Randomness.ts"
import { play } from "../support/detection/WatchedWorld.ts"

describe("more than two thirds of many hosts that die at the same moment lose no route", () => {
  for (const [lost, of, seeds] of [
    [70, 100, 200],
    [700, 1_000, 4],
  ] as const)
    it(`${lost} of ${of} in several zones, with ${seeds} seeds, at as many moments`, () => {
      for (let seed = 0; seed < seeds; seed++) {
        const random = randomness(seed)
        const diesAt = 1_000 + of + random() * (seed % 2 === 0 ? 3_000 : 150)
        const dies = (n: number): boolean => n < lost
        const { failed, failovers } = play({ hosts: of, zones: 3, seed, diesAt, dies, until: diesAt + 1_600 })
        assert.strictEqual(failed.size, lost)
        assert.deepStrictEqual(failovers, [], `seed ${seed}`)
      }
    })
})
