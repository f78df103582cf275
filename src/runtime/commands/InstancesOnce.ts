import { Effect, Layer } from "effect"
import type { Ip } from "../../domain/Ip.ts"
import { instancesOfHosts } from "../../domain/InstancesOfHosts.ts"
import { indexVpc } from "../../domain/VpcIndex.ts"
import type { Ec2 } from "../../services/ec2/Ec2.ts"
import * as HostInstances from "../../services/health/HostInstances.ts"
import type { Options } from "../Options.ts"
import { readVpc } from "./Picture.ts"

/** Tells which instances the hosts are, by one reading of the VPC, where a check needs it. Until then nothing is known of them. */
export const instancesOnce = (
  hosts: ReadonlySet<Ip>,
  { health, policy }: Options,
  vpc: Layer.Layer<Ec2>,
): Layer.Layer<HostInstances.HostInstances> => {
  if (!health.some(({ _tag }) => _tag === "CloudWatch" || _tag === "Ec2")) return HostInstances.layer
  const tell = Effect.gen(function* () {
    const instances = yield* HostInstances.HostInstances
    const index = indexVpc(yield* readVpc, policy)
    yield* instances.tell(instancesOfHosts(hosts, index, new Map()))
  })
  // What keeps it from being read is told by whoever reads it for the plan.
  return Layer.effectDiscard(Effect.forkScoped(Effect.ignore(tell))).pipe(
    Layer.provideMerge(HostInstances.layer),
    Layer.provide(vpc),
  )
}
