import { Result } from "effect"
import { type Cell } from "../../domain/Action.ts"
import { type Cidr, cidr, contains, familyOf } from "../../domain/Cidr.ts"
import type { InterfaceId } from "../../domain/Ids.ts"
import { RouteTarget } from "../../domain/Vpc.ts"
import type { SimulatedRoute, SimulatedTable, SimulatedVpc } from "./SimulatedVpc.ts"

/** EC2's refusal: its error code and text. */
export interface Refusal {
  readonly code: string
  readonly message: string
}

type Outcome = Result.Result<SimulatedVpc, Refusal>

/** Destinations that EC2 keeps for its own services, whole or in part ("Route table concepts", VPC user guide). */
const reserved: ReadonlyArray<Cidr> = [cidr("169.254.168.0/22"), cidr("fd00:ec2::/32")]

const refuse = (code: string, message: string): Result.Result<never, Refusal> => Result.fail({ code, message })

const findTable = (vpc: SimulatedVpc, cell: Cell): Result.Result<SimulatedTable, Refusal> => {
  const table = vpc.tables.get(cell.table)
  return table === undefined
    ? refuse("InvalidRouteTableID.NotFound", `The routeTable ID '${cell.table}' does not exist`)
    : Result.succeed(table)
}

const findTarget = (vpc: SimulatedVpc, interfaceId: InterfaceId): Result.Result<RouteTarget, Refusal> =>
  vpc.interfaces.has(interfaceId)
    ? Result.succeed(RouteTarget.Interface({ interfaceId }))
    : refuse("InvalidNetworkInterfaceID.NotFound", `The networkInterface ID '${interfaceId}' does not exist`)

/** A destination inside the VPC must be one of its subnets, whole; reserved ranges are refused. */
const checkDestination = (vpc: SimulatedVpc, destination: Cidr): Result.Result<void, Refusal> => {
  if (reserved.some((range) => contains(range, destination))) {
    return refuse("InvalidParameterValue", `The destination CIDR block ${destination} is reserved`)
  }
  const inside = vpc.cidrs.some((range) => range !== destination && contains(range, destination))
  const isSubnet = () => [...vpc.subnets.values()].some((subnet) => subnet.cidrs.includes(destination))
  return inside && !isSubnet()
    ? refuse("InvalidParameterValue", "Route destination doesn't match any subnet CIDR blocks.")
    : Result.void
}

/** Routes of a family that count against the quota: propagated ones do not, prefix lists count with all entries. */
export const countRoutes = (table: SimulatedTable, family: 4 | 6): number => {
  let count = 0
  for (const present of table.routes.keys()) if (familyOf(present) === family) count++
  // The simulated prefix lists hold IPv4 ranges.
  if (family === 4) for (const list of table.prefixLists) count += list.maxEntries
  return count
}

const withRoutes = (
  vpc: SimulatedVpc,
  table: SimulatedTable,
  routes: ReadonlyMap<Cidr, SimulatedRoute>,
): SimulatedVpc => ({ ...vpc, tables: new Map(vpc.tables).set(table.id, { ...table, routes }) })

/** CreateRoute, by EC2's rules. */
export const createRoute = (vpc: SimulatedVpc, cell: Cell, interfaceId: InterfaceId): Outcome =>
  Result.gen(function* () {
    const table = yield* findTable(vpc, cell)
    yield* checkDestination(vpc, cell.cidr)
    const target = yield* findTarget(vpc, interfaceId)
    if (table.routes.has(cell.cidr)) {
      return yield* refuse("RouteAlreadyExists", `The route identified by ${cell.cidr} already exists.`)
    }
    if (countRoutes(table, familyOf(cell.cidr)) >= vpc.routesPerTable) {
      return yield* refuse("RouteLimitExceeded", `The maximum number of routes has been reached.`)
    }
    const route: SimulatedRoute = { destination: cell.cidr, target, origin: "CreateRoute" }
    return withRoutes(vpc, table, new Map(table.routes).set(cell.cidr, route))
  })

/**
 * ReplaceRoute, by EC2's rules: one step, and a refusal changes nothing. A route that is not there is answered with
 * `InvalidParameterValue`, unlike DeleteRoute's `InvalidRoute.NotFound` (moto's pull request 6425, checked on EC2). A
 * propagated route cannot be replaced. A `local` one can: its target changes, its origin stays.
 */
export const replaceRoute = (vpc: SimulatedVpc, cell: Cell, interfaceId: InterfaceId): Outcome =>
  Result.gen(function* () {
    const table = yield* findTable(vpc, cell)
    const target = yield* findTarget(vpc, interfaceId)
    const route = table.routes.get(cell.cidr)
    if (route === undefined) {
      return yield* refuse(
        "InvalidParameterValue",
        `There is no route defined for '${cell.cidr}' in the route table. Use CreateRoute instead.`,
      )
    }
    return withRoutes(vpc, table, new Map(table.routes).set(cell.cidr, { ...route, target }))
  })

/** DeleteRoute, by EC2's rules. */
export const deleteRoute = (vpc: SimulatedVpc, cell: Cell): Outcome =>
  Result.gen(function* () {
    const table = yield* findTable(vpc, cell)
    const route = table.routes.get(cell.cidr)
    if (route === undefined) {
      return yield* refuse(
        "InvalidRoute.NotFound",
        `no route with destination-cidr-block ${cell.cidr} in route table ${cell.table}`,
      )
    }
    if (route.origin === "CreateRouteTable") {
      return yield* refuse(
        "InvalidParameterValue",
        `cannot remove local route ${cell.cidr} in route table ${cell.table}`,
      )
    }
    const routes = new Map(table.routes)
    routes.delete(cell.cidr)
    return withRoutes(vpc, table, routes)
  })

/** Somebody puts a static route by hand, to any target. Only a missing table is refused. */
export const putByHand =
  (cell: Cell, target: RouteTarget) =>
  (vpc: SimulatedVpc): Outcome =>
    Result.map(findTable(vpc, cell), (table) => {
      const origin = table.routes.get(cell.cidr)?.origin ?? "CreateRoute"
      return withRoutes(vpc, table, new Map(table.routes).set(cell.cidr, { destination: cell.cidr, target, origin }))
    })

/** Somebody deletes a route by hand. */
export const deleteByHand =
  (cell: Cell) =>
  (vpc: SimulatedVpc): Outcome =>
    deleteRoute(vpc, cell)
