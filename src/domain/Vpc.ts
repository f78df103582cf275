import { Data } from "effect"
import type { Cidr } from "./Cidr.ts"
import type { AccountId, InstanceId, InterfaceId, RouteTableId, SubnetId, VpcId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"

/** Where a route leads. `Other` is every kind that vpc-router never writes: gateways, NAT gateways, peerings, `local`. */
export type RouteTarget = Data.TaggedEnum<{
  /** As EC2 reports it; `instanceId` and `ownerId` are there when the interface is attached. */
  Interface: {
    readonly interfaceId: InterfaceId
    readonly instanceId?: InstanceId | undefined
    readonly ownerId?: AccountId | undefined
  }
  /** Some implementations echo only the instance that was named when the route was written. */
  Instance: { readonly instanceId: InstanceId; readonly ownerId?: AccountId | undefined }
  /** `kind` is EC2's own field name (`GatewayId`, `NatGatewayId`, …); `id` its value (`igw-…`, `local`, …). */
  Other: { readonly kind: string; readonly id: string }
}>
export const RouteTarget = Data.taggedEnum<RouteTarget>()

/** EC2's `Origin`: by CreateRoute, made with the table, or propagated by a virtual private gateway. */
export type RouteOrigin = "CreateRoute" | "CreateRouteTable" | "EnableVgwRoutePropagation"

/** A route as it stands in a table. A blackhole's target is gone. */
export interface Route {
  readonly destination: Cidr
  readonly target: RouteTarget
  readonly state: "active" | "blackhole"
  readonly origin: RouteOrigin
}

/** A route to a managed prefix list: never ours, shown only. */
export interface PrefixListRoute {
  readonly prefixListId: string
  readonly target: RouteTarget
}

export interface RouteTable {
  readonly id: RouteTableId
  /** The VPC's main table, which serves every subnet without an explicit association. */
  readonly main: boolean
  /** Associated with a gateway (edge association): such a table is never touched. */
  readonly edge: boolean
  /** Explicitly associated subnets. */
  readonly subnets: ReadonlyArray<SubnetId>
  readonly tags: ReadonlyMap<string, string>
  readonly routes: ReadonlyArray<Route>
  readonly prefixListRoutes: ReadonlyArray<PrefixListRoute>
}

export interface NetworkInterface {
  readonly id: InterfaceId
  /** Every private address, primary and secondary, IPv4 and IPv6. */
  readonly addresses: ReadonlyArray<Ip>
  /** The instance it is attached to, if any. */
  readonly instanceId: InstanceId | undefined
  /** On: EC2 silently drops traffic that this interface forwards. */
  readonly sourceDestCheck: boolean
  /** Made by a service (NAT gateway, endpoint, load balancer): never ours. */
  readonly requesterManaged: boolean
  readonly ownerId: AccountId | undefined
  readonly zone: string | undefined
}

/** EC2's instance states. */
export type InstanceState = "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped"

/** One whole reading of a VPC. Implementations deliver all pages or nothing. */
export interface Vpc {
  readonly id: VpcId
  /** The account that owns the VPC; undefined where it is not known. */
  readonly ownerId: AccountId | undefined
  /** IPv4 and IPv6 ranges associated with the VPC. */
  readonly cidrs: ReadonlyArray<Cidr>
  readonly tables: ReadonlyMap<RouteTableId, RouteTable>
  readonly interfaces: ReadonlyMap<InterfaceId, NetworkInterface>
  readonly instances: ReadonlyMap<InstanceId, InstanceState>
}
