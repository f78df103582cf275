import { HashMap } from "effect"
import { type Action, cellKey } from "./Action.ts"
import type { Cidr } from "./Cidr.ts"
import { isConfirmed, wasConfirmed } from "./Confirmed.ts"
import { defaultGuards } from "./GuardPolicy.ts"
import { zoneOf } from "./Guards.ts"
import type { Millis } from "./Health.ts"
import { type Held, HoldReason } from "./Hold.ts"
import type { Ip } from "./Ip.ts"
import { autoLimit, type Mover, type Velocity, velocityAfter } from "./Velocity.ts"
import type { World } from "./World.ts"

/** Why a decided write is not made for now. */
export type ActionGuard = (action: Action) => Pick<Held, "reason" | "until"> | undefined

const failedHost = ({ reason }: Action): Ip | undefined => (reason._tag === "HostFailed" ? reason.host : undefined)

/** The guards of the world as a whole that hold decided writes back: the deletion brake, a cut, the failover limit. */
export const actionGuard = ({ brake, guards: { cutOff, velocity } }: World): ActionGuard | undefined => {
  if (brake === undefined && cutOff === undefined && velocity.waiting.size === 0) return undefined
  const braked = new Set(brake?.deletions.map(cellKey))
  const { hash, limit = 0, until } = velocity
  return (action) => {
    if (brake !== undefined && braked.has(cellKey(action)))
      return { reason: HoldReason.DeletionBrake({ hash: brake.hash, cause: brake.cause }) }
    if (cutOff !== undefined)
      return { reason: HoldReason.MonitorCutOff({ hash: cutOff.hash, anchors: cutOff.anchors }) }
    const host = failedHost(action)
    return host !== undefined && velocity.waiting.has(host)
      ? { reason: HoldReason.FailoverLimit({ hash, hosts: [host], limit }), until }
      : undefined
  }
}

/** The writes of one decision that are let through, and those that are held. */
export const sift = (
  writes: ReadonlyArray<Action>,
  guard: ActionGuard | undefined,
): { readonly write: ReadonlyArray<Action>; readonly held: ReadonlyArray<Held> } => {
  if (guard === undefined || writes.length === 0) return { write: writes, held: [] }
  const write: Array<Action> = []
  const held: Array<Held> = []
  for (const action of writes) {
    const hold = guard(action)
    if (hold === undefined) write.push(action)
    else held.push({ cidr: action.cidr, table: action.table, action, ...hold })
  }
  return { write, held }
}

/** The CIDRs of which other writes are let through now than before, although nothing else changed for them. */
export const siftedAnew = (before: World, after: World): ReadonlySet<Cidr> => {
  const cidrs = new Set<Cidr>()
  const [was, is] = [actionGuard(before), actionGuard(after)]
  if (was === undefined && is === undefined) return cidrs
  for (const [cidr, { write }] of after.decisions)
    if (write.some((action) => (was?.(action) === undefined) !== (is?.(action) === undefined))) cidrs.add(cidr)
  return cidrs
}

/** What EC2 shows of an instance has no beginning: it is one failure as long as it is shown. */
const shownByEc2: Millis = 0

/** The hosts whose failure asks for routes to be moved. */
const moversOf = (world: World): ReadonlyArray<Mover> => {
  const hosts = new Set<Ip>()
  const note = (action: Action | undefined): void => {
    const host = action === undefined ? undefined : failedHost(action)
    if (host !== undefined) hosts.add(host)
  }
  for (const { write, held } of HashMap.values(world.decisions)) {
    for (const action of write) note(action)
    for (const { action } of held) note(action)
  }
  return [...hosts].map((host) => {
    const verdict = HashMap.getUnsafe(world.health, host)
    return { host, failedAt: verdict._tag === "Failed" ? verdict.since : shownByEc2 }
  })
}

/** How many hosts may be failed over in a minute. Where `movers` of them fit in any case, zones are not counted. */
const limitOf = (world: World, movers: number): number | undefined => {
  const { failoverLimit } = world.policy.guards ?? defaultGuards
  if (failoverLimit !== "auto") return failoverLimit
  const least = autoLimit(world.cidrsOf.size, new Map())
  if (movers <= least) return least
  const zones = new Map<string, number>()
  for (const host of world.cidrsOf.keys()) {
    const zone = zoneOf(world, host)
    if (zone !== undefined) zones.set(zone, (zones.get(zone) ?? 0) + 1)
  }
  return autoLimit(world.cidrsOf.size, zones)
}

/** Which failures are let go by now. While the monitor is cut off none is. */
export const velocityOf = (world: World, now: Millis): Velocity => {
  const { confirmed, cutOff, velocity } = world.guards
  // A cut can last: what was let go before is forgotten with its host.
  if (cutOff !== undefined)
    return { ...velocity, admitted: velocity.admitted.filter(({ host }) => world.cidrsOf.has(host)) }
  // What the operator confirmed neither waits nor counts.
  const isLetGo = ({ host, failedAt }: Mover): boolean =>
    isConfirmed(confirmed, host, failedAt) || (failedAt === shownByEc2 && wasConfirmed(confirmed, host, now))
  const movers = moversOf(world).filter((mover) => !isLetGo(mover))
  if (movers.length + velocity.admitted.length + velocity.waiting.size === 0) return velocity
  const limit = movers.length === 0 ? undefined : limitOf(world, movers.length + velocity.admitted.length)
  return velocityAfter(velocity, movers, limit, now)
}
