import { Context, Data, type Effect, type Stream } from "effect"
import type { HostVerdict, Millis } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"

/** Whether a source can tell anything at present. While it is down its hosts' verdicts are unknown. */
export type SourceState = Data.TaggedEnum<{
  Up: { readonly since: Millis }
  Down: { readonly since: Millis; readonly why: string }
}>
export const SourceState = Data.taggedEnum<SourceState>()

/** Watches hosts and says what is known of them. Fails static: without news, nothing is said. */
export class HealthSource extends Context.Service<
  HealthSource,
  {
    /** The `--health` it was chosen by. */
    readonly name: string
    /** Replaces the set of hosts to watch. Hosts that stay keep their verdicts; new ones begin as unknown. */
    readonly watch: (hosts: ReadonlySet<Ip>) => Effect.Effect<void>
    /** Changed verdicts, in batches as they are reached; all are said again when the source goes up or down. One subscriber; never fails. */
    readonly verdicts: Stream.Stream<ReadonlyArray<HostVerdict>>
    readonly state: Effect.Effect<SourceState>
  }
>()("vpc-router/services/health/HealthSource") {}
