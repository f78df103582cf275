import { Clock, Effect, Semaphore } from "effect"
import type { Millis } from "../domain/Health.ts"
import type { Steps } from "../domain/Steps.ts"
import { nowUnsafe } from "./Now.ts"

/**
 * How long work that can wait may go on at a stretch. Replies to probes wait meanwhile, and the prober calls it blindness
 * when it is late by a third of a probe's timeout, 50 ms by default.
 */
const turn: Millis = 4

/** Of the time in which there is such work, one part in so many goes to it. */
const share = 2

/** Lets work that can wait have a part of this process's time, in short turns: probing, deciding and writing come first. */
export interface Turns {
  /** Runs work that is short, some milliseconds at most, when its turn comes. First come, first served. */
  readonly take: <A>(work: () => A) => Effect.Effect<A>
  /** Runs long work, a few steps a turn. */
  readonly through: <A>(steps: Steps<A>) => Effect.Effect<A>
}

/** What fits into one turn. */
const someSteps = <A>(clock: Clock.Clock, steps: Steps<A>): IteratorResult<void, A> => {
  const until = nowUnsafe(clock) + turn
  for (;;) {
    const step = steps.next()
    if (step.done === true || nowUnsafe(clock) >= until) return step
  }
}

/** Runs long work that cannot wait: as soon as can be, but after each turn the event loop goes round once, so that replies are read. */
export const withoutStall = Effect.fnUntraced(function* <A>(steps: Steps<A>) {
  const clock = yield* Clock.Clock
  for (;;) {
    const step = someSteps(clock, steps)
    if (step.done === true) return step.value
    yield* Effect.yieldNow
  }
})

/** Turns that nobody else takes. */
export const makeTurns: Effect.Effect<Turns> = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const permit = yield* Semaphore.make(1)
  /** Until when what was done so far has used up its share. */
  let paidUntil: Millis = -Infinity

  const take = <A>(work: () => A): Effect.Effect<A> =>
    Effect.gen(function* () {
      const debt = paidUntil - nowUnsafe(clock)
      if (debt > turn) yield* Effect.sleep(Math.ceil(debt))
      const began = nowUnsafe(clock)
      const value = work()
      paidUntil = Math.max(paidUntil, began) + share * (nowUnsafe(clock) - began)
      return value
    }).pipe(permit.withPermit)

  const through = Effect.fnUntraced(function* <A>(steps: Steps<A>) {
    for (;;) {
      const step = yield* take(() => someSteps(clock, steps))
      if (step.done === true) return step.value
    }
  })

  return { take, through }
})
