import { HashMap } from "effect"
import type { Action, Cell } from "./Action.ts"
import * as ByCell from "./ByCell.ts"
import { type Census, nobody } from "./Census.ts"
import type { Cidr } from "./Cidr.ts"
import type { Brake, DeleteRoute, HighWater } from "./DeletionBrake.ts"
import { type Guards, noGuards } from "./Guards.ts"
import type { Millis, Verdict } from "./Health.ts"
import type { Held } from "./Hold.ts"
import type { Sighting } from "./HostStanding.ts"
import type { InterfaceId, RouteTableId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import type { Obstacle } from "./Obstacle.ts"
import { defaultPolicy, type Policy } from "./Policy.ts"
import type { RouteSpec } from "./RouteSpec.ts"
import type { VpcIndex } from "./VpcIndex.ts"
import { type CellContent, content, type LogEntry } from "./WriteLog.ts"

/** What is to be done about one CIDR, what is held, and when to look again by itself. */
export interface CidrDecision {
  readonly write: ReadonlyArray<Action>
  readonly held: ReadonlyArray<Held>
  readonly nextAt: Millis | undefined
}

/** A sighting, and since which reading the host is absent. */
export interface Presence {
  readonly sighting: Sighting
  readonly absentSince: Millis | undefined
}

/** All that is known, arranged so that one event costs work in proportion to what it changes. A value. */
export interface World {
  readonly policy: Policy
  readonly spec: RouteSpec | undefined
  /** The spec comes from before a restart, and none was accepted since: nothing is deleted by it. */
  readonly isRestored: boolean
  /** CIDRs that an accepted spec named at some time, while they stand in the spec or in a table. */
  readonly named: ReadonlySet<Cidr>
  readonly cidrsOf: ReadonlyMap<Ip, ReadonlyArray<Cidr>>
  readonly health: HashMap.HashMap<Ip, Verdict>
  /** Of {@link health}, kept with it. */
  readonly census: Census
  readonly drained: ReadonlySet<Ip>
  readonly reading: { readonly index: VpcIndex; readonly readAt: Millis } | undefined
  readonly sightings: ReadonlyMap<Ip, Presence>
  /** Interfaces that EC2 said it does not know, and until when that is believed. */
  readonly refusedInterfaces: ReadonlyMap<InterfaceId, Millis>
  readonly writes: ByCell.ByCell<LogEntry>
  readonly obstacles: ByCell.ByCell<Obstacle>
  /** Owned routes in scope. */
  readonly owned: number
  readonly highWater: HighWater
  /** Deletions that the operator let happen, by their keys. */
  readonly confirmed: ReadonlyMap<string, DeleteRoute>
  /** What was decided for each CIDR of which something is to be done or held. */
  readonly decisions: HashMap.HashMap<Cidr, CidrDecision>
  readonly brake: Brake | undefined
  /** What keeps failures and writes from being acted upon. */
  readonly guards: Guards
}

/** Knows nothing; plans nothing. */
export const empty = (policy: Policy = defaultPolicy): World => ({
  policy,
  spec: undefined,
  isRestored: false,
  named: new Set(),
  cidrsOf: new Map(),
  health: HashMap.empty(),
  census: nobody,
  drained: new Set(),
  reading: undefined,
  sightings: new Map(),
  refusedInterfaces: new Map(),
  writes: ByCell.empty(),
  obstacles: ByCell.empty(),
  owned: 0,
  highWater: [],
  confirmed: new Map(),
  decisions: HashMap.empty(),
  brake: undefined,
  guards: noGuards,
})

/** The contents of one CIDR's cells: the last reading under our own writes. */
export const cellsOf = (world: World, range: Cidr): ((table: RouteTableId) => CellContent) => {
  const read = world.reading?.index.byCidr.get(range)
  const log = ByCell.row(world.writes, range)
  return (table) => content(log?.get(table), read?.get(table))
}

/** Our last write to a cell, while it is remembered. */
export const writeTo = (world: World, cell: Cell): LogEntry | undefined => ByCell.get(world.writes, cell)

/** What EC2 refused for a cell, until it is tried again or succeeds. */
export const obstacleAt = (world: World, cell: Cell): Obstacle | undefined => ByCell.get(world.obstacles, cell)

/** Every CIDR that a full plan looks at. */
export const allCidrs = (world: World): ReadonlySet<Cidr> => {
  const all = new Set<Cidr>(world.spec?.keys())
  for (const [range, row] of world.reading?.index.byCidr ?? [])
    if (!all.has(range)) for (const { owned } of row.values()) if (owned) all.add(range)
  for (const range of HashMap.keys(world.writes)) all.add(range)
  for (const range of HashMap.keys(world.decisions)) all.add(range)
  return all
}
