import { Context, Data, Effect, type Stream } from "effect"
import type { HostVerdict, Millis } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import type { HeldUp } from "./BlindTime.ts"

/** Whether a source can tell anything at present. While it is down its hosts' verdicts are unknown. */
export type SourceState = Data.TaggedEnum<{
  Up: { readonly since: Millis }
  Down: { readonly since: Millis; readonly why: string }
}>
export const SourceState = Data.taggedEnum<SourceState>()

/** Why a source is down that has not tried yet. */
export const starting = "starting"

/** Hosts that a source does not watch: how many, and the first of them, sorted. */
export interface UnwatchedHosts {
  readonly count: number
  readonly first: ReadonlyArray<Ip>
}

/** A source as it shows itself beside others. */
export interface SourceStanding {
  /** One of `--health`. */
  readonly name: string
  readonly state: SourceState
  /** How long it takes at most, at present, until a host that dies has failed; undefined where that is not known. */
  readonly bound?: Millis | undefined
  /** How many hosts that live it is expected to fail in a day, all together, by the loss that is assumed. */
  readonly falseFailovers?: number | undefined
  /** When it could see nothing, so that it judged no host; undefined: never, or it cannot tell. */
  readonly heldUp?: HeldUp | undefined
  /** The hosts of the spec that it does not watch, if it keeps count of them. */
  readonly unwatched?: UnwatchedHosts | undefined
}

/** What people should know of hosts, in words, beside their verdicts. */
export type HostNotes = ReadonlyMap<Ip, ReadonlyArray<string>>

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
    /** Among others, its failures count; that it finds a host healthy proves nothing. Where it is missing: all it says counts. */
    readonly onlyFails?: boolean
    /** The sources that it is made of. Where it is missing: itself alone, of which no bound is known. */
    readonly standings?: Effect.Effect<ReadonlyArray<SourceStanding>>
    /** How the verdicts of several sources make one, as in `--health-policy`. */
    readonly policy?: string
    /** Such as "EC2 stops it on Tuesday": no reason to fail it. Where it is missing: nothing. */
    readonly notes?: Effect.Effect<HostNotes>
  }
>()("vpc-router/services/health/HealthSource") {}

/** The sources that a source is made of, or itself. */
export const standingsOf = (source: HealthSource["Service"]): Effect.Effect<ReadonlyArray<SourceStanding>> =>
  source.standings ?? Effect.map(source.state, (state) => [{ name: source.name, state }])
