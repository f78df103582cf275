import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Action, cellKey, compareActions } from "../../src/domain/Action.ts"
import { heldOf, pendingOf } from "../../src/domain/Decide.ts"
import { cellsOf, type World } from "../../src/domain/World.ts"
import { decidedAnew, decisionsOf } from "../support/domain/Deciding.ts"
import { anyHistory, live } from "../support/domain/History.ts"
import { destinations } from "../support/domain/Pools.ts"
import { runs } from "../support/domain/Runs.ts"

const ownedNow = (world: World): number => {
  let count = 0
  for (const range of destinations)
    for (const table of world.reading?.index.tables ?? [])
      if (cellsOf(world, range)(table).present?.owned === true) count++
  return count
}

describe("after any history", () => {
  it("what was decided bit by bit equals what a full plan decides", () => {
    fc.assert(
      fc.property(anyHistory(25), (history) => {
        live(history, ({ world }, now, event) => {
          const anew = decidedAnew(world, now)
          const after = `after ${event?._tag ?? "time"}`
          assert.deepStrictEqual(decisionsOf(world), decisionsOf(anew), after)
          assert.deepStrictEqual(pendingOf(world), pendingOf(anew), after)
          assert.deepStrictEqual(heldOf(world), heldOf(anew), after)
        })
      }),
      runs(250),
    )
  })

  it("an executor that replaces what is queued for the CIDRs of each decision holds exactly what is pending", () => {
    fc.assert(
      fc.property(anyHistory(25), (history) => {
        const queued = new Map<string, Action>()
        live(history, ({ world, cidrs, write }) => {
          for (const [key, { cidr }] of queued) if (cidrs.has(cidr)) queued.delete(key)
          for (const action of write) queued.set(cellKey(action), action)
          assert.deepStrictEqual([...queued.values()].sort(compareActions), pendingOf(world))
        })
      }),
      runs(250),
    )
  })

  it("the next look is always in the future, and there is one for every hold that ends by itself", () => {
    fc.assert(
      fc.property(anyHistory(25), (history) => {
        live(history, ({ world, nextAt }, now) => {
          if (nextAt !== undefined) assert.isAbove(nextAt, now)
          for (const { until } of heldOf(world)) {
            if (until === undefined) continue
            assert.isAbove(until, now)
            assert.isAtMost(nextAt ?? Infinity, until)
          }
        })
      }),
      runs(150),
    )
  })

  it("the number of routes that are ours is what the tables hold", () => {
    fc.assert(
      fc.property(anyHistory(25), (history) => {
        live(history, ({ world }, _, event) =>
          assert.strictEqual(world.owned, ownedNow(world), `after ${event?._tag ?? "time"}`),
        )
      }),
      runs(150),
    )
  })

  it("a cell is either written or held, and written once", () => {
    fc.assert(
      fc.property(anyHistory(25), (history) => {
        live(history, ({ world }) => {
          const keys = pendingOf(world).map(cellKey)
          assert.strictEqual(new Set(keys).size, keys.length)
          for (const { table, cidr } of heldOf(world))
            if (table !== undefined) assert.notInclude(keys, cellKey({ table, cidr }))
        })
      }),
      runs(150),
    )
  })
})
