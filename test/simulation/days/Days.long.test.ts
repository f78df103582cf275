import { assert, describe, it } from "@effect/vitest"
import { faults } from "./Faults.ts"
import { shortPlay, simulate } from "./Simulate.ts"
import { Summary } from "./Summary.ts"

const seeds = 300

describe("hundreds of days", () => {
  it("keep every promise, and see every fault there is", () => {
    const summary = new Summary(faults.map(({ name }) => name))
    const broken: Array<string> = []
    for (let seed = 0; seed < seeds; seed++) {
      const result = simulate(seed, shortPlay)
      summary.add(result)
      const { failure } = result
      if (failure !== undefined)
        broken.push(`npm run simulate -- --short --seed ${seed}: ${failure.promise}: ${failure.words}`)
    }
    assert.deepStrictEqual(broken, [], summary.words())
    assert.deepStrictEqual(summary.missed, [])
  })
})
