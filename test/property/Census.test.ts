import { assert, describe, it } from "@effect/vitest"
import { HashMap } from "effect"
import fc from "fast-check"
import { censusOf } from "../../src/domain/Census.ts"
import { anyHistory, live } from "../support/domain/History.ts"

describe("the count of healthy hosts", () => {
  it("that is kept with each verdict is that of all verdicts, after any history", () => {
    fc.assert(
      fc.property(anyHistory(15), (history) => {
        live(history, ({ world }) => assert.deepStrictEqual(world.census, censusOf(HashMap.values(world.health))))
      }),
    )
  })
})
