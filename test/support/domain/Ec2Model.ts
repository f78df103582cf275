import type { Action } from "../../../src/domain/Action.ts"
import type { Cidr } from "../../../src/domain/Cidr.ts"
import type { AccountId, InstanceId, InterfaceId, RouteTableId } from "../../../src/domain/Ids.ts"
import type {
  InstanceState,
  NetworkInterface,
  PrefixListRoute,
  Route,
  RouteOrigin,
  RouteTable,
  RouteTarget,
  Vpc,
} from "../../../src/domain/Vpc.ts"

// EC2's own rules, for checking what the planner's writes do. It shares nothing with src/domain but types.

/** A route as EC2 keeps it: whether it is a blackhole is worked out when it is read. */
interface KeptRoute {
  readonly target: RouteTarget
  readonly origin: RouteOrigin
}

interface KeptTable {
  readonly id: RouteTableId
  readonly main: boolean
  edge: boolean
  readonly tags: ReadonlyMap<string, string>
  readonly statics: Map<Cidr, KeptRoute>
  readonly propagated: Map<Cidr, KeptRoute>
  readonly prefixLists: ReadonlyArray<PrefixListRoute>
}

/** Entries that each prefix list takes of a table's quota. */
const entriesOfPrefixList = 3

const isSix = (destination: Cidr): boolean => destination.includes(":")

const keep = (vpc: Vpc, table: RouteTable): KeptTable => {
  const of = (propagated: boolean) =>
    new Map(
      table.routes
        .filter(({ origin }) => (origin === "EnableVgwRoutePropagation") === propagated)
        .map(({ destination, target, origin }) => [destination, { target: kept(vpc, target), origin }]),
    )
  const { id, main, edge, tags, prefixListRoutes } = table
  return { id, main, edge, tags, statics: of(false), propagated: of(true), prefixLists: prefixListRoutes }
}

/** What is shown of an attachment is not kept; but the owner of an interface that is not ours to see is. */
const kept = (vpc: Vpc, target: RouteTarget): RouteTarget =>
  target._tag === "Interface" && (target.ownerId === undefined || target.ownerId === vpc.ownerId)
    ? { _tag: "Interface", interfaceId: target.interfaceId }
    : target

/** A VPC that follows EC2's rules. Mutable: writes and other people's changes happen to it. */
export class Ec2Model {
  readonly #vpc: Vpc
  readonly tables: Map<RouteTableId, KeptTable>
  readonly interfaces: Map<InterfaceId, NetworkInterface>
  readonly instances: Map<InstanceId, InstanceState>
  /** Routes a table may hold, IPv4 and IPv6 counted apart. */
  quota: number

  constructor(vpc: Vpc, quota = 500) {
    this.#vpc = vpc
    this.tables = new Map([...vpc.tables].map(([id, table]) => [id, keep(vpc, table)]))
    this.interfaces = new Map(vpc.interfaces)
    this.instances = new Map(vpc.instances)
    this.quota = quota
  }

  /** Whether packets that are sent to the interface can reach a machine. */
  #isReachable(id: InterfaceId): boolean {
    const found = this.interfaces.get(id)
    if (found?.instanceId === undefined) return false
    const state = this.instances.get(found.instanceId)
    return state !== "terminated" && state !== "shutting-down"
  }

  #stateOf(target: RouteTarget): Route["state"] {
    if (target._tag === "Other") return "active"
    if (target._tag === "Interface") return this.#isReachable(target.interfaceId) ? "active" : "blackhole"
    const ends = [...this.interfaces.values()].filter(({ instanceId }) => instanceId === target.instanceId)
    return ends.some(({ id }) => this.#isReachable(id)) ? "active" : "blackhole"
  }

  #shown(target: RouteTarget): RouteTarget {
    if (target._tag !== "Interface" || target.ownerId !== undefined) return target
    const found = this.interfaces.get(target.interfaceId)
    if (found?.instanceId === undefined) return target
    const ownerId: AccountId | undefined = found.ownerId
    return { ...target, instanceId: found.instanceId, ...(ownerId === undefined ? {} : { ownerId }) }
  }

  /** One whole reading, as it is now. */
  read(): Vpc {
    const shownRoutes = (routes: ReadonlyMap<Cidr, KeptRoute>): ReadonlyArray<Route> =>
      [...routes].map(([destination, { target, origin }]) => ({
        destination,
        target: this.#shown(target),
        state: this.#stateOf(target),
        origin,
      }))
    return {
      ...this.#vpc,
      tables: new Map(
        [...this.tables].map(([id, { main, edge, tags, statics, propagated, prefixLists }]) => [
          id,
          {
            id,
            main,
            edge,
            subnets: [],
            tags,
            routes: [...shownRoutes(statics), ...shownRoutes(propagated)],
            prefixListRoutes: prefixLists,
          },
        ]),
      ),
      interfaces: new Map(this.interfaces),
      instances: new Map(this.instances),
    }
  }

  /** Carries a write out. Gives EC2's error code, and nothing is changed; or undefined, and it is done. */
  write(action: Action): string | undefined {
    const table = this.tables.get(action.table)
    if (table === undefined) return "InvalidRouteTableID.NotFound"
    const present = table.statics.get(action.cidr)
    if (action._tag === "DeleteRoute") {
      if (present === undefined) return "InvalidRoute.NotFound"
      if (present.origin === "CreateRouteTable") return "InvalidParameterValue"
      table.statics.delete(action.cidr)
      return undefined
    }
    if (!this.interfaces.has(action.interfaceId)) return "InvalidNetworkInterfaceID.NotFound"
    const target: RouteTarget = { _tag: "Interface", interfaceId: action.interfaceId }
    if (action._tag === "ReplaceRoute") {
      if (present === undefined) return "InvalidRoute.NotFound"
      table.statics.set(action.cidr, { ...present, target })
      return undefined
    }
    if (present !== undefined) return "RouteAlreadyExists"
    if (this.#countOf(table, isSix(action.cidr)) >= this.quota) return "RouteLimitExceeded"
    table.statics.set(action.cidr, { target, origin: "CreateRoute" })
    return undefined
  }

  #countOf(table: KeptTable, six: boolean): number {
    const routes = [...table.statics.keys()].filter((destination) => isSix(destination) === six).length
    return routes + (six ? 0 : table.prefixLists.length * entriesOfPrefixList)
  }

  /** Somebody puts a static route by hand. */
  put(table: RouteTableId, destination: Cidr, target: RouteTarget): void {
    this.tables.get(table)?.statics.set(destination, { target, origin: "CreateRoute" })
  }

  /** Somebody deletes a route by hand. */
  drop(table: RouteTableId, destination: Cidr): void {
    this.tables.get(table)?.statics.delete(destination)
  }

  /** Somebody changes an interface, or (undefined) deletes it. */
  changeInterface(id: InterfaceId, change: Partial<NetworkInterface> | undefined): void {
    const present = this.interfaces.get(id)
    if (change === undefined) this.interfaces.delete(id)
    else if (present !== undefined) this.interfaces.set(id, { ...present, ...change })
  }
}
