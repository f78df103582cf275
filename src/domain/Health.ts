import { Data } from "effect"
import type { Ip } from "./Ip.ts"

/** Milliseconds: a monotonic clock anchored to Unix time when the process started. Always data, never read here. */
export type Millis = number

/**
 * What is known of a host. Unknown neither gains nor loses a route. `since` is when the verdict began; for `Unknown`,
 * when the host began to be watched. `silentSince`: when the first of the probes was sent that were not answered, if the
 * health source can tell.
 */
export type Verdict = Data.TaggedEnum<{
  Unknown: { readonly since: Millis }
  Healthy: { readonly since: Millis }
  Failed: { readonly since: Millis; readonly reason: string; readonly silentSince?: Millis | undefined }
}>
export const Verdict = Data.taggedEnum<Verdict>()

/** One host's verdict. */
export interface HostVerdict {
  readonly host: Ip
  readonly verdict: Verdict
}

/** Verdicts by host. A host that is missing here is unknown. */
export type Health = ReadonlyMap<Ip, Verdict>
