import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Alarm } from "../../../src/domain/Alarm.ts"
import { type AlarmScope, statusChecksOnly } from "../../../src/domain/AlarmScope.ts"
import type { AlarmFailure } from "../../../src/services/health/cloudwatch/AlarmFailure.ts"
import * as AwsAlarms from "../../../src/services/health/cloudwatch/AwsAlarms.ts"
import { type PagedAlarms, pagedAlarms, type PageFault } from "../../support/cloudwatch/PagedAlarms.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { InstanceId } from "../../../src/domain/Ids.ts"
import { ip } from "../../../src/domain/Ip.ts"

const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `alarm ${index}`, instance: `i-${index}` }))

/** The real client, on a server that has alarms in pages. */
const opened = (scope: AlarmScope = statusChecksOnly) =>
  Effect.gen(function* () {
    const server = yield* pagedAlarms
    yield* withEnvironment(awsEnvironment(server.endpoint))
    const { poll } = yield* AwsAlarms.make({ region: "us-east-1", scope })
    return { server, poll }
  })

/** Waits in real time, on a virtual clock as well. */
const real = (millis: number) => Effect.promise(() => new Promise((resolve) => setTimeout(resolve, millis)))

const untilRequests = (server: PagedAlarms, count: number) =>
  Effect.gen(function* () {
    while (server.requests().length < count) yield* real(10)
  })

const live = (name: string, test: () => Effect.Effect<void, AlarmFailure | ReadonlyArray<Alarm>, Scope.Scope>) =>
  it.live(name, () => Effect.scoped(test()))

describe("alarms in pages", () => {
  live("500 alarms come in five pages, each of them once", () =>
    Effect.gen(function* () {
      const { poll, server } = yield* opened()
      server.show(numbered(500))
      const alarms = yield* poll
      assert.deepStrictEqual(
        alarms.map(({ name }) => name).sort(),
        numbered(500)
          .map(({ name }) => name)
          .sort(),
      )
      assert.deepStrictEqual(
        server.requests().map(({ page }) => page),
        [0, 1, 2, 3, 4],
      )
      assert.deepInclude(alarms[0], { isStatusCheck: true, kind: "metric", instances: [InstanceId("i-0")] })
      // A fraction of a second is kept, since it says which of two states is the newer one.
      assert.deepStrictEqual(alarms[0]?.state, { value: "OK", at: 1_790_000_000_123, reason: "alarm 0 is OK" })
    }),
  )

  for (const [what, fault, why] of [
    ["fails", { _tag: "Error", status: 500, code: "InternalServiceFault" }, "CloudWatch cannot be reached"],
    ["is throttled", { _tag: "Error", status: 400, code: "ThrottlingException" }, "CloudWatch throttles"],
    [
      "is denied",
      { _tag: "Error", status: 400, code: "AccessDeniedException" },
      "cloudwatch:DescribeAlarms is not allowed",
    ],
    ["is cut off", { _tag: "Cut" }, "CloudWatch cannot be reached"],
    ["lacks its list", { _tag: "Body", body: "{}" }, "an answer without its list"],
    ["is some proxy's", { _tag: "Body", body: "<html>hello</html>", contentType: "text/html" }, "CloudWatch"],
    [
      "has an alarm in no known state",
      {
        _tag: "Body",
        body: `{"MetricAlarms":[{"AlarmName":"x","AlarmArn":"arn:x","Namespace":"AWS/EC2","MetricName":"StatusCheckFailed","StateValue":"MAYBE"}]}`,
      },
      "in the state MAYBE",
    ],
  ] as const satisfies ReadonlyArray<readonly [string, PageFault, string]>)
    live(`a page that ${what} is a poll that failed, however many pages came before`, () =>
      Effect.gen(function* () {
        const { poll, server } = yield* opened()
        server.show(numbered(500))
        server.breakAt(3, fault)
        const failure = yield* Effect.flip(poll)
        assert.include(failure.why, why)
        assert.lengthOf(server.requests(), 3)
        assert.lengthOf(yield* poll, 500)
      }),
    )

  live("pages that lead in a circle come to an end", () =>
    Effect.gen(function* () {
      const { poll, server } = yield* opened()
      server.show(numbered(3))
      server.circle()
      assert.include((yield* Effect.flip(poll)).why, "pages without an end")
      assert.isBelow(server.requests().length, 4)
    }),
  )

  it.effect(
    "an account with thousands of alarms is read at a third of what CloudWatch allows: ten calls, then three a second",
    () =>
      Effect.gen(function* () {
        const { poll, server } = yield* opened()
        server.show(numbered(1_500))
        const polling = yield* Effect.forkChild(poll, { startImmediately: true })
        yield* untilRequests(server, 10)
        // No time passes but what the test lets pass.
        yield* real(200)
        assert.lengthOf(server.requests(), 10)
        yield* TestClock.adjust("1 second")
        yield* untilRequests(server, 13)
        yield* real(200)
        assert.lengthOf(server.requests(), 13)
        yield* TestClock.adjust("1 second")
        assert.lengthOf(yield* Fiber.join(polling), 1_500)
      }).pipe(Effect.scoped),
  )

  live(
    "alarms that cannot count are left out, whatever is odd about them; composite ones are asked for when names are given",
    () =>
      Effect.gen(function* () {
        const { poll, server } = yield* opened()
        server.show([
          { name: "a", instance: "i-1" },
          { name: "cpu", instance: "i-1", metric: "CPUUtilization", value: "WHATEVER" },
          { name: "b", instance: "i-1", namespace: "Mine", at: undefined },
        ])
        assert.deepStrictEqual(
          (yield* poll).map(({ name }) => name),
          ["a"],
        )
        assert.strictEqual(server.requests()[0]?.types, "MetricAlarm")

        const mapped = { ...statusChecksOnly, prefixes: ["cp"], hostsOf: new Map([["b", [ip("10.0.0.1")]]]) }
        const wider = yield* opened(mapped)
        wider.server.show([
          { name: "a", instance: "i-1" },
          { name: "cpu", instance: "i-1", metric: "CPUUtilization" },
          { name: "b", instance: "i-1", namespace: "Mine" },
          { name: "memory", instance: "i-1", namespace: "Mine" },
        ])
        assert.deepStrictEqual(
          (yield* wider.poll).map(({ name }) => name),
          ["a", "cpu", "b"],
        )
        assert.strictEqual(wider.server.requests()[0]?.types, "MetricAlarm CompositeAlarm")
      }),
  )
})
