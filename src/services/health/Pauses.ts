import type { Clock } from "effect"
import type { Millis } from "../../domain/Health.ts"

/** A wall clock that ran this much further than the monotonic one was set, or the machine was suspended. */
const leap: Millis = 1000

/** How exact the time since boot is. */
const grain: Millis = 100

interface Sleep {
  readonly from: Millis
  readonly until: Millis
  readonly awaits: boolean
  readonly wall: Millis
}

/**
 * Finds the windows in which this process did not run: by wakes that come late, and by a machine that was suspended, during which its monotonic
 * clock stands still. A wall clock that is set, by hours or back, is none: nothing is timed by it, it only says when to look closer.
 */
export class Pauses {
  readonly #clock: Clock.Clock
  readonly #sinceBoot: () => Millis
  readonly #tolerance: Millis
  #slept: Sleep | undefined
  /** The time since boot less the monotonic one: what the machine was suspended, but for a constant. */
  #suspended: Millis | undefined

  constructor(clock: Clock.Clock, sinceBoot: () => Millis, tolerance: Millis) {
    this.#clock = clock
    this.#sinceBoot = sinceBoot
    this.#tolerance = tolerance
  }

  /** A sleep until a time begins. `awaits`: something was to be seen meanwhile. */
  sleeps(from: Millis, until: Millis, awaits: boolean): void {
    this.#suspended ??= this.#sinceBoot() - from
    this.#slept = { from, until, awaits, wall: this.#clock.currentTimeMillisUnsafe() }
  }

  /** From when nothing was seen until `now`; `undefined` if the wake came in time. */
  woke(now: Millis): Millis | undefined {
    if (this.#slept === undefined) return undefined
    const { awaits, from, until, wall } = this.#slept
    if (this.#clock.currentTimeMillisUnsafe() - wall - (now - from) > leap) {
      const suspended = this.#suspension(now)
      if (suspended > grain) return from - suspended
    }
    if (now - until <= this.#tolerance) return undefined
    return awaits ? from : until
  }

  /** How long the machine was suspended since this was last asked. */
  #suspension(now: Millis): Millis {
    const before = this.#suspended
    const after = this.#sinceBoot() - now
    this.#suspended = after
    return before === undefined ? 0 : after - before
  }
}
