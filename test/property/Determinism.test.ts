import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { heldOf, pendingOf } from "../../src/domain/Decide.ts"
import { plan } from "../../src/domain/Plan.ts"
import { empty } from "../../src/domain/World.ts"
import { after, decisionsOf, eventsOf, later, worldOf } from "../support/domain/Deciding.ts"
import { runs } from "../support/domain/Runs.ts"
import { anyScene } from "../support/domain/Scenes.ts"
import { anyShuffle, shuffled } from "../support/domain/Shuffle.ts"

describe("the order of the input", () => {
  it("of tables, routes, interfaces, addresses, hosts and destinations changes nothing of a plan, not even its order", () => {
    fc.assert(
      fc.property(anyScene, anyShuffle, (scene, shuffle) => {
        const { spec, health, vpc, policy } = shuffled(scene, shuffle)
        assert.deepStrictEqual(plan(spec, health, vpc, policy), plan(scene.spec, scene.health, scene.vpc, scene.policy))
      }),
      runs(700),
    )
  })

  it("changes nothing of what a daemon decides, holds and asks the operator to confirm", () => {
    fc.assert(
      fc.property(anyScene, anyShuffle, (scene, shuffle) => {
        const one = worldOf(scene)
        const other = worldOf(shuffled(scene, shuffle))
        assert.deepStrictEqual(pendingOf(other), pendingOf(one))
        assert.deepStrictEqual(heldOf(other), heldOf(one))
        assert.strictEqual(other.brake?.hash, one.brake?.hash)
      }),
      runs(400),
    )
  })

  it("in which the news of the same moment comes in changes nothing", () => {
    fc.assert(
      fc.property(anyScene, anyShuffle, (scene, shuffle) => {
        // Verdicts are news of hosts that the spec names, so the spec comes first.
        const [spec, ...rest] = eventsOf(scene)
        const one = after(empty(scene.policy), [spec!, ...rest], later)
        const other = after(empty(scene.policy), [spec!, ...shuffle(rest)], later)
        assert.deepStrictEqual(decisionsOf(other), decisionsOf(one))
        assert.deepStrictEqual(heldOf(other), heldOf(one))
      }),
      runs(400),
    )
  })

  it("a plan is made of values: the same input gives the same output again", () => {
    fc.assert(
      fc.property(anyScene, ({ spec, health, vpc, policy }) => {
        assert.deepStrictEqual(plan(spec, health, vpc, policy), plan(spec, health, vpc, policy))
      }),
      runs(100),
    )
  })
})
