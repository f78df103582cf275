import { Cause, Clock, Context, Effect, Layer, Logger, Queue, type Scope, Semaphore, Stream } from "effect"
import { Verdict } from "../../../src/domain/Health.ts"
import type { VpcId } from "../../../src/domain/Ids.ts"
import { ip } from "../../../src/domain/Ip.ts"
import { defaultPolicy } from "../../../src/domain/Policy.ts"
import { layer as reconcilerLayer, Reconciler } from "../../../src/runtime/Reconciler.ts"
import type { ReconcilerStatus } from "../../../src/runtime/ReconcilerStatus.ts"
import * as AwsEc2 from "../../../src/services/ec2/AwsEc2.ts"
import { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import * as Executor from "../../../src/services/ec2/Executor.ts"
import * as HostInstances from "../../../src/services/health/HostInstances.ts"
import { HealthSource, SourceState } from "../../../src/services/health/HealthSource.ts"
import { now } from "../../../src/services/Now.ts"
import * as StateStore from "../../../src/services/state/StateStore.ts"
import { awsEnvironment, withEnvironment } from "../ec2/AwsEnvironment.ts"
import { logText } from "./LogText.ts"
import { makeLeapingClock } from "./LeapingClock.ts"
import { Specs, specs } from "./SimulatedDaemon.ts"

/** A line of the log. */
export interface Line {
  readonly level: string
  readonly words: string
}

/** The loop, the executor and the AWS layer of a daemon, in this process, in front of an endpoint of EC2. */
export interface AwsDaemon {
  readonly accept: (shape: Record<string, ReadonlyArray<string>>) => Effect.Effect<void>
  /** The health source says this of hosts; it says nothing else. */
  readonly say: (verdict: "healthy" | "failed", ...hosts: ReadonlyArray<string>) => Effect.Effect<void>
  readonly status: Effect.Effect<ReconcilerStatus>
  /** Waits until the status is so; fails after 30 s, with the log. */
  readonly until: (what: string, holds: (status: ReconcilerStatus) => boolean) => Effect.Effect<ReconcilerStatus>
  /** Has come round, and so has taken into account what it was told. */
  readonly heartbeat: Effect.Effect<void>
  readonly log: () => ReadonlyArray<Line>
  /** So much time passes for it at once. */
  readonly leap: (millis: number) => Effect.Effect<void>
  /** The same, with a regular reading in it that has been taken into account. */
  readonly leapOverReading: (millis: number) => Effect.Effect<void>
}

/** The SDK takes its endpoint from the environment at a client's first call: one client at a time. */
const environment = Semaphore.makeUnsafe(1)

/** Real callers look at every answer; at most this often. */
const lookEvery = "20 millis"

/** Milliseconds, and more than it is. */
const pauseAfterReading = 2_000

/** The real AWS layer at an endpoint. Others of this process may be at others: it has made its first call there. */
const ec2At = (endpoint: string, vpcId: VpcId): Effect.Effect<Ec2["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const made = Effect.scoped(
      Effect.gen(function* () {
        yield* withEnvironment(awsEnvironment(endpoint))
        const ec2 = Context.get(yield* Layer.buildWithScope(AwsEc2.layer({ vpcId }), scope), Ec2)
        yield* Effect.exit(ec2.snapshot)
        return ec2
      }),
    )
    return yield* environment.withPermit(made)
  })

/** Starts it; it ends with the scope. `recheckInterval` in milliseconds. */
export const startAwsDaemon = Effect.fnUntraced(function* (options: {
  readonly endpoint: string
  readonly vpcId: VpcId
  readonly recheckInterval: number
}): Effect.fn.Return<AwsDaemon, never, Scope.Scope> {
  const ec2 = yield* ec2At(options.endpoint, options.vpcId)
  const clock = makeLeapingClock()
  const lines: Array<Line> = []
  const logger = Logger.make(({ cause, logLevel, message }) => {
    const why = cause.reasons.length === 0 ? "" : `: ${Cause.pretty(cause)}`
    lines.push({ level: logLevel, words: logText(message) + why })
  })
  const news = yield* Queue.unbounded<ReadonlyArray<{ host: ReturnType<typeof ip>; verdict: Verdict }>>()
  const health = Layer.succeed(HealthSource, {
    name: "test",
    watch: () => Effect.void,
    verdicts: Stream.fromQueue(news),
    state: Effect.succeed(SourceState.Up({ since: 0 })),
  })
  const daemon = reconcilerLayer({
    policy: defaultPolicy,
    recheckInterval: options.recheckInterval,
    dryRun: false,
  }).pipe(
    Layer.provideMerge(Layer.mergeAll(specs, health, StateStore.layerNone, Executor.layer)),
    Layer.provide(Layer.mergeAll(Layer.succeed(Ec2, ec2), HostInstances.layer)),
    Layer.provide(Logger.layer([logger])),
  )
  const here = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideService(effect, Clock.Clock, clock)
  const services = yield* here(Layer.build(daemon))
  const reconciler = Context.get(services, Reconciler)
  const status = here(reconciler.status)
  const until = Effect.fnUntraced(function* (what: string, holds: (status: ReconcilerStatus) => boolean) {
    let last = yield* status
    const look = Effect.gen(function* () {
      while (!holds(last)) {
        yield* Effect.sleep(lookEvery)
        last = yield* status
      }
      return last
    })
    return yield* Effect.timeoutOrElse(look, {
      duration: "30 seconds",
      orElse: () =>
        Effect.die(
          new Error(
            `not seen: ${what}; held ${JSON.stringify(last.held)}, pending ${JSON.stringify(last.pending)}\n${lines.map(({ words }) => words).join("\n")}`,
          ),
        ),
    })
  })
  return {
    accept: (shape) => here(Context.get(services, Specs).accept(shape)),
    say: (verdict, ...hosts) =>
      here(
        Effect.flatMap(now, (since) =>
          Queue.offer(
            news,
            hosts.map((host) => ({
              host: ip(host),
              verdict:
                verdict === "healthy" ? Verdict.Healthy({ since }) : Verdict.Failed({ since, reason: "no reply" }),
            })),
          ),
        ),
      ).pipe(Effect.asVoid),
    status,
    until,
    heartbeat: here(reconciler.heartbeat),
    log: () => lines,
    leap: clock.leap,
    leapOverReading: Effect.fnUntraced(function* (millis) {
      const { readAt: last = 0 } = yield* status
      // A reading is followed by a pause, and only then by the wait for the next one.
      yield* clock.leap(pauseAfterReading)
      yield* Effect.sleep(lookEvery)
      yield* clock.leap(millis - pauseAfterReading)
      yield* until("the next reading", ({ readAt = 0 }) => readAt > last)
    }),
  }
})
