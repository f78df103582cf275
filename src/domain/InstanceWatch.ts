import { type Millis, Verdict } from "./Health.ts"
import type { InstanceId } from "./Ids.ts"
import { type InstanceStatus, type StatusCheck, statusChecks } from "./InstanceStatus.ts"
import type { InstanceState } from "./Vpc.ts"

/** What EC2 says of the instance behind one host. A value. */
export interface InstanceWatch {
  readonly instance: InstanceId
  readonly verdict: Verdict
  /** Since when the host is watched. */
  readonly watchedSince: Millis
  /** The verdict is what EC2's checks gave, and so stays while they have no result. */
  readonly isChecked: boolean
  /** When the first reading began that lacks the instance, with none since that had it. */
  readonly missingSince: Millis | undefined
}

/** Two readings at least this far apart must lack an instance before it counts as gone: one of them may be stale. */
export const goneAfter: Millis = 10_000

const lost: ReadonlySet<InstanceState> = new Set<InstanceState>(["stopping", "stopped", "shutting-down", "terminated"])

const checkWords: Readonly<Record<StatusCheck, string>> = {
  system: "system status check",
  instance: "instance status check",
  ebs: "attached EBS status check",
}

/** An instance of which nothing has been read yet. */
export const watchedInstance = (instance: InstanceId, watchedSince: Millis): InstanceWatch => ({
  instance,
  verdict: Verdict.Unknown({ since: watchedSince }),
  watchedSince,
  isChecked: false,
  missingSince: undefined,
})

/** The same verdict goes on, with the words of now. */
const failed = (watch: InstanceWatch, reason: string, isChecked: boolean, now: Millis): InstanceWatch => {
  const { verdict } = watch
  if (verdict._tag === "Failed" && verdict.reason === reason) return { ...watch, isChecked }
  const since = verdict._tag === "Failed" ? verdict.since : now
  return { ...watch, isChecked, verdict: Verdict.Failed({ since, reason }) }
}

/** Nothing follows at present; what the checks said last stays. */
const unsure = (watch: InstanceWatch): InstanceWatch =>
  watch.isChecked || watch.verdict._tag === "Unknown"
    ? watch
    : { ...watch, verdict: Verdict.Unknown({ since: watch.watchedSince }) }

/**
 * Learns from one reading, which began at `readAt`; `status` is undefined where the instance is not in it.
 *
 * | state | status checks | verdict |
 * |---|---|---|
 * | stopping, stopped, shutting-down, terminated | any | failed |
 * | running | at least one impaired | failed |
 * | running | none impaired, at least one initializing or with insufficient data | as the checks said last; unknown if they said nothing since it runs |
 * | running | all ok, or not applicable | healthy |
 * | pending | any | unknown |
 * | missing from two readings ten seconds apart | | failed |
 * | missing from one | | as before |
 */
export const instanceRead = (
  watch: InstanceWatch,
  status: InstanceStatus | undefined,
  readAt: Millis,
  now: Millis,
): InstanceWatch => {
  if (status === undefined) {
    const missingSince = watch.missingSince ?? readAt
    const missing = { ...watch, missingSince }
    return readAt - missingSince < goneAfter
      ? missing
      : failed(missing, `EC2 does not know its instance ${watch.instance} any more`, false, now)
  }
  const seen: InstanceWatch = watch.missingSince === undefined ? watch : { ...watch, missingSince: undefined }
  const { checks, state } = status
  if (lost.has(state)) return failed(seen, `its instance ${watch.instance} is ${state}`, false, now)
  if (state === "pending") return unsure({ ...seen, isChecked: false })
  const impaired = statusChecks.filter((check) => checks[check] === "impaired")
  if (impaired.length > 0) {
    const words = impaired.map((check) => checkWords[check]).join(" and ")
    return failed(
      seen,
      `the ${words} of its instance ${watch.instance} ${impaired.length > 1 ? "fail" : "fails"}`,
      true,
      now,
    )
  }
  if (statusChecks.some((check) => checks[check] === "initializing" || checks[check] === "insufficient-data"))
    return unsure(seen)
  return seen.verdict._tag === "Healthy" ? seen : { ...seen, isChecked: true, verdict: Verdict.Healthy({ since: now }) }
}

/** The source cannot tell anything: what it knew is forgotten. */
export const instanceForgotten = (watch: InstanceWatch): InstanceWatch =>
  watchedInstance(watch.instance, watch.watchedSince)
