import { HashMap, Option } from "effect"
import { type Action, compareActions } from "./Action.ts"
import { actionGuard, sift, siftedAnew, velocityOf } from "./ActionGuard.ts"
import * as ByCell from "./ByCell.ts"
import type { Cidr } from "./Cidr.ts"
import { type Brake, brakeOn, deletionKey, lastDeleted, mostOwned } from "./DeletionBrake.ts"
import { guarded, guardsNextAt } from "./Guards.ts"
import type { Millis } from "./Health.ts"
import { compareHeld, type Held, HoldReason } from "./Hold.ts"
import { type HostStanding, standingOf } from "./HostStanding.ts"
import type { Ip } from "./Ip.ts"
import { blocks } from "./Obstacle.ts"
import { planCidr, type PlanView } from "./PlanCidr.ts"
import type { RouteSpec } from "./RouteSpec.ts"
import { allSteps, type Steps } from "./Steps.ts"
import type { VpcIndex } from "./VpcIndex.ts"
import { type CidrDecision, cellsOf, obstacleAt, type World, writeTo } from "./World.ts"
import { contention } from "./WriteLog.ts"

/** How long a host that is new may take to answer before routes are created without it. Two probes at the usual rhythm. */
export const firstAnswerPatience: Millis = 1_500

/** What to write now. */
export interface Decision {
  /** The world with the new decisions in it. */
  readonly world: World
  /** The CIDRs that were decided anew: whatever is still queued for them is superseded by `write`. */
  readonly cidrs: ReadonlySet<Cidr>
  /** Most urgent first; the same input gives the same list. */
  readonly write: ReadonlyArray<Action>
  /** When to look again, although nothing happens. */
  readonly nextAt: Millis | undefined
}

/** Until when EC2's word is believed that it does not know the interface of this host. */
const refusedUntil = (world: World, index: VpcIndex, host: Ip): Millis | undefined => {
  const interfaceId = index.interfaceOf.get(host)
  return interfaceId === undefined ? undefined : world.refusedInterfaces.get(interfaceId)
}

/** The world as one CIDR's plan sees it at `now`. Standings are worked out once a host. */
export const viewOf = (world: World, index: VpcIndex, now: Millis): PlanView => {
  const standings = new Map<Ip, HostStanding>()
  return {
    policy: world.policy,
    index,
    hosts: (range) => world.spec?.get(range),
    standing: (host) => {
      const known = standings.get(host)
      if (known !== undefined) return known
      const facts = {
        host,
        verdict: Option.getOrUndefined(HashMap.get(world.health, host)),
        drained: world.drained.has(host),
        sighting: world.sightings.get(host)?.sighting,
        withheld: world.guards.withheld.get(host),
        damped: world.guards.damped.has(host),
        refusedByEc2: now < (refusedUntil(world, index, host) ?? -Infinity),
      }
      const standing = standingOf(facts, index)
      standings.set(host, standing)
      return standing
    },
    cells: (range) => cellsOf(world, range),
    isRestored: world.isRestored,
    wasNamed: (range) => world.named.has(range),
    firstAnswerUntil: (host) => {
      const verdict = Option.getOrUndefined(HashMap.get(world.health, host))
      const until = verdict?._tag === "Unknown" ? verdict.since + firstAnswerPatience : -Infinity
      return now < until ? until : undefined
    },
  }
}

/** Why a planned write is not made now: EC2 refused it a moment ago, or somebody else fights over the cell. */
const guard = (world: World, action: Action, now: Millis): Held | undefined => {
  const hold = { cidr: action.cidr, table: action.table, action }
  const stands = obstacleAt(world, action)
  if (blocks(stands, action, now)) return { ...hold, reason: HoldReason.WriteFailed(stands), until: stands.until }
  const entry = writeTo(world, action)
  // Readings that show none may be stale, and what we believe is there leads to a host that is to carry it no more.
  if (action._tag === "CreateRoute" && entry?.written !== undefined && entry.written.interfaceId !== action.interfaceId)
    return undefined
  const contended = contention(entry)
  return contended !== undefined && now < contended.until && action.urgency !== "failover"
    ? { ...hold, reason: HoldReason.Contended({ times: contended.times }), until: contended.until }
    : undefined
}

/** Cells that look changed back once more, but so shortly after our write that the reading may be a stale one. */
const changedBack = (world: World, view: PlanView, range: Cidr, now: Millis): ReadonlyArray<Held> => {
  const log = ByCell.row(world.writes, range)
  if (log === undefined) return []
  return view.index.tables.flatMap((table) => {
    const entry = log.get(table)
    const contended = entry?.shown === "stale" ? contention(entry) : undefined
    return contended === undefined || now >= contended.until
      ? []
      : [{ cidr: range, table, reason: HoldReason.Contended({ times: contended.times }), until: contended.until }]
  })
}

const earliest = (times: ReadonlyArray<Millis | undefined>): Millis | undefined =>
  times.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined)

const decideCidr = (world: World, view: PlanView, range: Cidr, now: Millis): CidrDecision => {
  const plan = planCidr(view, range)
  const write: Array<Action> = []
  const held: Array<Held> = [...plan.held]
  for (const action of plan.actions) {
    const hold = guard(world, action, now)
    if (hold === undefined) write.push(action)
    else held.push(hold)
  }
  const concerned = new Set([...plan.actions, ...held].map(({ table }) => table))
  held.push(...changedBack(world, view, range, now).filter(({ table }) => !concerned.has(table)))
  const refusals = (world.spec?.get(range) ?? []).map((host) => refusedUntil(world, view.index, host))
  const times = [...held.map(({ until }) => until), ...refusals].filter((time) => time !== undefined && time > now)
  return { write, held, nextAt: earliest(times) }
}

/** All deletions that are decided, held by a guard or not. */
export const deletionsOf = (world: World): ReadonlyArray<Extract<Action, { readonly _tag: "DeleteRoute" }>> =>
  [...HashMap.values(world.decisions)].flatMap(({ write }) => write.filter((action) => action._tag === "DeleteRoute"))

/** What was held before a restart, while nothing is deleted for being restored. It is confirmed as a whole. */
const stillHeld = ({ brake, confirmed }: World): Brake | undefined =>
  brake?.deletions.every((action) => confirmed.has(deletionKey(action))) === true ? undefined : brake

const brakeOf = (world: World, spec: RouteSpec, now: Millis): Brake | undefined => {
  if (world.isRestored) return stillHeld(world)
  return brakeOn({
    deletions: deletionsOf(world),
    confirmed: world.confirmed,
    spec,
    owned: world.owned,
    mostOwned: mostOwned(world.highWater, now),
    lastDeleted: () => lastDeleted(world.highWater, now),
    before: world.brake,
  })
}

/**
 * Decides the CIDRs in `dirty` anew: health guards, plan, then action guards. Without a spec nothing is decided; without a
 * reading of the VPC only which failures are held, so that those which come together are held when it is read. Deciding only what {@link apply} called dirty gives the same as deciding everything.
 */
export const decide = (before: World, touched: ReadonlySet<Cidr>, now: Millis): Decision =>
  allSteps(decideSteps(before, touched, now))

/** The same, one CIDR at a time, and all of them from one picture: whoever drives it keeps to the world that it gave. */
export function* decideSteps(before: World, touched: ReadonlySet<Cidr>, now: Millis): Steps<Decision> {
  if (before.spec === undefined) return { world: before, cidrs: touched, write: [], nextAt: undefined }
  const [world, hosts] = guarded(before, now)
  const index = world.reading?.index
  if (index === undefined) return { world, cidrs: touched, write: [], nextAt: guardsNextAt(world.guards, now) }
  const dirty = new Set(touched)
  for (const host of hosts) for (const range of world.cidrsOf.get(host) ?? []) dirty.add(range)
  const view = viewOf(world, index, now)
  let { decisions } = world
  for (const range of dirty) {
    const decision = decideCidr(world, view, range, now)
    decisions =
      decision.write.length + decision.held.length > 0 || decision.nextAt !== undefined
        ? HashMap.set(decisions, range, decision)
        : HashMap.remove(decisions, range)
    yield
  }
  const decided = { ...world, decisions }
  const brake = brakeOf(decided, before.spec, now)
  const next = { ...decided, brake, guards: { ...world.guards, velocity: velocityOf(decided, now) } }
  // A guard that holds or lets go changes what may be written for CIDRs that nothing else changed.
  const cidrs = new Set([...dirty, ...siftedAnew(before, next)])
  const guard = actionGuard(next)
  const letThrough = (range: Cidr) =>
    sift(Option.getOrUndefined(HashMap.get(decisions, range))?.write ?? [], guard).write
  return {
    world: next,
    cidrs,
    write: [...cidrs].flatMap(letThrough).sort(compareActions),
    nextAt: earliest([...[...HashMap.values(decisions)].map(({ nextAt }) => nextAt), guardsNextAt(next.guards, now)]),
  }
}

/** Every write that is decided and not held: what is queued or under way. */
export const pendingOf = (world: World): ReadonlyArray<Action> => {
  const guard = actionGuard(world)
  return [...HashMap.values(world.decisions)].flatMap(({ write }) => sift(write, guard).write).sort(compareActions)
}

/** Writes that EC2 did not do, and that are tried again or wait for somebody to mend the cause. */
export const failedWritesOf = (world: World): ReadonlyArray<Action> =>
  [...HashMap.values(world.decisions)].flatMap(({ held }) =>
    held.flatMap(({ action, reason }) => (reason._tag === "WriteFailed" && action !== undefined ? [action] : [])),
  )

/** Everything that is not done, with its reason. */
export const heldOf = (world: World): ReadonlyArray<Held> => {
  const guard = actionGuard(world)
  return [...HashMap.values(world.decisions)]
    .flatMap(({ held, write }) => [...held, ...sift(write, guard).held])
    .sort(compareHeld)
}
