import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs"
import { Effect, Schedule, type Scope } from "effect"

const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "secret" }

/** A queue in moto. */
export interface MotoQueue {
  /** Its path, such as `/123456789012/alarms`: the rest of its URL is where moto is reached. */
  readonly path: string
  readonly send: (body: unknown) => Effect.Effect<void>
  /** Waits until nothing is on it, neither waiting nor taken and not removed; at most 20 s. */
  readonly drained: Effect.Effect<void, string>
  /** Deletes the queue. */
  readonly drop: Effect.Effect<void>
}

/** Makes a queue in the moto at `endpoint`. */
export const motoQueue = (endpoint: string, name: string): Effect.Effect<MotoQueue, never, Scope.Scope> =>
  Effect.gen(function* () {
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => new SQSClient({ endpoint, region: "us-east-1", credentials })),
      (opened) => Effect.sync(() => opened.destroy()),
    )
    const { QueueUrl = "" } = yield* Effect.promise(() => client.send(new CreateQueueCommand({ QueueName: name })))
    const left = Effect.promise(() =>
      client.send(
        new GetQueueAttributesCommand({
          QueueUrl,
          AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        }),
      ),
    ).pipe(Effect.map(({ Attributes = {} }) => Object.values(Attributes).reduce((sum, text) => sum + Number(text), 0)))
    return {
      path: new URL(QueueUrl).pathname,
      send: (body) =>
        Effect.asVoid(
          Effect.promise(() =>
            client.send(
              new SendMessageCommand({ QueueUrl, MessageBody: typeof body === "string" ? body : JSON.stringify(body) }),
            ),
          ),
        ),
      drained: left.pipe(
        Effect.filterOrFail(
          (count) => count === 0,
          (count) => `${count} messages are left on the queue`,
        ),
        Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 }),
        Effect.asVoid,
      ),
      drop: Effect.asVoid(Effect.promise(() => client.send(new DeleteQueueCommand({ QueueUrl })))),
    }
  })
