import { compareText } from "./Action.ts"
import { failuresNeeded, type HealthPolicy } from "./HealthPolicy.ts"
import { type Millis, Verdict } from "./Health.ts"

/** What one health source says of a host. */
export interface Opinion {
  /** The source's name, as in `--health`. */
  readonly source: string
  /** Whether the source can tell anything at present; if not, its verdict has no say. */
  readonly isUp: boolean
  readonly verdict: Verdict
}

type Tag = Verdict["_tag"]

/** The verdicts of one kind among those that are up, by source. */
const ofTag = <T extends Tag>(opinions: ReadonlyArray<Opinion>, tag: T) =>
  opinions
    .flatMap(({ isUp, source, verdict }) => (isUp && Verdict.$is(tag)(verdict) ? [{ source, verdict }] : []))
    .sort((a, b) => compareText(a.source, b.source))

/** The `nth` time, from 1. */
const nthSince = (opinions: ReadonlyArray<{ readonly verdict: Verdict }>, nth: number): Millis =>
  opinions.map(({ verdict }) => verdict.since).sort((a, b) => a - b)[nth - 1] ?? -Infinity

const firstSilence = (failures: ReadonlyArray<{ readonly verdict: { readonly silentSince?: Millis | undefined } }>) => {
  const silences = failures.flatMap(({ verdict }) => verdict.silentSince ?? [])
  return silences.length === 0 ? undefined : Math.min(...silences)
}

/** A verdict without silence has no such field, so that equal verdicts are equal. */
const silence = (silentSince: Millis | undefined) => (silentSince === undefined ? {} : { silentSince })

/**
 * One verdict from several sources. A source has a say if it is up and watches the host. With f of those that have a say
 * failed, h healthy, u unknown, and n failures needed by the policy:
 *
 * | | verdict | since |
 * |---|---|---|
 * | f ≥ n | Failed, with the reason of each that failed | the nth of them failed |
 * | f + u ≥ n | Unknown: it depends on what is not known | `watchedSince` |
 * | h ≥ 1 | Healthy | as many were healthy as rule a failure out |
 * | none has a say, and one that is up does not watch it | Unwatched, with the reason of each | the last of them stopped to |
 * | else | Unknown | `watchedSince` |
 *
 * It was silent since the first of them found it silent; a healthy one is silent at present if one of them says so. Reasons carry the source's name, also a single one. The order of the
 * sources does not matter.
 */
export const combineHealth = (
  policy: HealthPolicy,
  opinions: ReadonlyArray<Opinion>,
  watchedSince: Millis,
): Verdict => {
  const failed = ofTag(opinions, "Failed")
  const healthy = ofTag(opinions, "Healthy")
  const unsure = ofTag(opinions, "Unknown").length
  const heard = failed.length + healthy.length + unsure
  const needed = failuresNeeded(policy, heard)
  if (failed.length >= needed)
    return Verdict.Failed({
      since: nthSince(failed, needed),
      reason: failed.map(({ source, verdict }) => `${source}: ${verdict.reason}`).join("; "),
      silentSince: firstSilence(failed),
    })
  if (failed.length + unsure < needed && healthy.length > 0)
    return Verdict.Healthy({
      since: nthSince(healthy, Math.max(1, heard - needed + 1)),
      ...silence(firstSilence(healthy)),
    })
  const unwatched = ofTag(opinions, "Unwatched")
  return heard === 0 && unwatched.length > 0
    ? Verdict.Unwatched({
        since: nthSince(unwatched, unwatched.length),
        why: unwatched.map(({ source, verdict }) => `${source}: ${verdict.why}`).join("; "),
      })
    : Verdict.Unknown({ since: watchedSince })
}
