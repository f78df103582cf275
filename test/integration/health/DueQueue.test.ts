import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { DueQueue } from "../../../src/services/health/DueQueue.ts"

interface Item {
  readonly id: number
  due: number
}

describe("the queue of due probes", () => {
  it("gives every item once, when it is due and not before, however often it was moved later", () => {
    const anyStep = fc.oneof(
      fc.record({ kind: fc.constant("add" as const), amount: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ kind: fc.constant("move" as const), amount: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ kind: fc.constant("wait" as const), amount: fc.integer({ min: 1, max: 30 }) }),
    )
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 200 }), (steps) => {
        const queue = new DueQueue<Item>()
        const waiting = new Set<Item>()
        let now = 0
        steps.forEach(({ amount, kind }, id) => {
          if (kind === "add") {
            const item = { id, due: now + amount }
            queue.add(item)
            waiting.add(item)
          } else if (kind === "move") {
            const item = [...waiting][id % Math.max(1, waiting.size)]
            if (item !== undefined) item.due += amount
          } else now += amount
          const expected = [...waiting].filter(({ due }) => due <= now).map((item) => item.id)
          const taken: Array<number> = []
          for (let item = queue.take(now); item !== undefined; item = queue.take(now)) {
            taken.push(item.id)
            assert.isTrue(waiting.delete(item))
          }
          assert.deepStrictEqual(
            taken.sort((one, other) => one - other),
            expected.sort((one, other) => one - other),
          )
          assert.isAtMost(queue.earliest, Math.min(Infinity, ...[...waiting].map(({ due }) => due)))
        })
      }),
    )
  })

  it("gives items by due time, and equal ones in the order they came", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 100 }), (dues) => {
        const queue = new DueQueue<Item>()
        const items = dues.map((due, id) => ({ id, due }))
        items.forEach((item) => queue.add(item))
        const taken: Array<Item> = []
        for (let item = queue.take(100); item !== undefined; item = queue.take(100)) taken.push(item)
        assert.deepStrictEqual(
          taken,
          items.toSorted((one, other) => one.due - other.due),
        )
      }),
    )
  })
})
