import { Context, type Effect, Schema, type Scope } from "effect"
import type { Millis } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"

/** One probe to send. `sequence` is 0–65535 and tells the probes of one host apart. */
export interface ProbeRequest {
  readonly host: Ip
  readonly sequence: number
}

/** Where a transport brings its news. Plain functions, since they are called for every packet; they never throw. */
export interface ProbeSink {
  /** That probe was answered; `at` is when the answer was read. */
  readonly replied: (host: Ip, sequence: number, at: Millis) => void
  /** That probe was answered, but not as a host that is well does: why, such as "answered 503". */
  readonly rejected: (host: Ip, sequence: number, why: string) => void
  /** That probe did not leave this machine, which is no fault of the host. */
  readonly unsent: (host: Ip, sequence: number, why: string) => void
  /** The transport is of no use any more: it is closed, and opened anew later. */
  readonly died: (why: string) => void
}

/** An open transport. It closes with its scope, and is silent from then on. */
export interface ProbeTransport {
  /** Sends each probe once, soon. The prober keeps batches small and apart. */
  readonly send: (batch: ReadonlyArray<ProbeRequest>) => Effect.Effect<void>
}

/** No probes can be sent at present: `why`, and what to do about it, for the operator. */
export class ProbeUnavailable extends Schema.TaggedError<ProbeUnavailable>()("ProbeUnavailable", {
  why: Schema.String,
}) {
  override get message(): string {
    return this.why
  }
}

/** A way to ask hosts for a sign of life. It only sends and receives; when and what follows is the Prober's. */
export class Probe extends Context.Service<
  Probe,
  {
    /** The `--health` it serves. */
    readonly name: string
    readonly open: (sink: ProbeSink) => Effect.Effect<ProbeTransport, ProbeUnavailable, Scope.Scope>
  }
>()("vpc-router/services/health/Probe") {}
