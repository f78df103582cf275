import { Effect, Fiber, Queue, Random, type Scope } from "effect"
import type { Millis } from "../domain/Health.ts"
import type { Vpc } from "../domain/Vpc.ts"
import { Ec2, type Ec2Error } from "../services/ec2/Ec2.ts"
import { now } from "../services/Now.ts"
import { counted } from "./metrics/LoopMetrics.ts"

/** How the readings of EC2 go. */
export interface RefreshState {
  /** When the last whole reading began and how long it took, in milliseconds. */
  readonly last: { readonly readAt: Millis; readonly took: Millis } | undefined
  /** The failure since the last whole reading, if any. */
  readonly failing: { readonly since: Millis; readonly attempts: number; readonly error: Ec2Error } | undefined
  /** Milliseconds that the reading under way takes longer than; undefined: it takes no longer than usual. */
  readonly takesOver: Millis | undefined
}

/** Reads the VPC at start, every `interval`, and soon after it is asked to. */
export interface Refresher {
  /** Says that the picture is wrong. Readings are at least a second apart, however often it is said. */
  readonly request: Effect.Effect<void>
  readonly state: Effect.Effect<RefreshState>
}

/** Longer than a healthy EC2 takes for the largest VPC; yet no error, since every page may have come in time. */
const usualLimit: Millis = 30_000

/** The shortest time between the beginnings of two readings. */
const shortestGap: Millis = 1_000
const longestBackoff: Millis = 30_000

const backoff = (attempts: number): Effect.Effect<Millis> =>
  Effect.map(Random.next, (share) => (0.5 + share / 2) * Math.min(longestBackoff, shortestGap * 2 ** (attempts - 1)))

/**
 * Starts reading. Each whole reading goes to `onReading`. A failure is kept in the state and tried again with backoff and
 * jitter; `onTrouble` is run after each, and when a reading takes too long. `interval` 0 switches the regular reading off.
 */
export const makeRefresher = (options: {
  readonly interval: Millis
  readonly onReading: (vpc: Vpc, readAt: Millis) => Effect.Effect<void>
  readonly onTrouble: Effect.Effect<void>
}): Effect.Effect<Refresher, never, Ec2 | Scope.Scope> =>
  Effect.gen(function* () {
    const ec2 = yield* Ec2
    const requests = yield* Queue.sliding<void>(1)
    let state: RefreshState = { last: undefined, failing: undefined, takesOver: undefined }

    const onError = Effect.fnUntraced(function* (error: Ec2Error) {
      const { failing } = state
      const attempts = (failing?.attempts ?? 0) + 1
      state = { ...state, takesOver: undefined, failing: { since: failing?.since ?? (yield* now), attempts, error } }
      yield* counted.failedReading(error)
      yield* options.onTrouble
      yield* Effect.sleep(yield* backoff(attempts))
    })

    const onVpc = Effect.fnUntraced(function* (vpc: Vpc, readAt: Millis) {
      const took = (yield* now) - readAt
      state = { last: { readAt, took }, failing: undefined, takesOver: undefined }
      yield* counted.reading(took)
      yield* options.onReading(vpc, readAt)
      yield* Effect.sleep(shortestGap)
      const due = Queue.take(requests)
      yield* options.interval > 0 ? Effect.timeoutOption(due, Math.max(0, options.interval - shortestGap)) : due
    })

    const tellWhenLate = Effect.gen(function* () {
      yield* Effect.sleep(usualLimit)
      state = { ...state, takesOver: usualLimit }
      yield* options.onTrouble
    })

    const read = Effect.gen(function* () {
      const readAt = yield* now
      yield* Queue.clear(requests)
      const watch = yield* Effect.forkChild(tellWhenLate)
      const reading = Effect.ensuring(ec2.snapshot, Fiber.interrupt(watch))
      yield* Effect.matchEffect(reading, { onFailure: onError, onSuccess: (vpc) => onVpc(vpc, readAt) })
    })

    yield* Effect.forkScoped(Effect.forever(read))
    return {
      request: Effect.asVoid(Queue.offer(requests, undefined)),
      state: Effect.sync(() => state),
    }
  })
