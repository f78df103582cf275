import { HashMap, Option } from "effect"
import { type Action, compareText, targetWords } from "./Action.ts"
import type { Cidr } from "./Cidr.ts"
import { heldOf, pendingOf, viewOf } from "./Decide.ts"
import { type Millis, Verdict } from "./Health.ts"
import { type Anchor, listAnchors } from "./Anchors.ts"
import { type GuardHold, guardHoldsOf } from "./GuardHold.ts"
import type { Held } from "./Hold.ts"
import { whyNot } from "./HostStanding.ts"
import type { InstanceId, InterfaceId, RouteTableId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import { hostsOf, type RouteSpec } from "./RouteSpec.ts"
import type { Vpc } from "./Vpc.ts"
import type { StandingRoute, VpcIndex } from "./VpcIndex.ts"
import { cellsOf, type World } from "./World.ts"

/** One cell as it stands: the last reading under our own writes. */
export interface CellStatus {
  readonly cidr: Cidr
  /** The host of the spec that the route leads to; else the first address of its interface. */
  readonly host: Ip | undefined
  readonly interfaceId: InterfaceId | undefined
  readonly instanceId: InstanceId | undefined
  /** Interface, instance or gateway id. */
  readonly target: string
  readonly state: "active" | "blackhole"
  readonly owned: boolean
  readonly inSpec: boolean
}

export interface TableStatus {
  readonly id: RouteTableId
  readonly main: boolean
  /** By CIDR. Each is made when it is asked for: a VPC has up to some hundred thousand. */
  readonly cells: Iterable<CellStatus>
}

export interface HostStatus {
  readonly host: Ip
  readonly verdict: Verdict
  readonly able: boolean
  /** Why it can take no route; undefined when it can. */
  readonly why: string | undefined
  readonly drained: boolean
  /** Until when it is chosen after all others, since it relapsed. */
  readonly dampedUntil: Millis | undefined
  readonly interfaceId: InterfaceId | undefined
  readonly instanceId: InstanceId | undefined
  readonly sourceDestCheck: boolean | undefined
}

/** Everything that the world says of itself. */
export interface WorldStatus {
  readonly spec: RouteSpec | undefined
  /** The spec comes from before a restart, and none was accepted since. */
  readonly isRestored: boolean
  readonly drained: ReadonlyArray<Ip>
  readonly tables: ReadonlyArray<TableStatus>
  /** What carries each CIDR of the spec, if anything: the active route of ours whose target most tables name; ties by text. */
  readonly carried: Iterable<CellStatus>
  /** Made when they are asked for, as cells are. */
  readonly hosts: Iterable<HostStatus>
  readonly failed: ReadonlyArray<{ readonly host: Ip; readonly verdict: Extract<Verdict, { readonly _tag: "Failed" }> }>
  readonly hostCount: number
  readonly held: ReadonlyArray<Held>
  /** What is held as one. */
  readonly holds: ReadonlyArray<GuardHold>
  readonly anchors: ReadonlyArray<Anchor>
  readonly pending: ReadonlyArray<Action>
  /** When the reading in hand began. */
  readonly readAt: Millis | undefined
}

const instanceOf = (vpc: Vpc, interfaceId: InterfaceId | undefined): InstanceId | undefined =>
  interfaceId === undefined ? undefined : vpc.interfaces.get(interfaceId)?.instanceId

const hostOf = (vpc: Vpc, hosts: ReadonlyArray<Ip>, interfaceId: InterfaceId | undefined): Ip | undefined => {
  const addresses = interfaceId === undefined ? [] : (vpc.interfaces.get(interfaceId)?.addresses ?? [])
  return addresses.find((address) => hosts.includes(address)) ?? addresses[0]
}

/** One cell; `route` is what stands there. */
export const cellStatus = (world: World, vpc: Vpc, range: Cidr, route: StandingRoute): CellStatus => {
  const hosts = world.spec?.get(range)
  return {
    cidr: range,
    host: hostOf(vpc, hosts ?? [], route.interfaceId),
    interfaceId: route.interfaceId,
    instanceId: instanceOf(vpc, route.interfaceId),
    target: targetWords(route.target),
    state: route.blackhole ? "blackhole" : "active",
    owned: route.owned,
    inSpec: hosts !== undefined,
  }
}

/** Can be gone through any number of times; each item is made as it is reached. */
const lazily = <A>(make: () => Iterator<A>): Iterable<A> => ({ [Symbol.iterator]: make })

function* cellsIn(
  world: World,
  index: VpcIndex,
  table: RouteTableId,
  ranges: ReadonlyArray<Cidr>,
): Generator<CellStatus, void> {
  for (const range of ranges) {
    const route = cellsOf(world, range)(table).present
    if (route !== undefined) yield cellStatus(world, index.vpc, range, route)
  }
}

const tablesOf = (world: World, index: VpcIndex): ReadonlyArray<TableStatus> => {
  const ranges = [...new Set([...index.byCidr.keys(), ...HashMap.keys(world.writes)])].sort(compareText)
  return index.tables.map((id) => ({
    id,
    main: index.vpc.tables.get(id)?.main === true,
    cells: lazily(() => cellsIn(world, index, id, ranges)),
  }))
}

/** The route that stands for its CIDR: its target is what most tables name; ties by text. */
const mostNamed = (routes: ReadonlyArray<StandingRoute>): StandingRoute | undefined => {
  const times = new Map<string, number>()
  for (const { target } of routes) times.set(targetWords(target), (times.get(targetWords(target)) ?? 0) + 1)
  const timesOf = ({ target }: StandingRoute): number => times.get(targetWords(target)) ?? 0
  return [...routes].sort(
    (a, b) => timesOf(b) - timesOf(a) || compareText(targetWords(a.target), targetWords(b.target)),
  )[0]
}

function* carriedOf(world: World, index: VpcIndex, spec: RouteSpec): Generator<CellStatus, void> {
  for (const range of [...spec.keys()].sort(compareText)) {
    const cellOf = cellsOf(world, range)
    const routes = index.tables.flatMap((table) => {
      const route = cellOf(table).present
      return route !== undefined && route.owned && !route.blackhole ? [route] : []
    })
    const route = mostNamed(routes)
    if (route !== undefined) yield cellStatus(world, index.vpc, range, route)
  }
}

const verdictOf = (world: World, host: Ip, now: Millis): Verdict =>
  Option.getOrElse(HashMap.get(world.health, host), () => Verdict.Unknown({ since: now }))

/** A host before the VPC has been read for the first time. */
const unreadHost = (world: World, host: Ip, now: Millis): HostStatus => ({
  host,
  verdict: verdictOf(world, host, now),
  able: false,
  why: "the VPC has not been read yet",
  drained: world.drained.has(host),
  dampedUntil: world.guards.damped.get(host),
  interfaceId: undefined,
  instanceId: undefined,
  sourceDestCheck: undefined,
})

/** The status of any host of the spec at `now`. */
export const hostStatusAt = (world: World, now: Millis): ((host: Ip) => HostStatus) => {
  const index = world.reading?.index
  if (index === undefined) return (host) => unreadHost(world, host, now)
  const view = viewOf(world, index, now)
  return (host) => {
    const standing = view.standing(host)
    const interfaceId = index.interfaceOf.get(host)
    const networkInterface = interfaceId === undefined ? undefined : index.vpc.interfaces.get(interfaceId)
    return {
      host,
      verdict: verdictOf(world, host, now),
      able: standing._tag === "Able",
      why: standing._tag === "Able" ? undefined : whyNot(standing),
      drained: world.drained.has(host),
      dampedUntil: world.guards.damped.get(host),
      interfaceId: standing.interfaceId,
      instanceId: instanceOf(index.vpc, standing.interfaceId),
      sourceDestCheck: networkInterface?.sourceDestCheck,
    }
  }
}

const failedOf = (world: World, hosts: ReadonlyArray<Ip>, now: Millis): WorldStatus["failed"] =>
  hosts.flatMap((host) => {
    const verdict = verdictOf(world, host, now)
    return verdict._tag === "Failed" ? [{ host, verdict }] : []
  })

/** The status of the world at `now`; deterministic. */
export const worldStatus = (world: World, now: Millis): WorldStatus => {
  const index = world.reading?.index
  const { spec } = world
  const hosts = spec === undefined ? [] : [...hostsOf(spec)].sort(compareText)
  return {
    spec,
    isRestored: world.isRestored,
    drained: [...world.drained].sort(compareText),
    tables: index === undefined ? [] : tablesOf(world, index),
    carried: index === undefined || spec === undefined ? [] : lazily(() => carriedOf(world, index, spec)),
    hosts: lazily(() => hosts.values().map(hostStatusAt(world, now))),
    hostCount: hosts.length,
    failed: failedOf(world, hosts, now),
    held: heldOf(world),
    holds: guardHoldsOf(world),
    anchors: listAnchors(world.guards.anchors),
    pending: pendingOf(world),
    readAt: world.reading?.readAt,
  }
}
