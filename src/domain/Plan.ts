import { type Action, compareActions } from "./Action.ts"
import { apply } from "./Apply.ts"
import { viewOf } from "./Decide.ts"
import type { Health } from "./Health.ts"
import { compareHeld, type Held } from "./Hold.ts"
import { planCidr } from "./PlanCidr.ts"
import { defaultPolicy, type Policy } from "./Policy.ts"
import type { RouteSpec } from "./RouteSpec.ts"
import type { Vpc } from "./Vpc.ts"
import type { VpcIndex } from "./VpcIndex.ts"
import { allCidrs, empty, type World } from "./World.ts"
import { WorldEvent } from "./WorldEvent.ts"

/** What would be written, most urgent first, and what would not, with reasons. */
export interface Plan {
  readonly actions: ReadonlyArray<Action>
  readonly held: ReadonlyArray<Held>
}

const plansOf = (world: World, index: VpcIndex): ReadonlyArray<Plan> => {
  const view = viewOf(world, index, Infinity)
  return [...allCidrs(world)].map((range) => planCidr(view, range))
}

/**
 * The full plan: {@link planCidr} for every destination CIDR of the spec and of the tables. Pure, total and
 * deterministic; the same input in any order gives the same output. It is what the daemon would do if nothing had
 * happened before: no holds for writes that failed, no deletion brake, no waiting for first answers.
 */
export const plan = (spec: RouteSpec, health: Health, vpc: Vpc, policy: Policy = defaultPolicy): Plan => {
  const verdicts = [...health].map(([host, verdict]) => ({ host, verdict }))
  const events = [
    WorldEvent.SpecAccepted({ spec, at: 0 }),
    WorldEvent.VpcRead({ vpc, readAt: 0 }),
    WorldEvent.VerdictsReached({ verdicts }),
  ]
  const world = events.reduce((before, event) => apply(before, event)[0], empty(policy))
  const plans = world.reading === undefined ? [] : plansOf(world, world.reading.index)
  return {
    actions: plans.flatMap(({ actions }) => actions).sort(compareActions),
    held: plans.flatMap(({ held }) => held).sort(compareHeld),
  }
}
