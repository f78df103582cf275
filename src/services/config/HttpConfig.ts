import { Deferred, Effect, Layer, Option, Queue, Result, Semaphore, Stream } from "effect"
import { decodeRouteSpecSteps } from "../../domain/DecodeRouteSpec.ts"
import type { DecodedSpec } from "../../domain/RouteSpec.ts"
import { CurrentOperator } from "../CurrentOperator.ts"
import { makeTurns } from "../Turns.ts"
import { ConfigSource, SpecNews, SpecNotKept, SpecRejected } from "./ConfigSource.ts"

type Accepted = Extract<SpecNews, { readonly _tag: "Accepted" }>

/** How many posted specs may wait to be taken; then the posters wait. */
const capacity = 16

const make = Effect.gen(function* () {
  const waiting = yield* Effect.acquireRelease(Queue.bounded<Accepted>(capacity), Queue.shutdown)
  const closed = yield* Deferred.make<never>()
  yield* Effect.addFinalizer(() => Deferred.interrupt(closed))
  let present: DecodedSpec | undefined
  const turns = yield* makeTurns
  // One after the other, so that they keep their order and the first is not held up by the last.
  const reading = yield* Semaphore.make(1)

  // One at a time, so that none is lost when the subscriber is interrupted.
  const taken = Stream.fromEffectRepeat(Queue.take(waiting)).pipe(
    Stream.tap(({ spec, warnings }) => Effect.sync(() => (present = { spec, warnings }))),
  )
  const news = Stream.suspend((): Stream.Stream<SpecNews> => {
    if (present === undefined) return taken
    return Stream.concat(Stream.make(SpecNews.Accepted({ ...present, onApplied: Effect.void })), taken)
  })

  const post = Effect.fn("HttpConfig.post")(function* (
    body: string,
  ): Effect.fn.Return<DecodedSpec, SpecRejected | SpecNotKept> {
    const decoded = yield* reading.withPermit(turns.through(decodeRouteSpecSteps(body)))
    if (Result.isFailure(decoded)) return yield* new SpecRejected({ problems: decoded.failure })
    const applied = yield* Deferred.make<void, SpecNotKept>()
    const onApplied = Effect.asVoid(Deferred.succeed(applied, undefined))
    const onNotKept = (why: string) => Effect.asVoid(Deferred.fail(applied, new SpecNotKept({ why })))
    yield* Queue.offer(
      waiting,
      SpecNews.Accepted({ ...decoded.success, onApplied, onNotKept, by: yield* CurrentOperator }),
    )
    yield* Effect.raceFirst(Deferred.await(applied), Deferred.await(closed))
    return decoded.success
  })

  return ConfigSource.of({ name: "http", news, post: Option.some(post) })
})

/**
 * The spec that `POST /route_spec` brings (mode `http`). Specs come into force in the order in which they were posted. A
 * poster that goes away while its spec waits to be applied does not take it back; once the source is closed, posters are
 * interrupted. One subscriber at a time; a later one begins with the spec in force.
 */
export const layer: Layer.Layer<ConfigSource> = Layer.effect(ConfigSource, make)
