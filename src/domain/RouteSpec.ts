import type { Cidr } from "./Cidr.ts"
import type { Ip } from "./Ip.ts"

/**
 * Which hosts may carry each destination CIDR. Hosts are sorted and distinct. An empty list withdraws the route of its
 * CIDR; a CIDR that is not named at all is not ours to carry either, and its owned routes are deleted.
 */
export type RouteSpec = ReadonlyMap<Cidr, ReadonlyArray<Ip>>

/** A fault in a spec, or something mended: where (`$["10.0.0.0/8"][1]`), and what was expected there. */
export interface SpecProblem {
  readonly path: string
  readonly message: string
}

/** A spec that was read, with what was mended on the way (host bits, duplicate hosts). */
export interface DecodedSpec {
  readonly spec: RouteSpec
  readonly warnings: ReadonlyArray<SpecProblem>
}

/** Every host that the spec names, once. */
export const hostsOf = (spec: RouteSpec): ReadonlySet<Ip> => new Set([...spec.values()].flat())

/** The spec as the JSON object that it is read from. Sorted, so that equal specs are equal texts. */
export const encodeRouteSpec = (spec: RouteSpec): Readonly<Record<string, ReadonlyArray<string>>> =>
  Object.fromEntries(
    [...spec.keys()].toSorted().map((destination) => [destination, (spec.get(destination) ?? []).toSorted()]),
  )
