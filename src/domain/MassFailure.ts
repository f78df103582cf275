import { compareText } from "./Action.ts"
import { fewestHosts, massWindow } from "./GuardPolicy.ts"
import type { Millis } from "./Health.ts"
import type { Ip } from "./Ip.ts"
import { stableHex } from "./StableHash.ts"

/** A host of the spec as it bears on whether many fail together. */
export interface Witness {
  readonly host: Ip
  /** Where its interface is, if that is known. */
  readonly zone: string | undefined
  /**
   * - `failed`: it failed a short while ago, since `since`, or its failure is held.
   * - `silent`: it misses probes at present, and has not failed yet.
   * - `answering`: it does.
   */
  readonly state: "failed" | "silent" | "answering"
  /** When it failed. */
  readonly since: Millis
}

/** Many hosts failed together: their failures are held. */
export interface MassFailure {
  readonly since: Millis
  /** The hosts whose failures are held, and when each failed. */
  readonly hosts: ReadonlyMap<Ip, Millis>
  /** Out of how many, they included, those that miss probes counted with them. */
  readonly failed: number
  readonly of: number
  /** Enough of them failed, and do not merely miss probes. */
  readonly isCertain: boolean
  /** Since when they are few enough again. */
  readonly calmSince: Millis | undefined
  /** How long they have to be few enough. */
  readonly calmFor: Millis
  /** Stands for exactly these failures. */
  readonly hash: string
}

/** Whether what fails is one zone, while others are heard: that is a failure to act upon, however many hosts it takes. */
const isOneZone = (lost: ReadonlyArray<Witness>, witnesses: ReadonlyArray<Witness>): boolean => {
  const zone = lost[0]?.zone
  return (
    zone !== undefined &&
    lost.every((one) => one.zone === zone) &&
    witnesses.some((one) => one.state === "answering" && one.zone !== undefined && one.zone !== zone)
  )
}

/** Whether those of these hosts that are `lost` are too many for it to be the hosts. */
export const isTooMany = (lost: ReadonlyArray<Witness>, witnesses: ReadonlyArray<Witness>, share: number): boolean =>
  witnesses.length >= fewestHosts && lost.length > share * witnesses.length && !isOneZone(lost, witnesses)

/** When a hold ends by itself: the failures left are few enough for as long as hosts that come back may take. */
export const massEndsAt = ({ calmFor, calmSince }: MassFailure): Millis | undefined =>
  calmSince === undefined ? undefined : calmSince + calmFor

/**
 * Whether the failures of these hosts are to be held: more than `share` of at least {@link fewestHosts} failed or are silent,
 * unless they share one zone and another one answers. What is held stays held until few enough are left for as long as
 * hosts take to come back; until then it grows by whoever fails. What was held because hosts merely missed probes is let go
 * `settle` after these answer: the network was gone for a moment, and who had been asked first may answer a second later.
 */
export const massAfter = (
  before: MassFailure | undefined,
  witnesses: ReadonlyArray<Witness>,
  share: number | undefined,
  settle: Millis,
  now: Millis,
): MassFailure | undefined => {
  const failed = witnesses.filter(({ state }) => state === "failed")
  if (share === undefined || failed.length === 0) return undefined
  const lost = witnesses.filter(({ state }) => state !== "answering")
  const isMass = (some: ReadonlyArray<Witness>): boolean => isTooMany(some, witnesses, share)
  const isNow = isMass(lost)
  if (before === undefined && !isNow) return undefined
  const isCertain = before?.isCertain === true || isMass(failed)
  const calmSince = isNow ? undefined : (before?.calmSince ?? now)
  const calmFor = isCertain ? massWindow : settle
  if (calmSince !== undefined && now - calmSince >= calmFor) return undefined
  const hosts = new Map([...failed].sort((a, b) => compareText(a.host, b.host)).map(({ host, since }) => [host, since]))
  return {
    since: before?.since ?? now,
    hosts,
    failed: lost.length,
    of: witnesses.length,
    isCertain,
    calmSince,
    calmFor,
    hash: stableHex(`mass failure ${[...hosts].join(" ")}`),
  }
}
