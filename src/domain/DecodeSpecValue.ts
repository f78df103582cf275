import { Predicate, Result } from "effect"
import type { JsonNode } from "./JsonText.ts"
import { showPath } from "./JsonPath.ts"
import type { DecodedSpec, SpecProblem } from "./RouteSpec.ts"
import { maxDestinations, maxHostsPerDestination, SpecDraft } from "./SpecDraft.ts"

const nodeOf = (value: unknown): JsonNode =>
  Predicate.isString(value) || Predicate.isNumber(value) || Predicate.isBoolean(value) || value === null
    ? { _tag: "Scalar", value }
    : Array.isArray(value)
      ? { _tag: "List", items: [] }
      : { _tag: "Object", members: [] }

/**
 * Reads a spec that foreign code made: a map from destination CIDRs to lists of hosts, whatever may really be in it. The
 * same rules and faults as for a spec in JSON; a value that throws when it is looked at is a fault, too.
 */
export const decodeSpecValue = (value: unknown): Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>> =>
  Result.flatMap(
    Result.try({
      try: () => read(value),
      catch: (thrown) => [{ path: showPath([]), message: `it cannot be read: ${String(thrown)}` }],
    }),
    (decoded) => decoded,
  )

const read = (value: unknown): Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>> => {
  const draft = new SpecDraft()
  if (!(value instanceof Map)) {
    draft.fault(showPath([]), "expected a Map from destination CIDRs to lists of hosts")
    return draft.finish()
  }
  if (value.size > maxDestinations) {
    draft.fault(showPath([]), `expected at most ${maxDestinations} destinations, got ${value.size}`)
    return draft.finish()
  }
  for (const [destination, hosts] of value as ReadonlyMap<unknown, unknown>) {
    if (draft.isHopeless) break
    if (!Predicate.isString(destination)) {
      draft.fault(showPath([]), `expected a destination CIDR in text, got ${typeof destination}`)
      continue
    }
    const path = showPath([destination])
    if (!Array.isArray(hosts)) {
      draft.destination(path, destination)
      draft.fault(path, `expected a list of hosts, got ${typeof hosts}`)
      continue
    }
    const items: ReadonlyArray<unknown> = hosts
    const shown = items.slice(0, maxHostsPerDestination)
    draft.add(
      path,
      destination,
      shown.map((host, index) => ({ path: `${path}[${index}]`, node: nodeOf(host) })),
      items.length,
    )
  }
  return draft.finish()
}
