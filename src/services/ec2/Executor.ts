import { Context, Data, Effect, Layer, Queue, Random } from "effect"
import type { Action } from "../../domain/Action.ts"
import type { Cidr } from "../../domain/Cidr.ts"
import type { Millis } from "../../domain/Health.ts"
import type { Disposition } from "../../domain/WriteFailure.ts"
import { now } from "../Now.ts"
import { Ec2, type Ec2Error, type WriteReceipt } from "./Ec2.ts"
import { attemptMetrics } from "./WriteMetrics.ts"
import { type QueueLoad, type QueueState, WriteQueue } from "./WriteQueue.ts"

/** What became of a write, or of a try of it. */
export type Outcome = Data.TaggedEnum<{
  /** No clear answer came to a try, so it may have been done; it is made again. */
  Unanswered: {
    readonly action: Action
    readonly at: Millis
    readonly attempts: number
    readonly code: string
    readonly message: string
  }
  Done: {
    readonly action: Action
    readonly at: Millis
    readonly attempts: number
    readonly requestId: string | undefined
  }
  /** Not done as far as is known; after a timeout it may have been done all the same. */
  Failed: {
    readonly action: Action
    readonly at: Millis
    readonly attempts: number
    readonly disposition: Disposition
    readonly code: string
    readonly message: string
    readonly requestId: string | undefined
  }
}>
export const Outcome = Data.taggedEnum<Outcome>()

/** Carries decisions out: the only place that writes routes, and the only owner of retries. */
export class Executor extends Context.Service<
  Executor,
  {
    /**
     * Replaces what is queued for `cidrs` by `write`; returns the writes that were not queued or under way already.
     * `known`: writes of which the planner knew what became of them when it decided so. Until then no further write goes
     * to their cells: it would have been decided without that.
     */
    readonly submit: (
      cidrs: ReadonlySet<Cidr>,
      write: ReadonlyArray<Action>,
      known?: ReadonlyArray<Action>,
    ) => Effect.Effect<ReadonlyArray<Action>>
    /** What became of the writes. One reader, who tells the planner. */
    readonly outcomes: Queue.Dequeue<Outcome>
    /** No write is left to be done or to be known of. */
    readonly isIdle: Effect.Effect<boolean>
    readonly state: Effect.Effect<QueueState>
    /** The same in numbers, for little work. */
    readonly load: Effect.Effect<QueueLoad>
  }
>()("vpc-router/services/ec2/Executor") {}

/** Tries of one write before its failure is reported; the planner then decides when to ask again. */
const mostAttempts = 4
const firstBackoff: Millis = 100
const longestBackoff: Millis = 2_000

/** Full jitter over a doubling span, so that writes that failed together do not come back together. */
const backoff = (attempts: number): Effect.Effect<Millis> =>
  Effect.map(Random.next, (share) => share * Math.min(longestBackoff, firstBackoff * 2 ** attempts))

const send = (ec2: Ec2["Service"], action: Action): Effect.Effect<WriteReceipt, Ec2Error> => {
  switch (action._tag) {
    case "CreateRoute":
      return ec2.createRoute(action, action.interfaceId)
    case "ReplaceRoute":
      return ec2.replaceRoute(action, action.interfaceId)
    case "DeleteRoute":
      return ec2.deleteRoute(action)
  }
}

/** Wakes the dispatcher; one wake that is waiting stands for any number. */
const makeBell = Effect.map(Queue.sliding<void>(1), (bell) => ({
  ring: Effect.asVoid(Queue.offer(bell, undefined)),
  /** Waits for a ring, at most so long; in whole milliseconds, since timers know no parts of one. */
  wait: (millis: Millis) =>
    Number.isFinite(millis)
      ? Effect.asVoid(Effect.timeoutOption(Queue.take(bell), Math.max(1, Math.ceil(millis))))
      : Queue.take(bell),
}))

const make = Effect.gen(function* () {
  const ec2 = yield* Ec2
  const scope = yield* Effect.scope
  const queue = new WriteQueue(yield* now)
  const bell = yield* makeBell
  const outcomes = yield* Queue.bounded<Outcome>(1_024)
  const measured = yield* attemptMetrics

  /** What was given up and may have been done: the planner must not take it for somebody else's when it shows. */
  const reportAbandoned = Effect.gen(function* () {
    const at = yield* now
    for (const { action, attempts } of queue.takeAbandoned())
      yield* Queue.offer(outcomes, Outcome.Failed({ action, at, attempts, ...unanswered }))
  })

  const onFailure = Effect.fnUntraced(function* (action: Action, attempts: number, error: Ec2Error) {
    const at = yield* now
    const { disposition, code, message, requestId } = error
    if ((disposition === "throttled" || disposition === "transient") && attempts < mostAttempts) {
      const notBefore = at + (yield* backoff(attempts))
      queue.again(action, { at, disposition }, notBefore)
      if (disposition === "transient")
        yield* Queue.offer(outcomes, Outcome.Unanswered({ action, at, attempts, code, message }))
      return yield* reportAbandoned
    }
    queue.failed(action, { at, disposition })
    yield* Queue.offer(outcomes, Outcome.Failed({ action, at, attempts, disposition, code, message, requestId }))
  })

  const attempt = (action: Action, attempts: number): Effect.Effect<void> =>
    measured(action._tag, send(ec2, action)).pipe(
      Effect.matchEffect({
        onSuccess: Effect.fnUntraced(function* ({ requestId }: WriteReceipt) {
          const at = yield* now
          queue.done(action, at)
          yield* Queue.offer(outcomes, Outcome.Done({ action, at, attempts, requestId }))
        }),
        onFailure: (error) => onFailure(action, attempts, error),
      }),
      Effect.ensuring(bell.ring),
    )

  // Bounded: every send takes a place among the writes in flight.
  const sendWhatMay = Effect.gen(function* () {
    let next = queue.next(yield* now)
    while (next._tag === "Send") {
      yield* Effect.forkScoped(attempt(next.action, next.attempts))
      next = queue.next(yield* now)
    }
    return next.millis
  })

  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(sendWhatMay, bell.wait)))
  return Executor.of({
    submit: (cidrs, write, known) =>
      Effect.tap(
        Effect.map(now, (at) => queue.submit(cidrs, write, at, known)),
        Effect.andThen(bell.ring, Effect.forkIn(reportAbandoned, scope)),
      ),
    outcomes: Queue.asDequeue(outcomes),
    isIdle: Effect.sync(() => queue.isIdle),
    state: Effect.map(now, (at) => queue.stateAt(at)),
    load: Effect.map(now, (at) => queue.loadAt(at)),
  })
})

/** Of a write that was superseded while it waited to be tried again. */
const unanswered = {
  disposition: "transient",
  code: "Superseded",
  message: "another write took its place; EC2 gave no clear answer to the last try, so it may have been done",
  requestId: undefined,
} as const

const makeDry = Effect.gen(function* () {
  // At zero, so that whoever watches finds them.
  yield* attemptMetrics
  const queue = new WriteQueue(yield* now)
  return Executor.of({
    submit: (cidrs, write) => Effect.map(now, (at) => queue.submit(cidrs, write, at)),
    outcomes: Queue.asDequeue(yield* Queue.bounded<Outcome>(1)),
    isIdle: Effect.sync(() => queue.isIdle),
    state: Effect.map(now, (at) => queue.stateAt(at)),
    load: Effect.map(now, (at) => queue.loadAt(at)),
  })
})

/** Writes routes through {@link Ec2}. */
export const layer: Layer.Layer<Executor, never, Ec2> = Layer.effect(Executor, make)

/** `--dry-run`: keeps the decisions and sends nothing. */
export const layerDryRun: Layer.Layer<Executor> = Layer.effect(Executor, makeDry)
