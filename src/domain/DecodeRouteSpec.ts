import { Result } from "effect"
import { type JsonPath, showPath } from "./JsonPath.ts"
import { type JsonMember, type JsonNode, parseJsonText } from "./JsonText.ts"
import type { DecodedSpec, SpecProblem } from "./RouteSpec.ts"
import { maxDestinations, nodeInWords, SpecDraft } from "./SpecDraft.ts"

/**
 * Reads a route spec from JSON text, `{"10.66.17.0/24": ["10.33.20.93", "10.33.30.22"]}`. Gives the spec with what was
 * mended, or all faults (the first 100 in full), each with its place and what was expected. A text that is no JSON has
 * one fault. Limits: 1 MiB, 10,000 destinations, 256 hosts each. The spec does not depend on the order in which members or
 * hosts are written.
 */
export const decodeRouteSpec = (text: string): Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>> => {
  const parsed = parseJsonText(text)
  if (Result.isFailure(parsed)) return Result.fail([parsed.failure])
  const root = parsed.success
  const draft = new SpecDraft()
  if (root._tag !== "Object") {
    draft.fault(showPath([]), `expected an object from destination CIDRs to lists of hosts, got ${nodeInWords(root)}`)
    faultRepeats(draft, root, [])
    return draft.finish()
  }
  if (root.members.length > maxDestinations) {
    draft.fault(showPath([]), `expected at most ${maxDestinations} destinations, got ${root.members.length}`)
  }
  for (const member of root.members.slice(0, maxDestinations)) {
    if (draft.isHopeless) break
    faultRepeat(draft, member, [])
    addEntry(draft, member)
  }
  return draft.finish()
}

const addEntry = (draft: SpecDraft, { key, value }: JsonMember): void => {
  const path = showPath([key])
  if (value._tag === "List") {
    const hosts = value.items.map((node, index) => ({ path: `${path}[${index}]`, node }))
    draft.add(path, key, hosts)
  } else {
    draft.destination(path, key)
    draft.fault(path, `expected a list of hosts, got ${nodeInWords(value)}${hintOfList(value)}`)
  }
  faultRepeats(draft, value, [key])
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
const faultRepeats = (draft: SpecDraft, node: JsonNode, path: JsonPath): void => {
  if (draft.isHopeless) return
  if (node._tag === "List") node.items.forEach((item, index) => faultRepeats(draft, item, [...path, index]))
  if (node._tag === "Object") {
    for (const member of node.members) {
      faultRepeat(draft, member, path)
      faultRepeats(draft, member.value, [...path, member.key])
    }
  }
}
