import { Effect, Layer } from "effect"
import { Preflight, WriteTrial } from "./Preflight.ts"

const untried = "the VPC is simulated"

/** A simulated VPC has neither permissions nor a way to its API, and its clock is ours. */
export const layer: Layer.Layer<Preflight> = Layer.succeed(Preflight, {
  contact: Effect.succeed({ reads: [], endpoint: undefined, skew: undefined, untried }),
  tryWrite: () => Effect.succeed(WriteTrial.Unclear({ why: untried })),
  prefixLists: () => Effect.succeed(new Map()),
  sourceTo: () => Effect.succeed(undefined),
  subnetOf: () => Effect.succeed(undefined),
})
