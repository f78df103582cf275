import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch"
import { Effect, Result, type Scope } from "effect"
import type { Alarm, AlarmIdentity } from "../../../domain/Alarm.ts"
import { type AlarmScope, isOfInterest, wantsComposites } from "../../../domain/AlarmScope.ts"
import { type BucketLimits, full, take } from "../../../domain/TokenBucket.ts"
import { awsTransport } from "../../AwsTransport.ts"
import { now } from "../../Now.ts"
import { type AlarmCall, AlarmFailure } from "./AlarmFailure.ts"
import { sendCall } from "./AlarmCalls.ts"
import type { Alarms } from "./Alarms.ts"
import { decodeAlarms } from "./AwsAlarmDecode.ts"

/** Milliseconds until the first bytes of an answer, and for a call with everything in it. */
const requestTimeout = 5_000
const callLimit = 15_000

/** Alarms a page, which is the most that CloudWatch gives. */
const page = 100

/** More than CloudWatch's quotas can fill (5,000 alarms a region, to be raised): pages must come to an end. */
const pageLimit = 1_000

/** A third of the 9 calls a second that CloudWatch allows an account and region; the rest is for others. */
const ownShare: BucketLimits = { capacity: 10, refillPerSecond: 3 }

const call: AlarmCall = { action: "cloudwatch:DescribeAlarms", service: "CloudWatch" }

export interface AwsAlarmsOptions {
  /** None: the SDK's own environment says. */
  readonly region: string | undefined
  readonly scope: AlarmScope
}

const newClient = (region: string | undefined): CloudWatchClient =>
  new CloudWatchClient({ ...(region === undefined ? {} : { region }), ...awsTransport(requestTimeout) })

const undecodable = (problem: string) =>
  new AlarmFailure({ kind: "unreachable", why: `cannot take CloudWatch's answer: ${problem}` })

/**
 * The `Alarms` port on the AWS SDK. Endpoint, profile, credentials and role come from the SDK's own environment. Calls
 * keep to a bucket of their own. The client is destroyed with the scope.
 */
export const make = Effect.fnUntraced(function* ({
  region,
  scope,
}: AwsAlarmsOptions): Effect.fn.Return<Alarms["Service"], never, Scope.Scope> {
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => newClient(region)),
    (opened) => Effect.sync(() => opened.destroy()),
  )
  let bucket = full(ownShare, yield* now)

  const waitForTurn = Effect.gen(function* () {
    for (;;) {
      const taken = take(bucket, yield* now)
      bucket = taken.bucket
      if (taken.waitMillis === 0) return
      yield* Effect.sleep(taken.waitMillis)
    }
  })

  const mayCount = (alarm: AlarmIdentity) => isOfInterest(scope, alarm)
  const AlarmTypes = ["MetricAlarm" as const, ...(wantsComposites(scope) ? ["CompositeAlarm" as const] : [])]

  const poll = Effect.gen(function* () {
    const alarms = new Map<string, Alarm>()
    let next: string | undefined
    for (let count = 0; count < pageLimit; count++) {
      const NextToken = next
      yield* waitForTurn
      const answer = yield* sendCall(call, callLimit, (abort) =>
        client.send(new DescribeAlarmsCommand({ AlarmTypes, MaxRecords: page, NextToken }), abort),
      )
      const found = yield* Effect.fromResult(Result.mapError(decodeAlarms(answer, mayCount), undecodable))
      for (const alarm of found) alarms.set(alarm.arn, alarm)
      if (answer.NextToken === undefined || answer.NextToken === "") return [...alarms.values()]
      if (answer.NextToken === NextToken) break
      next = answer.NextToken
    }
    return yield* undecodable("pages without an end")
  })

  return { poll: Effect.withSpan(poll, "CloudWatch.poll") }
})
