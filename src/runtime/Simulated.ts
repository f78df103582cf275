import { Effect, type FileSystem, Result } from "effect"
import { defaultTopology } from "../services/ec2/DefaultTopology.ts"
import type { Topology } from "../services/ec2/Topology.ts"
import { decodeTopologyText } from "../services/ec2/TopologyText.ts"
import { readOnce } from "../services/FileLook.ts"
import type { CheckChoice } from "./HealthOptions.ts"
import type { OptionProblem } from "./OptionReader.ts"
import type { Options, VpcChoice } from "./Options.ts"
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
  return yield* Effect.fromResult(
    Result.mapError(
      decodeTopologyText(text),
      ({ problems }) =>
        new StartFault({
          problems: problems.map(({ message, path }) => ({
            option,
            message: `${file}: ${path === "$" ? "" : `${path}: `}${message}`,
          })),
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

const overTheNetwork: Readonly<Partial<Record<CheckChoice["_tag"], string>>> = {
  IcmpEcho: "icmpecho",
  Tcp: "tcp",
  Http: "http",
}

/**
 * Checks that ask hosts over the network, of a VPC whose hosts exist nowhere: their addresses may be somebody else's. Fails
 * for the built-in VPC; for one from a file it may be meant, and is a warning.
 */
export const checkHealth = ({
  health,
  vpc,
}: Pick<Options, "health" | "vpc">): Effect.Effect<ReadonlyArray<OptionProblem>, StartFault> => {
  const real = health.flatMap(({ _tag }) => overTheNetwork[_tag] ?? [])
  if (vpc._tag !== "Simulated" || real.length === 0) return Effect.succeed([])
  const names = real.join(" and ")
  return vpc.file === undefined
    ? Effect.fail(
        startFault(
          "--health",
          `expected simulated: ${names} would ask whoever has the addresses of the built-in VPC here`,
        ),
      )
    : Effect.succeed([
        { option: "--health", message: `the hosts are simulated, but ${names} asks whoever has their addresses here` },
      ])
}
