import { Effect, Layer, type Scope } from "effect"
import type { VpcId } from "../../../src/domain/Ids.ts"
import * as AwsEc2 from "../../../src/services/ec2/AwsEc2.ts"
import { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { type Ec2WireOptions, serveEc2 } from "../../support/ec2/Ec2Wire.ts"
import { type FaultProxyHandle, startFaultProxy } from "../../support/ec2/FaultProxy.ts"
import { destination } from "./Contract.ts"
import { simulatedStand, standTopology } from "./SimulatedStand.ts"

/** The AWS layer in the environment of now. */
export const makeEc2 = (vpcId: VpcId) =>
  Effect.flatMap(Layer.build(AwsEc2.layer({ vpcId })), (context) => Ec2.pipe(Effect.provide(context)))

/** The AWS layer, through a fault proxy, to the simulated VPC over the wire. */
export const setUp = Effect.fnUntraced(function* (wireOptions: Ec2WireOptions = {}) {
  const wire = yield* serveEc2(wireOptions)
  const proxy = yield* startFaultProxy(wire.endpoint)
  yield* withEnvironment(awsEnvironment(proxy.endpoint))
  const stand = yield* simulatedStand
  return { proxy, stand, ec2: yield* makeEc2(stand.vpcId), cell: { table: stand.tableA, cidr: destination } }
})

/** Runs on the simulated VPC of the contract. */
export const simulated = <A, E>(use: Effect.Effect<A, E, Simulation | Scope.Scope>): Effect.Effect<A, E> =>
  Effect.scoped(use).pipe(Effect.provide(Simulation.layer(standTopology)))

/** How many requests of an action the proxy has seen. */
export const countOf = (proxy: FaultProxyHandle, action: string) =>
  Effect.map(proxy.calls, (calls) => calls.get(action) ?? 0)

/** The calls of a snapshot. */
export const describeCalls = ["DescribeVpcs", "DescribeRouteTables", "DescribeNetworkInterfaces", "DescribeInstances"]
