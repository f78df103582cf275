import { type Action, cellKey, compareActions, compareText } from "./Action.ts"
import { type CellStanding, cellStanding } from "./CellStanding.ts"
import type { Cidr } from "./Cidr.ts"
import { viewOf } from "./Decide.ts"
import { type Excerpt, excerpt, firstOf } from "./Excerpt.ts"
import type { Millis } from "./Health.ts"
import { compareHeld, type Held, HoldReason } from "./Hold.ts"
import type { RouteTableId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
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
  readonly brake: (Excerpt<Action> & { readonly hash: string }) | undefined
  /** Failed hosts off which routes are still to be moved. */
  readonly moving: ReadonlySet<Ip>
  readonly counts: {
    readonly cidrs: number
    readonly hosts: number
    readonly failedHosts: number
    readonly drainedHosts: number
    readonly held: ReadonlyMap<HoldReason["_tag"], number>
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

/** What is decided, unsorted. */
interface Decided {
  readonly pending: ReadonlyArray<Action>
  readonly held: ReadonlyArray<Held>
}

const decided = (world: World): Decided => {
  const { brake } = world
  const deletions = brake?.deletions ?? []
  const braked = new Set(deletions.map(cellKey))
  const pending: Array<Action> = []
  const held: Array<Held> = deletions.map((action) => {
    const reason = HoldReason.DeletionBrake({ hash: brake?.hash ?? "" })
    return { cidr: action.cidr, table: action.table, action, reason }
  })
  for (const [, decision] of world.decisions) {
    for (const action of decision.write) if (!braked.has(cellKey(action))) pending.push(action)
    held.push(...decision.held)
  }
  return { pending, held }
}

const hostsBy = (world: World, tag: "Failed" | "Unknown"): ReadonlyArray<Ip> =>
  [...world.health].flatMap(([host, verdict]) => (verdict._tag === tag && world.cidrsOf.has(host) ? [host] : []))

const countKinds = (held: ReadonlyArray<Held>): ReadonlyMap<HoldReason["_tag"], number> => {
  const counts = new Map<HoldReason["_tag"], number>()
  for (const { reason } of held) counts.set(reason._tag, (counts.get(reason._tag) ?? 0) + 1)
  return counts
}

/** Host by host, off which routes are still to be moved. */
const movingOf = (pending: ReadonlyArray<Action>): ReadonlySet<Ip> =>
  new Set(pending.flatMap(({ reason }) => (reason._tag === "HostFailed" ? [reason.host] : [])))

const rowMaker = (
  world: World,
  index: VpcIndex,
  tables: ReadonlyArray<RouteTableId>,
  pending: ReadonlyArray<Action>,
  now: Millis,
): ((range: Cidr) => OverviewRow) => {
  const view = viewOf(world, index, now)
  const pendingAt = new Map(pending.map((action) => [cellKey(action), action]))
  return (range) => {
    const hosts = world.spec?.get(range)
    const cellOf = cellsOf(world, range)
    const cells = tables.map((table): OverviewCell => {
      const route = cellOf(table).present
      const status = route === undefined ? undefined : cellStatus(world, index.vpc, range, route)
      return {
        standing: cellStanding(status, hosts, view.standing),
        status,
        pending: pendingAt.get(cellKey({ cidr: range, table })),
      }
    })
    return { cidr: range, hosts, cells }
  }
}

const none = { shown: [], leftOut: 0 }

const tableOf = (index: VpcIndex, id: RouteTableId): OverviewTable => {
  const table = index.vpc.tables.get(id)
  return { id, main: table?.main === true, name: table?.tags.get("Name") }
}

/** The tables and cells of a reading. */
const matrix = (
  world: World,
  index: VpcIndex,
  { held, pending }: Decided,
  failed: ReadonlyArray<Ip>,
  limits: OverviewLimits,
  now: Millis,
): Pick<Overview, "tables" | "rows" | "others"> => {
  const decisions: ReadonlyArray<{ readonly cidr: Cidr; readonly table?: RouteTableId | undefined }> = [
    ...pending,
    ...held,
  ]
  const concerned = decisions.flatMap(({ table }) =>
    table !== undefined && index.vpc.tables.has(table) ? [table] : [],
  )
  const tables = [...firstOf(limits.tables, [concerned, index.tables])].sort(compareText)
  const mostRows = Math.floor(limits.cells / Math.max(1, tables.length))
  const spec = world.spec ?? new Map<Cidr, ReadonlyArray<Ip>>()
  const besides = new Set(decisions.flatMap(({ cidr }) => (spec.has(cidr) ? [] : [cidr])))
  const urgent = [...pending.map(({ cidr }) => cidr), ...failed.flatMap((host) => world.cidrsOf.get(host) ?? [])]
  const rows = firstOf(mostRows, [urgent, held.map(({ cidr }) => cidr), spec.keys()])
  const foreign = [...index.byCidr.keys()].filter((range) => !spec.has(range) && !besides.has(range))
  const others = excerpt(foreign, mostRows, compareText)
  const row = rowMaker(world, index, tables, pending, now)
  return {
    tables: {
      shown: tables.map((id) => tableOf(index, id)),
      leftOut: index.tables.length - tables.length,
    },
    rows: { shown: [...rows].sort(compareText).map(row), leftOut: spec.size + besides.size - rows.size },
    others: { shown: others.shown.map(row), leftOut: others.leftOut },
  }
}

/** The overview of the world at `now`; deterministic. */
export const overview = (world: World, now: Millis, limits: OverviewLimits = overviewLimits): Overview => {
  const decisions = decided(world)
  const failed = hostsBy(world, "Failed")
  const index = world.reading?.index
  const hosts = firstOf(limits.hosts, [failed, world.drained, hostsBy(world, "Unknown"), world.cidrsOf.keys()])
  const { brake } = world
  return {
    isProtecting: world.spec !== undefined,
    isRestored: world.isRestored,
    ...(index === undefined
      ? { tables: none, rows: none, others: none }
      : matrix(world, index, decisions, failed, limits, now)),
    hosts: {
      shown: [...hosts].sort(compareText).map(hostStatusAt(world, now)),
      leftOut: new Set([...world.cidrsOf.keys(), ...world.drained]).size - hosts.size,
    },
    held: excerpt(decisions.held, limits.held, compareHeld),
    pending: excerpt(decisions.pending, limits.pending, compareActions),
    brake:
      brake === undefined
        ? undefined
        : { hash: brake.hash, ...excerpt(brake.deletions, limits.pending, compareActions) },
    moving: movingOf(decisions.pending),
    counts: {
      cidrs: world.spec?.size ?? 0,
      hosts: world.cidrsOf.size,
      failedHosts: failed.length,
      drainedHosts: world.drained.size,
      held: countKinds(decisions.held),
    },
  }
}
