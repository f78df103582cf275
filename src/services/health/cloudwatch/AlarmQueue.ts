import { Context, type Effect } from "effect"
import type { AlarmFailure } from "./AlarmFailure.ts"

/** A message on the queue: its text, and what it is removed by. */
export interface QueuedMessage {
  readonly body: string
  readonly receipt: string
}

/** The queue that changes of alarms are put on. Only this daemon takes from it. */
export class AlarmQueue extends Context.Service<
  AlarmQueue,
  {
    /** Waits so many seconds for messages, from 1 to 20; gives 10 at most, or none. */
    readonly receive: (seconds: number) => Effect.Effect<ReadonlyArray<QueuedMessage>, AlarmFailure>
    /** Removes at most 10 messages. Those that it cannot remove come again. */
    readonly remove: (messages: ReadonlyArray<QueuedMessage>) => Effect.Effect<void, AlarmFailure>
  }
>()("vpc-router/services/health/cloudwatch/AlarmQueue") {}
