import { Result } from "effect"
import { type JsonPath, showPath } from "./JsonPath.ts"
import { type JsonMember, type JsonNode, parseJsonSteps } from "./JsonText.ts"
import type { DecodedSpec, SpecProblem } from "./RouteSpec.ts"
import { maxDestinations, maxHostsPerDestination, nodeInWords, SpecDraft } from "./SpecDraft.ts"
import { allSteps, type Steps } from "./Steps.ts"

/**
 * Reads a route spec from JSON text, `{"10.66.17.0/24": ["10.33.20.93", "10.33.30.22"]}`. Gives the spec with what was
 * mended, or all faults (the first 100 in full), each with its place and what was expected. A text that is no JSON has
 * one fault. Limits: 1 MiB, 10,000 destinations, 256 hosts each. The spec does not depend on the order in which members or
 * hosts are written.
 */
export const decodeRouteSpec = (text: string): Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>> =>
  allSteps(decodeRouteSpecSteps(text))

/** {@link decodeRouteSpec} in steps: a spec at the limits takes some hundred milliseconds in all. */
export function* decodeRouteSpecSteps(text: string): Steps<Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>>> {
  const parsed = yield* parseJsonSteps(text)
  if (Result.isFailure(parsed)) return Result.fail([parsed.failure])
  const root = parsed.success
  const draft = new SpecDraft()
  if (root._tag !== "Object") {
    draft.fault(showPath([]), `expected an object from destination CIDRs to lists of hosts, got ${nodeInWords(root)}`)
    yield* faultRepeats(draft, root, [])
    return draft.finish()
  }
  if (root.members.length > maxDestinations) {
    draft.fault(showPath([]), `expected at most ${maxDestinations} destinations, got ${root.members.length}`)
  }
  for (const member of root.members.slice(0, maxDestinations)) {
    if (draft.isHopeless) break
    faultRepeat(draft, member, [])
    yield* addEntry(draft, member)
    yield
  }
  return draft.finish()
}

function* addEntry(draft: SpecDraft, { key, value }: JsonMember): Steps<void> {
  const path = showPath([key])
  if (value._tag === "List") {
    const hosts = value.items
      .slice(0, maxHostsPerDestination)
      .map((node, index) => ({ path: `${path}[${index}]`, node }))
    draft.add(path, key, hosts, value.items.length)
  } else {
    draft.destination(path, key)
    draft.fault(path, `expected a list of hosts, got ${nodeInWords(value)}${hintOfList(value)}`)
  }
  yield* faultRepeats(draft, value, [key])
}

const hintOfList = (node: JsonNode): string => {
  if (node._tag !== "Scalar") return ""
  if (typeof node.value === "string") return `; did you mean [${nodeInWords(node)}]?`
  return node.value === null ? "; an empty list, [], withdraws the route" : ""
}

const faultRepeat = (draft: SpecDraft, { key, place, repeats }: JsonMember, inside: JsonPath): void => {
  if (repeats === undefined) return
  const [first, again] = [repeats, place].map(({ line, column }) => `line ${line}, column ${column}`)
  draft.fault(showPath([...inside, key]), `the same key twice: ${first}, and ${again}; name it once`)
}

/** Repeated keys below `node`: it is no place for an object, but whoever wrote it should know of both mistakes. */
function* faultRepeats(draft: SpecDraft, node: JsonNode, path: JsonPath): Steps<void> {
  if (node._tag === "Scalar" || draft.isHopeless) return
  yield
  if (node._tag === "List") {
    for (const [index, item] of node.items.entries())
      if (item._tag !== "Scalar") yield* faultRepeats(draft, item, [...path, index])
    return
  }
  for (const member of node.members) {
    faultRepeat(draft, member, path)
    if (member.value._tag !== "Scalar") yield* faultRepeats(draft, member.value, [...path, member.key])
  }
}
