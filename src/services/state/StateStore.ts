import { Context, Data, Effect, Layer } from "effect"
import type { Durable } from "../../domain/Durable.ts"

/** The state could not be written; what was to be kept is not safe from a restart. */
export class StateNotKept extends Data.TaggedError("StateNotKept")<{ readonly why: string }> {
  override get message(): string {
    return this.why
  }
}

/** Keeps what a restart must not forget. */
export class StateStore extends Context.Service<
  StateStore,
  {
    /** What was kept last; undefined if there is nothing, or nothing that can be read. */
    readonly restored: Durable | undefined
    /** Returns when the state is safe from a crash of this process and of the machine. */
    readonly keep: (state: Durable) => Effect.Effect<void, StateNotKept>
    /** Nothing is ever kept, so that nothing need wait for it. */
    readonly isNone?: true
  }
>()("vpc-router/services/state/StateStore") {}

/** Keeps nothing: after a restart nothing is written until a spec comes. */
export const layerNone: Layer.Layer<StateStore> = Layer.succeed(StateStore, {
  restored: undefined,
  keep: () => Effect.void,
  isNone: true,
})
