import type {
  Instance,
  NetworkInterface as SdkInterface,
  Route as SdkRoute,
  RouteTable as SdkTable,
  Vpc as SdkVpc,
} from "@aws-sdk/client-ec2"
import { Result } from "effect"
import { type Cidr, parseCidr } from "../../domain/Cidr.ts"
import { AccountId, InstanceId, InterfaceId, RouteTableId, SubnetId } from "../../domain/Ids.ts"
import { type Ip, parseIp } from "../../domain/Ip.ts"
import type {
  InstanceState,
  NetworkInterface,
  PrefixListRoute,
  Route,
  RouteOrigin,
  RouteTable,
} from "../../domain/Vpc.ts"
import { decodeTarget } from "./AwsEc2Target.ts"

/** Decodes one of the SDK's answers. The failure says which item lacks what: an answer is taken whole or not at all. */
type Decoded<A> = Result.Result<A, string>

const required = (value: string | undefined, what: string): Decoded<string> =>
  value === undefined || value === "" ? Result.fail(`${what} is missing`) : Result.succeed(value)

const optional = <A>(value: string | undefined, make: (text: string) => A): A | undefined =>
  value === undefined || value === "" ? undefined : make(value)

const within = <A>(where: string, decoded: Decoded<A>): Decoded<A> =>
  Result.mapError(decoded, (problem) => `${where}: ${problem}`)

const range = (text: string): Decoded<Cidr> =>
  Result.mapBoth(parseCidr(text), {
    onFailure: (problem) => `"${text}" is not a CIDR: ${problem}`,
    onSuccess: ({ cidr }) => cidr,
  })

const address = (text: string): Decoded<Ip> =>
  Result.mapError(parseIp(text), (problem) => `"${text}" is not an address: ${problem}`)

/** Decodes each item; the place of the first failure is named by the item's position. */
const each = <A, B>(where: string, items: ReadonlyArray<A>, decode: (item: A) => Decoded<B>): Decoded<Array<B>> => {
  const decoded: Array<B> = []
  for (const [at, item] of items.entries()) {
    const result = decode(item)
    if (Result.isFailure(result)) return Result.fail(`${where}[${at}]: ${result.failure}`)
    decoded.push(result.success)
  }
  return Result.succeed(decoded)
}

/** The VPC's owner and its ranges that are associated now. */
export const decodeVpc = (vpc: SdkVpc) =>
  Result.gen(function* () {
    const ranges = [
      ...(vpc.CidrBlockAssociationSet ?? []).map((one) => [one.CidrBlock, one.CidrBlockState?.State] as const),
      ...(vpc.Ipv6CidrBlockAssociationSet ?? []).map(
        (one) => [one.Ipv6CidrBlock, one.Ipv6CidrBlockState?.State] as const,
      ),
    ]
    // The main range is among the associations; alone it is what an older endpoint shows.
    const present =
      ranges.length === 0 ? [vpc.CidrBlock] : ranges.flatMap(([text, state]) => (state === "associated" ? [text] : []))
    const cidrs = yield* each("CidrBlock", present, (text) => Result.flatMap(required(text, "the CIDR"), range))
    return { ownerId: optional(vpc.OwnerId, AccountId), cidrs: [...new Set(cidrs)] }
  })

/**
 * `Advertisement` (by a VPC Route Server) and whatever origin EC2 adds next are as little ours as a propagated route.
 */
const decodeOrigin = (origin: string): RouteOrigin =>
  origin === "CreateRoute" || origin === "CreateRouteTable" ? origin : "EnableVgwRoutePropagation"

const decodeRoute = (route: SdkRoute): Decoded<Route> =>
  Result.gen(function* () {
    const destination = yield* range(
      yield* required(route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock, "the destination"),
    )
    const named = (problem: string) => `${destination}: ${problem}`
    const state = yield* Result.mapError(required(route.State, "State"), named)
    const origin = yield* Result.mapError(required(route.Origin, "Origin"), named)
    return {
      destination,
      target: decodeTarget(route),
      state: state === "blackhole" ? "blackhole" : "active",
      origin: decodeOrigin(origin),
    }
  })

const decodePrefixListRoute = (route: SdkRoute): Decoded<PrefixListRoute> =>
  Result.map(required(route.DestinationPrefixListId, "the prefix list"), (prefixListId) => ({
    prefixListId,
    target: decodeTarget(route),
  }))

const isPrefixListRoute = (route: SdkRoute): boolean => route.DestinationPrefixListId !== undefined

/** A route table with all its routes. */
export const decodeTable = (table: SdkTable): Decoded<RouteTable> =>
  Result.gen(function* () {
    const id = RouteTableId(yield* required(table.RouteTableId, "RouteTableId"))
    const associations = (table.Associations ?? []).filter(
      ({ AssociationState }) => AssociationState?.State !== "disassociated" && AssociationState?.State !== "failed",
    )
    const all = table.Routes ?? []
    const routes = all.filter((route) => !isPrefixListRoute(route))
    return {
      id,
      main: associations.some(({ Main }) => Main === true),
      edge: associations.some(({ GatewayId }) => GatewayId !== undefined),
      subnets: associations.flatMap((one) => optional(one.SubnetId, SubnetId) ?? []).sort(),
      tags: new Map((table.Tags ?? []).map(({ Key, Value }) => [Key ?? "", Value ?? ""])),
      routes: yield* within(id, each("Routes", routes, decodeRoute)),
      prefixListRoutes: yield* within(id, each("Routes", all.filter(isPrefixListRoute), decodePrefixListRoute)),
    }
  })

/** A network interface with every private address. An interface may have none (IPv6-only subnet, EFA). */
export const decodeInterface = (found: SdkInterface): Decoded<NetworkInterface> =>
  Result.gen(function* () {
    const id = InterfaceId(yield* required(found.NetworkInterfaceId, "NetworkInterfaceId"))
    const texts = [
      found.PrivateIpAddress,
      ...(found.PrivateIpAddresses ?? []).map((one) => one.PrivateIpAddress),
      ...(found.Ipv6Addresses ?? []).map((one) => one.Ipv6Address),
    ].filter((text) => text !== undefined)
    const addresses = yield* within(id, each("addresses", texts, address))
    const requesterManaged = found.RequesterManaged
    // Guessed wrong, a service's interface would be ours to write, or ours a service's: neither may happen.
    if (requesterManaged === undefined) return yield* Result.fail(`${id}: RequesterManaged is missing`)
    return {
      id,
      addresses: [...new Set(addresses)],
      instanceId: optional(found.Attachment?.InstanceId, InstanceId),
      // EC2's own default, and the careful reading: on, the host is chosen last.
      sourceDestCheck: found.SourceDestCheck ?? true,
      requesterManaged,
      ownerId: optional(found.OwnerId, AccountId),
      zone: found.AvailabilityZone,
    }
  })

const instanceStates: ReadonlySet<string> = new Set<InstanceState>([
  "pending",
  "running",
  "shutting-down",
  "terminated",
  "stopping",
  "stopped",
])
const isInstanceState = (text: string): text is InstanceState => instanceStates.has(text)

/** An instance's id and state. */
export const decodeInstance = (instance: Instance): Decoded<readonly [InstanceId, InstanceState]> =>
  Result.gen(function* () {
    const id = InstanceId(yield* required(instance.InstanceId, "InstanceId"))
    const state = yield* within(id, required(instance.State?.Name, "State"))
    if (!isInstanceState(state)) return yield* Result.fail(`${id}: "${state}" is not an instance state`)
    return [id, state] as const
  })
