import { Data, Result, Schema, SchemaIssue } from "effect"
import { type Cidr, cidr, contains, ofIp } from "../../domain/Cidr.ts"
import { AccountId, InstanceId, InterfaceId, RouteTableId, SubnetId, VpcId } from "../../domain/Ids.ts"
import { type Ip, ip } from "../../domain/Ip.ts"
import { type InstanceState, RouteTarget } from "../../domain/Vpc.ts"
import { countRoutes } from "./SimulatedRoutes.ts"
import type {
  SimulatedInterface,
  SimulatedPrefixListRoute,
  SimulatedRoute,
  SimulatedSubnet,
  SimulatedTable,
  SimulatedVpc,
} from "./SimulatedVpc.ts"
import { TopologyFile } from "./TopologyFile.ts"

/** A VPC to simulate, and how long its API takes. */
export interface Topology {
  readonly vpc: SimulatedVpc
  readonly latencyMillis: number
}

/** A fault in a topology: where (`$.hosts[1].addresses[0]`), and what was expected there. */
export interface TopologyProblem {
  readonly path: string
  readonly message: string
}

/** A topology that was not accepted. All faults are in it. */
export class TopologyRejected extends Data.TaggedError("TopologyRejected")<{
  readonly problems: ReadonlyArray<TopologyProblem>
}> {
  override get message(): string {
    return this.problems.map(({ path, message }) => `${path}: ${message}`).join("; ")
  }
}

const defaultOwner = "123456789012"
/** EC2's default quota since June 2025 ("Amazon VPC quotas"). */
const defaultRoutesPerTable = 500

/** A place as text, `$.hosts[1].addresses[0]`. */
export const place = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === "number" || /^\d+$/.test(String(key)) ? `${text}[${String(key)}]` : `${text}.${String(key)}`,
    "$",
  )

const decodeFile = Schema.decodeUnknownResult(TopologyFile, { errors: "all", onExcessProperty: "error" })
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** Decodes parsed JSON. Faults of shape are found first; references are looked at once the shape is right. */
export const decodeTopology = (input: unknown): Result.Result<Topology, TopologyRejected> =>
  Result.match(decodeFile(input), {
    onFailure: (error) =>
      Result.fail(
        new TopologyRejected({
          problems: formatIssue(error.issue).issues.map(({ path, message }) => ({
            path: place((path ?? []).map((part) => (typeof part === "object" ? part.key : part))),
            message,
          })),
        }),
      ),
    onSuccess: build,
  })

/** EC2's field for an id, by its prefix. */
const fields: ReadonlyArray<readonly [prefix: string, field: string]> = [
  ["local", "GatewayId"],
  ["igw-", "GatewayId"],
  ["vgw-", "GatewayId"],
  ["vpce-", "GatewayId"],
  ["nat-", "NatGatewayId"],
  ["tgw-", "TransitGatewayId"],
  ["pcx-", "VpcPeeringConnectionId"],
  ["eigw-", "EgressOnlyInternetGatewayId"],
  ["lgw-", "LocalGatewayId"],
  ["cagw-", "CarrierGatewayId"],
  ["arn:aws:networkmanager:", "CoreNetworkArn"],
  ["arn:aws:odb:", "OdbNetworkArn"],
]

const build = (file: TopologyFile): Result.Result<Topology, TopologyRejected> => {
  const problems: Array<TopologyProblem> = []
  const report = (path: string, message: string): void => void problems.push({ path, message })
  const vpcCidrs = file.vpc.cidrs.map(cidr)
  const owner = AccountId(file.vpc.owner ?? defaultOwner)
  const subnets = buildSubnets(file, vpcCidrs, report)
  const { interfaces, instances } = buildHosts(file, owner, vpcCidrs, subnets, report)
  const { tables, gone } = buildTables(file, vpcCidrs, subnets, interfaces, report)
  return problems.length > 0
    ? Result.fail(new TopologyRejected({ problems }))
    : Result.succeed({
        latencyMillis: file.latencyMillis ?? 0,
        vpc: {
          id: VpcId(file.vpc.id),
          ownerId: owner,
          cidrs: vpcCidrs,
          subnets,
          tables,
          interfaces,
          instances,
          statuses: new Map(),
          gone,
          former: new Map(),
          routesPerTable: file.quotas?.routesPerTable ?? defaultRoutesPerTable,
          born: 0,
        },
      })
}

type Report = (path: string, message: string) => void

const within = (ranges: ReadonlyArray<Cidr>, inner: Cidr): boolean => ranges.some((range) => contains(range, inner))

const buildSubnets = (file: TopologyFile, vpcCidrs: ReadonlyArray<Cidr>, report: Report) => {
  const subnets = new Map<SubnetId, SimulatedSubnet>()
  file.subnets?.forEach((entry, at) => {
    const id = SubnetId(entry.id)
    const cidrs = entry.cidrs.map(cidr)
    if (subnets.has(id)) report(`$.subnets[${at}].id`, `${id} is there twice`)
    cidrs.forEach((range, index) => {
      if (!within(vpcCidrs, range)) report(`$.subnets[${at}].cidrs[${index}]`, "expected a range inside the VPC's")
    })
    subnets.set(id, { id, cidrs, zone: entry.zone })
  })
  return subnets
}

const buildHosts = (
  file: TopologyFile,
  owner: AccountId,
  vpcCidrs: ReadonlyArray<Cidr>,
  subnets: ReadonlyMap<SubnetId, SimulatedSubnet>,
  report: Report,
) => {
  const interfaces = new Map<InterfaceId, SimulatedInterface>()
  const instances = new Map<InstanceId, InstanceState>()
  const held = new Set<Ip>()
  file.hosts.forEach((entry, at) => {
    const path = `$.hosts[${at}]`
    const id = InterfaceId(entry.interface)
    if (interfaces.has(id)) report(`${path}.interface`, `${id} is there twice`)
    const addresses = entry.addresses.map(ip)
    addresses.forEach((address, index) => {
      if (held.has(address)) report(`${path}.addresses[${index}]`, `${address} is there twice`)
      if (!within(vpcCidrs, ofIp(address))) {
        report(`${path}.addresses[${index}]`, "expected an address inside the VPC's ranges")
      }
      held.add(address)
    })
    const subnet = [...subnets.values()].find(({ cidrs }) => addresses.some((address) => within(cidrs, ofIp(address))))
    const instanceId = entry.instance === undefined ? undefined : InstanceId(entry.instance)
    const requesterManaged = entry.requesterManaged ?? false
    if (instanceId === undefined && entry.state !== undefined) report(`${path}.state`, "only an instance has a state")
    if (instanceId !== undefined) {
      const known = instances.get(instanceId)
      const state = entry.state ?? known ?? "running"
      if (known !== undefined && known !== state) report(`${path}.state`, `${instanceId} was ${known} before`)
      instances.set(instanceId, state)
    }
    const ownerId = AccountId(entry.owner ?? owner)
    const attached = instanceId !== undefined || requesterManaged
    interfaces.set(id, {
      id,
      addresses,
      subnetId: subnet?.id,
      zone: entry.zone ?? subnet?.zone,
      sourceDestCheck: entry.sourceDestCheck ?? false,
      requesterManaged,
      ownerId,
      // A service's interface is attached by Amazon's own account, which shows no instance.
      attachment: attached
        ? { instanceId, ownerId: instanceId === undefined ? AccountId("amazon-aws") : ownerId }
        : undefined,
      answers: entry.answers ?? true,
    })
  })
  return { interfaces, instances }
}

const buildTables = (
  file: TopologyFile,
  vpcCidrs: ReadonlyArray<Cidr>,
  subnets: ReadonlyMap<SubnetId, SimulatedSubnet>,
  interfaces: ReadonlyMap<InterfaceId, SimulatedInterface>,
  report: Report,
) => {
  const tables = new Map<RouteTableId, SimulatedTable>()
  const quota = file.quotas?.routesPerTable ?? defaultRoutesPerTable
  const gone = new Set<string>()
  const associated = new Set<string>()

  const targetOf = (text: string, path: string, isGone: boolean): RouteTarget | undefined => {
    const found = [...interfaces.values()].find(
      (one) => one.id === text || one.attachment?.instanceId === text || one.addresses.some((held) => held === text),
    )
    if (found !== undefined) return RouteTarget.Interface({ interfaceId: found.id })
    if (text.startsWith("eni-")) {
      // An interface that was deleted: its routes stand as blackholes.
      if (!isGone) report(path, `no host has the interface ${text}; "gone": true says that it was deleted`)
      return RouteTarget.Interface({ interfaceId: InterfaceId(text) })
    }
    const field = fields.find(([prefix]) => text.startsWith(prefix))?.[1]
    if (field !== undefined) return RouteTarget.Other({ kind: field, id: text })
    report(path, "expected a host's address, instance or interface, `local`, or the id of a gateway")
    return undefined
  }

  file.tables.forEach((entry, at) => {
    const path = `$.tables[${at}]`
    const id = RouteTableId(entry.id)
    const namesake = file.tables.findIndex((other) => other.id === entry.id)
    if (namesake !== at) report(`${path}.id`, `${id} is the id of $.tables[${namesake}], too`)
    entry.subnets?.forEach((subnet, index) => {
      if (!subnets.has(SubnetId(subnet))) report(`${path}.subnets[${index}]`, `no subnet ${subnet}`)
      if (associated.has(subnet)) report(`${path}.subnets[${index}]`, `${subnet} already has a route table`)
      associated.add(subnet)
    })
    const routes = new Map<Cidr, SimulatedRoute>(
      vpcCidrs.map((destination) => [
        destination,
        {
          destination,
          target: RouteTarget.Other({ kind: "GatewayId", id: "local" }),
          origin: "CreateRouteTable",
        },
      ]),
    )
    const named = new Set<string>()
    const propagated = new Map<Cidr, SimulatedRoute>()
    const prefixLists: Array<SimulatedPrefixListRoute> = []
    entry.routes?.forEach((route, index) => {
      const routePath = `${path}.routes[${index}]`
      const name = `${route.destination}${route.propagated === true ? " propagated" : ""}`
      if (named.has(name)) report(`${routePath}.destination`, `${route.destination} is there twice`)
      named.add(name)
      const target = targetOf(route.target, `${routePath}.target`, route.gone === true)
      if (target === undefined) return
      if (route.gone === true) {
        if (target._tag === "Other") gone.add(target.id)
        else if (interfaces.has(InterfaceId(route.target)))
          report(`${routePath}.gone`, `${route.target} is among the hosts`)
      }
      if (route.destination.startsWith("pl-")) {
        prefixLists.push({ prefixListId: route.destination, target, maxEntries: route.maxEntries ?? 1 })
        return
      }
      const destination = cidr(route.destination)
      if (route.propagated === true) {
        propagated.set(destination, { destination, target, origin: "EnableVgwRoutePropagation" })
      } else {
        routes.set(destination, { destination, target, origin: routes.get(destination)?.origin ?? "CreateRoute" })
      }
    })
    const tags = new Map(Object.entries(entry.tags ?? {}))
    const built: SimulatedTable = {
      id,
      main: entry.main ?? false,
      edge: entry.edge,
      subnets: (entry.subnets ?? []).map((subnet) => SubnetId(subnet)),
      tags,
      routes,
      propagated,
      prefixLists,
    }
    for (const family of [4, 6] as const) {
      const count = countRoutes(built, family)
      if (count > quota)
        report(`${path}.routes`, `expected at most ${quota} IPv${family} routes (quotas.routesPerTable), got ${count}`)
    }
    tables.set(id, built)
  })
  const mains = file.tables.filter(({ main }) => main === true).length
  if (mains !== 1) report("$.tables", `expected exactly one main table, found ${mains}`)
  return { tables, gone }
}
