import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { plan } from "../../src/domain/Plan.ts"
import { decidedFor, outcomeOf, show, showScene, worldOf } from "../support/domain/Deciding.ts"
import { destinationsOf, permitted } from "../support/domain/Oracle.ts"
import { runs } from "../support/domain/Runs.ts"
import { anyScene } from "../support/domain/Scenes.ts"

describe("what is planned, cell by cell", () => {
  it("is what a slow and obvious model of the promises says, whatever the VPC, the spec and the hosts are like", () => {
    fc.assert(
      fc.property(anyScene, (drawn) => {
        const scene = { ...drawn, drained: new Set<never>() }
        const { actions, held } = plan(scene.spec, scene.health, scene.vpc, scene.policy)
        for (const destination of destinationsOf(scene)) {
          const expected = permitted(scene, destination).map(show)
          assert.include(expected, show(outcomeOf(destination, actions, held)), showScene(scene, destination))
        }
      }),
      runs(1500),
    )
  })

  it("is the same for a daemon that has just started, with hosts drained", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const world = worldOf(scene)
        for (const destination of destinationsOf(scene)) {
          const expected = permitted(scene, destination).map(show)
          assert.include(expected, show(decidedFor(world, destination)), showScene(scene, destination))
        }
      }),
      runs(1000),
    )
  })
})
