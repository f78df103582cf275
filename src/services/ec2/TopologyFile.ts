import { Result, Schema } from "effect"
import { parseCidr } from "../../domain/Cidr.ts"
import { parseIp } from "../../domain/Ip.ts"

const CidrText = Schema.String.check(
  Schema.makeFilter((text) =>
    Result.match(parseCidr(text), {
      onFailure: (problem) => `expected a CIDR: ${problem}`,
      onSuccess: (parsed) => (parsed.hadHostBits ? `expected a CIDR without host bits: ${parsed.cidr}` : undefined),
    }),
  ),
)

const IpText = Schema.String.check(
  Schema.makeFilter((text) =>
    Result.match(parseIp(text), {
      onFailure: (problem) => `expected an IP address: ${problem}`,
      onSuccess: () => undefined,
    }),
  ),
)

const idText = (...prefixes: ReadonlyArray<string>) =>
  Schema.String.check(
    Schema.makeFilter((text) =>
      prefixes.some((prefix) => text.startsWith(prefix) && text.length > prefix.length)
        ? undefined
        : `expected an id that begins with ${prefixes.join(" or ")}`,
    ),
  )

const PositiveInt = Schema.Int.check(Schema.isGreaterThan(0))

/** The longest call that may be simulated, in milliseconds: beyond it every call would be a timeout. */
const longestLatency = 60_000

const SubnetEntry = Schema.Struct({
  id: idText("subnet-"),
  zone: Schema.NonEmptyString,
  cidrs: Schema.NonEmptyArray(CidrText),
})

const HostEntry = Schema.Struct({
  interface: idText("eni-"),
  /** None: an interface that a service uses, if requester-managed, else one that is attached to nothing. */
  instance: Schema.optionalKey(idText("i-")),
  /** The primary address first. */
  addresses: Schema.NonEmptyArray(IpText),
  zone: Schema.optionalKey(Schema.NonEmptyString),
  sourceDestCheck: Schema.optionalKey(Schema.Boolean),
  state: Schema.optionalKey(
    Schema.Literals(["pending", "running", "shutting-down", "terminated", "stopping", "stopped"]),
  ),
  answers: Schema.optionalKey(Schema.Boolean),
  requesterManaged: Schema.optionalKey(Schema.Boolean),
  owner: Schema.optionalKey(Schema.NonEmptyString),
})

const RouteEntry = Schema.Struct({
  /** A CIDR, or a prefix list `pl-…`. */
  destination: Schema.Union([idText("pl-"), CidrText]),
  /** An id whose prefix says what it is, `local`, or a host's address. */
  target: Schema.NonEmptyString,
  /** The target was deleted: the route is a blackhole. */
  gone: Schema.optionalKey(Schema.Boolean),
  /** Propagated by a virtual private gateway. */
  propagated: Schema.optionalKey(Schema.Boolean),
  /** Of a prefix list: how much of the table's quota it takes. */
  maxEntries: Schema.optionalKey(PositiveInt),
})

const TableEntry = Schema.Struct({
  id: idText("rtb-"),
  main: Schema.optionalKey(Schema.Boolean),
  /** The gateway of an edge association. */
  edge: Schema.optionalKey(idText("igw-", "vgw-")),
  subnets: Schema.optionalKey(Schema.Array(idText("subnet-"))),
  tags: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  routes: Schema.optionalKey(Schema.Array(RouteEntry)),
})

/** The text of a `--simulate` file: a VPC, its subnets, hosts and route tables. `local` routes are added by themselves. */
export const TopologyFile = Schema.Struct({
  vpc: Schema.Struct({
    id: idText("vpc-"),
    owner: Schema.optionalKey(Schema.NonEmptyString),
    cidrs: Schema.NonEmptyArray(CidrText),
  }),
  subnets: Schema.optionalKey(Schema.Array(SubnetEntry)),
  hosts: Schema.Array(HostEntry),
  tables: Schema.NonEmptyArray(TableEntry),
  /** Routes a table may hold, IPv4 and IPv6 counted apart; 500 as EC2's default. */
  quotas: Schema.optionalKey(Schema.Struct({ routesPerTable: PositiveInt })),
  /** How long each API call takes. */
  latencyMillis: Schema.optionalKey(Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: longestLatency }))),
})
export type TopologyFile = typeof TopologyFile.Type
