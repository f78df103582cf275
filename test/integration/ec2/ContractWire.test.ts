import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as AwsEc2 from "../../../src/services/ec2/AwsEc2.ts"
import { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { serveEc2 } from "../../support/ec2/Ec2Wire.ts"
import { contract } from "./Contract.ts"
import { simulatedStand, standTopology } from "./SimulatedStand.ts"

describe("the Ec2 port on the AWS SDK, against the simulated VPC over EC2's wire protocol", () => {
  for (const largestPage of [1_000, 2]) {
    describe(largestPage === 2 ? "in pages of two" : "in whole pages", () => {
      for (const [name, promise] of contract) {
        it.live(name, () =>
          Effect.gen(function* () {
            const wire = yield* serveEc2({ largestPage })
            yield* withEnvironment(awsEnvironment(wire.endpoint))
            const stand = yield* simulatedStand
            const context = yield* Layer.build(AwsEc2.layer({ vpcId: stand.vpcId }))
            yield* Effect.gen(function* () {
              yield* promise({ ec2: yield* Ec2, stand })
            }).pipe(Effect.provide(context))
          }).pipe(Effect.provide(Simulation.layer(standTopology))),
        )
      }
    })
  }
})
