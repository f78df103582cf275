import { HashMap, Option } from "effect"
import { type Action, compareActions, compareText } from "./Action.ts"
import { actionGuard, sift } from "./ActionGuard.ts"
import { type CellStanding, cellStanding } from "./CellStanding.ts"
import type { Cidr } from "./Cidr.ts"
import { viewOf } from "./Decide.ts"
import type { Brake } from "./DeletionBrake.ts"
import { type Digest, digest } from "./Digest.ts"
import { type Excerpt, excerpt, firstOf } from "./Excerpt.ts"
import type { Millis } from "./Health.ts"
import type { Held } from "./Hold.ts"
import type { RouteTableId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import { type GuardHold, guardHoldsOf } from "./GuardHold.ts"
import { type CellStatus, cellStatus, type HostStatus, hostStatusAt } from "./Status.ts"
import type { VpcIndex } from "./VpcIndex.ts"
import { cellsOf, type World } from "./World.ts"

export interface OverviewTable {
  readonly id: RouteTableId
  readonly main: boolean
  /** Its tag `Name`. */
  readonly name: string | undefined
}

export interface OverviewCell {
  readonly standing: CellStanding
  /** What stands there; undefined: nothing. */
  readonly status: CellStatus | undefined
  /** What is queued or under way for it. */
  readonly pending: Action | undefined
}

export interface OverviewRow {
  readonly cidr: Cidr
  /** The hosts of the spec that may carry it; undefined: the spec does not name it. */
  readonly hosts: ReadonlyArray<Ip> | undefined
  /** One for each table that is shown, in their order. */
  readonly cells: ReadonlyArray<OverviewCell>
}

/** As much of the world as a person looks at, for little work however large the VPC is. */
export interface Overview {
  readonly isProtecting: boolean
  readonly isRestored: boolean
  /** Tables in scope; those with pending writes and holds come in first. */
  readonly tables: Excerpt<OverviewTable>
  /** CIDRs of the spec, and what else is ours; what is being written, has failed or is held comes in first. */
  readonly rows: Excerpt<OverviewRow>
  /** Routes of others. */
  readonly others: Excerpt<OverviewRow>
  /** Hosts of the spec; failed, unproven and drained ones come in first. */
  readonly hosts: Excerpt<HostStatus>
  readonly held: Excerpt<Held>
  readonly pending: Excerpt<Action>
  /** Deletions that wait for a confirmation. */
  readonly brake: (Excerpt<Action> & Pick<Brake, "hash" | "cause">) | undefined
  /** What is held as one. */
  readonly holds: ReadonlyArray<GuardHold>
  /** Failed hosts off which routes are still to be moved. */
  readonly moving: ReadonlySet<Ip>
  readonly counts: {
    readonly cidrs: number
    readonly hosts: number
    readonly failedHosts: number
    readonly drainedHosts: number
  }
}

/** How much is shown at most. Cells: those of rows and others, each. */
export interface OverviewLimits {
  readonly tables: number
  readonly cells: number
  readonly hosts: number
  readonly held: number
  readonly pending: number
}

/** More than this nobody reads at a glance; `GET /status` has it all. */
export const overviewLimits: OverviewLimits = { tables: 50, cells: 1_000, hosts: 200, held: 100, pending: 50 }

/** Hosts of the spec by a verdict that sets them apart. */
const troubled = (world: World): { readonly failed: ReadonlyArray<Ip>; readonly unknown: ReadonlyArray<Ip> } => {
  const failed: Array<Ip> = []
  const unknown: Array<Ip> = []
  for (const [host, { _tag }] of world.health)
    if (_tag !== "Healthy" && world.cidrsOf.has(host)) (_tag === "Failed" ? failed : unknown).push(host)
  return { failed, unknown }
}

function* cidrsOf(world: World, hosts: ReadonlyArray<Ip>): Generator<Cidr> {
  for (const host of hosts) yield* world.cidrsOf.get(host) ?? []
}

const rowMaker = (
  world: World,
  index: VpcIndex,
  tables: ReadonlyArray<RouteTableId>,
  now: Millis,
): ((range: Cidr) => OverviewRow) => {
  const view = viewOf(world, index, now)
  const guard = actionGuard(world)
  return (range) => {
    const hosts = world.spec?.get(range)
    const cellOf = cellsOf(world, range)
    const writes = sift(Option.getOrUndefined(HashMap.get(world.decisions, range))?.write ?? [], guard).write
    const pending = new Map(writes.map((action) => [action.table, action]))
    const cells = tables.map((table): OverviewCell => {
      const route = cellOf(table).present
      const status = route === undefined ? undefined : cellStatus(world, index.vpc, range, route)
      return {
        standing: cellStanding(status, hosts, view.standing),
        status,
        pending: pending.get(table),
      }
    })
    return { cidr: range, hosts, cells }
  }
}

const tableOf = (index: VpcIndex, id: RouteTableId): OverviewTable => {
  const table = index.vpc.tables.get(id)
  return { id, main: table?.main === true, name: table?.tags.get("Name") }
}

/** The tables and cells of a reading. */
const matrix = (
  world: World,
  index: VpcIndex,
  decided: Digest,
  failed: ReadonlyArray<Ip>,
  limits: OverviewLimits,
  now: Millis,
): Pick<Overview, "tables" | "rows" | "others"> => {
  const concerned = [...decided.tables].filter((id) => index.vpc.tables.has(id))
  const tables = [...firstOf(limits.tables, [concerned, index.tables])].sort(compareText)
  const mostRows = Math.floor(limits.cells / Math.max(1, tables.length))
  const spec = world.spec ?? new Map<Cidr, ReadonlyArray<Ip>>()
  const rows = firstOf(mostRows, [decided.writing, cidrsOf(world, failed), decided.holding, spec.keys()])
  const foreign = [...index.byCidr.keys()].filter((range) => !spec.has(range) && !decided.besides.has(range))
  const others = excerpt(foreign, mostRows, compareText)
  const row = rowMaker(world, index, tables, now)
  return {
    tables: { shown: tables.map((id) => tableOf(index, id)), leftOut: index.tables.length - tables.length },
    rows: { shown: [...rows].sort(compareText).map(row), leftOut: spec.size + decided.besides.size - rows.size },
    others: { shown: others.shown.map(row), leftOut: others.leftOut },
  }
}

const none = { shown: [], leftOut: 0 }

/** The overview of the world at `now`; deterministic. */
export const overview = (world: World, now: Millis, limits: OverviewLimits = overviewLimits): Overview => {
  const decided = digest(world, { ...limits, cidrs: limits.cells })
  const { failed, unknown } = troubled(world)
  const index = world.reading?.index
  const hosts = firstOf(limits.hosts, [failed, world.drained, unknown, world.cidrsOf.keys()])
  const drainedBesides = [...world.drained].filter((host) => !world.cidrsOf.has(host)).length
  const { brake } = world
  return {
    isProtecting: world.spec !== undefined,
    isRestored: world.isRestored,
    ...(index === undefined
      ? { tables: none, rows: none, others: none }
      : matrix(world, index, decided, failed, limits, now)),
    hosts: {
      shown: [...hosts].sort(compareText).map(hostStatusAt(world, now)),
      leftOut: world.cidrsOf.size + drainedBesides - hosts.size,
    },
    held: decided.held,
    pending: decided.pending,
    brake:
      brake === undefined
        ? undefined
        : { hash: brake.hash, cause: brake.cause, ...excerpt(brake.deletions, limits.pending, compareActions) },
    holds: guardHoldsOf(world),
    moving: decided.moving,
    counts: {
      cidrs: world.spec?.size ?? 0,
      hosts: world.cidrsOf.size,
      failedHosts: failed.length,
      drainedHosts: world.drained.size,
    },
  }
}
