import { Effect, Result } from "effect"
import { ec2Error } from "./Ec2Failure.ts"
import { httpStatusOf } from "./SimulatedFaults.ts"
import { statusesOf } from "./SimulatedStatuses.ts"
import type { InstanceStatuses } from "./InstanceStatuses.ts"
import type { Simulation } from "./Simulation.ts"

const operation = "DescribeInstanceStatus"

/** {@link InstanceStatuses} of a simulated VPC. */
export const make = ({ read }: Simulation["Service"]): InstanceStatuses["Service"] => ({
  read: (instances) =>
    Effect.flatMap(read(operation), (vpc) =>
      Effect.fromResult(
        Result.mapError(statusesOf(vpc, instances), (refusal) =>
          ec2Error({ operation, ...refusal, httpStatus: httpStatusOf(refusal.code) }),
        ),
      ),
    ),
})
