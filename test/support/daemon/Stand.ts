import {
  AssociateRouteTableCommand,
  CreateRouteCommand,
  DeleteRouteCommand,
  DescribeRouteTablesCommand,
  type EC2Client,
  type Route,
  StopInstancesCommand,
} from "@aws-sdk/client-ec2"
import { Effect, type Scope } from "effect"
import { awsClient } from "../ec2/AwsClient.ts"
import { type FaultProxyHandle, startFaultProxy } from "../ec2/FaultProxy.ts"
import { Moto, type RunningMoto } from "../ec2/Moto.ts"
import { makeMotoVpc, type MotoVpc, type MotoVpcPlan } from "../ec2/MotoVpc.ts"
import type { ToolFailed } from "../netns/Tools.ts"
import { type DaemonOptions, type RunningDaemon, serving, startDaemon } from "./Daemon.ts"
import { type Island, island } from "./Island.ts"
import { allHealthy, carried } from "./Look.ts"

/** The hosts of the stand's VPC: each in its own zone, and one more whose SourceDestCheck is on. */
export const [a, b, c, checked] = ["10.33.20.93", "10.33.30.22", "10.33.40.11", "10.33.40.101"] as const
/** The second address of {@link a}. */
export const secondOfA = "10.33.20.94"

/** Three zones; the tables of two of them, the main table, which serves the third, and one that serves nobody. */
const plan: MotoVpcPlan = {
  cidr: "10.33.0.0/16",
  subnets: [
    { name: "a", zone: "us-east-1a", cidr: "10.33.20.0/24", ipv6: "20" },
    { name: "b", zone: "us-east-1b", cidr: "10.33.30.0/24", ipv6: "30" },
    { name: "c", zone: "us-east-1c", cidr: "10.33.40.0/24" },
  ],
  hosts: [
    { subnet: "a", address: a, secondary: [secondOfA], ipv6: "93" },
    { subnet: "b", address: b, ipv6: "22" },
    { subnet: "c", address: c },
    { subnet: "c", address: checked, sourceDestCheck: true },
  ],
  tables: [
    { name: "a", subnets: ["a"] },
    { name: "b", subnets: ["b"] },
    { name: "spare", subnets: [] },
  ],
}

export const tableNames = ["main", "a", "b", "spare"] as const
export type TableName = (typeof tableNames)[number]

/** What carries a destination in each table: the first address of a host, another target's id, or nothing. */
export type Carriers = Readonly<Record<TableName, string | undefined>>

/** The same in every table. */
export const everywhere = (target: string | undefined): Carriers => ({
  main: target,
  a: target,
  b: target,
  spare: target,
})

/** A VPC in moto, behind a proxy of the test's own, and an island on which its hosts live. */
export interface Stand {
  /** A client that asks moto itself, past the proxy. */
  readonly client: EC2Client
  readonly vpc: MotoVpc
  readonly proxy: FaultProxyHandle
  readonly island: Island
  /** Starts a daemon for the VPC and waits until it serves. Only the mode is left to choose. */
  readonly daemon: (...args: ReadonlyArray<string>) => Effect.Effect<RunningDaemon, ToolFailed, Scope.Scope>
  /** The same, once {@link a} carries the destination in every table, as it did before; {@link b} is its other host, and both are healthy. */
  readonly daemonOnA: (
    destination: string,
    ...args: ReadonlyArray<string>
  ) => Effect.Effect<RunningDaemon, ToolFailed, Scope.Scope>
  readonly daemonWith: (options: DaemonOptions) => Effect.Effect<RunningDaemon, ToolFailed, Scope.Scope>
  /** What moto has. */
  readonly carriers: (destination: string) => Effect.Effect<Carriers>
  readonly routes: (table: TableName) => Effect.Effect<ReadonlyArray<Route>>
  /** Somebody else writes a route, to a host or to another target. */
  readonly put: (table: TableName, destination: string, target: string) => Effect.Effect<void>
  readonly remove: (table: TableName, destination: string) => Effect.Effect<void>
  /** Stops the host's instance, as far as EC2 says. */
  readonly stop: (host: string) => Effect.Effect<void>
  /** Makes the table one of the internet gateway. */
  readonly associateWithGateway: (table: TableName) => Effect.Effect<void>
  /** Routes that the daemon wrote or tried to write, in the order of the requests. */
  readonly writes: Effect.Effect<ReadonlyArray<string>>
}

/** The field of EC2 that a target's id belongs into. */
const targetField = (id: string): Partial<CreateRouteCommand["input"]> => {
  const kind = id.split("-")[0]
  switch (kind) {
    case "eni":
      return { NetworkInterfaceId: id }
    case "i":
      return { InstanceId: id }
    case "nat":
      return { NatGatewayId: id }
    case "eigw":
      return { EgressOnlyInternetGatewayId: id }
    case "pcx":
      return { VpcPeeringConnectionId: id }
    default:
      return { GatewayId: id }
  }
}

const destinationField = (destination: string) =>
  destination.startsWith("pl-")
    ? { DestinationPrefixListId: destination }
    : destination.includes(":")
      ? { DestinationIpv6CidrBlock: destination }
      : { DestinationCidrBlock: destination }

const destinationOf = (route: Route) =>
  route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? route.DestinationPrefixListId

const targetOf = (route: Route) =>
  route.NetworkInterfaceId ??
  route.InstanceId ??
  route.GatewayId ??
  route.NatGatewayId ??
  route.VpcPeeringConnectionId ??
  "nothing"

const writing: ReadonlySet<string> = new Set(["CreateRoute", "ReplaceRoute", "DeleteRoute"])

/** The endpoint's port. */
const portOf = (endpoint: string) => Number(new URL(endpoint).port)

export interface StandOptions {
  /** An island that is there already; its gate is led to this stand. */
  readonly onIsland?: Island
  /** Makes moto draw the same ids and addresses each time, if nobody else uses it. */
  readonly seed?: number
}

const seedMoto = ({ endpoint }: RunningMoto, seed: number) =>
  Effect.promise(() =>
    fetch(`${endpoint}/moto-api/seed?a=${seed}`, { method: "POST" }).then((response) => response.text()),
  )

/** Sets a stand up on a moto that others may use as well. */
export const makeStand = Effect.fnUntraced(function* (
  moto: RunningMoto,
  { onIsland, seed }: StandOptions = {},
): Effect.fn.Return<Stand, ToolFailed, Scope.Scope> {
  if (seed !== undefined) yield* seedMoto(moto, seed)
  const client = yield* awsClient(moto.endpoint)
  const vpc = yield* makeMotoVpc(client, plan)
  const proxy = yield* startFaultProxy(moto.endpoint)
  const land = onIsland ?? (yield* island([plan.cidr, vpc.ipv6]))
  yield* land.leadTo(portOf(proxy.endpoint))

  const nameOf = new Map<string, TableName>(tableNames.map((name) => [vpc.table(name), name]))
  const hostOf = new Map<string, string>(
    plan.hosts.map(({ address }) => [vpc.host(address).interfaceId, address] as const),
  )
  const tables = Effect.promise(() =>
    client.send(new DescribeRouteTablesCommand({ RouteTableIds: tableNames.map((name) => vpc.table(name)) })),
  ).pipe(
    Effect.map(
      ({ RouteTables = [] }) =>
        new Map(RouteTables.map((table) => [nameOf.get(table.RouteTableId ?? ""), table.Routes ?? []] as const)),
    ),
  )
  const inTable = (table: TableName, destination: string) => ({
    RouteTableId: vpc.table(table),
    ...destinationField(destination),
  })

  const daemonWith = Effect.fnUntraced(function* (options: DaemonOptions) {
    const daemon = yield* startDaemon(land, options)
    yield* serving(daemon, options)
    return daemon
  })
  const daemon: Stand["daemon"] = (...args) => daemonWith({ args: ["-r", "us-east-1", "-v", vpc.id, ...args] })
  const put: Stand["put"] = (table, destination, target) => {
    const isHost = plan.hosts.some(({ address }) => address === target)
    const field = targetField(isHost ? vpc.host(target).interfaceId : target)
    const command = new CreateRouteCommand({ ...inTable(table, destination), ...field })
    return Effect.asVoid(Effect.promise(() => client.send(command)))
  }

  return {
    client,
    vpc,
    proxy,
    island: land,
    daemonWith,
    daemon,
    daemonOnA: Effect.fnUntraced(function* (destination, ...args) {
      for (const table of tableNames) yield* put(table, destination, a)
      const running = yield* daemon(...args)
      yield* running.post("/route_spec", { [destination]: [a, b] })
      yield* carried(running, destination, a)
      yield* allHealthy(running)
      return running
    }),
    carriers: (destination) =>
      Effect.map(tables, (found) => {
        const carrierIn = (name: TableName) => {
          const route = found.get(name)?.find((one) => destinationOf(one) === destination)
          const target = route === undefined ? undefined : targetOf(route)
          return target === undefined ? undefined : (hostOf.get(target) ?? target)
        }
        return { main: carrierIn("main"), a: carrierIn("a"), b: carrierIn("b"), spare: carrierIn("spare") }
      }),
    routes: (table) => Effect.map(tables, (found) => found.get(table) ?? []),
    put,
    remove: (table, destination) =>
      Effect.asVoid(Effect.promise(() => client.send(new DeleteRouteCommand(inTable(table, destination))))),
    stop: (host) =>
      Effect.asVoid(
        Effect.promise(() => client.send(new StopInstancesCommand({ InstanceIds: [vpc.host(host).instanceId] }))),
      ),
    associateWithGateway: (table) => {
      const association = { RouteTableId: vpc.table(table), GatewayId: vpc.internetGateway }
      return Effect.asVoid(Effect.promise(() => client.send(new AssociateRouteTableCommand(association))))
    },
    writes: Effect.map(proxy.requests, (requests) =>
      requests.flatMap(({ action, form }) => {
        if (!writing.has(action)) return []
        const destination = form.get("DestinationCidrBlock") ?? form.get("DestinationIpv6CidrBlock")
        const target = form.get("NetworkInterfaceId")
        const to = target === undefined ? "" : ` to ${hostOf.get(target) ?? target}`
        return [`${action} ${destination} in ${nameOf.get(form.get("RouteTableId") ?? "")}${to}`]
      }),
    ),
  }
})

/** A stand on the moto of the test file. */
export const stand = Effect.flatMap(Moto, (moto) => makeStand(moto))
