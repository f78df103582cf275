import { type Clock, Duration, Effect } from "effect"

/** A clock that goes as the real one does, and now and then leaps ahead. */
export interface LeapingClock extends Clock.Clock {
  /** So many milliseconds pass at once: who sleeps until then wakes up. */
  readonly leap: (millis: number) => Effect.Effect<void>
}

/** For code that waits for minutes beside real sockets, which a test clock would not let come about. */
export const makeLeapingClock = (): LeapingClock => {
  let ahead = 0
  /** Checks each sleeper's time anew. */
  const sleepers = new Set<() => void>()
  const currentTimeMillisUnsafe = (): number => Date.now() + ahead
  const currentTimeNanosUnsafe = (): bigint => BigInt(currentTimeMillisUnsafe()) * 1_000_000n
  const monotonicTimeNanosUnsafe = (): bigint => process.hrtime.bigint() + BigInt(ahead) * 1_000_000n
  const monotonic = (): number => performance.now() + ahead
  return {
    currentTimeMillisUnsafe,
    currentTimeNanosUnsafe,
    monotonicTimeNanosUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanos: Effect.sync(currentTimeNanosUnsafe),
    monotonicTimeNanos: Effect.sync(monotonicTimeNanosUnsafe),
    sleep: (duration) =>
      Effect.callback<void>((resume) => {
        const until = monotonic() + Duration.toMillis(duration)
        let timer: NodeJS.Timeout | undefined
        const check = (): void => {
          clearTimeout(timer)
          const left = until - monotonic()
          if (left > 0) {
            timer = setTimeout(check, Math.min(left, 2 ** 31 - 1))
            return
          }
          sleepers.delete(check)
          resume(Effect.void)
        }
        sleepers.add(check)
        check()
        return Effect.sync(() => {
          clearTimeout(timer)
          sleepers.delete(check)
        })
      }),
    leap: (millis) =>
      Effect.sync(() => {
        ahead += millis
        // Whoever wakes may sleep again: not before the next leap.
        for (const check of Array.from(sleepers)) check()
      }),
  }
}
