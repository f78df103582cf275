import { Cause, Context, Deferred, Effect, HashMap, Layer, Option, PubSub, Queue, Stream } from "effect"
import { type Action, describe } from "../domain/Action.ts"
import { applySteps } from "../domain/Apply.ts"
import { isAlreadySo } from "../domain/ApplyWrite.ts"
import type { Cidr } from "../domain/Cidr.ts"
import { decideSteps, failedWritesOf, pendingOf, viewOf } from "../domain/Decide.ts"
import type { Brake } from "../domain/DeletionBrake.ts"
import { relapsedUntil } from "../domain/Guards.ts"
import { guardHoldsOf } from "../domain/GuardHold.ts"
import type { Millis } from "../domain/Health.ts"
import { instancesOfHosts } from "../domain/InstancesOfHosts.ts"
import type { Ip } from "../domain/Ip.ts"
import { overview } from "../domain/Overview.ts"
import type { Policy } from "../domain/Policy.ts"
import { hostsOf, type RouteSpec } from "../domain/RouteSpec.ts"
import { worldStatus } from "../domain/Status.ts"
import { tally } from "../domain/Tally.ts"
import { empty, type World } from "../domain/World.ts"
import { WorldEvent } from "../domain/WorldEvent.ts"
import { ConfigSource } from "../services/config/ConfigSource.ts"
import type { Ec2 } from "../services/ec2/Ec2.ts"
import { AnchorNews } from "../services/health/AnchorNews.ts"
import { CurrentOperator } from "../services/CurrentOperator.ts"
import { Executor, type Outcome } from "../services/ec2/Executor.ts"
import { HealthSource, standingsOf } from "../services/health/HealthSource.ts"
import { HostInstances } from "../services/health/HostInstances.ts"
import { now } from "../services/Now.ts"
import { withoutStall } from "../services/Turns.ts"
import { type StateNotKept, StateStore } from "../services/state/StateStore.ts"
import { Auditor } from "./Auditor.ts"
import { type ConditionLine, type Conditions, conditionsOf, nextHashAt, observe } from "./ConditionLog.ts"
import { BatchLog } from "./BatchLog.ts"
import { count } from "./commands/Lines.ts"
import { FailoverLog } from "./FailoverLog.ts"
import { counted, exposeLoopMetrics } from "./metrics/LoopMetrics.ts"
import type { Facts } from "./metrics/StateGauges.ts"
import type { DaemonState, ReconcilerOverview, ReconcilerStatus } from "./ReconcilerStatus.ts"
import { makeRefresher } from "./Refresher.ts"
import { makeSpecFeed } from "./SpecFeed.ts"
import { makeStateKeeping } from "./StateKeeping.ts"

/** Keeps the route tables correct: takes events, decides, and hands the decisions to the executor. */
export class Reconciler extends Context.Service<
  Reconciler,
  {
    readonly status: Effect.Effect<ReconcilerStatus>
    /** The spec in force. */
    readonly spec: Effect.Effect<RouteSpec | undefined>
    /** The same in numbers, for little work however large the VPC is. */
    readonly facts: Effect.Effect<Facts>
    /** The status in little room, for little work. */
    readonly overview: Effect.Effect<ReconcilerOverview>
    /** Says, at some time after it, that something happened; once for many events that come together. */
    readonly changes: Stream.Stream<void>
    /** Whether the spec in force is decided upon, and the deletions of it that wait for the operator. */
    readonly decided: Effect.Effect<{ readonly isDecided: boolean; readonly brake: Brake | undefined }>
    /** Lets go what is held by this hash. False: nothing is. */
    readonly confirm: (hash: string) => Effect.Effect<boolean, StateNotKept>
    /** Takes a host of the spec out of service, or puts it back. `NotInSpec`: it is no host of the spec. */
    readonly drain: (host: Ip, isDrained: boolean) => Effect.Effect<"Done" | "NotInSpec", StateNotKept>
    /** Returns when the loop has come round: it is alive. */
    readonly heartbeat: Effect.Effect<void>
  }
>()("vpc-router/runtime/Reconciler") {}

export interface ReconcilerOptions {
  readonly policy: Policy
  /** Milliseconds between readings of EC2; 0: only when something says that the picture is wrong. */
  readonly recheckInterval: Millis
  /** Decisions are logged as what would be done; the executor sends nothing. */
  readonly dryRun: boolean
}

/** An event on its way into the loop. */
interface Message {
  readonly event: WorldEvent | undefined
  /** Runs when the event has been taken into account. */
  readonly onApplied: Effect.Effect<void>
}

/** The writes of which these tell what became of them. */
const endedIn = (messages: ReadonlyArray<Message>): ReadonlyArray<Action> =>
  messages.flatMap(({ event }) => (event?._tag === "WriteDone" || event?._tag === "WriteFailed" ? [event.action] : []))

/** The loop never comes round more often by time alone, whatever a decision asks for. */
const shortestWait: Millis = 10

/** Conditions, by their keys, that a new reading may end. */
const asksForReading = (key: string): boolean => key.endsWith(" InterfaceUnseen") || key.endsWith(" Unanswered")

const relapseWords = (until: Millis | undefined, since: Millis): string =>
  until === undefined || until <= since
    ? ""
    : `; it failed again soon after it had recovered, and is chosen last for ${Math.round((until - since) / 1000)} s`

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
  const instances = yield* HostInstances
  const executor = yield* Executor
  const startedAt = yield* now
  yield* exposeLoopMetrics
  const auditor = new Auditor(config.name)
  // Runs after the loop has ended, and before the executor does.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      for (const outcome of yield* Queue.clear(executor.outcomes))
        if (outcome._tag !== "Unanswered") yield* auditor.ended(outcome)
      yield* auditor.abandoned((yield* executor.state).inFlight)
    }),
  )
  const inbox = yield* Queue.bounded<Message>(1_024)
  const tell = (event: WorldEvent | undefined, onApplied: Effect.Effect<void> = Effect.void) =>
    Effect.asVoid(Queue.offer(inbox, { event, onApplied }))

  const store = yield* StateStore

  const changes = yield* PubSub.sliding<void>(1)

  let world: World = empty(options.policy)
  const failovers = new FailoverLog()
  const batch = new BatchLog()
  let conditions: Conditions = new Map()
  let nextAt: Millis | undefined

  /** CIDRs whose deletions wait for what they will be measured against to be kept. */
  let unkept: ReadonlySet<Cidr> = new Set()
  const { applyUnkept, record, remember } = yield* makeStateKeeping({ world: () => world, tell })

  const refresher = yield* makeRefresher({
    interval: options.recheckInterval,
    onReading: (vpc, readAt) => tell(WorldEvent.VpcRead({ vpc, readAt })),
    onTrouble: tell(undefined),
  })

  const isMissing = (host: Ip): boolean => world.reading !== undefined && !world.reading.index.interfaceOf.has(host)

  /** A host that answers and yet may take no route: the last reading may be older than its answer. */
  const mayBeMisread = (host: Ip, at: Millis): boolean => {
    const index = world.reading?.index
    return index !== undefined && !world.drained.has(host) && viewOf(world, index, at).standing(host)._tag !== "Able"
  }

  /** Tells the health sources which instances the hosts are, once there is a reading. */
  const tellInstances = Effect.gen(function* () {
    if (world.reading === undefined) return
    const before = (yield* instances.current) ?? new Map()
    yield* instances.tell(instancesOfHosts(world.cidrsOf.keys(), world.reading.index, before))
  })

  /** What an event asks for besides a decision. */
  const follow = Effect.fnUntraced(function* (event: WorldEvent, before: World) {
    yield* auditor.applied(event, before)
    switch (event._tag) {
      case "SpecAccepted": {
        if (before.isRestored)
          yield* Effect.logInfo("a spec was accepted after the restart; deletions no longer wait for one")
        if (world.spec === before.spec) return
        const hosts = hostsOf(event.spec)
        yield* Effect.logInfo(`spec in force: ${count(event.spec.size, "CIDR")}, ${count(hosts.size, "host")}`)
        yield* tellInstances
        yield* health.watch(hosts)
        if ([...hosts].some(isMissing)) yield* refresher.request
        return
      }
      case "Restored": {
        const { spec } = event.durable
        yield* Effect.logInfo(
          `spec restored: ${count(spec.size, "CIDR")}; it protects, and deletes nothing until a spec is accepted`,
        )
        yield* tellInstances
        return yield* health.watch(hostsOf(spec))
      }
      case "VerdictsReached":
        for (const { host, verdict } of event.verdicts) {
          if (Option.exists(HashMap.get(before.health, host), ({ _tag }) => _tag === verdict._tag)) continue
          yield* failovers.verdict({ host, verdict })
          yield* counted.verdict(verdict._tag)
          if (verdict._tag === "Failed") yield* Effect.logWarning(`host ${host} failed: ${verdict.reason}`)
          else if (verdict._tag === "Unwatched") yield* Effect.logWarning(`host ${host} is unwatched: ${verdict.why}`)
          else if (verdict._tag === "Healthy")
            yield* Effect.logInfo(`host ${host} is healthy${relapseWords(relapsedUntil(world, host), verdict.since)}`)
        }
        if (
          event.verdicts.some(
            ({ host, verdict }) =>
              verdict._tag === "Healthy" && verdict.silentSince === undefined && mayBeMisread(host, verdict.since),
          )
        )
          yield* refresher.request
        return
      case "WriteDone":
        batch.done()
        failovers.wrote(event.action, event.at)
        return yield* Effect.logDebug(`done: ${describe(event.action)}`)
      case "WriteFailed":
        if (isAlreadySo(before, event)) batch.done()
        else batch.failed()
        // After a timeout the write may have been done; after the rest the picture was wrong.
        if (event.disposition === "refresh" || event.disposition === "transient") yield* refresher.request
        return
      case "VpcRead":
        yield* tellInstances
        return yield* failovers.read(world)
      case "HostDrained":
      case "HostUndrained":
      case "DeletionsConfirmed":
      case "AnchorsHeard":
      case "HoldConfirmed":
      case "WriteUnanswered":
      case "TimeCame":
        return
    }
  })

  const pass = Effect.fnUntraced(function* (messages: ReadonlyArray<Message>) {
    const at = yield* now
    const dirty = new Set(unkept)
    // Nothing else changes the world, so it stays one picture however long this takes.
    const take = Effect.fnUntraced(function* (event: WorldEvent) {
      const before = world
      const [after, changed] = yield* withoutStall(applySteps(before, event))
      world = after
      for (const range of changed) dirty.add(range)
      yield* follow(event, before)
    })
    for (const { event } of messages) if (event !== undefined) yield* take(event)
    yield* take(WorldEvent.TimeCame({ at }))
    const decision = yield* withoutStall(decideSteps(world, dirty, at))
    world = decision.world
    nextAt = decision.nextAt
    const mayGo = remember(world, at)
    const isWaiting = (action: Action): boolean => action._tag === "DeleteRoute" && !mayGo(action)
    unkept = new Set(decision.write.filter(isWaiting).map(({ cidr }) => cidr))
    const fresh = yield* executor.submit(
      decision.cidrs,
      decision.write.filter((action) => !isWaiting(action)),
      endedIn(messages),
    )
    for (const action of fresh) yield* Effect.logInfo(`${options.dryRun ? "dry run: would " : ""}${describe(action)}`)
    batch.decided(fresh.length, at)
    const summary = batch.said(yield* executor.isIdle, at)
    if (summary !== undefined) yield* Effect.logInfo(summary)
    yield* failovers.decided(at, () => [...pendingOf(world), ...failedWritesOf(world)])
    const { last } = yield* refresher.state
    // Who turned rereading off wants EC2 left alone; what is not as it was thought to be, a failing write tells.
    if (failovers.asksForReading(at, last?.took ?? 0) && options.recheckInterval > 0) yield* refresher.request
    const [after, lines] = observe(
      conditions,
      conditionsOf(world, yield* refresher.state, yield* standingsOf(health)),
      at,
    )
    // A reading that lacks an interface which a route leads to is not whole; and what EC2 did not answer it tells.
    if ([...after.keys()].some((key) => asksForReading(key) && !conditions.has(key))) yield* refresher.request
    conditions = after
    yield* Effect.forEach(lines, (line) => logCondition(line, at), { discard: true })
  })

  const wait: Effect.Effect<ReadonlyArray<Message>> = Effect.gen(function* () {
    const dueAt = Math.min(nextAt ?? Infinity, failovers.readingDueAt ?? Infinity, nextHashAt(conditions) ?? Infinity)
    if (dueAt === Infinity) return yield* Queue.takeAll(inbox)
    const due = Effect.timeoutOption(Queue.takeAll(inbox), Math.max(shortestWait, dueAt - (yield* now)))
    return (yield* due).pipe((messages) => (messages._tag === "Some" ? messages.value : []))
  })

  // A fault of our own must not end the process: nothing is written, it is said, and the next event is taken.
  const round = Effect.gen(function* () {
    const messages = yield* wait
    yield* pass(messages).pipe(
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.failCause(cause)
          : // What the event touched was not decided; a new reading has all decided anew.
            Effect.logError("internal error; nothing was written", cause).pipe(
              Effect.andThen(executor.submit(new Set(), [], endedIn(messages))),
              Effect.andThen(refresher.request),
            ),
      ),
      Effect.ensuring(Effect.forEach(messages, ({ onApplied }) => onApplied, { discard: true })),
    )
    yield* PubSub.publish(changes, undefined)
  })

  const onOutcome = Effect.fnUntraced(function* (outcome: Outcome) {
    if (outcome._tag === "Unanswered") {
      yield* Effect.logDebug(`no clear answer, tried again: ${describe(outcome.action)}: ${outcome.code}`)
      return yield* tell(WorldEvent.WriteUnanswered(outcome))
    }
    if (outcome._tag === "Done") {
      yield* auditor.ended(outcome)
      return yield* tell(WorldEvent.WriteDone(outcome))
    }
    const failed = WorldEvent.WriteFailed(outcome)
    const isSo = isAlreadySo(world, failed)
    yield* auditor.ended(outcome, isSo)
    const words = `${describe(outcome.action)}: ${outcome.code}: ${outcome.message}`
    yield* isSo ? Effect.logInfo(`already so: ${words}`) : Effect.logWarning(`not done: ${words}`)
    yield* tell(failed)
  })

  if (store.restored === undefined && config.name === "http")
    yield* Effect.logInfo("no spec yet: nothing is protected and nothing is written until one is posted")
  if (store.restored !== undefined) yield* tell(WorldEvent.Restored({ durable: store.restored, at: startedAt }))
  yield* Effect.forkScoped(Effect.forever(round))
  const feed = yield* makeSpecFeed({
    record,
    applyUnkept,
    isSpecInForce: () => world.spec !== undefined || store.restored !== undefined,
  })
  yield* Effect.forkScoped(
    Stream.runForEach(health.verdicts, (verdicts) => tell(WorldEvent.VerdictsReached({ verdicts }))),
  )
  const anchors = yield* Effect.serviceOption(AnchorNews)
  if (Option.isSome(anchors))
    yield* Effect.forkScoped(
      Stream.runForEach(anchors.value.verdicts, (verdicts) => tell(WorldEvent.AnchorsHeard({ verdicts }))),
    )
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(executor.outcomes), onOutcome)))

  const sources = Effect.gen(function* () {
    return {
      now: yield* now,
      startedAt,
      refresh: yield* refresher.state,
      config: { name: config.name, trouble: yield* feed.trouble },
      health: {
        name: health.name,
        state: yield* health.state,
        policy: health.policy,
        standings: yield* standingsOf(health),
      },
    }
  })
  const daemon = Effect.gen(function* (): Effect.fn.Return<DaemonState> {
    const notes = health.notes === undefined ? new Map() : yield* health.notes
    return { ...(yield* sources), failovers: failovers.latest, queue: yield* executor.state, conditions, notes }
  })
  const facts = Effect.gen(function* (): Effect.fn.Return<Facts> {
    const state = yield* sources
    return { ...state, tally: tally(world, state.now), load: yield* executor.load }
  })

  return Reconciler.of({
    status: Effect.map(daemon, (state) => ({ ...worldStatus(world, state.now), ...state, brake: world.brake })),
    spec: Effect.sync(() => world.spec),
    facts,
    overview: Effect.map(daemon, (state) => ({ ...state, overview: overview(world, state.now) })),
    decided: Effect.sync(() => ({
      isDecided: world.spec !== undefined && world.reading !== undefined,
      brake: world.brake,
    })),
    changes: Stream.fromPubSub(changes),
    confirm: Effect.fnUntraced(function* (hash: string) {
      const hold = guardHoldsOf(world).find((one) => one.hash === hash)
      if (hold === undefined) return false
      const by = yield* CurrentOperator
      yield* record(
        hold.kind === "DeletionBrake"
          ? WorldEvent.DeletionsConfirmed({ hash, by })
          : WorldEvent.HoldConfirmed({ hash, by, hold, at: yield* now }),
      )
      return true
    }),
    drain: Effect.fnUntraced(function* (host: Ip, isDrained: boolean) {
      if (!world.cidrsOf.has(host) && !(world.drained.has(host) && !isDrained)) return "NotInSpec"
      const by = yield* CurrentOperator
      yield* record(isDrained ? WorldEvent.HostDrained({ host, by }) : WorldEvent.HostUndrained({ host, by }))
      yield* Effect.logInfo(isDrained ? `host ${host} is drained` : `host ${host} is in service again`)
      return "Done"
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
): Layer.Layer<Reconciler, never, ConfigSource | HealthSource | HostInstances | Executor | Ec2 | StateStore> =>
  Layer.effect(Reconciler, make(options))
