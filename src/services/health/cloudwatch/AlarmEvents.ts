import { Clock, Effect, type Scope } from "effect"
import { type AlarmEvent, readAlarmMessage } from "../../../domain/AlarmEvent.ts"
import type { Millis } from "../../../domain/Health.ts"
import { now } from "../../Now.ts"
import { shortened } from "../../PluginSession.ts"
import { SourceState, starting } from "../HealthSource.ts"
import { backoff, tolerated } from "./AlarmBackoff.ts"
import { type AlarmFailure, isGrave, withOwnFaults } from "./AlarmFailure.ts"
import { exposeMessages } from "./AlarmMetrics.ts"
import type { AlarmQueue, QueuedMessage } from "./AlarmQueue.ts"

/** Seconds to wait for messages: while the queue is read, and when it is not known whether it can be. */
const wait = { usual: 20, first: 1 }

/** A queue that gives nothing is not asked more often than this, even if it does not wait as it should. */
const shortestGap: Millis = 1_000

/** Listens to the queue. */
export interface AlarmEvents {
  /** Whether the queue can be read. Polls go on in any case. */
  readonly state: Effect.Effect<SourceState>
}

/**
 * Takes messages from the queue for as long as the scope lasts, and gives each change of an alarm to `hear`. What was
 * understood is removed from the queue, and so is what is malformed, since it would come again for ever; that is logged.
 * What cannot be removed comes again, and does no harm. A queue that cannot be read is tried again with backoff and jitter.
 */
export const listen = Effect.fnUntraced(function* (
  queue: AlarmQueue["Service"],
  hear: (event: AlarmEvent) => Effect.Effect<void>,
): Effect.fn.Return<AlarmEvents, never, Scope.Scope> {
  const counted = yield* exposeMessages
  let failedBy: AlarmFailure["kind"] | undefined
  let state: SourceState = SourceState.Down({ since: yield* now, why: starting })

  const becomeUp = Effect.gen(function* () {
    if (state._tag === "Up") return
    state = SourceState.Up({ since: yield* now })
    failedBy = undefined
    yield* Effect.logInfo("alarm events are read from the queue")
  })

  const becomeDown = Effect.fnUntraced(function* ({ kind, why }: AlarmFailure) {
    const isNews = failedBy !== kind
    failedBy = kind
    state = SourceState.Down({ since: state._tag === "Down" ? state.since : yield* now, why })
    if (isNews) yield* Effect.logWarning(`no alarm events from the queue; alarms are polled: ${why}`)
  })

  const take = Effect.fnUntraced(function* ({ body }: QueuedMessage) {
    // Event times are Unix times by AWS's clock, as the wall clock is.
    const message = readAlarmMessage(body, yield* Clock.currentTimeMillis)
    counted(message._tag)
    switch (message._tag) {
      case "Changed": {
        const { name, state } = message.event
        yield* Effect.logDebug(`alarm event: ${shortened(name)} is ${state.value}`)
        return yield* hear(message.event)
      }
      case "Other":
        return yield* Effect.logDebug(`not a change of an alarm, on the alarm queue: ${shortened(message.kind)}`)
      case "Malformed":
        return yield* Effect.logWarning(`removed from the alarm queue, as it is no event: ${shortened(message.why)}`)
    }
  })

  const remove = (messages: ReadonlyArray<QueuedMessage>) =>
    queue
      .remove(messages)
      .pipe(Effect.catchTag("AlarmFailure", ({ why }) => Effect.logDebug(`alarm events will come again: ${why}`)))

  /** One look at the queue. Gives the failure, if it failed. */
  const receive = Effect.gen(function* () {
    const began = yield* now
    const messages = yield* queue.receive(state._tag === "Up" ? wait.usual : wait.first)
    yield* becomeUp
    for (const message of messages)
      // One that we stumble over is removed as well: it would come again for ever.
      yield* Effect.catchDefect(take(message), (defect) =>
        Effect.logError("internal error over an alarm event", defect),
      )
    if (messages.length > 0) yield* remove(messages)
    else yield* Effect.sleep(Math.max(0, shortestGap - ((yield* now) - began)))
  }).pipe(withOwnFaults, Effect.as(undefined), Effect.catch(Effect.succeed))

  const receiving = Effect.gen(function* () {
    let failures = 0
    for (;;) {
      const failure = yield* receive
      if (failure === undefined) {
        failures = 0
        continue
      }
      failures++
      if (isGrave(failure) || failures >= tolerated || state._tag === "Down") yield* becomeDown(failure)
      else yield* Effect.logDebug(`the alarm queue could not be read: ${failure.why}`)
      yield* Effect.sleep(yield* backoff(failures))
    }
  })

  yield* Effect.forkScoped(receiving)
  return { state: Effect.sync(() => state) }
})
