import type { Cidr } from "./Cidr.ts"
import type { Ip } from "./Ip.ts"

/**
 * Which hosts may carry each destination CIDR. Hosts are sorted and distinct. An empty list withdraws the route of its
 * CIDR; a CIDR that is not named at all is not ours to carry either, and its owned routes are deleted.
 */
export type RouteSpec = ReadonlyMap<Cidr, ReadonlyArray<Ip>>

/** Every host that the spec names, once. */
export const hostsOf = (spec: RouteSpec): ReadonlySet<Ip> => new Set([...spec.values()].flat())
