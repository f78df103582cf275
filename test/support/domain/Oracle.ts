import type { NetworkInterface, Route, RouteTable, Vpc } from "../../../src/domain/Vpc.ts"
import { covers } from "./Bits.ts"
import type { Scene } from "./Scenes.ts"

// The second opinion: what should be done, worked out from the promises, slowly and without a line of src/domain.

/** What should become of one destination in one table. */
export type Expected =
  | { readonly do: "create"; readonly host: string; readonly interfaceId: string }
  | { readonly do: "replace"; readonly host: string; readonly interfaceId: string; readonly urgency: string }
  | { readonly do: "delete" }
  | { readonly do: "hold"; readonly why: string }

/** One permissible outcome for a destination: cells that stay as they are, are left out. */
export interface Outcome {
  readonly cells: ReadonlyMap<string, Expected>
  /** Held for the destination as a whole. */
  readonly general: string | undefined
}

type Standing = "able" | "keeping" | "failed" | "drained"

interface HostState {
  readonly host: string
  readonly interfaceId: string | undefined
  readonly standing: Standing
  readonly lastResort: boolean
  readonly damped: boolean
  readonly withheld: boolean
}

const notOurs = (vpc: Vpc, owner: string | undefined): boolean =>
  owner !== undefined && vpc.ownerId !== undefined && owner !== vpc.ownerId

const isForeign = (vpc: Vpc, one: NetworkInterface): boolean => one.requesterManaged || notOurs(vpc, one.ownerId)

/** The interface with the address: attached ones first, then the lowest id. */
const homeOf = (vpc: Vpc, host: string): NetworkInterface | undefined => {
  let best: NetworkInterface | undefined
  for (const one of vpc.interfaces.values()) {
    if (!one.addresses.some((address) => address === host)) continue
    const better =
      best === undefined ||
      (one.instanceId !== undefined && best.instanceId === undefined) ||
      ((one.instanceId === undefined) === (best.instanceId === undefined) && one.id < best.id)
    if (better) best = one
  }
  return best
}

const isDown = (vpc: Vpc, home: NetworkInterface): boolean => {
  const state = home.instanceId === undefined ? undefined : vpc.instances.get(home.instanceId)
  return state === "stopped" || state === "stopping" || state === "terminated" || state === "shutting-down"
}

const has = (hosts: ReadonlySet<string> | undefined, host: string): boolean => hosts?.has(host) === true

const stateOf = ({ vpc, health, drained, damped, withheld }: Scene, host: string): HostState => {
  const home = homeOf(vpc, host)
  const verdict = [...health].find(([known]) => known === host)?.[1]._tag
  const standing = (): Standing => {
    if (verdict === "Failed" && !has(withheld, host)) return "failed"
    if (home !== undefined && isDown(vpc, home)) return "failed"
    if ([...drained].some((one) => one === host)) return "drained"
    if (home === undefined || home.instanceId === undefined || isForeign(vpc, home)) return "keeping"
    return verdict === "Healthy" ? "able" : "keeping"
  }
  return {
    host,
    interfaceId: home?.id,
    standing: standing(),
    lastResort: home?.sourceDestCheck === true,
    damped: has(damped, host),
    withheld: verdict === "Failed" && has(withheld, host),
  }
}

/** The interface that a route leads to; an instance stands for its only interface. */
const endOf = (vpc: Vpc, route: Route): string | undefined => {
  const { target } = route
  if (target._tag === "Interface") return target.interfaceId
  if (target._tag === "Other") return undefined
  const all = [...vpc.interfaces.values()].filter(({ instanceId }) => instanceId === target.instanceId)
  return all.length === 1 ? all[0]?.id : undefined
}

const isInReading = (vpc: Vpc, route: Route): boolean => {
  const end = endOf(vpc, route)
  if (end !== undefined) return [...vpc.interfaces.keys()].some((id) => id === end)
  const { target } = route
  return (
    target._tag === "Instance" &&
    (vpc.instances.has(target.instanceId) ||
      [...vpc.interfaces.values()].some(({ instanceId }) => instanceId === target.instanceId))
  )
}

const isOurs = (vpc: Vpc, route: Route): boolean => {
  if (route.origin !== "CreateRoute" || route.target._tag === "Other") return false
  if (notOurs(vpc, route.target.ownerId)) return false
  const end = endOf(vpc, route)
  const one = [...vpc.interfaces.values()].find(({ id }) => id === end)
  return one === undefined || !isForeign(vpc, one)
}

const isDefault = (destination: string): boolean => destination.endsWith("/0")

const tablesInScope = ({ vpc, policy: { tables } }: Scene): ReadonlyArray<RouteTable> =>
  [...vpc.tables.values()].filter((table) => {
    if (table.edge) return false
    if (tables._tag !== "Named") return true
    return tables.selectors.some((selector) => {
      if (selector._tag === "Main") return table.main
      if (selector._tag === "Id") return selector.id === table.id
      return table.tags.get(selector.key) === selector.value
    })
  })

/** The route that decides: EC2 prefers a static one to a propagated one. */
const routeAt = (table: RouteTable, destination: string): Route | undefined => {
  const all = table.routes.filter((route) => route.destination === destination)
  return all.find(({ origin }) => origin !== "EnableVgwRoutePropagation") ?? all[0]
}

const untouchable = ({ policy }: Scene, destination: string): string | undefined => {
  if (policy.ignore.some((range) => covers(range, destination))) return "Ignored"
  return policy.own.length > 0 && !policy.own.some((range) => covers(range, destination)) ? "NotOwned" : undefined
}

const removal = (scene: Scene, destination: string, named: boolean): Outcome => {
  const cells = new Map<string, Expected>()
  for (const table of tablesInScope(scene)) {
    const route = routeAt(table, destination)
    if (route === undefined || !isOurs(scene.vpc, route)) continue
    const allowed = named || scene.policy.own.some((range) => covers(range, destination))
    const isProtected = isDefault(destination) || scene.vpc.cidrs.some((range) => covers(range, destination))
    if (route.state === "active" && !isInReading(scene.vpc, route))
      cells.set(table.id, { do: "hold", why: "InterfaceUnseen" })
    else if (isProtected && !allowed) cells.set(table.id, { do: "hold", why: "Protected" })
    else cells.set(table.id, { do: "delete" })
  }
  return { cells, general: undefined }
}

interface Cell {
  readonly table: string
  readonly route: Route | undefined
  readonly ours: boolean
  readonly end: string | undefined
  readonly blackhole: boolean
  readonly unseen: boolean
}

const cellsOf = (scene: Scene, destination: string): ReadonlyArray<Cell> =>
  tablesInScope(scene).map((table) => {
    const route = routeAt(table, destination)
    return {
      table: table.id,
      route,
      ours: route !== undefined && isOurs(scene.vpc, route),
      end: route === undefined ? undefined : endOf(scene.vpc, route),
      blackhole: route?.state === "blackhole",
      unseen: route !== undefined && !isInReading(scene.vpc, route),
    }
  })

const leadsTo = (cell: Cell, host: HostState): boolean =>
  cell.ours && cell.end !== undefined && cell.end === host.interfaceId

/** Whether the route may lead to a host whose interface nobody has seen yet. */
const mayLeadTo = (cell: Cell, states: ReadonlyArray<HostState>, host: HostState): boolean =>
  cell.ours &&
  !cell.blackhole &&
  host.standing === "keeping" &&
  host.interfaceId === undefined &&
  !states.some((other) => leadsTo(cell, other))

const unprovenVotes = (cells: ReadonlyArray<Cell>, states: ReadonlyArray<HostState>, host: HostState): number =>
  cells.filter(
    (cell) =>
      !cell.blackhole &&
      (leadsTo(cell, host) || mayLeadTo(cell, states, host)) &&
      !states.some((other) => other.standing === "able" && leadsTo(cell, other)),
  ).length

/** The hosts that may be chosen: who carries most active routes; then most routes; then no source/dest check; then no relapse. */
const candidates = (cells: ReadonlyArray<Cell>, states: ReadonlyArray<HostState>): ReadonlyArray<HostState> => {
  const merit = (host: HostState): number =>
    cells.filter((cell) => leadsTo(cell, host) && !cell.blackhole).length * 10_000 +
    cells.filter((cell) => leadsTo(cell, host)).length * 100 +
    (host.lastResort ? 0 : 2) +
    (host.damped ? 0 : 1)
  const able = states.filter(({ standing }) => standing === "able")
  const best = Math.max(...able.map(merit))
  return able.filter((host) => merit(host) === best)
}

const placement =
  (scene: Scene, destination: string, cells: ReadonlyArray<Cell>, states: ReadonlyArray<HostState>) =>
  (chosen: HostState): Outcome => {
    const { interfaceId = "" } = chosen
    const standingsAt = (cell: Cell) =>
      new Set(states.filter((host) => leadsTo(cell, host)).map((host) => host.standing))
    const cannotWait = (cell: Cell): boolean =>
      cell.ours &&
      cell.end !== interfaceId &&
      (cell.blackhole ||
        (!standingsAt(cell).has("able") &&
          !standingsAt(cell).has("keeping") &&
          (standingsAt(cell).has("failed") || standingsAt(cell).has("drained"))))
    const chosenVotes = cells.filter((cell) => (leadsTo(cell, chosen) && !cell.blackhole) || cannotWait(cell)).length
    const contested = states.some((host) => {
      const votes = host.standing === "keeping" ? unprovenVotes(cells, states, host) : 0
      return votes > 0 && votes >= chosenVotes
    })
    const replace = (urgency: string): Expected => ({ do: "replace", host: chosen.host, interfaceId, urgency })
    const expected = (cell: Cell): Expected | undefined => {
      if (cell.route === undefined) {
        if (isDefault(destination) && scene.policy.tables._tag === "Every") return { do: "hold", why: "DefaultRoute" }
        return contested ? { do: "hold", why: "Unproven" } : { do: "create", host: chosen.host, interfaceId }
      }
      if (!cell.ours) return { do: "hold", why: "Conflict" }
      if (cell.end === interfaceId) return cell.blackhole ? { do: "hold", why: "Blackhole" } : undefined
      // Traffic is being lost.
      if (cell.blackhole) return replace("failover")
      const standings = standingsAt(cell)
      if (standings.has("able")) return contested ? { do: "hold", why: "Unproven" } : replace("repair")
      if (standings.has("keeping")) return { do: "hold", why: "Unproven" }
      if (standings.has("failed")) return replace("failover")
      if (standings.has("drained")) return replace("repair")
      // It leads to no host of this destination, as far as the reading shows.
      if (states.some((host) => mayLeadTo(cell, states, host))) return { do: "hold", why: "Unproven" }
      if (cell.unseen) return { do: "hold", why: "InterfaceUnseen" }
      return contested ? { do: "hold", why: "Unproven" } : replace("repair")
    }
    return {
      cells: new Map(
        cells.flatMap((cell) => {
          const one = expected(cell)
          return one === undefined ? [] : [[cell.table, one]]
        }),
      ),
      general: undefined,
    }
  }

const nobody = (cells: ReadonlyArray<Cell>, states: ReadonlyArray<HostState>): Outcome => ({
  cells: new Map(
    cells.flatMap((cell) =>
      cell.route !== undefined && !cell.ours ? [[cell.table, { do: "hold", why: "Conflict" }]] : [],
    ),
  ),
  general: states.some(({ standing, withheld }) => standing === "failed" || standing === "drained" || withheld)
    ? "NoHealthyHost"
    : "HealthUnknown",
})

/** Every outcome that the promises permit for one destination. There are several only where a hash breaks a tie. */
export const permitted = (scene: Scene, destination: string): ReadonlyArray<Outcome> => {
  const listed = [...scene.spec].find(([named]) => named === destination)?.[1]
  const out = untouchable(scene, destination)
  if (out !== undefined) return [{ cells: new Map(), general: listed === undefined ? undefined : out }]
  if (listed === undefined || listed.length === 0) return [removal(scene, destination, listed !== undefined)]
  const cells = cellsOf(scene, destination)
  const states = listed.map((host) => stateOf(scene, host))
  const choices = candidates(cells, states)
  return choices.length === 0 ? [nobody(cells, states)] : choices.map(placement(scene, destination, cells, states))
}

/** Every destination that the scene knows of. */
export const destinationsOf = ({ spec, vpc }: Scene): ReadonlyArray<string> => [
  ...new Set([
    ...spec.keys(),
    ...[...vpc.tables.values()].flatMap(({ routes }) => routes.map(({ destination }) => destination)),
  ]),
]
