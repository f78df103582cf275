import type { Clock } from "effect"
import type { Millis } from "../../domain/Health.ts"

/** A wall clock that ran this much further than the monotonic one means that the machine was suspended. */
const suspension: Millis = 1000

/** Finds the windows in which this process did not run, by wakes that come late and by a wall clock that leaps ahead. */
export class Pauses {
  readonly #clock: Clock.Clock
  readonly #tolerance: Millis
  #slept: { readonly from: Millis; readonly until: Millis; readonly wall: Millis } | undefined

  constructor(clock: Clock.Clock, tolerance: Millis) {
    this.#clock = clock
    this.#tolerance = tolerance
  }

  /** A sleep of `pause` begins. */
  sleeps(now: Millis, pause: Millis): void {
    this.#slept = { from: now, until: now + pause, wall: this.#clock.currentTimeMillisUnsafe() }
  }

  /** From when nothing was seen until `now`; `undefined` if the wake came in time. */
  woke(now: Millis): Millis | undefined {
    if (this.#slept === undefined) return undefined
    const { from, until, wall } = this.#slept
    const leapt = this.#clock.currentTimeMillisUnsafe() - wall - (now - from)
    if (leapt > suspension) return from - leapt
    return now - until > this.#tolerance ? from : undefined
  }
}
