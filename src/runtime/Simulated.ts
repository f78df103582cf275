import { Effect, FileSystem, Result } from "effect"
import { defaultTopology } from "../services/ec2/DefaultTopology.ts"
import { decodeTopology, type Topology } from "../services/ec2/Topology.ts"
import type { VpcChoice } from "./Options.ts"
import { StartFault, startFault } from "./StartFault.ts"

const option = "--simulate"

const readTopology = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<Topology, StartFault, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(files.readFileString(file), ({ message, reason }) =>
    startFault(option, reason._tag === "NotFound" ? `${file}: no such file` : `${file}: ${message}`),
  )
  const json = yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) =>
      startFault(option, `${file}: expected JSON: ${error instanceof Error ? error.message : String(error)}`),
  })
  return yield* Effect.fromResult(
    Result.mapError(
      decodeTopology(json),
      ({ problems }) =>
        new StartFault({
          problems: problems.map(({ message, path }) => ({ option, message: `${file}: ${path}: ${message}` })),
        }),
    ),
  )
})

/** The VPC to simulate: the built-in one, or the one of the file; `--vpc` must agree with it. */
export const topologyOf = Effect.fnUntraced(function* ({
  file,
  vpcId,
}: Extract<VpcChoice, { readonly _tag: "Simulated" }>): Effect.fn.Return<Topology, StartFault, FileSystem.FileSystem> {
  const topology = file === undefined ? defaultTopology : yield* readTopology(file)
  const { id } = topology.vpc
  if (vpcId !== undefined && vpcId !== id)
    return yield* startFault("--vpc", `expected ${id}, which is the simulated VPC, or nothing; got "${vpcId}"`)
  return topology
})
