import { Context, type Effect } from "effect"
import type { InstanceId } from "../../domain/Ids.ts"
import type { InstanceStatus } from "../../domain/InstanceStatus.ts"
import type { Ec2Error } from "./Ec2.ts"

/** How many instances one call may name ("DescribeInstanceStatus", EC2 API reference). */
export const mostInstances = 100

/** EC2's DescribeInstanceStatus. No call retries by itself. */
export class InstanceStatuses extends Context.Service<
  InstanceStatuses,
  {
    /**
     * What EC2 says of these instances, at most {@link mostInstances}, whatever state they are in. One that is missing EC2
     * may have left out. It fails with `InvalidInstanceID.NotFound` for all of them if EC2 knows any of them not.
     */
    readonly read: (
      instances: ReadonlyArray<InstanceId>,
    ) => Effect.Effect<ReadonlyMap<InstanceId, InstanceStatus>, Ec2Error>
  }
>()("vpc-router/services/ec2/InstanceStatuses") {}
