import { Cause, Context, Deferred, Effect, Layer, Queue, Stream } from "effect"
import { describe } from "../domain/Action.ts"
import { apply } from "../domain/Apply.ts"
import type { Cidr } from "../domain/Cidr.ts"
import { decide, heldOf } from "../domain/Decide.ts"
import { begin, type Failovers, wrote } from "../domain/Failover.ts"
import type { Millis } from "../domain/Health.ts"
import { holdKey, holdWords } from "../domain/Hold.ts"
import type { Ip } from "../domain/Ip.ts"
import type { Policy } from "../domain/Policy.ts"
import { hostsOf, type SpecProblem } from "../domain/RouteSpec.ts"
import { type WorldStatus, worldStatus } from "../domain/Status.ts"
import { empty, type World } from "../domain/World.ts"
import { WorldEvent } from "../domain/WorldEvent.ts"
import { ConfigSource, type SpecNews } from "../services/config/ConfigSource.ts"
import { Ec2 } from "../services/ec2/Ec2.ts"
import { Executor, type Outcome } from "../services/ec2/Executor.ts"
import type { QueueState } from "../services/ec2/WriteQueue.ts"
import { HealthSource, type SourceState } from "../services/health/HealthSource.ts"
import { now } from "../services/Now.ts"
import { type Condition, type ConditionLine, type Conditions, observe } from "./ConditionLog.ts"
import { makeRefresher, type RefreshState } from "./Refresher.ts"

/** What the config source last said, where that was no spec. */
export type ConfigTrouble =
  | { readonly _tag: "Rejected"; readonly since: Millis; readonly problems: ReadonlyArray<SpecProblem> }
  | { readonly _tag: "Unreadable"; readonly since: Millis; readonly why: string }
  | { readonly _tag: "Ended"; readonly since: Millis; readonly why: string }

/** Everything that the daemon says of itself. */
export interface ReconcilerStatus extends WorldStatus {
  readonly now: Millis
  readonly startedAt: Millis
  readonly failovers: Failovers
  readonly refresh: RefreshState
  readonly config: { readonly name: string; readonly trouble: ConfigTrouble | undefined }
  readonly health: { readonly name: string; readonly state: SourceState }
  readonly queue: QueueState
  /** Since when each thing is held, by {@link holdKey}. */
  readonly heldSince: Conditions
  /** The hash that confirms the held deletions, if any are held. */
  readonly brake: string | undefined
}

/** Keeps the route tables correct: takes events, decides, and hands the decisions to the executor. */
export class Reconciler extends Context.Service<
  Reconciler,
  {
    readonly status: Effect.Effect<ReconcilerStatus>
    /** Lets the held deletions with this hash happen. False: no deletions with this hash are held. */
    readonly confirm: (hash: string) => Effect.Effect<boolean>
    /** Returns when the loop has come round: it is alive. */
    readonly heartbeat: Effect.Effect<void>
  }
>()("vpc-router/runtime/Reconciler") {}

export interface ReconcilerOptions {
  readonly policy: Policy
  /** Milliseconds between readings of EC2; 0: only when something says that the picture is wrong. */
  readonly recheckInterval: Millis
}

/** An event on its way into the loop. */
interface Message {
  readonly event: WorldEvent | undefined
  /** Runs when the event has been taken into account. */
  readonly onApplied: Effect.Effect<void>
}

/** The loop never comes round more often by time alone, whatever a decision asks for. */
const shortestWait: Millis = 10

const logCondition = ({ kind, words, since }: ConditionLine, at: Millis): Effect.Effect<void> => {
  const lasted = `${Math.round((at - since) / 1000)} s`
  switch (kind) {
    case "began":
      return Effect.logWarning(words)
    case "lasts":
      return Effect.logWarning(`${words} (for ${lasted})`)
    case "ended":
      return Effect.logInfo(`over after ${lasted}: ${words}`)
  }
}

const make = Effect.fnUntraced(function* (options: ReconcilerOptions) {
  const config = yield* ConfigSource
  const health = yield* HealthSource
  const executor = yield* Executor
  const startedAt = yield* now
  const inbox = yield* Queue.bounded<Message>(1_024)
  const tell = (event: WorldEvent | undefined, onApplied: Effect.Effect<void> = Effect.void) =>
    Effect.asVoid(Queue.offer(inbox, { event, onApplied }))

  let world: World = empty(options.policy)
  let failovers: Failovers = []
  let trouble: ConfigTrouble | undefined
  let conditions: Conditions = new Map()
  let nextAt: Millis | undefined

  const refresher = yield* makeRefresher({
    interval: options.recheckInterval,
    onReading: (vpc, readAt) => tell(WorldEvent.VpcRead({ vpc, readAt })),
    onFailure: tell(undefined),
  })

  const isMissing = (host: Ip): boolean => world.reading !== undefined && !world.reading.index.interfaceOf.has(host)

  /** What an event asks for besides a decision. */
  const follow = Effect.fnUntraced(function* (event: WorldEvent, before: World) {
    switch (event._tag) {
      case "SpecAccepted": {
        if (world.spec === before.spec) return
        const hosts = hostsOf(event.spec)
        yield* Effect.logInfo(`spec in force: ${event.spec.size} CIDRs, ${hosts.size} hosts`)
        yield* health.watch(hosts)
        if ([...hosts].some(isMissing)) yield* refresher.request
        return
      }
      case "VerdictsReached":
        for (const { host, verdict } of event.verdicts) {
          failovers = begin(failovers, { host, verdict })
          if (verdict._tag === "Failed") yield* Effect.logWarning(`host ${host} failed: ${verdict.reason}`)
          else if (verdict._tag === "Healthy") yield* Effect.logInfo(`host ${host} is healthy`)
        }
        if (event.verdicts.some(({ host, verdict }) => verdict._tag === "Healthy" && isMissing(host)))
          yield* refresher.request
        return
      case "WriteDone":
        failovers = wrote(failovers, event.action, event.at)
        return yield* Effect.logDebug(`done: ${describe(event.action)}`)
      case "WriteFailed":
        // After a timeout the write may have been done; after the rest the picture was wrong.
        if (event.disposition === "refresh" || event.disposition === "transient") yield* refresher.request
        return
      case "VpcRead":
      case "HostDrained":
      case "HostUndrained":
      case "DeletionsConfirmed":
      case "TimeCame":
        return
    }
  })

  const present = Effect.map(refresher.state, ({ failing }): ReadonlyArray<Condition> => {
    const read = failing === undefined ? [] : [{ key: "ec2", words: `EC2 cannot be read: ${failing.error.code}: ${failing.error.message}` }]
    const held = heldOf(world).map((hold) => ({
      key: holdKey(hold),
      words: `held: ${hold.cidr}${hold.table === undefined ? "" : ` in ${hold.table}`}: ${holdWords(hold.reason)}`,
    }))
    return [...read, ...held]
  })

  const pass = Effect.fnUntraced(function* (messages: ReadonlyArray<Message>) {
    const at = yield* now
    const dirty = new Set<Cidr>()
    const take = (event: WorldEvent) => {
      const before = world
      const [after, changed] = apply(world, event)
      world = after
      for (const range of changed) dirty.add(range)
      return follow(event, before)
    }
    for (const { event } of messages) if (event !== undefined) yield* take(event)
    yield* take(WorldEvent.TimeCame({ at }))
    const decision = decide(world, dirty, at)
    world = decision.world
    nextAt = decision.nextAt
    const fresh = yield* executor.submit(decision.cidrs, decision.write)
    yield* Effect.forEach(fresh, (action) => Effect.logInfo(describe(action)), { discard: true })
    const [after, lines] = observe(conditions, yield* present, at)
    conditions = after
    yield* Effect.forEach(lines, (line) => logCondition(line, at), { discard: true })
  })

  const wait: Effect.Effect<ReadonlyArray<Message>> = Effect.gen(function* () {
    if (nextAt === undefined) return yield* Queue.takeAll(inbox)
    const due = Effect.timeoutOption(Queue.takeAll(inbox), Math.max(shortestWait, nextAt - (yield* now)))
    return (yield* due).pipe((messages) => (messages._tag === "Some" ? messages.value : []))
  })

  // A fault of our own must not end the process: nothing is written, it is said, and the next event is taken.
  const round = Effect.gen(function* () {
    const messages = yield* wait
    yield* pass(messages).pipe(
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : Effect.logError("internal error; nothing was written", cause),
      ),
      Effect.ensuring(Effect.forEach(messages, ({ onApplied }) => onApplied, { discard: true })),
    )
  })

  const onNews = Effect.fnUntraced(function* (news: SpecNews) {
    const since = yield* now
    switch (news._tag) {
      case "Accepted":
        trouble = undefined
        for (const { path, message } of news.warnings) yield* Effect.logWarning(`spec: ${path}: ${message}`)
        return yield* tell(WorldEvent.SpecAccepted({ spec: news.spec, at: since }), news.onApplied)
      case "Rejected":
        trouble = { _tag: "Rejected", since, problems: news.problems }
        return yield* Effect.logError(
          `the spec was not accepted, the last good one stays: ${news.problems.map(({ path, message }) => `${path}: ${message}`).join("; ")}`,
        )
      case "Unreadable":
        trouble = { _tag: "Unreadable", since, why: news.why }
        return yield* Effect.logError(`the spec cannot be read, the last good one stays: ${news.why}`)
    }
  })

  const onOutcome = (outcome: Outcome): Effect.Effect<void> =>
    outcome._tag === "Done"
      ? tell(WorldEvent.WriteDone(outcome))
      : Effect.andThen(
          Effect.logWarning(`not done: ${describe(outcome.action)}: ${outcome.code}: ${outcome.message}`),
          tell(WorldEvent.WriteFailed(outcome)),
        )

  const configEnded = Effect.fnUntraced(function* (why: string) {
    trouble = { _tag: "Ended", since: yield* now, why }
    yield* Effect.logError(`the config source ended, the last good spec stays: ${why}`)
  })

  yield* Effect.forkScoped(Effect.forever(round))
  yield* Effect.forkScoped(
    Stream.runForEach(config.news, onNews).pipe(
      Effect.matchCauseEffect({
        onFailure: (cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : configEnded(Cause.pretty(cause))),
        onSuccess: () => configEnded("it has no more news"),
      }),
    ),
  )
  yield* Effect.forkScoped(
    Stream.runForEach(health.verdicts, (verdicts) => tell(WorldEvent.VerdictsReached({ verdicts }))),
  )
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(executor.outcomes), onOutcome)))

  const status = Effect.gen(function* (): Effect.fn.Return<ReconcilerStatus> {
    const at = yield* now
    return {
      ...worldStatus(world, at),
      now: at,
      startedAt,
      failovers,
      refresh: yield* refresher.state,
      config: { name: config.name, trouble },
      health: { name: health.name, state: yield* health.state },
      queue: yield* executor.state,
      heldSince: conditions,
      brake: world.brake?.hash,
    }
  })

  return Reconciler.of({
    status,
    confirm: Effect.fnUntraced(function* (hash: string) {
      if (world.brake?.hash !== hash) return false
      const applied = yield* Deferred.make<void>()
      yield* tell(WorldEvent.DeletionsConfirmed({ hash }), Effect.asVoid(Deferred.succeed(applied, undefined)))
      yield* Deferred.await(applied)
      return true
    }),
    heartbeat: Effect.gen(function* () {
      const round = yield* Deferred.make<void>()
      yield* tell(undefined, Effect.asVoid(Deferred.succeed(round, undefined)))
      yield* Deferred.await(round)
    }),
  })
})

export const layer = (
  options: ReconcilerOptions,
): Layer.Layer<Reconciler, never, ConfigSource | HealthSource | Executor | Ec2> =>
  Layer.effect(Reconciler, make(options))
