import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { destinationsOf, permitted } from "../support/domain/Oracle.ts"
import { anyScene } from "../support/domain/Scenes.ts"

/** How often each outcome is due in some scenes. */
const countOutcomes = (): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  const count = (key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1)
  for (const scene of fc.sample(anyScene, { numRuns: 1_200, seed: 1 }))
    for (const destination of destinationsOf(scene)) {
      const outcomes = permitted(scene, destination)
      if (outcomes.length > 1) count("tie")
      for (const { general, cells } of outcomes.slice(0, 1)) {
        if (general !== undefined) count(general)
        for (const one of cells.values())
          count(one.do === "hold" ? one.why : one.do === "replace" ? one.urgency : one.do)
      }
    }
  return counts
}

describe("the scenes that the properties are tried on", () => {
  it("hold every case of the table of cases, many times", () => {
    const counts = countOutcomes()
    const due = [
      "create",
      "delete",
      "failover",
      "repair",
      "tie",
      "Blackhole",
      "Conflict",
      "DefaultRoute",
      "HealthUnknown",
      "Ignored",
      "InterfaceUnseen",
      "NoHealthyHost",
      "NotOwned",
      "Protected",
      "Unproven",
    ]
    for (const outcome of due) assert.isAtLeast(counts.get(outcome) ?? 0, 20, outcome)
    assert.deepStrictEqual([...counts.keys()].toSorted(), due.toSorted())
  })
})
