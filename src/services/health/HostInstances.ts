import { Context, Effect, Equal, Layer, PubSub, type Scope, Stream } from "effect"
import type { InstanceId } from "../../domain/Ids.ts"
import type { Ip } from "../../domain/Ip.ts"

/**
 * Which instance is behind each host of the spec, by the last reading of the VPC. A host that is missing has no instance
 * that is known.
 */
export class HostInstances extends Context.Service<
  HostInstances,
  {
    /** Undefined until the VPC was read for the first time: nothing follows from a host that is missing then. */
    readonly current: Effect.Effect<ReadonlyMap<Ip, InstanceId> | undefined>
    /** What is known now, if the VPC was read, and then every change; a slow subscriber sees the last one. Never ends. */
    readonly changes: Stream.Stream<ReadonlyMap<Ip, InstanceId>>
    /** For who reads the VPC: this is what the reading shows. */
    readonly tell: (instances: ReadonlyMap<Ip, InstanceId>) => Effect.Effect<void>
  }
>()("vpc-router/services/health/HostInstances") {}

export const layer: Layer.Layer<HostInstances> = Layer.effect(
  HostInstances,
  Effect.gen(function* () {
    const news = yield* PubSub.sliding<ReadonlyMap<Ip, InstanceId>>({ capacity: 1, replay: 1 })
    let current: ReadonlyMap<Ip, InstanceId> | undefined
    return {
      current: Effect.sync(() => current),
      changes: Stream.fromPubSub(news),
      tell: (instances) =>
        Effect.suspend(() => {
          if (current !== undefined && Equal.equals(current, instances)) return Effect.void
          current = instances
          return Effect.asVoid(PubSub.publish(news, instances))
        }),
    }
  }),
)

/**
 * Runs `place` at every change of them, for as long as the scope lives. What it gives runs it at once with what is known, so that a
 * host that is new in the spec is placed before anything is said of it.
 */
export const placedBy = (
  place: (found: ReadonlyMap<Ip, InstanceId>) => void,
): Effect.Effect<Effect.Effect<void>, never, HostInstances | Scope.Scope> =>
  Effect.flatMap(HostInstances, ({ changes, current }) => {
    const placeNow = Effect.map(current, (found) => {
      if (found !== undefined) place(found)
    })
    return Effect.as(Effect.forkScoped(Stream.runForEach(changes, () => placeNow)), placeNow)
  })
