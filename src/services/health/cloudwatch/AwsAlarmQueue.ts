import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs"
import { Effect, type Scope } from "effect"
import { awsTransport } from "../../AwsTransport.ts"
import { sendCall } from "./AlarmCalls.ts"
import { type AlarmCall, AlarmFailure } from "./AlarmFailure.ts"
import type { AlarmQueue } from "./AlarmQueue.ts"

/** Messages that SQS gives at once, at most. */
const batch = 10

/** Seconds: the longest wait, which is SQS's longest. */
const longestWait = 20

/** Milliseconds: until the first bytes of an answer; what a call may take beyond its wait, with everything in it. */
const requestTimeout = (longestWait + 5) * 1_000
const receiveSlack = 10_000
const removeLimit = 10_000

const receiving: AlarmCall = { action: "sqs:ReceiveMessage", service: "SQS" }
const removing: AlarmCall = { action: "sqs:DeleteMessage", service: "SQS" }

export interface AwsAlarmQueueOptions {
  /** Where the VPC is, for a queue whose URL does not say. None: the SDK's own environment says. */
  readonly region: string | undefined
  readonly queueUrl: string
}

/** Of SQS itself in any partition, of an endpoint in a VPC, and in the form of old. */
const queueHosts = [
  /^https:\/\/(?:vpce-[a-z0-9-]+\.)?sqs(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.|api\.)/,
  /^https:\/\/([a-z0-9-]+)\.queue\.amazonaws\./,
]

/** The region that the URL of a queue names; undefined: none. */
export const regionOfQueue = (queueUrl: string): string | undefined =>
  queueHosts.map((pattern) => pattern.exec(queueUrl)?.[1]).find((region) => region !== undefined)

const newClient = ({ queueUrl, region = undefined }: AwsAlarmQueueOptions): SQSClient => {
  const chosen = regionOfQueue(queueUrl) ?? region
  // The SDK goes to the queue's own host in any case, and prints a warning where that is not the usual one.
  const endpoint = new URL(queueUrl).origin
  return new SQSClient({
    endpoint,
    ...(chosen === undefined ? {} : { region: chosen }),
    ...awsTransport(requestTimeout),
  })
}

/** The `AlarmQueue` port on the AWS SDK, which finds the queue by its URL. The client is destroyed with the scope. */
export const make = Effect.fnUntraced(function* (
  options: AwsAlarmQueueOptions,
): Effect.fn.Return<AlarmQueue["Service"], never, Scope.Scope> {
  const { queueUrl: QueueUrl } = options
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => newClient(options)),
    (opened) => Effect.sync(() => opened.destroy()),
  )
  return {
    receive: (seconds) =>
      sendCall(receiving, seconds * 1_000 + receiveSlack, (abort) =>
        client.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: batch, WaitTimeSeconds: seconds }),
          abort,
        ),
      ).pipe(
        Effect.map(({ Messages = [] }) =>
          // A message without a receipt could not be removed, and comes again.
          Messages.flatMap(({ Body, ReceiptHandle }) =>
            ReceiptHandle === undefined ? [] : [{ body: Body ?? "", receipt: ReceiptHandle }],
          ),
        ),
        Effect.withSpan("SQS.receive"),
      ),
    remove: (messages) =>
      sendCall(removing, removeLimit, (abort) =>
        client.send(
          new DeleteMessageBatchCommand({
            QueueUrl,
            Entries: messages.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt })),
          }),
          abort,
        ),
      ).pipe(
        Effect.flatMap(({ Failed = [] }) => {
          const [first] = Failed
          return first === undefined
            ? Effect.void
            : new AlarmFailure({
                kind: "refused",
                why: `SQS did not remove ${Failed.length} of ${messages.length} messages: ${first.Code}`,
              })
        }),
        Effect.withSpan("SQS.remove"),
      ),
  }
})
