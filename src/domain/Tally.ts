import { HashMap } from "effect"
import { actionGuard, sift } from "./ActionGuard.ts"
import { anchorState, type Anchors, type AnchorState, withoutSay } from "./Anchors.ts"
import type { Cidr } from "./Cidr.ts"
import { viewOf } from "./Decide.ts"
import type { Millis, Verdict } from "./Health.ts"
import { type GuardHold, guardHoldsOf } from "./GuardHold.ts"
import type { Held, HoldReason } from "./Hold.ts"
import type { HostStanding } from "./HostStanding.ts"
import type { Ip } from "./Ip.ts"
import { leadsAmong } from "./Lead.ts"
import type { PlanView } from "./PlanCidr.ts"
import { cellsOf, type World } from "./World.ts"

/** The world in numbers. */
export interface Tally {
  /** A spec is in force. */
  readonly isProtecting: boolean
  /** It is the one from before a restart. */
  readonly isRestored: boolean
  /** CIDRs of the spec in force. */
  readonly cidrs: number
  /** Hosts of the spec, by verdict. */
  readonly hosts: Readonly<Record<Verdict["_tag"], number>>
  readonly drained: number
  /** Hosts that are chosen last for a while, since they relapsed. */
  readonly damped: number
  /** Failed hosts whose failure a guard holds. */
  readonly withheld: number
  /** What the guards hold as one. */
  readonly guards: ReadonlySet<GuardHold["kind"]>
  /** Anchors that answer, are silent, or of which nothing is known, each by each check. */
  readonly anchors: Readonly<Record<AnchorState, number>>
  /** Addresses of anchors that count for nothing. */
  readonly anchorsWithoutSay: number
  /** Route tables in scope. */
  readonly tables: number
  /** Owned routes in these. */
  readonly owned: number
  /** Cells of the spec whose route leads to a failed host. */
  readonly cellsOnFailedHosts: number
  /** CIDRs of the spec none of whose hosts may take a route. One that is withdrawn (`[]`) is not counted. */
  readonly cidrsWithoutHost: number
  /** CIDRs for which the spec names several hosts, but fewer than two may take a route: the next failure is an outage. */
  readonly cidrsWithoutAlternative: number
  /** What is held, by kind. Kinds that are missing: none. */
  readonly held: ReadonlyMap<HoldReason["_tag"], number>
}

const isFailed = (standing: HostStanding | undefined): boolean =>
  standing?._tag === "Losing" && standing.reason._tag === "HostFailed"

const cellsOnFailedHosts = (world: World, view: PlanView): number => {
  const ranges = new Set<Cidr>()
  for (const [host, carried] of world.cidrsOf)
    if (isFailed(view.standing(host))) for (const range of carried) ranges.add(range)
  let count = 0
  for (const range of ranges) {
    const leads = leadsAmong((view.hosts(range) ?? []).map(view.standing))
    const cellOf = cellsOf(world, range)
    for (const table of view.index.tables) {
      const { present } = cellOf(table)
      if (present?.owned === true && isFailed(leads(present))) count++
    }
  }
  return count
}

/** How many of the hosts may take a route, counted no further than to two. */
const ableAmong = (view: PlanView, hosts: ReadonlyArray<Ip>): number => {
  let able = 0
  for (const host of hosts) if (view.standing(host)._tag === "Able" && ++able === 2) break
  return able
}

const heldBy = (world: World): Map<HoldReason["_tag"], number> => {
  const held = new Map<HoldReason["_tag"], number>()
  const add = ({ reason }: Pick<Held, "reason">) => held.set(reason._tag, (held.get(reason._tag) ?? 0) + 1)
  const guard = actionGuard(world)
  for (const decision of HashMap.values(world.decisions)) {
    for (const one of decision.held) add(one)
    for (const one of sift(decision.write, guard).held) add(one)
  }
  return held
}

const anchorCounts = (anchors: Anchors): Tally["anchors"] => {
  const counts = { answering: 0, silent: 0, unknown: 0 }
  for (const anchor of anchors.values()) counts[anchorState(anchor)]++
  return counts
}

/**
 * Counts the world at `now`. Work in proportion to the hosts of the spec, to what is held, and to the tables of those CIDRs
 * that have a failed host: 2 ms for 10,000 CIDRs in 5 tables, 25 ms when half of their 1,000 hosts have failed.
 */
export const tally = (world: World, now: Millis): Tally => {
  const { reading, spec = new Map() } = world
  const hosts = { Unknown: 0, Healthy: 0, Failed: 0, Unwatched: 0 }
  for (const verdict of HashMap.values(world.health)) hosts[verdict._tag]++
  const counted = {
    isProtecting: world.spec !== undefined,
    isRestored: world.isRestored,
    cidrs: spec.size,
    hosts,
    drained: world.drained.size,
    damped: world.guards.damped.size,
    withheld: world.guards.withheld.size,
    guards: new Set(guardHoldsOf(world).map(({ kind }) => kind)),
    anchors: anchorCounts(world.guards.anchors),
    anchorsWithoutSay: withoutSay(world.guards.anchors).length,
    tables: reading?.index.tables.length ?? 0,
    owned: world.owned,
    held: heldBy(world),
  }
  if (reading === undefined)
    return { ...counted, cellsOnFailedHosts: 0, cidrsWithoutHost: 0, cidrsWithoutAlternative: 0 }
  const view = viewOf(world, reading.index, now)
  let cidrsWithoutHost = 0
  let cidrsWithoutAlternative = 0
  for (const named of spec.values()) {
    const able = ableAmong(view, named)
    if (able === 0 && named.length > 0) cidrsWithoutHost++
    if (able < 2 && named.length > 1) cidrsWithoutAlternative++
  }
  return {
    ...counted,
    cellsOnFailedHosts: cellsOnFailedHosts(world, view),
    cidrsWithoutHost,
    cidrsWithoutAlternative,
  }
}
