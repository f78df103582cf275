import type { Millis } from "./Health.ts"
import { isTooMany, type Witness } from "./MassFailure.ts"

/** Most hosts miss probes at the same moment: more likely the way to them than the hosts. Since when that is seen. */
export interface Hush {
  readonly from: Millis
}

/**
 * Whether it is so: of two hosts both, of more as many as make a mass failure, be it that some of them have failed already. When it
 * is over, who failed meanwhile may be the one whose last probe was lost in it.
 */
export const hushAfter = (
  before: Hush | undefined,
  witnesses: ReadonlyArray<Witness>,
  share: number,
  now: Millis,
): Hush | undefined => {
  const lost = witnesses.filter(({ state }) => state !== "answering")
  if (before === undefined && lost.every(({ state }) => state === "failed")) return undefined
  const isPair = witnesses.length === 2 && lost.length === 2
  return isPair || isTooMany(lost, witnesses, share) ? (before ?? { from: now }) : undefined
}
