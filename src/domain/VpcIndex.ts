import { compareText } from "./Action.ts"
import type { Cidr } from "./Cidr.ts"
import type { InstanceId, InterfaceId, RouteTableId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import { exclusion, inScope, type Policy } from "./Policy.ts"
import { allSteps, type Steps } from "./Steps.ts"
import type { InstanceState, NetworkInterface, Route, RouteTarget, Vpc } from "./Vpc.ts"

/** A route as the planner sees it: what it leads to, and whether it is ours. */
export interface StandingRoute {
  readonly target: RouteTarget
  /** The interface it leads to, where that can be told. */
  readonly interfaceId: InterfaceId | undefined
  readonly blackhole: boolean
  /** Ours to move and to delete: see {@link isOwned}. */
  readonly owned: boolean
  /** The interface (or the instance) is in the same reading. What leads nowhere we know may be anybody's: it stays. */
  readonly interfaceSeen: boolean
}

/** One reading of the VPC, arranged for planning under one policy. */
export interface VpcIndex {
  readonly vpc: Vpc
  /** Ids of the tables in scope, sorted. */
  readonly tables: ReadonlyArray<RouteTableId>
  /** Routes of the tables in scope, by destination; destinations out of our hands are left out. */
  readonly byCidr: ReadonlyMap<Cidr, ReadonlyMap<RouteTableId, StandingRoute>>
  /** The interface that owns each address. */
  readonly interfaceOf: ReadonlyMap<Ip, InterfaceId>
}

/** Whether an interface belongs to another account or to a service; routes to such are never ours. */
export const isForeignInterface = (vpc: Vpc, networkInterface: NetworkInterface): boolean =>
  networkInterface.requesterManaged || isForeignAccount(vpc, networkInterface.ownerId)

const isForeignAccount = (vpc: Vpc, ownerId: string | undefined): boolean =>
  ownerId !== undefined && vpc.ownerId !== undefined && ownerId !== vpc.ownerId

/**
 * Ours are static routes (`Origin: CreateRoute`) to an instance or interface, unless the interface is managed by a
 * service (NAT gateway, endpoint) or belongs to another account. Tables with edge associations are out of scope before.
 */
const isOwned = (vpc: Vpc, route: Route, interfaceId: InterfaceId | undefined): boolean => {
  if (route.origin !== "CreateRoute" || route.target._tag === "Other") return false
  if (isForeignAccount(vpc, route.target.ownerId)) return false
  const networkInterface = interfaceId === undefined ? undefined : vpc.interfaces.get(interfaceId)
  return networkInterface === undefined || !isForeignInterface(vpc, networkInterface)
}

/** The only interface of an instance; undefined when it has none or several. */
const onlyInterfaces = (vpc: Vpc): ReadonlyMap<InstanceId, InterfaceId | undefined> => {
  const found = new Map<InstanceId, InterfaceId | undefined>()
  for (const { id, instanceId } of vpc.interfaces.values())
    if (instanceId !== undefined) found.set(instanceId, found.has(instanceId) ? undefined : id)
  return found
}

const standing = (vpc: Vpc, only: ReadonlyMap<InstanceId, InterfaceId | undefined>, route: Route): StandingRoute => {
  const { target } = route
  const interfaceId =
    target._tag === "Interface"
      ? target.interfaceId
      : target._tag === "Instance"
        ? only.get(target.instanceId)
        : undefined
  return {
    target,
    interfaceId,
    blackhole: route.state === "blackhole",
    owned: isOwned(vpc, route, interfaceId),
    interfaceSeen:
      interfaceId === undefined
        ? target._tag === "Instance" && (only.has(target.instanceId) || vpc.instances.has(target.instanceId))
        : vpc.interfaces.has(interfaceId),
  }
}

/** A static route wins over a propagated one to the same destination ("Route priority", VPC user guide). */
const outranks = (route: Route): boolean => route.origin !== "EnableVgwRoutePropagation"

const ownersOfAddresses = (vpc: Vpc): ReadonlyMap<Ip, InterfaceId> => {
  // While an address moves, two interfaces can show it: the attached one has it, then the lower id, whatever the order.
  const byClaim = [...vpc.interfaces.values()].sort(
    (a, b) => Number(a.instanceId === undefined) - Number(b.instanceId === undefined) || compareText(a.id, b.id),
  )
  const owners = new Map<Ip, InterfaceId>()
  for (const { id, addresses } of byClaim)
    for (const address of addresses) if (!owners.has(address)) owners.set(address, id)
  return owners
}

/** Where a route goes in the index. No row: its destination is out of our hands. */
interface Place {
  readonly row: Map<RouteTableId, StandingRoute> | undefined
  readonly standing: StandingRoute
  readonly outranks: boolean
}

/** Arranges a reading for planning. */
export const indexVpc = (vpc: Vpc, policy: Policy): VpcIndex => allSteps(indexVpcSteps(vpc, policy))

/** The same, a table at a time. */
export function* indexVpcSteps(vpc: Vpc, policy: Policy): Steps<VpcIndex> {
  const tables = [...vpc.tables.values()]
    .filter((table) => inScope(policy, table))
    .sort((a, b) => compareText(a.id, b.id))
  const only = onlyInterfaces(vpc)
  const byCidr = new Map<Cidr, Map<RouteTableId, StandingRoute>>()
  const rowOf = (range: Cidr): Map<RouteTableId, StandingRoute> | undefined => {
    const known = byCidr.get(range)
    if (known !== undefined || exclusion(policy, range) !== undefined) return known
    const row = new Map<RouteTableId, StandingRoute>()
    byCidr.set(range, row)
    return row
  }
  // A reading has equal routes as one object: most of them stand in many tables, and each is looked into once.
  const places = new Map<Route, Place>()
  const placeOf = (route: Route): Place => {
    const known = places.get(route)
    if (known !== undefined) return known
    const place = { row: rowOf(route.destination), standing: standing(vpc, only, route), outranks: outranks(route) }
    places.set(route, place)
    return place
  }
  const put = (table: RouteTableId, { outranks, row, standing }: Place): void => {
    if (row !== undefined && (outranks || !row.has(table))) row.set(table, standing)
  }
  for (const { id, routes } of tables) {
    for (const route of routes) put(id, placeOf(route))
    yield
  }
  return { vpc, tables: tables.map(({ id }) => id), byCidr, interfaceOf: ownersOfAddresses(vpc) }
}

/** The state of the instance behind an interface, where it is known. */
export const instanceStateOf = (vpc: Vpc, networkInterface: NetworkInterface): InstanceState | undefined =>
  networkInterface.instanceId === undefined ? undefined : vpc.instances.get(networkInterface.instanceId)
