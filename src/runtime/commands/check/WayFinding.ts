import { type Cidr, contains, familyOf, ofIp } from "../../../domain/Cidr.ts"
import type { SubnetId } from "../../../domain/Ids.ts"
import type { Ip } from "../../../domain/Ip.ts"
import { exclusion, inScope, type Policy } from "../../../domain/Policy.ts"
import { targetWords } from "../../../domain/Action.ts"
import type { RouteSpec } from "../../../domain/RouteSpec.ts"
import type { Route, RouteTable, Vpc } from "../../../domain/Vpc.ts"
import { fail, type Finding, ok, skip, warn } from "./Finding.ts"

const about = "way to the API"

const lengthOf = (range: Cidr): number => Number(range.slice(range.indexOf("/") + 1))

/** The route that packets to an address take: the longest prefix wins; a static route wins over a propagated one. */
export const routeTo = ({ routes }: RouteTable, address: Ip): Route | undefined =>
  routes
    .filter(({ destination }) => contains(destination, ofIp(address)))
    .sort(
      (a, b) =>
        lengthOf(b.destination) - lengthOf(a.destination) ||
        Number(a.origin === "EnableVgwRoutePropagation") - Number(b.origin === "EnableVgwRoutePropagation"),
    )[0]

/** The table that serves a subnet: its own, or the main one. */
export const tableOf = (vpc: Vpc, subnet: SubnetId): RouteTable | undefined => {
  const tables = [...vpc.tables.values()]
  return tables.find(({ subnets }) => subnets.includes(subnet)) ?? tables.find(({ main }) => main)
}

/** How this machine reaches the API of EC2. */
export interface Way {
  readonly hostname: string
  /** Where the API is, as this machine sees it. */
  readonly address: Ip
  /** The table that serves this machine's subnet. */
  readonly table: RouteTable
}

const isOwnKind = ({ origin, target }: Route): boolean => origin === "CreateRoute" && target._tag !== "Other"

/**
 * Whether vpc-router would manage the very route that its own calls take: when that route's host fails, the call that
 * would move the route would be lost with it.
 */
export const wayFinding = ({ address, hostname, table }: Way, policy: Policy, spec: RouteSpec | undefined): Finding => {
  const name = familyOf(ofIp(address)) === 6 ? `[${address}]` : address
  const covering = [...(spec?.keys() ?? [])]
    .filter((range) => contains(range, ofIp(address)) && exclusion(policy, range) === undefined)
    .sort((a, b) => lengthOf(b) - lengthOf(a))[0]
  const route = routeTo(table, address)
  const isManagedTable = inScope(policy, table)
  const stands = route === undefined ? 0 : lengthOf(route.destination)
  if (
    isManagedTable &&
    covering !== undefined &&
    (route === undefined || isOwnKind(route) || lengthOf(covering) > stands)
  )
    return fail(
      about,
      `${hostname} (${name}) is reached from here by ${covering} in ${table.id}, which the spec manages: when its host fails, EC2 cannot be told. Leave ${table.id} out by --tables, or use a VPC endpoint`,
    )
  if (route === undefined) return warn(about, `${table.id} has no route to ${hostname} (${name})`)
  const words = `${hostname} (${name}) is reached from here by ${route.destination} in ${table.id} (${targetWords(route.target)})`
  if (isManagedTable && isOwnKind(route) && exclusion(policy, route.destination) === undefined)
    return warn(about, `${words}, a route of the kind that vpc-router manages, but not in the spec`)
  return ok(about, `${words}, which vpc-router does not touch`)
}

/** Where it cannot be told. */
export const unknownWay = (why: string): Finding => skip(about, `unknown: ${why}`)
