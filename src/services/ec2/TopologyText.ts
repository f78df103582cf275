import { Result } from "effect"
import { type JsonNode, maxJsonLength, parseJsonText } from "../../domain/JsonText.ts"
import { decodeTopology, place, type Topology, type TopologyProblem, TopologyRejected } from "./Topology.ts"

/** Keys that an object has twice: `JSON.parse` would keep the last and say nothing. */
const repeated = (node: JsonNode, path: ReadonlyArray<PropertyKey>): ReadonlyArray<TopologyProblem> => {
  switch (node._tag) {
    case "Scalar":
      return []
    case "List":
      return node.items.flatMap((item, index) => repeated(item, [...path, index]))
    case "Object":
      return node.members.flatMap(({ key, place: at, repeats, value }) => [
        ...(repeats === undefined
          ? []
          : [
              {
                path: place([...path, key]),
                message: `the key is there twice: at line ${repeats.line}, and again at line ${at.line}, column ${at.column}`,
              },
            ]),
        ...repeated(value, [...path, key]),
      ])
  }
}

const notJson = (message: string) =>
  new TopologyRejected({ problems: [{ path: "$", message: `expected JSON: ${message}` }] })

/** Larger ones are made by programs, and are not looked at for repeated keys. */
const parseLarge = (text: string): Result.Result<unknown, TopologyRejected> =>
  Result.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) => notJson(error instanceof Error ? error.message : String(error)),
  })

/** Decodes the text of a `--simulate` file. All its faults are found at once, each with its place. */
export const decodeTopologyText = (text: string): Result.Result<Topology, TopologyRejected> => {
  if (text.length > maxJsonLength) return Result.flatMap(parseLarge(text), decodeTopology)
  return Result.gen(function* () {
    const node = yield* Result.mapError(parseJsonText(text), ({ message }) => notJson(message))
    const twice = repeated(node, [])
    // A byte order mark is taken by our reader only.
    const decoded = Result.flatMap(parseLarge(text.replace(/^\uFEFF/, "")), decodeTopology)
    if (twice.length === 0) return yield* decoded
    const others = Result.isFailure(decoded) ? decoded.failure.problems : []
    return yield* Result.fail(new TopologyRejected({ problems: [...twice, ...others] }))
  })
}
