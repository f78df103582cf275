import type { HostStanding } from "./HostStanding.ts"
import type { InterfaceId } from "./Ids.ts"
import type { StandingRoute } from "./VpcIndex.ts"

/** Tells which of a CIDR's hosts an owned route leads to; undefined: to none of them, as far as is known. */
export type Leads = (route: StandingRoute) => HostStanding | undefined

/**
 * Several hosts can share an interface. A route to it is then the route of the one that needs it most: an able one, else
 * one that nothing is proven of, else a failed one, else a drained one.
 */
const claim = (standing: HostStanding): number => {
  switch (standing._tag) {
    case "Able":
      return 0
    case "Keeping":
      return 1
    case "Losing":
      return standing.reason._tag === "HostFailed" ? 2 : 3
  }
}

/** Where the routes of a CIDR lead, given the standings of its hosts. Ties go to the host that is listed first. */
export const leadsAmong = (standings: ReadonlyArray<HostStanding>): Leads => {
  const byInterface = new Map<InterfaceId, HostStanding>()
  for (const standing of standings) {
    const { interfaceId } = standing
    if (interfaceId === undefined) continue
    const known = byInterface.get(interfaceId)
    if (known === undefined || claim(standing) < claim(known)) byInterface.set(interfaceId, standing)
  }
  // An active route that leads to no known host may well lead to one that a single stale reading lacks.
  const unplaced = standings.find(
    (standing) => standing._tag === "Keeping" && standing.absent && standing.interfaceId === undefined,
  )
  return (route) => {
    const known = route.interfaceId === undefined ? undefined : byInterface.get(route.interfaceId)
    return known ?? (route.blackhole ? undefined : unplaced)
  }
}
