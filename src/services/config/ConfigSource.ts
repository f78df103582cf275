import { Context, Data, type Effect, type Option, type Stream } from "effect"
import type { Operator } from "../../domain/Operator.ts"
import type { DecodedSpec, SpecProblem } from "../../domain/RouteSpec.ts"

/** A spec that was not accepted. All faults are in it. */
export class SpecRejected extends Data.TaggedError("SpecRejected")<{
  readonly problems: ReadonlyArray<SpecProblem>
}> {
  override get message(): string {
    return this.problems.map(({ path, message }) => `${path}: ${message}`).join("; ")
  }
}

/** A good spec that could not be kept over a restart, and so is not in force. */
export class SpecNotKept extends Data.TaggedError("SpecNotKept")<{ readonly why: string }> {
  override get message(): string {
    return this.why
  }
}

/** News of a config source; whoever takes it logs it. Only `Accepted` changes what is planned. */
export type SpecNews = Data.TaggedEnum<{
  /**
   * `onApplied` runs once the spec is in force. With `onNotKept`, a spec that cannot be kept over a restart is given back
   * to whoever posted it, and does not come into force; without, it comes into force all the same. `by`: who posted it.
   */
  Accepted: DecodedSpec & {
    readonly onApplied: Effect.Effect<void>
    readonly onNotKept?: ((why: string) => Effect.Effect<void>) | undefined
    readonly by?: Operator | undefined
  }
  /** The source has something that is no spec; the last good one stays. */
  Rejected: { readonly problems: ReadonlyArray<SpecProblem> }
  /** The source cannot be read; the last good spec stays. */
  Unreadable: { readonly why: string }
}>
export const SpecNews = Data.taggedEnum<SpecNews>()

/** Where the route spec comes from. */
export class ConfigSource extends Context.Service<
  ConfigSource,
  {
    /** The `--mode` it was chosen by. */
    readonly name: string
    /** Every piece of news, beginning with the present one; never fails. Ends only where no more can come. */
    readonly news: Stream.Stream<SpecNews>
    /** Takes a spec as JSON text (`POST /route_spec`) and returns when it is in force. `None`: this source takes none. */
    readonly post: Option.Option<(body: string) => Effect.Effect<DecodedSpec, SpecRejected | SpecNotKept>>
  }
>()("vpc-router/services/config/ConfigSource") {}
