import { type Millis, Verdict } from "./Health.ts"

/** What one health source says of a host. */
export interface Opinion {
  /** The source's name, as in `--health`. */
  readonly source: string
  /** Whether the source can tell anything at present; if not, its verdict has no say. */
  readonly isUp: boolean
  readonly verdict: Verdict
}

/**
 * One verdict from several sources, by the rule *any fails*:
 *
 * | sources that are up say | verdict | since |
 * |---|---|---|
 * | at least one: failed | Failed, with every reason | the first of them failed |
 * | all that watch it: healthy | Healthy | the last of them became healthy |
 * | all: unwatched | Unwatched, with every reason | the last of them stopped to watch it |
 * | anything else, or none is up | Unknown | `watchedSince` |
 *
 * It was silent since the first of them found it silent. Reasons come in the order of the sources. With a single failed source its reason is prefixed with its name as well.
 */
export const anyFails = (opinions: ReadonlyArray<Opinion>, watchedSince: Millis): Verdict => {
  const failures: Array<{ readonly since: Millis; readonly text: string }> = []
  let silentSince: Millis | undefined
  let healthySince = -Infinity
  let isHealthy = false
  let isUnsure = false
  const unwatched: Array<{ readonly since: Millis; readonly text: string }> = []
  for (const { isUp, source, verdict } of opinions) {
    if (!isUp) continue
    switch (verdict._tag) {
      case "Failed":
        failures.push({ since: verdict.since, text: `${source}: ${verdict.reason}` })
        if (verdict.silentSince !== undefined) silentSince = Math.min(silentSince ?? Infinity, verdict.silentSince)
        break
      case "Healthy":
        isHealthy = true
        healthySince = Math.max(healthySince, verdict.since)
        break
      case "Unknown":
        isUnsure = true
        break
      case "Unwatched":
        unwatched.push({ since: verdict.since, text: `${source}: ${verdict.why}` })
    }
  }
  if (failures.length > 0) {
    const since = failures.reduce((first, failure) => Math.min(first, failure.since), Infinity)
    return Verdict.Failed({ since, reason: failures.map(({ text }) => text).join("; "), silentSince })
  }
  if (!isHealthy && !isUnsure && unwatched.length > 0) {
    const since = unwatched.reduce((last, one) => Math.max(last, one.since), -Infinity)
    return Verdict.Unwatched({ since, why: unwatched.map(({ text }) => text).join("; ") })
  }
  return isHealthy && !isUnsure ? Verdict.Healthy({ since: healthySince }) : Verdict.Unknown({ since: watchedSince })
}
