import { Clock, Effect, Latch, Random, type Scope, Stream } from "effect"
import { type AlarmScope, idleNames } from "../../../domain/AlarmScope.ts"
import type { InsufficientData } from "../../../domain/AlarmVerdict.ts"
import type { Millis } from "../../../domain/Health.ts"
import { nowUnsafe } from "../../Now.ts"
import { ChangedVerdicts } from "../ChangedVerdicts.ts"
import { type HealthSource, SourceState } from "../HealthSource.ts"
import { HostInstances } from "../HostInstances.ts"
import type { AlarmFailure } from "./AlarmFailure.ts"
import type { Alarms } from "./Alarms.ts"
import { AlarmWatchlist } from "./AlarmWatchlist.ts"

/** The `--health` it is chosen by. */
const name = "cloudwatch"

/** The shortest time between the beginnings of two polls, however often one is asked for. */
const shortestGap: Millis = 1_000
const longestBackoff: Millis = 30_000

/** So many polls in a row must fail until the source is down; a denial does not pass, and so one is enough. */
const tolerated = 3

export interface CloudWatchOptions {
  readonly scope: AlarmScope
  readonly insufficientData: InsufficientData
  /** Milliseconds between polls. */
  readonly interval: Millis
}

/**
 * Watches hosts by CloudWatch alarms, with no probe traffic at all. A poll that fails, or of which a page is missing, changes
 * nothing and is tried again with backoff and jitter; three in a row, or a single denial, make the source Down: all verdicts
 * are unknown until a poll succeeds.
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
  let state: SourceState = SourceState.Down({ since: now(), why: "starting" })
  let idle: ReadonlyArray<string> = []

  const becomeUp = Effect.suspend(() => {
    if (state._tag === "Up") return Effect.void
    state = SourceState.Up({ since: now() })
    hosts.up(now())
    return Effect.logInfo(`health source ${name} is up: ${hosts.book.size} alarms`)
  })

  const becomeDown = (why: string) =>
    Effect.suspend(() => {
      const before = state
      state = SourceState.Down({ since: before._tag === "Down" ? before.since : now(), why })
      if (before._tag === "Up") hosts.down(now())
      return before._tag === "Down" && before.why === why
        ? Effect.void
        : Effect.logWarning(`health source ${name} is down: ${why}`)
    })

  /** Names that were given and cover nothing are told when they turn up so. */
  const tellIdle = Effect.suspend(() => {
    const found = idleNames(options.scope, hosts.book.values()).map(({ name, why }) => `alarm ${name}: ${why}`)
    const fresh = found.filter((words) => !idle.includes(words))
    idle = found
    return Effect.forEach(fresh, (words) => Effect.logWarning(words), { discard: true })
  })

  const backoff = (failures: number) =>
    Effect.map(Random.next, (share) => (0.5 + share / 2) * Math.min(longestBackoff, shortestGap * 2 ** (failures - 1)))

  const polls = Effect.gen(function* () {
    let failures = 0
    for (;;) {
      sooner.closeUnsafe()
      const began = now()
      const polled = yield* Effect.result(alarms.poll)
      if (polled._tag === "Success") {
        failures = 0
        hosts.polled(polled.success, now())
        yield* becomeUp
        yield* tellIdle
        yield* Effect.sleep(shortestGap)
        const left = options.interval - (now() - began)
        if (left > 0) yield* Effect.timeoutOption(sooner.await, left)
      } else {
        failures++
        const { kind, why }: AlarmFailure = polled.failure
        if (kind === "denied" || failures >= tolerated || state._tag === "Down") yield* becomeDown(why)
        else yield* Effect.logDebug(`a poll of alarms failed: ${why}`)
        yield* Effect.sleep(yield* backoff(failures))
      }
    }
  })

  const instances = yield* HostInstances
  yield* Effect.forkScoped(
    Stream.runForEach(instances.changes, (found) => Effect.sync(() => hosts.moved(found, now()))),
  )
  yield* Effect.forkScoped(polls)

  return {
    name,
    watch: (wanted) => Effect.sync(() => hosts.watch(wanted, now())),
    verdicts: changed.stream,
    state: Effect.sync(() => state),
  }
})
