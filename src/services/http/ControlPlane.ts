import { Context, type Effect, type Option, Schema, type Stream } from "effect"
import type { Ip } from "../../domain/Ip.ts"
import type { DecodedSpec } from "../../domain/RouteSpec.ts"
import type { SpecNotKept, SpecRejected } from "../config/ConfigSource.ts"
import type { StateNotKept } from "../state/StateStore.ts"
import type { Lazy } from "./LazyJson.ts"
import type { OverviewJson } from "./OverviewJson.ts"
import { brakeFields, type RouteSpecJson, type StatusJson } from "./StatusJson.ts"

/** A machine, or a service's interface, of the simulated VPC. */
export const SimulatedHostJson = Schema.Struct({
  addresses: Schema.Array(Schema.String),
  interface: Schema.String,
  instance: Schema.NullOr(Schema.String),
  state: Schema.NullOr(Schema.String).annotate({ description: "the instance's state, by EC2's names" }),
  zone: Schema.NullOr(Schema.String),
  source_dest_check: Schema.Boolean,
  requester_managed: Schema.Boolean,
  answers: Schema.Boolean.annotate({ description: "whether it answers probes now" }),
}).annotate({ identifier: "SimulatedHost" })
export type SimulatedHostJson = typeof SimulatedHostJson.Type

/** What may be done to the hosts of a simulated VPC. */
export interface SimulationControls {
  /** By interface id. */
  readonly hosts: Effect.Effect<ReadonlyArray<SimulatedHostJson>>
  /** The machine that holds the address hangs: silent, its routes active. False: no interface holds it. */
  readonly fail: (host: Ip) => Effect.Effect<boolean>
  /** The machine answers again. False: no interface holds the address. */
  readonly heal: (host: Ip) => Effect.Effect<boolean>
}

/** What a spec asks for and does not get without the operator's word. */
export const HeldDeletionsJson = Schema.Struct({
  ...brakeFields,
  deletions: Schema.Int.annotate({ description: "how many; brake in GET /status lists them" }),
  confirm: Schema.String.annotate({ description: "lets exactly these happen" }),
}).annotate({ identifier: "HeldDeletions" })
export type HeldDeletionsJson = typeof HeldDeletionsJson.Type

/** What the HTTP interface shows and steers. */
export class ControlPlane extends Context.Service<
  ControlPlane,
  {
    readonly version: string
    /** `--mode`. */
    readonly mode: string
    readonly status: Effect.Effect<Lazy<StatusJson>>
    /** The status in little room, for little work. */
    readonly overview: Effect.Effect<OverviewJson>
    /** Says, at some time after it, that something happened; once for many events that come together. */
    readonly changes: Stream.Stream<void>
    /** Every metric as it is now, in Prometheus' text format. */
    readonly metrics: Effect.Effect<string>
    /** The spec in force; `{}` before any. */
    readonly routeSpec: Effect.Effect<Lazy<RouteSpecJson>>
    /** Takes a spec as JSON text and returns when it is in force. `None`: specs come from elsewhere in this mode. */
    readonly post: Option.Option<(body: string) => Effect.Effect<DecodedSpec, SpecRejected | SpecNotKept>>
    /** Whether the spec in force is decided upon, and what of it waits for the operator. */
    readonly decided: Effect.Effect<{ readonly decided: boolean; readonly held: HeldDeletionsJson | null }>
    /** Lets go what is held by this hash. False: nothing is. */
    readonly confirm: (hash: string) => Effect.Effect<boolean, StateNotKept>
    /** Takes a host of the spec out of service, or puts it back. `NotInSpec`: it is no host of the spec. */
    readonly drain: (host: Ip, isDrained: boolean) => Effect.Effect<"Done" | "NotInSpec", StateNotKept>
    /** Returns when the loop has come round: it is alive. */
    readonly heartbeat: Effect.Effect<void>
    /** Why there is nothing to work on yet, in words; `None` once the first whole reading of EC2 is there. */
    readonly unready: Effect.Effect<Option.Option<string>>
    /** Only where the VPC is simulated. */
    readonly simulation: Option.Option<SimulationControls>
  }
>()("vpc-router/services/http/ControlPlane") {}
