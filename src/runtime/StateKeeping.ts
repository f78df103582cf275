import { Deferred, Effect, Fiber, Latch, type Scope, Semaphore } from "effect"
import { apply } from "../domain/Apply.ts"
import { durableOf } from "../domain/Durable.ts"
import type { Millis } from "../domain/Health.ts"
import type { World } from "../domain/World.ts"
import type { WorldEvent } from "../domain/WorldEvent.ts"
import { now } from "../services/Now.ts"
import { type StateNotKept, StateStore } from "../services/state/StateStore.ts"

/** How long after a failure the state is tried to be kept again, and how often it is said that it is not. */
const retryEvery: Millis = 5_000
const sayEvery: Millis = 5 * 60_000

export interface StateKeeping {
  /** Keeps the event over a restart, puts it in force, and returns then. */
  readonly record: (event: WorldEvent) => Effect.Effect<void, StateNotKept>
  /** Puts an event in force that could not be kept. It is kept as soon as that is possible. */
  readonly applyUnkept: (event: WorldEvent) => Effect.Effect<void>
}

/** What a restart must not forget is on disk before it is in force, or, where it cannot wait, as soon as it can be. */
export const makeStateKeeping = Effect.fnUntraced(function* (loop: {
  readonly world: () => World
  /** Hands an event to the loop; `onApplied` runs when it is in force. */
  readonly tell: (event: WorldEvent, onApplied?: Effect.Effect<void>) => Effect.Effect<void>
}): Effect.fn.Return<StateKeeping, never, StateStore | Scope.Scope> {
  const store = yield* StateStore
  const scope = yield* Effect.scope
  const recording = yield* Semaphore.make(1)
  const behind = Latch.makeUnsafe(false)

  const keep = Effect.fnUntraced(function* (world: World) {
    const state = durableOf(world)
    if (state !== undefined) yield* store.keep(state)
    behind.closeUnsafe()
  })

  const catchUp = Effect.gen(function* () {
    yield* behind.await
    let saidAt = yield* now
    while (behind.isOpen()) {
      yield* Effect.sleep(retryEvery)
      yield* recording
        .withPermit(Effect.suspend(() => (behind.isOpen() ? Effect.andThen(keep(loop.world()), kept) : Effect.void)))
        .pipe(
          Effect.catch(
            Effect.fnUntraced(function* ({ why }) {
              const at = yield* now
              if (at - saidAt < sayEvery) return
              saidAt = at
              yield* Effect.logError(`${why}; a restart would bring back what was in force before`)
            }),
          ),
        )
    }
  })
  yield* Effect.forkScoped(Effect.forever(catchUp))

  return {
    // It comes into force once it is kept, whoever waits for it or not.
    record: (event) =>
      Effect.gen(function* () {
        yield* keep(apply(loop.world(), event)[0])
        const applied = yield* Deferred.make<void>()
        yield* loop.tell(event, Effect.asVoid(Deferred.succeed(applied, undefined)))
        yield* Deferred.await(applied)
      }).pipe(recording.withPermit, Effect.forkIn(scope), Effect.flatMap(Fiber.join)),
    applyUnkept: (event) =>
      Effect.tap(
        loop.tell(event),
        Effect.sync(() => behind.openUnsafe()),
      ),
  }
})

const kept = Effect.logInfo("the state is kept again")
