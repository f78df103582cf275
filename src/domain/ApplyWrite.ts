import type { Action } from "./Action.ts"
import * as ByCell from "./ByCell.ts"
import type { Cidr } from "./Cidr.ts"
import { deletionKey, noteDeleted, noteOwned } from "./DeletionBrake.ts"
import type { Millis } from "./Health.ts"
import { obstacle } from "./Obstacle.ts"
import { RouteTarget } from "./Vpc.ts"
import type { StandingRoute } from "./VpcIndex.ts"
import { cellsOf, type World } from "./World.ts"
import type { WorldEvent } from "./WorldEvent.ts"
import { blamesInterface, findingOf, mayBeDone } from "./WriteFailure.ts"
import { content, doubted, foundGone, foundThere, type LogEntry, uncertain, written } from "./WriteLog.ts"

type WriteFailed = Extract<WorldEvent, { readonly _tag: "WriteFailed" }>

const ownRoute = (target: RouteTarget): StandingRoute => ({
  target,
  interfaceId: target._tag === "Interface" ? target.interfaceId : undefined,
  blackhole: false,
  owned: true,
  interfaceSeen: true,
})

/** The route as it stands after a write of ours. */
const routeAfter = (world: World, action: Action): StandingRoute | undefined => {
  if (action._tag === "DeleteRoute") return undefined
  const { interfaceId } = action
  const instanceId = world.reading?.index.vpc.interfaces.get(interfaceId)?.instanceId
  return ownRoute(RouteTarget.Interface({ interfaceId, instanceId }))
}

/** What the cell held when the write was decided. */
const routeBefore = (action: Action): StandingRoute | undefined =>
  action._tag === "CreateRoute" ? undefined : ownRoute(action.before)

/** How many routes are ours once the cell's log says this. */
const ownedAfter = (world: World, { cidr, table }: Action, entry: LogEntry): number => {
  if (world.reading?.index.tables.includes(table) !== true) return world.owned
  const read = world.reading.index.byCidr.get(cidr)?.get(table)
  const isOwned = (route: StandingRoute | undefined) => Number(route?.owned === true)
  return world.owned + isOwned(content(entry, read).present) - isOwned(cellsOf(world, cidr)(table).present)
}

/** The obstacles that are left once a cell is as the write would have it, and the CIDRs of the others: where there is room. */
const obstaclesAfter = (world: World, action: Action): readonly [World["obstacles"], ReadonlySet<Cidr>] => {
  let obstacles = ByCell.set(world.obstacles, action, undefined)
  const dirty = new Set([action.cidr])
  if (action._tag === "DeleteRoute")
    for (const [range, row] of obstacles)
      if (row.get(action.table)?.disposition === "full") {
        obstacles = ByCell.set(obstacles, { table: action.table, cidr: range }, undefined)
        dirty.add(range)
      }
  return [obstacles, dirty]
}

const highWaterAfter = (world: World, action: Action, owned: number, at: Millis): World["highWater"] => {
  const isUnconfirmed = action._tag === "DeleteRoute" && !world.confirmed.has(deletionKey(action))
  return noteOwned(isUnconfirmed ? noteDeleted(world.highWater, action.cidr, at) : world.highWater, owned, at)
}

/** EC2 did a write. */
export const writeDone = (world: World, action: Action, doneAt: Millis): [World, ReadonlySet<Cidr>] => {
  const present = cellsOf(world, action.cidr)(action.table).present
  // A reading may have shown the new route before EC2's answer came, and an older one may yet follow.
  const former = [routeBefore(action), present]
  const entry = written(ByCell.get(world.writes, action), former, routeAfter(world, action), doneAt)
  const owned = ownedAfter(world, action, entry)
  const [obstacles, dirty] = obstaclesAfter(world, action)
  const writes = ByCell.set(world.writes, action, entry)
  return [{ ...world, writes, obstacles, owned, highWater: highWaterAfter(world, action, owned, doneAt) }, dirty]
}

/** What the cell holds now is not known: the write may have been done. */
const withDoubt = (world: World, action: Action, at: Millis): World["writes"] => {
  const read = world.reading?.index.byCidr.get(action.cidr)?.get(action.table)
  const entry = uncertain(ByCell.get(world.writes, action), read, routeAfter(world, action), at)
  return ByCell.set(world.writes, action, entry)
}

/** A try of a write got no answer. */
export const writeUnanswered = (world: World, action: Action, at: Millis): [World, ReadonlySet<Cidr>] => [
  { ...world, writes: withDoubt(world, action, at) },
  new Set([action.cidr]),
]

/** How long EC2's word that it will not have an interface is believed against the readings. */
const refusalMemory: Millis = 30_000

/**
 * What EC2's answer says of the cell, where that is enough to go on: there is none, or there is one and we wrote it. Then
 * the log with it. Otherwise the next reading tells.
 */
const found = (world: World, { action, at, code, disposition }: WriteFailed): LogEntry | undefined => {
  const finding = findingOf(action._tag, { code, disposition })
  if (finding === undefined) return undefined
  const read = world.reading?.index.byCidr.get(action.cidr)?.get(action.table)
  if (read?.owned === false) return undefined
  const entry = ByCell.get(world.writes, action)
  if (finding === "there") return entry && foundThere(entry, at)
  return foundGone(entry, cellsOf(world, action.cidr)(action.table).present, at)
}

const mayHaveDeleted = (world: World, cell: Action): boolean =>
  ByCell.get(world.writes, cell)?.attempted?.some(({ isOpen, route }) => isOpen && route === undefined) === true

/** Whether EC2's refusal says that the cell is as the write would have it: our own route is there, or none is. */
export const isAlreadySo = (world: World, failed: WriteFailed): boolean =>
  failed.action._tag !== "ReplaceRoute" && found(world, failed) !== undefined

/** The writes, where EC2's refusal speaks against what we believe of the cell, or its silence leaves that open. */
const writesAfter = (world: World, event: WriteFailed): World["writes"] => {
  const { action, at, disposition } = event
  if (mayBeDone(event)) return withDoubt(world, action, at)
  const entry = ByCell.get(world.writes, action)
  const isThere = cellsOf(world, action.cidr)(action.table).present !== undefined
  const expectsOne = action._tag !== "CreateRoute"
  // "Not there" of a route that we believe in, or "already there" of one that we believe gone.
  // EC2 that goes on contradicting itself is asked less and less often.
  const isSettled = (entry?.proof?.times ?? 0) > 1
  return entry !== undefined && !isSettled && disposition === "refresh" && isThere === expectsOne
    ? ByCell.set(world.writes, action, doubted(entry))
    : world.writes
}

/** EC2 did not do a write, as far as is known. */
export const writeFailed = (world: World, event: WriteFailed): [World, ReadonlySet<Cidr>] => {
  const { action, at } = event
  const obstacles = ByCell.set(
    world.obstacles,
    action,
    obstacle(ByCell.get(world.obstacles, action), action, event, at),
  )
  const dirty = new Set([action.cidr])
  const entry = found(world, event)
  if (entry !== undefined) {
    // A try of it had no answer. Here it is.
    if (action._tag === "DeleteRoute" && mayHaveDeleted(world, action)) return writeDone(world, action, at)
    const owned = ownedAfter(world, action, entry)
    const writes = ByCell.set(world.writes, action, entry)
    return [{ ...world, obstacles, writes, owned, highWater: noteOwned(world.highWater, owned, at) }, dirty]
  }
  if (action._tag === "DeleteRoute" || !blamesInterface(event, action.interfaceId))
    return [{ ...world, obstacles, writes: writesAfter(world, event) }, dirty]
  const refusedInterfaces = new Map([...world.refusedInterfaces].filter(([, until]) => until > at))
  refusedInterfaces.set(action.interfaceId, at + refusalMemory)
  for (const host of world.reading?.index.vpc.interfaces.get(action.interfaceId)?.addresses ?? [])
    for (const range of world.cidrsOf.get(host) ?? []) dirty.add(range)
  return [{ ...world, obstacles, refusedInterfaces }, dirty]
}
