import type { Millis, Verdict } from "./Health.ts"
import type { Ip } from "./Ip.ts"

/** A failure that the operator let go: no guard holds it any more. */
export interface Confirmed {
  /** When it began; undefined: it was let go before a restart, and its host has been neither healthy nor failed since. */
  readonly failedAt: Millis | undefined
  /** When it was let go. */
  readonly at: Millis
}

export type Confirmations = ReadonlyMap<Ip, Confirmed>

/** Failures that the operator let go, and when, as they are kept over a restart. */
export type LetGo = ReadonlyMap<Ip, Millis>

/**
 * For so long a confirmation is for a host that has not been seen since a restart: longer than a machine takes to start anew
 * and hosts to be judged, and short enough that whoever confirmed still knows what for.
 */
export const confirmedFor: Millis = 15 * 60_000

/** A clock that was set ahead by no more than this during a restart was corrected; beyond it, nothing is known of the time. */
const clockError: Millis = 60_000

const isFresh = ({ at }: Confirmed, now: Millis): boolean => now - at < confirmedFor

/** Whether this failure of the host was let go. */
export const isConfirmed = (confirmations: Confirmations, host: Ip, failedAt: Millis): boolean =>
  confirmations.get(host)?.failedAt === failedAt

/** Whether a failure that only EC2 shows was let go before a restart. */
export const wasConfirmed = (confirmations: Confirmations, host: Ip, now: Millis): boolean => {
  const known = confirmations.get(host)
  return known !== undefined && known.failedAt === undefined && isFresh(known, now)
}

/** After a verdict on the host. A host that is healthy has recovered: its next failure is another one. */
export const confirmedAfter = (before: Confirmed | undefined, verdict: Verdict): Confirmed | undefined => {
  if (before === undefined || verdict._tag === "Healthy") return undefined
  if (verdict._tag !== "Failed" || before.failedAt === verdict.since) return before
  const isTheSame = before.failedAt === undefined && isFresh(before, verdict.since)
  return isTheSame ? { failedAt: verdict.since, at: before.at } : undefined
}

/** Those that can still bear on anything. `failedSince`: since when a host is failed, if it is. */
export const confirmationsLeft = (
  confirmations: Confirmations,
  failedSince: (host: Ip) => Millis | undefined,
  now: Millis,
): Confirmations =>
  new Map(
    [...confirmations].filter(([host, one]) =>
      one.failedAt === undefined ? isFresh(one, now) : failedSince(host) === one.failedAt,
    ),
  )

/** What a restart must not forget of them. */
export const letGoOf = (confirmations: Confirmations, now: Millis): LetGo =>
  new Map([...confirmations].flatMap(([host, one]) => (isFresh(one, now) ? [[host, one.at]] : [])))

/** The same as they are after a restart. */
export const restoredLetGo = (letGo: LetGo): Confirmations =>
  new Map([...letGo].map(([host, at]) => [host, { failedAt: undefined, at }]))

/** Whether whoever knows `kept` lets no failure go that was not let go: of a host that has recovered since. */
export const forgotRecovered = (kept: LetGo, confirmations: Confirmations, now: Millis): boolean =>
  [...kept].every(([host, at]) => now - at >= confirmedFor || confirmations.get(host)?.at === at)

/**
 * As another clock has it, which shows `to` while the first one shows `from`. What lies ahead of `from`, as after a clock was
 * set back, may be of any age: it is forgotten.
 */
export const letGoCarriedOver = (letGo: LetGo, from: Millis, to: Millis): LetGo =>
  new Map(
    [...letGo].flatMap(([host, at]) =>
      at > from + clockError ? [] : [[host, Math.min(to, Math.round(at + to - from))]],
    ),
  )
