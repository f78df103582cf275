import { Clock, Effect, Latch, type Scope } from "effect"
import type { AlarmEvent } from "../../../domain/AlarmEvent.ts"
import { type AlarmScope, idleNames, isOfInterest } from "../../../domain/AlarmScope.ts"
import type { InsufficientData } from "../../../domain/AlarmVerdict.ts"
import type { Millis } from "../../../domain/Health.ts"
import { nowUnsafe } from "../../Now.ts"
import { ChangedVerdicts } from "../ChangedVerdicts.ts"
import { type HealthSource, type SourceStanding, SourceState, starting } from "../HealthSource.ts"
import { type HostInstances, placedBy } from "../HostInstances.ts"
import { backoff, tolerated } from "./AlarmBackoff.ts"
import { listen } from "./AlarmEvents.ts"
import { type AlarmFailure, isGrave, withOwnFaults } from "./AlarmFailure.ts"
import { exposePolls } from "./AlarmMetrics.ts"
import type { AlarmQueue } from "./AlarmQueue.ts"
import type { Alarms } from "./Alarms.ts"
import { AlarmWatchlist } from "./AlarmWatchlist.ts"

/** The `--health` it is chosen by. */
const name = "cloudwatch"
/** How its queue shows itself beside it. */
const queueName = "alarm-queue"

/** The shortest time between two polls, however often one is asked for. */
const shortestGap: Millis = 1_000

export interface CloudWatchOptions {
  readonly scope: AlarmScope
  readonly insufficientData: InsufficientData
  /** Milliseconds between polls. */
  readonly interval: Millis
  /** Where changes of alarms are heard of sooner than by polls. */
  readonly queue: AlarmQueue["Service"] | undefined
}

/**
 * Watches hosts by CloudWatch alarms, with no probe traffic at all. A poll that fails, or of which a page is missing, changes
 * nothing and is tried again with backoff and jitter; three in a row, or a single denial, make the source Down: all verdicts
 * are unknown until a poll succeeds.
 *
 * Events from the queue are heard of between polls, and the newer state counts, whichever way it came. Without the queue, or
 * while it cannot be read, polls go on as before. An event of an alarm that polls have not shown yet asks for a poll.
 */
export const make = Effect.fnUntraced(function* (
  alarms: Alarms["Service"],
  options: CloudWatchOptions,
): Effect.fn.Return<HealthSource["Service"], never, HostInstances | Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = () => nowUnsafe(clock)
  const changed = new ChangedVerdicts()
  const hosts = new AlarmWatchlist(options, changed)
  const sooner = Latch.makeUnsafe(false)
  let state: SourceState = SourceState.Down({ since: now(), why: starting })
  let failedBy: AlarmFailure["kind"] | undefined
  let idle: ReadonlyArray<string> = []
  const counted = yield* exposePolls(() => hosts.book.size)

  const becomeUp = Effect.suspend(() => {
    if (state._tag === "Up") return Effect.void
    state = SourceState.Up({ since: now() })
    failedBy = undefined
    hosts.up(now())
    return Effect.logInfo(`health source ${name} is up: ${hosts.book.size} alarms`)
  })

  const becomeDown = ({ kind, why }: AlarmFailure) =>
    Effect.suspend(() => {
      const before = state
      const isNews = failedBy !== kind
      failedBy = kind
      state = SourceState.Down({ since: before._tag === "Down" ? before.since : now(), why })
      if (before._tag === "Up") hosts.down(now())
      return isNews ? Effect.logWarning(`health source ${name} is down: ${why}`) : Effect.void
    })

  /** Names that were given and cover nothing are told when they turn up so. */
  const tellIdle = Effect.suspend(() => {
    const found = idleNames(options.scope, hosts.book.values()).map(({ name, why }) => `alarm ${name}: ${why}`)
    const fresh = found.filter((words) => !idle.includes(words))
    idle = found
    return Effect.forEach(fresh, (words) => Effect.logWarning(words), { discard: true })
  })

  const hear = ({ state: said, ...alarm }: AlarmEvent) =>
    Effect.sync(() => {
      // One that polls have not shown may be new.
      if (!hosts.heard(alarm.arn, said, now()) && isOfInterest(options.scope, { ...alarm, kind: "metric" }))
        sooner.openUnsafe()
    })

  /** One poll, and what follows from it. Gives the failure, if it failed. */
  const poll = Effect.gen(function* () {
    hosts.polled(yield* alarms.poll, now())
    yield* becomeUp
    yield* tellIdle
  }).pipe(withOwnFaults, Effect.as(undefined), Effect.catch(Effect.succeed))

  const polls = Effect.gen(function* () {
    let failures = 0
    for (;;) {
      sooner.closeUnsafe()
      const began = now()
      const failure = yield* poll
      counted(failure?.kind ?? "done")
      if (failure === undefined) {
        failures = 0
        yield* Effect.sleep(shortestGap)
        const left = options.interval - (now() - began)
        if (left > 0) yield* Effect.timeoutOption(sooner.await, left)
      } else {
        failures++
        if (isGrave(failure) || failures >= tolerated || state._tag === "Down") yield* becomeDown(failure)
        else yield* Effect.logDebug(`a poll of alarms failed: ${failure.why}`)
        yield* Effect.sleep(yield* backoff(failures))
      }
    }
  })

  const place = yield* placedBy((found) => void hosts.moved(found, now()))
  yield* Effect.forkScoped(polls)
  const events = options.queue === undefined ? undefined : yield* listen(options.queue, hear)

  return {
    name,
    watch: (wanted) =>
      Effect.andThen(
        place,
        Effect.sync(() => hosts.watch(wanted, now())),
      ),
    verdicts: changed.stream,
    state: Effect.sync(() => state),
    standings: Effect.gen(function* (): Effect.fn.Return<ReadonlyArray<SourceStanding>> {
      const queue = events === undefined ? [] : [{ name: queueName, state: yield* events.state }]
      return [{ name, state, unwatched: hosts.unwatched }, ...queue]
    }),
  }
})
