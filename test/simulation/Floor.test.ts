import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ip } from "../../src/domain/Ip.ts"
import { describes, routeWrites } from "../../src/domain/TokenBucket.ts"
import { Reconciler } from "../../src/runtime/Reconciler.ts"
import { now } from "../../src/services/Now.ts"
import { operations } from "../../src/services/ec2/SimulatedFaults.ts"
import { Simulation } from "../../src/services/ec2/Simulation.ts"
import { type Amounts, heir, routesTo, specOf, topologyOf, victim } from "../support/ec2/CarriedCells.ts"
import { daemon, pass, Specs } from "../support/runtime/SimulatedDaemon.ts"

/** Lets time pass in steps until the victim carries nothing any more, at most so many seconds. */
const untilMoved = Effect.fnUntraced(function* (most: number, step: number) {
  const { truth } = yield* Simulation
  const until = (yield* now) + most * 1_000
  while (routesTo(yield* truth, victim) > 0 && (yield* now) < until) yield* pass(step, step)
})

/** The daemon has the spec in force, and EC2's buckets are full but for what it did since. */
const started = Effect.fnUntraced(function* (amounts: Amounts) {
  yield* pass(200)
  yield* (yield* Specs).accept(specOf(amounts))
  yield* pass(10_000, 50)
})

const latestFailover = Effect.gen(function* () {
  const { failovers } = yield* (yield* Reconciler).status
  const [latest] = failovers
  assert.strictEqual(failovers.length, 1)
  assert.strictEqual(latest?.host, ip(victim))
  return { from: latest?.failedAt ?? 0, to: latest?.lastWriteAt ?? Infinity, moved: latest?.moved }
})

describe("a host that carries many cells dies", () => {
  for (const cells of [50, 200, 1_000]) {
    const floor = Math.max(0, (cells - routeWrites.capacity) / routeWrites.refillPerSecond)
    const bound = floor === 0 ? 0.5 : floor * 1.05
    it.effect(`${cells} cells move in ${cells} writes within ${bound.toFixed(1)} s, and readings take little`, () =>
      Effect.gen(function* () {
        const { calls, fail } = yield* Simulation
        yield* started({ cells })
        const before = yield* calls
        const begun = yield* now
        yield* fail(ip(victim))
        yield* untilMoved(bound + 10, cells > 500 ? 200 : 50)
        // The verification, and whatever should not follow it.
        yield* pass(35_000, 200)
        const { from, moved, to } = yield* latestFailover
        assert.isAtMost((to - from) / 1_000, bound)
        assert.strictEqual(moved, cells)
        const seconds = ((yield* now) - begun) / 1_000
        const made = yield* calls
        for (const operation of operations) {
          const count = (made.get(operation) ?? 0) - (before.get(operation) ?? 0)
          if (operation.startsWith("Describe")) assert.isAtMost(count / (describes.refillPerSecond * seconds), 0.05)
          else assert.strictEqual(count, operation === "ReplaceRoute" ? cells : 0)
        }
      }).pipe(Effect.provide(daemon({ topology: topologyOf({ cells }) }))),
    )
  }

  it.effect("40 cells that are to be moved behind 1,000 repairs need no refill", () =>
    Effect.gen(function* () {
      const amounts = { cells: 40, repairs: 1_000 }
      const { calls, fail, truth } = yield* Simulation
      yield* started(amounts)
      const repaired = (yield* calls).get("ReplaceRoute") ?? 0
      // Repairs take what is left beside the reserve, and then as much as flows in.
      assert.isAtLeast(repaired, 10 + 9 * routeWrites.refillPerSecond)
      assert.isAtMost(repaired, 10 + 11 * routeWrites.refillPerSecond)
      yield* fail(ip(victim))
      yield* untilMoved(10, 10)
      yield* pass(200)
      const { from, moved, to } = yield* latestFailover
      assert.isAtMost(to - from, 500)
      assert.strictEqual(moved, 40)
      assert.strictEqual(routesTo(yield* truth, victim), 0)
      assert.isAtLeast(routesTo(yield* truth, heir), 1)
    }).pipe(Effect.provide(daemon({ topology: topologyOf({ cells: 40, repairs: 1_000 }) }))),
  )

  it.effect(
    "they need none either when EC2 was slow to take the first writes, and its bucket began to be used later than ours",
    () =>
      Effect.gen(function* () {
        const amounts = { cells: 40, repairs: 1_000 }
        const { calls, fail, setLatency } = yield* Simulation
        yield* pass(200)
        yield* setLatency(3_000)
        yield* (yield* Specs).accept(specOf(amounts))
        yield* pass(5_000, 50)
        yield* setLatency(100)
        yield* pass(5_000, 50)
        const before = (yield* calls).get("ReplaceRoute") ?? 0
        yield* fail(ip(victim))
        yield* untilMoved(10, 10)
        yield* pass(200)
        const { from, moved, to } = yield* latestFailover
        assert.strictEqual(moved, 40)
        assert.isAtMost(to - from, 500)
        assert.isAtLeast((yield* calls).get("ReplaceRoute") ?? 0, before + 40)
      }).pipe(Effect.provide(daemon({ topology: topologyOf({ cells: 40, repairs: 1_000 }) }))),
  )
})
