import { Context, Deferred, Effect, Layer, Option, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import { cidr } from "../../../src/domain/Cidr.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import { defaultPolicy, type Policy } from "../../../src/domain/Policy.ts"
import type { RouteSpec } from "../../../src/domain/RouteSpec.ts"
import type { Reconciler } from "../../../src/runtime/Reconciler.ts"
import { layer as reconcilerLayer } from "../../../src/runtime/Reconciler.ts"
import { ConfigSource, SpecNews } from "../../../src/services/config/ConfigSource.ts"
import type { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import * as Executor from "../../../src/services/ec2/Executor.ts"
import { defaultTopology } from "../../../src/services/ec2/DefaultTopology.ts"
import * as SimulatedEc2 from "../../../src/services/ec2/SimulatedEc2.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import type { Topology } from "../../../src/services/ec2/Topology.ts"
import { AnchorNews } from "../../../src/services/health/AnchorNews.ts"
import { HealthSource } from "../../../src/services/health/HealthSource.ts"
import * as HostInstances from "../../../src/services/health/HostInstances.ts"
import * as StateStore from "../../../src/services/state/StateStore.ts"
import * as Prober from "../../../src/services/health/Prober.ts"
import * as SimulatedProbe from "../../../src/services/health/SimulatedProbe.ts"

/** A spec from its JSON shape. */
export const spec = (shape: Record<string, ReadonlyArray<string>>): RouteSpec =>
  new Map(Object.entries(shape).map(([range, hosts]) => [cidr(range), hosts.map(ip).toSorted()]))

/** A config source that a test feeds. */
export class Specs extends Context.Service<
  Specs,
  {
    readonly tell: (news: SpecNews) => Effect.Effect<void>
    /** Puts a spec in force. */
    readonly accept: (shape: Record<string, ReadonlyArray<string>>) => Effect.Effect<void>
  }
>()("test/Specs") {}

/** Feeds a daemon from {@link Specs}. */
export const specs = Layer.effectContext(
  Effect.gen(function* () {
    const queue = yield* Queue.bounded<SpecNews>(16)
    const tell = (news: SpecNews) => Effect.asVoid(Queue.offer(queue, news))
    const accept = Effect.fnUntraced(function* (shape: Record<string, ReadonlyArray<string>>) {
      const applied = yield* Deferred.make<void>()
      const onApplied = Effect.asVoid(Deferred.succeed(applied, undefined))
      yield* tell(SpecNews.Accepted({ spec: spec(shape), warnings: [], onApplied }))
      yield* Deferred.await(applied)
    })
    return Context.make(ConfigSource, {
      name: "test",
      news: Stream.fromQueue(queue),
      post: Option.none(),
    }).pipe(Context.add(Specs, { tell, accept }))
  }),
)

const health = ({ anchors = [], network }: DaemonOptions) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { answersUnsafe } = yield* Simulation
      const answers = (host: Ip) => (network === undefined ? answersUnsafe(host) : network(host))
      const probe = SimulatedProbe.make({ answers, roundTrip: 2 })
      const source = yield* Prober.make(probe, undefined, new Set(anchors.map(ip)))
      const verdicts = Stream.map(source.anchors, (batch) =>
        batch.map(({ host, verdict }) => ({ source: source.name, anchor: host, verdict })),
      )
      return Context.make(HealthSource, source).pipe(Context.add(AnchorNews, { verdicts }))
    }),
  )

export interface DaemonOptions {
  readonly topology?: Topology
  readonly policy?: Partial<Policy>
  readonly recheckInterval?: number
  readonly dryRun?: boolean
  readonly anchors?: ReadonlyArray<string>
  /** Who answers at present. Without it: the simulated machines that are up. */
  readonly network?: (host: Ip) => boolean
  readonly store?: Layer.Layer<StateStore.StateStore>
}

/** All real code from the config source to EC2, on the simulated VPC and network, in virtual time. */
export const daemon = (
  options: DaemonOptions = {},
): Layer.Layer<
  Reconciler | Specs | Simulation | Executor.Executor | Ec2 | HealthSource | HostInstances.HostInstances
> =>
  reconcilerLayer({
    policy: { ...defaultPolicy, ...options.policy },
    recheckInterval: options.recheckInterval ?? 30_000,
    dryRun: options.dryRun === true,
  }).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        specs,
        health(options),
        options.store ?? StateStore.layerNone,
        options.dryRun === true ? Executor.layerDryRun : Executor.layer,
      ),
    ),
    Layer.provideMerge(Layer.merge(SimulatedEc2.layer(options.topology ?? defaultTopology), HostInstances.layer)),
  )

/** Lets virtual time pass in steps, so that what happens on the way happens in its order. */
export const pass = (millis: number, step = 10): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: Math.ceil(millis / step) }), () => TestClock.adjust(step), { discard: true })

/** What carries a CIDR in each table in truth: interface ids, or "none". */
export const carriers = (range: string): Effect.Effect<Record<string, string>, never, Simulation> =>
  Effect.gen(function* () {
    const { truth } = yield* Simulation
    const vpc = yield* truth
    return Object.fromEntries(
      [...vpc.tables.values()].map((table) => {
        const route = table.routes.find(({ destination }) => destination === range)
        const target = route?.target
        return [
          table.id,
          target === undefined ? "none" : target._tag === "Interface" ? target.interfaceId : target._tag,
        ]
      }),
    )
  })
