import type { Cidr } from "../../domain/Cidr.ts"
import {
  type AccountId,
  type InstanceId,
  type InterfaceId,
  RouteTableId,
  type SubnetId,
  type VpcId,
} from "../../domain/Ids.ts"
import type { CheckResult, ScheduledEvent, StatusCheck } from "../../domain/InstanceStatus.ts"
import type { Ip } from "../../domain/Ip.ts"
import {
  type InstanceState,
  type NetworkInterface,
  type Route,
  type RouteOrigin,
  type RouteTable,
  RouteTarget,
  type Vpc,
} from "../../domain/Vpc.ts"

/** Who an interface is attached to. No instance: a service of AWS, such as a NAT gateway. */
export interface SimulatedAttachment {
  readonly instanceId: InstanceId | undefined
  readonly ownerId: AccountId
}

/** A network interface, and whether a host behind it answers probes. */
export interface SimulatedInterface {
  readonly id: InterfaceId
  readonly addresses: ReadonlyArray<Ip>
  readonly subnetId: SubnetId | undefined
  readonly zone: string | undefined
  readonly sourceDestCheck: boolean
  readonly requesterManaged: boolean
  readonly ownerId: AccountId
  /** `undefined`: detached. */
  readonly attachment: SimulatedAttachment | undefined
  /** `false`: the host hangs. EC2 does not notice; its routes stay active. */
  readonly answers: boolean
}

/** What EC2 finds and plans beside the state of an instance: checks that are not ok while it runs, and events. */
export interface SimulatedStatus {
  readonly checks: Readonly<Partial<Record<StatusCheck, CheckResult>>>
  readonly events: ReadonlyArray<ScheduledEvent>
}

/** A route as it is kept: where it leads, not how that looks. State, instance and owner are worked out on reading. */
export interface SimulatedRoute {
  readonly destination: Cidr
  readonly target: RouteTarget
  readonly origin: RouteOrigin
}

/** A route to a managed prefix list. It takes `maxEntries` of the table's quota, whatever the list holds. */
export interface SimulatedPrefixListRoute {
  readonly prefixListId: string
  readonly target: RouteTarget
  readonly maxEntries: number
}

export interface SimulatedTable {
  readonly id: RouteTableId
  readonly main: boolean
  /** The gateway of an edge association. */
  readonly edge: string | undefined
  readonly subnets: ReadonlyArray<SubnetId>
  readonly tags: ReadonlyMap<string, string>
  readonly routes: ReadonlyMap<Cidr, SimulatedRoute>
  /** Propagated routes live beside static ones, also to the same destination; the static one wins. */
  readonly propagated: ReadonlyMap<Cidr, SimulatedRoute>
  readonly prefixLists: ReadonlyArray<SimulatedPrefixListRoute>
}

export interface SimulatedSubnet {
  readonly id: SubnetId
  readonly cidrs: ReadonlyArray<Cidr>
  readonly zone: string
}

/** A VPC as EC2 would hold it. A value: rules and events give a new one. */
export interface SimulatedVpc {
  readonly id: VpcId
  readonly ownerId: AccountId
  readonly cidrs: ReadonlyArray<Cidr>
  readonly subnets: ReadonlyMap<SubnetId, SimulatedSubnet>
  readonly tables: ReadonlyMap<RouteTableId, SimulatedTable>
  readonly interfaces: ReadonlyMap<InterfaceId, SimulatedInterface>
  readonly instances: ReadonlyMap<InstanceId, InstanceState>
  /** Instances that are missing: nothing to report. */
  readonly statuses: ReadonlyMap<InstanceId, SimulatedStatus>
  /** Gateways and the like that were deleted; routes to them are blackholes. */
  readonly gone: ReadonlySet<string>
  /** The last interface that held an address which no interface holds now: what `replace` brings back. */
  readonly former: ReadonlyMap<Ip, SimulatedInterface>
  /** Routes a table may hold, IPv4 and IPv6 counted apart. */
  readonly routesPerTable: number
  /** How many instances were replaced; new ids are made of it. */
  readonly born: number
}

/** Whether packets routed to the interface reach a running machine, hung or not. That is EC2's "active". */
export const isReachable = (vpc: SimulatedVpc, found: SimulatedInterface | undefined): boolean => {
  if (found?.attachment === undefined) return false
  const instanceId = found.attachment.instanceId
  if (instanceId === undefined) return true
  const state = vpc.instances.get(instanceId)
  return state !== undefined && state !== "stopped" && state !== "terminated"
}

// A thousand probes a second look addresses up; the index lives as long as the interfaces it was made of.
const indexes = new WeakMap<SimulatedVpc["interfaces"], ReadonlyMap<Ip, SimulatedInterface>>()

/** The interface that holds an address. */
export const interfaceOf = (vpc: SimulatedVpc, host: Ip): SimulatedInterface | undefined => {
  let index = indexes.get(vpc.interfaces)
  if (index === undefined) {
    index = new Map([...vpc.interfaces.values()].flatMap((one) => one.addresses.map((address) => [address, one])))
    indexes.set(vpc.interfaces, index)
  }
  return index.get(host)
}

const stateOf = (vpc: SimulatedVpc, target: RouteTarget): "active" | "blackhole" => {
  switch (target._tag) {
    case "Interface":
      return isReachable(vpc, vpc.interfaces.get(target.interfaceId)) ? "active" : "blackhole"
    case "Instance":
      return "blackhole"
    case "Other":
      return vpc.gone.has(target.id) ? "blackhole" : "active"
  }
}

/** As EC2 shows a target: interface routes name the instance and its owner while attached. */
const shownTarget = (vpc: SimulatedVpc, target: RouteTarget): RouteTarget => {
  if (target._tag !== "Interface") return target
  const attachment = vpc.interfaces.get(target.interfaceId)?.attachment
  return RouteTarget.Interface({
    interfaceId: target.interfaceId,
    instanceId: attachment?.instanceId,
    ownerId: attachment?.ownerId,
  })
}

const shownTable = (vpc: SimulatedVpc, table: SimulatedTable): RouteTable => ({
  id: table.id,
  main: table.main,
  edge: table.edge !== undefined,
  subnets: table.subnets,
  tags: table.tags,
  routes: [...table.routes.values(), ...table.propagated.values()].map((route): Route => ({
    destination: route.destination,
    target: shownTarget(vpc, route.target),
    state: stateOf(vpc, route.target),
    origin: route.origin,
  })),
  prefixListRoutes: table.prefixLists.map(({ prefixListId, target }) => ({
    prefixListId,
    target: shownTarget(vpc, target),
  })),
})

/** What DescribeRouteTables shows. */
export const tablesOf = (vpc: SimulatedVpc): ReadonlyMap<RouteTableId, RouteTable> =>
  new Map([...vpc.tables].map(([id, table]) => [RouteTableId(id), shownTable(vpc, table)]))

/** What DescribeNetworkInterfaces shows. */
export const interfacesOf = (vpc: SimulatedVpc): ReadonlyMap<InterfaceId, NetworkInterface> =>
  new Map(
    [...vpc.interfaces.values()].map((found): [InterfaceId, NetworkInterface] => [
      found.id,
      {
        id: found.id,
        addresses: found.addresses,
        instanceId: found.attachment?.instanceId,
        sourceDestCheck: found.sourceDestCheck,
        requesterManaged: found.requesterManaged,
        ownerId: found.ownerId,
        zone: found.zone,
      },
    ]),
  )

/** The whole VPC as one consistent reading. */
export const view = (vpc: SimulatedVpc): Vpc => ({
  id: vpc.id,
  ownerId: vpc.ownerId,
  cidrs: vpc.cidrs,
  tables: tablesOf(vpc),
  interfaces: interfacesOf(vpc),
  instances: vpc.instances,
})
