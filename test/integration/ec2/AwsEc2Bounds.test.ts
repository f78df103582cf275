import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { statusChecksOnly } from "../../../src/domain/AlarmScope.ts"
import type { Ec2Error } from "../../../src/services/ec2/Ec2.ts"
import * as AwsAlarmQueue from "../../../src/services/health/cloudwatch/AwsAlarmQueue.ts"
import * as AwsAlarms from "../../../src/services/health/cloudwatch/AwsAlarms.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import type { Fault } from "../../support/ec2/Fault.ts"
import { startFaultProxy } from "../../support/ec2/FaultProxy.ts"
import { describeCalls, setUp, simulated } from "./AwsEc2Stand.ts"
import { refusal } from "./Contract.ts"

/** Each write of a cell. */
const writes = ["CreateRoute", "ReplaceRoute", "DeleteRoute"] as const

type Stand = Effect.Success<ReturnType<typeof setUp>>

const write = (operation: (typeof writes)[number], { cell, ec2, stand }: Stand) => {
  switch (operation) {
    case "CreateRoute":
      return ec2.createRoute(cell, stand.a.interfaceId)
    case "ReplaceRoute":
      return ec2.replaceRoute(cell, stand.a.interfaceId)
    case "DeleteRoute":
      return ec2.deleteRoute(cell)
  }
}

/** An answer without an end, whatever it says of itself. */
const endless = (status: number): Fault => ({ _tag: "Endless", status })
const statuses = [200, 400, 500]

describe("an answer without an end", () => {
  it.live.each([
    ["DescribeRouteTables", 200],
    ["DescribeInstances", 500],
  ] as const)("to %s with HTTP %i is cut at 16 MiB, and no reading", ([action, status]) =>
    simulated(
      Effect.gen(function* () {
        const { ec2, proxy } = yield* setUp()
        yield* proxy.addRule({ action, times: 1, fault: endless(status) })
        const { code, disposition, message, operation } = yield* refusal(ec2.snapshot)
        assert.deepStrictEqual(
          { code, disposition, message, operation },
          {
            code: "AnswerTooLarge",
            disposition: "transient",
            message: "the answer is larger than 16 MiB",
            operation: action,
          },
        )
        yield* proxy.aborted(1)
        yield* ec2.snapshot
      }),
    ),
  )

  it.live.each(writes)("to %s is cut at 64 KiB, and the write may have been done", (action) =>
    simulated(
      Effect.gen(function* () {
        const stand = yield* setUp()
        for (const [at, status] of statuses.entries()) {
          yield* stand.proxy.addRule({ action, times: 1, fault: endless(status) })
          const { code, disposition, message } = yield* refusal(write(action, stand))
          assert.deepStrictEqual(
            { code, disposition, message },
            { code: "AnswerTooLarge", disposition: "transient", message: "the answer is larger than 64 KiB" },
          )
          yield* stand.proxy.aborted(at + 1)
        }
      }),
    ),
  )

  it.live("of CloudWatch or SQS is cut, and they cannot be reached", () =>
    Effect.gen(function* () {
      const proxy = yield* startFaultProxy("http://127.0.0.1:9")
      yield* withEnvironment(awsEnvironment(proxy.endpoint))
      const { poll } = yield* AwsAlarms.make({ region: "us-east-1", scope: statusChecksOnly })
      const queue = yield* AwsAlarmQueue.make({
        region: "us-east-1",
        queueUrl: `${proxy.endpoint}/123456789012/alarms`,
      })
      for (const [status, service, call] of [
        [200, "CloudWatch", Effect.asVoid(poll)],
        [400, "SQS", Effect.asVoid(queue.receive(1))],
      ] as const) {
        yield* proxy.clearRules
        yield* proxy.addRule({ action: "any", fault: endless(status) })
        const { kind, why } = yield* Effect.flip(call)
        assert.strictEqual(kind, "unreachable")
        assert.strictEqual(why, `${service} cannot be reached: AnswerTooLarge: the answer is larger than 16 MiB`)
      }
      yield* proxy.aborted(2)
    }).pipe(Effect.scoped),
  )
})

describe("an answer of a byte now and then", () => {
  /** Whether a call is given up when it has taken so long, and no sooner. Milliseconds. */
  const givesUpAfter = (
    limit: number,
    actions: ReadonlyArray<string>,
    run: (stand: Stand) => Effect.Effect<unknown, Ec2Error>,
  ): Effect.Effect<void> =>
    simulated(
      Effect.gen(function* () {
        const stand = yield* setUp()
        yield* stand.proxy.addRule({ action: "any", fault: { _tag: "Drip" } })
        const asked = yield* Effect.forEach(actions, (action) =>
          Effect.forkScoped(stand.proxy.nextRequest(action), { startImmediately: true }),
        )
        const call = yield* Effect.forkScoped(refusal(run(stand)))
        yield* Effect.forEach(asked, Fiber.join)
        yield* TestClock.adjust(limit - 1)
        assert.isUndefined(call.pollUnsafe())
        yield* TestClock.adjust(1)
        const { code, disposition, message, operation } = yield* Fiber.join(call)
        assert.deepStrictEqual(
          { code, disposition, message, operation },
          {
            code: "TimeoutError",
            disposition: "transient",
            message: `no whole answer within ${limit / 1_000} s`,
            operation: actions[0],
          },
        )
        yield* stand.proxy.aborted(actions.length)
      }),
    )

  it.effect.each(writes)("to %s is given up after 5 s", (action) =>
    givesUpAfter(5_000, [action], (stand) => write(action, stand)),
  )

  it.effect("to a reading is given up after 15 s, in which the largest page comes", () =>
    givesUpAfter(15_000, describeCalls, ({ ec2 }) => ec2.snapshot),
  )
})
