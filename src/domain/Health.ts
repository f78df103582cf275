import { Data } from "effect"
import type { Ip } from "./Ip.ts"

/** Milliseconds: a monotonic clock anchored to Unix time when the process started. Always data, never read here. */
export type Millis = number

/**
 * What is known of a host. `since` is when the verdict began; for `Unknown`, when the host began to be watched.
 *
 * - `Unknown`: nothing yet. It neither gains nor loses a route.
 * - `Healthy`: `silentSince` is there while it misses probes, among other hosts that do, and has not failed: like one that is
 *   unknown it neither gains nor loses a route.
 * - `Failed`: `silentSince` is when the first of the probes was sent that were not answered, if the source can tell.
 * - `Unwatched`: the source will never tell anything of this host as things are: `why`, such as "no alarm covers it". Among
 *   several sources it has no say. A host that no source watches counts like one that is unknown, and is shown as such at
 *   once, since silence must not be read as health.
 */
export type Verdict = Data.TaggedEnum<{
  Unknown: { readonly since: Millis }
  Healthy: { readonly since: Millis; readonly silentSince?: Millis | undefined }
  Failed: { readonly since: Millis; readonly reason: string; readonly silentSince?: Millis | undefined }
  Unwatched: { readonly since: Millis; readonly why: string }
}>
export const Verdict = Data.taggedEnum<Verdict>()

/** One host's verdict. */
export interface HostVerdict {
  readonly host: Ip
  readonly verdict: Verdict
}

/** Verdicts by host. A host that is missing here is unknown. */
export type Health = ReadonlyMap<Ip, Verdict>
