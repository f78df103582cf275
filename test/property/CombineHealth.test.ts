import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { anyFails, type Opinion } from "../../src/domain/CombineHealth.ts"
import { Verdict } from "../../src/domain/Health.ts"

const anyVerdict: fc.Arbitrary<Verdict> = fc
  .record({ tag: fc.constantFrom("Unknown", "Healthy", "Failed"), since: fc.integer({ min: 0, max: 1000 }) })
  .map(({ since, tag }) =>
    tag === "Unknown"
      ? Verdict.Unknown({ since })
      : tag === "Healthy"
        ? Verdict.Healthy({ since })
        : Verdict.Failed({ since, reason: `since ${since}` }),
  )

const anyOpinions: fc.Arbitrary<ReadonlyArray<Opinion>> = fc
  .array(fc.record({ isUp: fc.boolean(), verdict: anyVerdict }), { maxLength: 5 })
  .map((opinions) => opinions.map((opinion, index) => ({ source: `source${index}`, ...opinion })))

describe("several sources by the rule any-fails", () => {
  it("give the verdict of the table, for every combination of two", () => {
    const up = (verdict: Verdict) => ({ isUp: true, verdict })
    const down = { isUp: false, verdict: Verdict.Healthy({ since: 1 }) }
    const unknown = up(Verdict.Unknown({ since: 1 }))
    const healthy = up(Verdict.Healthy({ since: 1 }))
    const failed = up(Verdict.Failed({ since: 1, reason: "silent" }))
    const table = [
      [down, down, "Unknown"],
      [down, unknown, "Unknown"],
      [down, healthy, "Healthy"],
      [down, failed, "Failed"],
      [unknown, unknown, "Unknown"],
      [unknown, healthy, "Unknown"],
      [unknown, failed, "Failed"],
      [healthy, healthy, "Healthy"],
      [healthy, failed, "Failed"],
      [failed, failed, "Failed"],
    ] as const
    for (const [one, other, expected] of table) {
      for (const pair of [
        [one, other],
        [other, one],
      ] as const) {
        const opinions = pair.map((opinion, index) => ({ source: `source${index}`, ...opinion }))
        assert.strictEqual(anyFails(opinions, 0)._tag, expected)
      }
    }
  })

  it("fail a host exactly if one that is up does, and never without a reason of each that does", () => {
    fc.assert(
      fc.property(anyOpinions, (opinions) => {
        const combined = anyFails(opinions, 7)
        const failing = opinions.filter(({ isUp, verdict }) => isUp && verdict._tag === "Failed")
        assert.strictEqual(combined._tag === "Failed", failing.length > 0)
        if (combined._tag !== "Failed") return
        assert.strictEqual(combined.since, Math.min(...failing.map(({ verdict }) => verdict.since)))
        for (const { source, verdict } of failing) assert.include(combined.reason, `${source}: since ${verdict.since}`)
      }),
    )
  })

  it("call a host healthy only if every one that is up does, and at least one is up", () => {
    fc.assert(
      fc.property(anyOpinions, (opinions) => {
        const up = opinions.filter(({ isUp }) => isUp)
        const expected = up.length > 0 && up.every(({ verdict }) => verdict._tag === "Healthy")
        const combined = anyFails(opinions, 7)
        assert.strictEqual(combined._tag === "Healthy", expected)
        if (combined._tag === "Healthy") {
          assert.strictEqual(combined.since, Math.max(...up.map(({ verdict }) => verdict.since)))
        }
        if (combined._tag === "Unknown") assert.strictEqual(combined.since, 7)
      }),
    )
  })

  it("say the same whatever a source that is down says", () => {
    fc.assert(
      fc.property(anyOpinions, anyVerdict, (opinions, verdict) => {
        const muted = opinions.map((opinion) => (opinion.isUp ? opinion : { ...opinion, verdict }))
        assert.deepStrictEqual(anyFails(muted, 7), anyFails(opinions, 7))
        assert.deepStrictEqual(
          anyFails(
            opinions.filter(({ isUp }) => isUp),
            7,
          ),
          anyFails(opinions, 7),
        )
      }),
    )
  })
})
