import { Effect, Option, type Scope } from "effect"
import type { Millis } from "../domain/Health.ts"
import * as AwsInstanceStatuses from "../services/ec2/AwsInstanceStatuses.ts"
import * as SimulatedInstanceStatuses from "../services/ec2/SimulatedInstanceStatuses.ts"
import { Simulation } from "../services/ec2/Simulation.ts"
import * as Ec2Health from "../services/health/Ec2Health.ts"
import type { HealthSource } from "../services/health/HealthSource.ts"
import type { HostInstances } from "../services/health/HostInstances.ts"

/**
 * What watches hosts by EC2's word on their instances: those of the simulated VPC, if there is one. No region: the SDK's own
 * environment says.
 */
export const make = Effect.fnUntraced(function* (
  interval: Millis,
  region: string | undefined,
): Effect.fn.Return<HealthSource["Service"], never, HostInstances | Scope.Scope> {
  const simulation = yield* Effect.serviceOption(Simulation)
  const statuses = Option.isSome(simulation)
    ? SimulatedInstanceStatuses.make(simulation.value)
    : yield* AwsInstanceStatuses.make(region)
  return yield* Ec2Health.make(statuses, { interval })
})
