import { type Action, compareActions } from "./Action.ts"
import { actionGuard, sift } from "./ActionGuard.ts"
import type { Cidr } from "./Cidr.ts"
import { type Excerpt, excerpting } from "./Excerpt.ts"
import { compareHeld, type Held } from "./Hold.ts"
import type { RouteTableId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import type { World } from "./World.ts"

/** What is decided, in little room. */
export interface Digest {
  readonly pending: Excerpt<Action>
  readonly held: Excerpt<Held>
  /** Failed hosts off which routes are still to be moved. */
  readonly moving: ReadonlySet<Ip>
  /** CIDRs that something is to be written for, and those that something is held for; some of many. */
  readonly writing: ReadonlySet<Cidr>
  readonly holding: ReadonlySet<Cidr>
  /** Tables that these are in; some of many. */
  readonly tables: ReadonlySet<RouteTableId>
  /** All CIDRs of these that the spec does not name. */
  readonly besides: ReadonlySet<Cidr>
}

export interface DigestLimits {
  readonly tables: number
  readonly cidrs: number
  readonly held: number
  readonly pending: number
}

/** Goes through all decisions once, and sorts nothing that is not shown. */
export const digest = (world: World, limits: DigestLimits): Digest => {
  const guard = actionGuard(world)
  const pending = excerpting(limits.pending, compareActions)
  const held = excerpting(limits.held, compareHeld)
  const moving = new Set<Ip>()
  const writing = new Set<Cidr>()
  const holding = new Set<Cidr>()
  const tables = new Set<RouteTableId>()
  const besides = new Set<Cidr>()
  const note = (cidrs: Set<Cidr>, range: Cidr, table: RouteTableId | undefined): void => {
    if (cidrs.size < limits.cidrs) cidrs.add(range)
    if (table !== undefined && tables.size < limits.tables) tables.add(table)
    if (world.spec?.has(range) !== true) besides.add(range)
  }
  const hold = (one: Held): void => {
    held.add(one)
    note(holding, one.cidr, one.table)
  }
  for (const [, decision] of world.decisions) {
    const sifted = sift(decision.write, guard)
    for (const one of sifted.held) hold(one)
    for (const action of sifted.write) {
      pending.add(action)
      if (action.reason._tag === "HostFailed") moving.add(action.reason.host)
      note(writing, action.cidr, action.table)
    }
    for (const one of decision.held) hold(one)
  }
  return { pending: pending.result(), held: held.result(), moving, writing, holding, tables, besides }
}
