import type { Cidr } from "../../../src/domain/Cidr.ts"
import { type AccountId, InstanceId, InterfaceId, RouteTableId, VpcId } from "../../../src/domain/Ids.ts"
import type { Ip } from "../../../src/domain/Ip.ts"
import { type NetworkInterface, type Route, type RouteTable, RouteTarget, type Vpc } from "../../../src/domain/Vpc.ts"

// A VPC of any size that is as regular as can be: host n is at eni-n of instance i-n, and all tables have the same routes.

const interfaceAt = (n: number): InterfaceId => InterfaceId(`eni-${n}`)
const instanceAt = (n: number): InstanceId => InstanceId(`i-${n}`)

/** An active route to host n. */
export const routeTo = (destination: Cidr, n: number): Route => ({
  destination,
  target: RouteTarget.Interface({ interfaceId: interfaceAt(n), instanceId: instanceAt(n) }),
  state: "active",
  origin: "CreateRoute",
})

export const uniformVpc = (options: {
  readonly cidrs: ReadonlyArray<Cidr>
  /** How many tables: `rtb-0`, which is the main one, `rtb-1` and so on. */
  readonly tables: number
  readonly routes: ReadonlyArray<Route>
  readonly hosts: ReadonlyArray<Ip>
  readonly ownerId?: AccountId
  readonly zoneOf?: (host: number) => string
}): Vpc => {
  const { cidrs, hosts, ownerId, routes, tables, zoneOf } = options
  const table = (n: number): readonly [RouteTableId, RouteTable] => {
    const id = RouteTableId(`rtb-${n}`)
    return [id, { id, main: n === 0, edge: false, subnets: [], tags: new Map(), routes, prefixListRoutes: [] }]
  }
  const networkInterface = (host: Ip, n: number): readonly [InterfaceId, NetworkInterface] => [
    interfaceAt(n),
    {
      id: interfaceAt(n),
      addresses: [host],
      instanceId: instanceAt(n),
      sourceDestCheck: false,
      requesterManaged: false,
      ownerId,
      zone: zoneOf?.(n),
    },
  ]
  return {
    id: VpcId("vpc-1"),
    ownerId,
    cidrs,
    tables: new Map(Array.from({ length: tables }, (_, n) => table(n))),
    interfaces: new Map(hosts.map(networkInterface)),
    instances: new Map(hosts.map((_, n) => [instanceAt(n), "running"])),
  }
}
