import { Deferred, Effect, Fiber, Latch, Option, type Scope, Semaphore } from "effect"
import { apply } from "../domain/Apply.ts"
import { deletionKey, type DeleteRoute, lastDeleted } from "../domain/DeletionBrake.ts"
import { type Durable, durableOf, holdsAlike } from "../domain/Durable.ts"
import type { Millis } from "../domain/Health.ts"
import type { World } from "../domain/World.ts"
import type { WorldEvent } from "../domain/WorldEvent.ts"
import { now } from "../services/Now.ts"
import { type StateNotKept, StateStore } from "../services/state/StateStore.ts"

/** How long after a failure the state is tried to be kept again, and how often it is said that it is not. */
const retryEvery: Millis = 5_000
const sayEvery: Millis = 5 * 60_000
/** What the deletion brake remembers is not kept more often. */
const rememberEvery: Millis = 1_000
/** How long deletions wait for a disk that does not answer. */
const patience: Millis = 5_000

export interface StateKeeping {
  /** Keeps the event over a restart, puts it in force, and returns then. */
  readonly record: (event: WorldEvent) => Effect.Effect<void, StateNotKept>
  /** Puts an event in force that could not be kept. It is kept as soon as that is possible. */
  readonly applyUnkept: (event: WorldEvent) => Effect.Effect<void>
  /**
   * Has what the deletion brake must remember kept, if it is not. Tells which deletions may be made: those that a restart
   * would count. The loop comes round again when others may; a disk that fails keeps them no longer than 5 s.
   */
  readonly remember: (world: World, now: Millis) => (deletion: DeleteRoute) => boolean
}

/** What a restart must not forget is on disk before it is in force, or, where it cannot wait, as soon as it can be. */
export const makeStateKeeping = Effect.fnUntraced(function* (loop: {
  readonly world: () => World
  /** Hands an event to the loop; `onApplied` runs when it is in force. */
  readonly tell: (event: WorldEvent | undefined, onApplied?: Effect.Effect<void>) => Effect.Effect<void>
}): Effect.fn.Return<StateKeeping, never, StateStore | Scope.Scope> {
  const store = yield* StateStore
  const scope = yield* Effect.scope
  const recording = yield* Semaphore.make(1)
  const behind = Latch.makeUnsafe(false)
  const forgetful = Latch.makeUnsafe(false)
  let onDisk: Durable | undefined = store.restored
  /** The same, or what the disk would not take. */
  let tried: Durable | undefined = store.restored

  const keep = Effect.fnUntraced(function* (world: World) {
    const state = durableOf(world, yield* now)
    if (state !== undefined) {
      yield* Effect.ensuring(
        store.keep(state),
        Effect.sync(() => void (tried = state)),
      )
      onDisk = state
    }
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

  const keepMemory = Effect.suspend(() => keep(loop.world())).pipe(
    recording.withPermit,
    Effect.catch(({ why }) =>
      behind.isOpen()
        ? Effect.void
        : Effect.andThen(
            Effect.logError(`${why}; a restart would forget what deletions are measured against`),
            Effect.sync(() => void behind.openUnsafe()),
          ),
    ),
  )
  const remembering = Effect.gen(function* () {
    yield* forgetful.await
    forgetful.closeUnsafe()
    if (holdsAlike(onDisk, loop.world(), yield* now)) return
    const keeping = yield* Effect.forkIn(keepMemory, scope)
    const ended = yield* Effect.timeoutOption(Fiber.await(keeping), patience)
    if (Option.isNone(ended)) tried = durableOf(loop.world(), yield* now)
    yield* loop.tell(undefined)
    yield* Fiber.await(keeping)
    yield* Effect.sleep(behind.isOpen() ? retryEvery : rememberEvery)
  })
  yield* Effect.forkScoped(Effect.forever(remembering))

  return {
    remember: (world, at) => {
      if (store.isNone === true) return () => true
      if (!holdsAlike(onDisk, world, at)) forgetful.openUnsafe()
      const counted = lastDeleted(tried?.hour ?? [], at)
      return (deletion) => counted.has(deletion.cidr) || world.confirmed.has(deletionKey(deletion))
    },
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
