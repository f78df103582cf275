import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cidr } from "../../../src/domain/Cidr.ts"
import { routeWrites } from "../../../src/domain/TokenBucket.ts"
import { setUp, simulated } from "./AwsEc2Stand.ts"
import { refusal } from "./Contract.ts"

describe("the fault proxy", () => {
  it.live("throttles as EC2 does, each action by itself", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2, stand, cell } = yield* setUp()
        yield* proxy.throttle(routeWrites)
        const attempts = Array.from({ length: 60 }, () => Effect.result(ec2.deleteRoute(cell)))
        const results = yield* Effect.all(attempts, { concurrency: "unbounded" })
        const throttled = results.filter(
          (result) => result._tag === "Failure" && result.failure.disposition === "throttled",
        )
        assert.isAtLeast(throttled.length, 1)
        assert.isAtMost(throttled.length, 10)
        yield* ec2.createRoute(cell, stand.a.interfaceId)
      }),
    ),
  )

  it.live("denies one table and lets another through", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2, stand, cell } = yield* setUp()
        yield* proxy.addRule({
          action: "any",
          containing: stand.tableA,
          fault: { _tag: "Error", status: 403, code: "UnauthorizedOperation" },
        })
        assert.strictEqual((yield* refusal(ec2.createRoute(cell, stand.a.interfaceId))).disposition, "denied")
        yield* ec2.createRoute({ ...cell, table: stand.tableB }, stand.a.interfaceId)
      }),
    ),
  )

  it.live("fails the next calls and counts all of them", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2, stand, cell } = yield* setUp()
        yield* proxy.addRule({
          action: "CreateRoute",
          times: 2,
          fault: { _tag: "Error", status: 500, code: "InternalError" },
        })
        const create = (n: number) => ec2.createRoute({ ...cell, cidr: cidr(`10.66.${n}.0/24`) }, stand.a.interfaceId)
        assert.strictEqual((yield* refusal(create(1))).code, "InternalError")
        assert.strictEqual((yield* refusal(create(2))).code, "InternalError")
        yield* create(3)
        assert.strictEqual((yield* proxy.calls).get("CreateRoute"), 3)
      }),
    ),
  )
})
