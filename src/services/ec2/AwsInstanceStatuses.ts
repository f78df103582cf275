import { DescribeInstanceStatusCommand, type InstanceStatus as SdkStatus } from "@aws-sdk/client-ec2"
import { Effect, Result, type Scope } from "effect"
import type { InstanceId } from "../../domain/Ids.ts"
import {
  type CheckResult,
  checkResults,
  type InstanceStatus,
  type ScheduledEvent,
} from "../../domain/InstanceStatus.ts"
import { makeClient, send } from "./AwsClient.ts"
import { decodeInstance } from "./AwsEc2Decode.ts"
import { ec2Error } from "./Ec2Failure.ts"
import type { InstanceStatuses } from "./InstanceStatuses.ts"

const operation = "DescribeInstanceStatus"

/** More pages than instances can be named. */
const pageLimit = 100

/** What is not told was not checked; what is not known proves nothing. */
const checkResult = (told: string | undefined): CheckResult =>
  told === undefined ? "not-applicable" : (checkResults.find((result) => result === told) ?? "insufficient-data")

const longestDescription = 200

/** Events that are over are shown for a week, with this in front of their description (the API reference). */
const isOver = (description: string): boolean => /^\[(Completed|Canceled)\]/i.test(description)

const decodeEvents = ({ Events = [] }: SdkStatus): ReadonlyArray<ScheduledEvent> =>
  Events.map(({ Code, Description = "", InstanceEventId, NotBefore }) => ({
    id: InstanceEventId ?? `${Code} ${NotBefore?.toISOString()}`,
    code: Code ?? "an event without a code",
    description: Description.replaceAll(/\s+/g, " ").slice(0, longestDescription),
    notBefore: NotBefore?.getTime(),
  }))
    .filter(({ description }) => !isOver(description))
    .sort((a, b) => (a.id < b.id ? -1 : 1))

/** One item of the answer; the failure says what it lacks. */
export const decodeStatus = (told: SdkStatus): Result.Result<readonly [InstanceId, InstanceStatus], string> =>
  Result.map(decodeInstance({ InstanceId: told.InstanceId, State: told.InstanceState }), ([id, state]) => [
    id,
    {
      state,
      checks: {
        system: checkResult(told.SystemStatus?.Status),
        instance: checkResult(told.InstanceStatus?.Status),
        ebs: checkResult(told.AttachedEbsStatus?.Status),
      },
      events: decodeEvents(told),
    },
  ])

const undecodable = (problem: string) =>
  ec2Error({ operation, code: "UndecodableAnswer", message: `cannot take the answer: ${problem}` })

/** By the AWS SDK. Endpoint, profile, credentials and role come from the SDK's own environment; without a region that, too. */
export const make = Effect.fnUntraced(function* (
  region: string | undefined,
): Effect.fn.Return<InstanceStatuses["Service"], never, Scope.Scope> {
  const client = yield* makeClient(region)
  return {
    read: Effect.fnUntraced(function* (instances) {
      const found = new Map<InstanceId, InstanceStatus>()
      let next: string | undefined
      for (let page = 0; page < pageLimit; page++) {
        const NextToken = next
        // MaxResults does not go with InstanceIds; EC2 may answer in pages all the same.
        const input = { InstanceIds: [...instances], IncludeAllInstances: true, NextToken }
        const answer = yield* send(operation, (abort) => client.send(new DescribeInstanceStatusCommand(input), abort))
        if (answer.InstanceStatuses === undefined) return yield* undecodable("an answer without its list")
        for (const told of answer.InstanceStatuses) {
          const [id, status] = yield* Effect.fromResult(Result.mapError(decodeStatus(told), undecodable))
          found.set(id, status)
        }
        next = answer.NextToken
        if (next === undefined || next === "") return found
        if (next === NextToken) break
      }
      return yield* undecodable("pages without an end")
    }),
  }
})
