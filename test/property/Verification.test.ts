import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { ask, completed, notVerifying } from "../../src/domain/Verification.ts"
import { runs } from "../support/domain/Runs.ts"

const second = 1_000

/** Failovers that are completed at these times; when a reading is asked for, by a loop that looks when it is told to. */
const asked = (
  completions: ReadonlyArray<number>,
  { took = 100, until = 600 * second }: { readonly took?: number; readonly until?: number } = {},
): ReadonlyArray<number> => {
  const times: Array<number> = []
  const ahead = completions.toSorted((a, b) => a - b)
  let verification = notVerifying
  let looks = 0
  for (;;) {
    const at = Math.min(ahead[0] ?? Infinity, verification.dueAt ?? Infinity)
    if (at > until) return times
    while (ahead[0] === at) verification = completed(verification, ahead.shift() ?? 0)
    const [after, isAsked] = ask(verification, { at, isNeeded: true, took })
    verification = after
    if (isAsked) times.push(at)
    assert.isAtMost(++looks, 2 * completions.length + times.length * 2 + 10, "does not look over and over")
  }
}

const anyCompletions = fc.array(fc.nat(120 * second), { minLength: 1, maxLength: 40 })

describe("the readings that verify failovers", () => {
  it("come a second after the last write, and then twice more at the most", () => {
    assert.deepStrictEqual(asked([10 * second]), [11 * second, 16 * second, 21 * second])
  })

  it("are not asked for once all failovers are verified", () => {
    const [after, isAsked] = ask(completed(notVerifying, 0), { at: second, isNeeded: false, took: 0 })
    assert.deepStrictEqual([after.dueAt, isAsked], [undefined, false])
  })

  it("are five seconds apart, and twenty times as long as one takes, however many failovers there are", () => {
    fc.assert(
      fc.property(anyCompletions, fc.nat(3 * second), (completions, took) => {
        const times = asked(completions, { took })
        const gap = Math.max(5 * second, 20 * took)
        times.slice(1).forEach((at, i) => assert.isAtLeast(at - (times[i] ?? 0), gap))
      }),
      runs(300),
    )
  })

  it("follow every failover: the first within six seconds, and no more than three after the last", () => {
    fc.assert(
      fc.property(anyCompletions, (completions) => {
        const times = asked(completions)
        for (const at of completions)
          assert.isTrue(times.some((reading) => reading >= at + 1 && reading <= at + 6 * second))
        const last = Math.max(...completions)
        assert.isAtMost(times.filter((at) => at > last).length, 4)
      }),
      runs(300),
    )
  })
})
