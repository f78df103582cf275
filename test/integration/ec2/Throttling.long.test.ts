import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Queue } from "effect"
import { Action, Reason } from "../../../src/domain/Action.ts"
import { cidr } from "../../../src/domain/Cidr.ts"
import { ip } from "../../../src/domain/Ip.ts"
import { routeWrites } from "../../../src/domain/TokenBucket.ts"
import { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import { Executor, layer } from "../../../src/services/ec2/Executor.ts"
import { countOf, setUp, simulated } from "./AwsEc2Stand.ts"

const count = 200
const { capacity, refillPerSecond } = routeWrites

/** Creates two hundred routes through the executor and the AWS layer. Somebody else has taken `others` of EC2's tokens. */
const measured = (others: number): Effect.Effect<{ readonly calls: number; readonly millis: number }> =>
  simulated(
    Effect.gen(function* () {
      const { ec2, proxy, stand } = yield* setUp()
      yield* proxy.throttle(routeWrites)
      const tables = [stand.tableA, stand.tableB]
      const cell = (second: number, n: number) => ({
        table: tables[n % 2] ?? stand.tableA,
        cidr: cidr(`10.${second}.${n}.0/24`),
      })
      for (let n = 0; n < others; n++) yield* Effect.orDie(ec2.createRoute(cell(78, n), stand.a.interfaceId))
      yield* proxy.forget
      const executor = yield* Effect.map(Layer.build(layer.pipe(Layer.provide(Layer.succeed(Ec2, ec2)))), (built) =>
        Executor.pipe(Effect.provide(built)),
      ).pipe(Effect.flatten)
      const { interfaceId } = stand.a
      const made = { host: ip("10.0.0.1"), interfaceId, reason: Reason.Missing(), urgency: "creation" } as const
      const write = Array.from({ length: count }, (_, n) => Action.CreateRoute({ ...cell(77, n), ...made }))
      const from = performance.now()
      yield* executor.submit(new Set(write.map((one) => one.cidr)), write)
      for (let done = 0; done < count;) {
        const outcome = yield* Queue.take(executor.outcomes)
        yield* executor.submit(new Set(), [], [outcome.action])
        if (outcome._tag === "Done") done++
        else yield* executor.submit(new Set([outcome.action.cidr]), [outcome.action])
      }
      return { calls: yield* countOf(proxy, "CreateRoute"), millis: performance.now() - from }
    }),
  )

describe("two hundred writes over HTTP, under EC2's limit of 50 and 5 a second", () => {
  it.live("take 1.1 calls each and 1.2 times what they must, at most, when somebody else has emptied the bucket", () =>
    Effect.gen(function* () {
      const { calls, millis } = yield* measured(capacity)
      // Those on the way when that is learnt are refused: eight in each of two tables.
      assert.isAtMost(calls / count, 1.1)
      assert.isAtMost(millis, (count / refillPerSecond) * 1.2 * 1_000)
    }),
  )
})
