import type { Millis } from "./Health.ts"

/** The readings that are asked for so that completed failovers are soon known to stand. A value. */
export interface Verification {
  /** When the next one is to be asked for, if it is still needed then. */
  readonly dueAt: Millis | undefined
  readonly triesLeft: number
  readonly askedAt: Millis
}

export const notVerifying: Verification = { dueAt: undefined, triesLeft: 0, askedAt: -Infinity }

/** How long EC2 is given to show a write: as a rule it does at once, and a reading that is too early is one for nothing. */
const settling: Millis = 1_000
/** What does not show in three readings, regular ones will show. */
const mostTries = 3
/** From one reading to the next, however many failovers there are. */
const shortestGap: Millis = 5_000
/** And so many times as long as one takes: a twentieth of the time is what large VPCs are read in. */
const gapForReading = 20

/** A failover was completed at `at`. */
export const completed = (verification: Verification, at: Millis): Verification => ({
  ...verification,
  triesLeft: mostTries,
  dueAt: Math.min(verification.dueAt ?? Infinity, Math.max(at + settling, verification.askedAt + shortestGap)),
})

/**
 * Whether a reading is to be asked for at `at`, and what follows. `isNeeded`: some completed failover is not verified.
 * `took`: how long the last reading took.
 */
export const ask = (
  verification: Verification,
  { at, isNeeded, took }: { readonly at: Millis; readonly isNeeded: boolean; readonly took: Millis },
): readonly [Verification, boolean] => {
  const { askedAt, dueAt, triesLeft } = verification
  if (dueAt === undefined) return [verification, false]
  if (!isNeeded) return [{ ...verification, dueAt: undefined }, false]
  const gap = Math.max(shortestGap, gapForReading * took)
  const earliest = Math.max(dueAt, askedAt + gap)
  if (at < earliest) return [{ ...verification, dueAt: earliest }, false]
  return [{ askedAt: at, triesLeft: triesLeft - 1, dueAt: triesLeft > 1 ? at + gap : undefined }, true]
}
