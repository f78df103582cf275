import { Effect, type FileSystem, Result } from "effect"
import { defaultTopology } from "../services/ec2/DefaultTopology.ts"
import { decodeTopology, type Topology } from "../services/ec2/Topology.ts"
import { readOnce } from "../services/FileLook.ts"
import type { VpcChoice } from "./Options.ts"
import { StartFault, startFault } from "./StartFault.ts"

const option = "--simulate"
/** Larger than any VPC within EC2's quotas. */
const maxBytes = 64 * 1024 * 1024
/** How long a pipe may take. */
const patience = "10 seconds"

const readTopology = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<Topology, StartFault, FileSystem.FileSystem> {
  const look = yield* Effect.timeoutOrElse(readOnce(file, maxBytes), {
    duration: patience,
    orElse: () => startFault(option, `${file}: it did not come to an end within ${patience}`),
  })
  if (look._tag === "Unreadable") return yield* startFault(option, look.why)
  if (look._tag === "TooLarge") return yield* startFault(option, `${file}: expected at most 64 MiB`)
  const text = Buffer.from(look.bytes).toString("utf8")
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
