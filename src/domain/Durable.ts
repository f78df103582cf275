import { actionGuard, sift } from "./ActionGuard.ts"
import { covers, merged } from "./BrakeMemory.ts"
import type { Cidr } from "./Cidr.ts"
import { forgotRecovered, type LetGo, letGoOf } from "./Confirmed.ts"
import { deletionsOf } from "./Decide.ts"
import { type Brake, bucket, type DeleteRoute, deletionKey, type HighWater } from "./DeletionBrake.ts"
import type { Millis } from "./Health.ts"
import type { Ip } from "./Ip.ts"
import type { RouteSpec } from "./RouteSpec.ts"
import type { World } from "./World.ts"

/** What the operator said and a restart must not forget, and what deletions are measured against. */
export interface Durable {
  readonly spec: RouteSpec
  /** CIDRs that an accepted spec named at some time, while they stand in the spec or in a table. */
  readonly named: ReadonlySet<Cidr>
  readonly drained: ReadonlySet<Ip>
  /** Deletions that the operator let happen. */
  readonly confirmed: ReadonlyArray<DeleteRoute>
  /** Failures that guards held and the operator let go, of hosts that have not recovered since; and when he did. */
  readonly letGo: LetGo
  /** Deletions of this spec that wait for the operator. */
  readonly brake: Brake | undefined
  /** What the deletion brake counts. A deletion that is decided counts as made, so that it can be kept before it is. */
  readonly hour: HighWater
}

/** The hour as it will be when every deletion that is decided and not held is made. */
const hourOf = (world: World, now: Millis): HighWater => {
  const going = sift(deletionsOf(world), actionGuard(world)).write.filter(
    (action) => action._tag === "DeleteRoute" && !world.confirmed.has(deletionKey(action)),
  )
  if (going.length === 0) return world.highWater
  const minute = Math.floor(now / bucket)
  return merged(world.highWater, [{ minute, owned: 0, deleted: going.map(({ cidr }) => cidr) }])
}

const brakeOf = ({ brake, spec }: World): Brake | undefined => (brake?.spec === spec ? brake : undefined)

/** What is to be kept of a world; undefined before any spec. */
export const durableOf = (world: World, now: Millis): Durable | undefined => {
  const { spec, named, drained, confirmed, guards } = world
  if (spec === undefined) return undefined
  return {
    spec,
    named,
    drained,
    confirmed: [...confirmed.values()],
    letGo: letGoOf(guards.confirmed, now),
    brake: brakeOf(world),
    hour: hourOf(world, now),
  }
}

/** Whether after a restart from `kept` the deletion brake, and the guards, would hold what they would hold now. */
export const holdsAlike = (kept: Durable | undefined, world: World, now: Millis): boolean =>
  world.spec === undefined ||
  (knowsBrake(kept, world, now) && forgotRecovered(kept?.letGo ?? new Map(), world.guards.confirmed, now))

const knowsBrake = (kept: Durable | undefined, world: World, now: Millis): boolean =>
  world.reading === undefined ||
  (kept !== undefined && kept.brake?.hash === brakeOf(world)?.hash && covers(kept.hour, hourOf(world, now), now))
