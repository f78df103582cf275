import { Clock, Effect } from "effect"
import type { Millis } from "../domain/Health.ts"

// One anchor a clock: a test's clock must not inherit the real one's.
const offsets = new WeakMap<Clock.Clock, number>()

/** Reads {@link now} from a clock in hand, for callbacks that are no Effects. */
export const nowUnsafe = (clock: Clock.Clock): Millis => {
  const monotonic = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  let offset = offsets.get(clock)
  if (offset === undefined) {
    offset = clock.currentTimeMillisUnsafe() - monotonic
    offsets.set(clock, offset)
  }
  return monotonic + offset
}

/** The present in {@link Millis}: never goes back when the wall clock is set, and reads as Unix time all the same. */
export const now: Effect.Effect<Millis> = Effect.map(Clock.Clock, nowUnsafe)
