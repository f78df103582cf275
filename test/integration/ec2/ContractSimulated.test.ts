import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cidr } from "../../../src/domain/Cidr.ts"
import { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import { layer } from "../../../src/services/ec2/SimulatedEc2.ts"
import { contract } from "./Contract.ts"
import { simulatedStand, standTopology } from "./SimulatedStand.ts"

describe("the Ec2 port on the simulated VPC, in process", () => {
  for (const [name, promise] of contract) {
    it.effect(name, () =>
      Effect.gen(function* () {
        yield* promise({ ec2: yield* Ec2, stand: yield* simulatedStand })
      }).pipe(Effect.provide(layer(standTopology))),
    )
  }

  it.effect("a full table is full for one family only", () =>
    Effect.gen(function* () {
      const ec2 = yield* Ec2
      const stand = yield* simulatedStand
      const create = (text: string) => ec2.createRoute({ table: stand.tableA, cidr: cidr(text) }, stand.a.interfaceId)
      // The local route and the default route are there already.
      for (let n = 2; n < 10; n++) yield* create(`10.66.${n}.0/24`)
      const error = yield* Effect.flip(create("10.67.0.0/24"))
      assert.strictEqual(error.code, "RouteLimitExceeded")
      assert.strictEqual(error.disposition, "full")
      yield* create("2001:db8::/32")
    }).pipe(Effect.provide(layer({ ...standTopology, vpc: { ...standTopology.vpc, routesPerTable: 10 } }))),
  )
})
