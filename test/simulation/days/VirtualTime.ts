import { Clock, Context, Duration, Effect, Random, References, Scheduler } from "effect"
import { BootClock } from "../../../src/services/health/BootClock.ts"
import type { Dice } from "./Dice.ts"
import { Timer, TimerHeap } from "./TimerHeap.ts"

/** 2026-01-01: when every simulation begins, in milliseconds. */
export const beginning = 1_767_225_600_000

/** So many tasks at one moment, and it is said that time stands still. */
const mostAtOnce = 2_000_000

interface Ready {
  readonly lane: Lane
  readonly run: () => void
  /** A timer whose time has come may yet be cancelled by what runs before it. */
  readonly isCancelled?: boolean
}

/**
 * Time that passes only when nothing is left to be done, and then at once to the next timer. What is ready at the same moment runs
 * in an order that the dice choose, and so do timers that are due together. All of it runs within one call of {@link run}: no real
 * timer, no promise.
 */
export class VirtualTime {
  now = beginning
  /** Tasks and timers that ran. */
  steps = 0
  readonly #dice: Dice
  readonly #timers: TimerHeap
  readonly #ready: Array<Ready> = []

  constructor(dice: Dice) {
    this.#dice = dice.named("order")
    this.#timers = new TimerHeap()
  }

  lane(name: string, chance: Dice): Lane {
    return new Lane(name, this, chance)
  }

  soon(lane: Lane, run: () => void): void {
    if (lane.isAlive) this.#ready.push({ lane, run })
  }

  at(lane: Lane, due: number, run: () => void): Timer {
    return this.#timers.add(new Timer(due, this.#dice.bits(), lane, run))
  }

  /** Runs what is to be run until `until`. `after` is told when a moment is over. */
  run(until: number, after: () => void): void {
    for (;;) {
      this.#finishMoment()
      after()
      const next = this.#timers.first
      if (next === undefined || next.due > until) break
      this.now = Math.max(this.now, next.due)
      for (let due = this.#timers.take(this.now); due !== undefined; due = this.#timers.take(this.now)) {
        if (!due.lane.isAlive) continue
        if (due.lane.standsUntil > this.now) this.#timers.postpone(due, due.lane.standsUntil)
        else this.#ready.push(due)
      }
    }
    this.now = until
  }

  #finishMoment(): void {
    const ready = this.#ready
    let count = 0
    while (ready.length > 0) {
      const at = ready.length === 1 ? 0 : this.#dice.below(ready.length)
      const task = ready[at]!
      const last = ready.pop()!
      if (at < ready.length) ready[at] = last
      if (!task.lane.isAlive || task.isCancelled === true) continue
      if (task.lane.standsUntil > this.now) {
        this.at(task.lane, task.lane.standsUntil, task.run)
        continue
      }
      this.steps++
      if (++count > mostAtOnce) throw new Error(`${task.lane.name}: no end of tasks at one moment`)
      task.run()
    }
  }
}

/**
 * What runs as one process: a clock, a scheduler and chance of its own, on the time that all share. It can be killed, and then nothing of it runs
 * again, or stand still for a while.
 */
export class Lane {
  readonly name: string
  readonly time: VirtualTime
  readonly context: Context.Context<never>
  isAlive = true
  standsUntil = 0
  readonly #budget: number

  constructor(name: string, time: VirtualTime, chance: Dice) {
    this.name = name
    this.time = time
    this.#budget = chance.one([64, 256, 2048, 2048])
    this.context = Context.empty().pipe(
      Context.add(Clock.Clock, this.#clock()),
      Context.add(Scheduler.Scheduler, this.#scheduler()),
      Context.add(Random.Random, {
        nextDoubleUnsafe: () => chance.share(),
        nextIntUnsafe: () => chance.bits() - 0x8000_0000,
      }),
      Context.add(BootClock, () => time.now - beginning),
      Context.add(References.TracerEnabled, false),
    )
  }

  kill(): void {
    this.isAlive = false
  }

  soon(run: () => void): void {
    this.time.soon(this, run)
  }

  in(millis: number, run: () => void): Timer {
    return this.time.at(this, this.time.now + millis, run)
  }

  fork<A, E>(effect: Effect.Effect<A, E>) {
    return Effect.runForkWith(this.context)(effect)
  }

  #clock(): Clock.Clock {
    const { time } = this
    let at = -1
    let nanos = 0n
    const monotonic = (): bigint => {
      if (at !== time.now) {
        at = time.now
        nanos = BigInt(Math.round((at - beginning) * 1000)) * 1000n
      }
      return nanos
    }
    const wall = (): bigint => BigInt(beginning) * 1_000_000n + monotonic()
    return {
      currentTimeMillisUnsafe: () => time.now,
      currentTimeMillis: Effect.sync(() => time.now),
      currentTimeNanosUnsafe: wall,
      currentTimeNanos: Effect.sync(wall),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      // As timers do: whole milliseconds, at least one.
      sleep: (duration) => {
        const millis = Duration.toMillis(duration)
        if (millis <= 0) return Effect.yieldNow
        if (!Number.isFinite(millis)) return Effect.never
        return Effect.callback<void>((resume) => {
          const timer = this.in(Math.max(1, Math.ceil(millis)), () => resume(Effect.void))
          return Effect.sync(() => timer.cancel())
        })
      },
    }
  }

  #scheduler(): Scheduler.Scheduler {
    const budget = this.#budget
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task) => this.soon(task),
      flush: () => {
        throw new Error("something above the ports runs effects synchronously")
      },
    }
    return {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= budget,
      makeDispatcher: () => dispatcher,
    }
  }
}
