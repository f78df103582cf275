import type { Millis } from "./Health.ts"
import type { Ip } from "./Ip.ts"

/** A host that failed a short while ago. */
export interface Flap {
  /** How often, less what good time took off. */
  readonly level: number
  /** Since when it is failed now; undefined: it is not. */
  readonly failedAt: Millis | undefined
  /** When it was last heard of again; before that: when it failed. */
  readonly recoveredAt: Millis
}

/** The hosts that failed a short while ago. Each is forgotten when good time has taken all off. */
export type Flaps = ReadonlyMap<Ip, Flap>

/** The longest penalty, and the good time that takes one relapse off, in first penalties. */
const longest = 20
/** The level at which a penalty is as long as it gets. */
const highest = 2 + Math.ceil(Math.log2(longest))
/** Hosts come and go with specs: this many are remembered at most. */
const mostHosts = 20_000

/** How long a host at this level must stay healthy before it is eligible: nothing, `first`, twice that, and so on. */
export const penalty = (level: number, first: Millis): Millis =>
  level < 2 ? 0 : first * Math.min(longest, 2 ** (level - 2))

const decayed = ({ level, recoveredAt }: Flap, at: Millis, first: Millis): number =>
  Math.max(0, level - Math.max(0, Math.floor((at - recoveredAt) / (longest * first))))

/** A healthy host failed. */
export const flapFailed = (before: Flap | undefined, at: Millis, first: Millis): Flap => {
  if (before?.failedAt !== undefined) return before
  const level = before === undefined ? 0 : decayed(before, at, first)
  return { level, failedAt: at, recoveredAt: at }
}

/**
 * A host is healthy. `counts`: if it had failed, it was the host, as far as is known, and not the way to it. Undefined: nothing to
 * remember.
 */
export const flapRecovered = (before: Flap | undefined, at: Millis, counts: boolean): Flap | undefined => {
  if (before?.failedAt === undefined) return before
  const level = Math.min(highest, before.level + Number(counts))
  return level === 0 ? undefined : { level, failedAt: undefined, recoveredAt: at }
}

/** Until when a healthy host is not eligible, if it is not. */
export const dampedUntil = ({ failedAt, level, recoveredAt }: Flap, first: Millis): Millis | undefined =>
  failedAt === undefined && level >= 2 ? recoveredAt + penalty(level, first) : undefined

/** Without those of which good time has taken all off; failed ones are kept as long as the worst of them would be. */
export const flapsLeft = (flaps: Flaps, now: Millis, first: Millis): Flaps => {
  const left = [...flaps].filter(([, flap]) =>
    flap.failedAt === undefined ? decayed(flap, now, first) > 0 : now - flap.failedAt < highest * longest * first,
  )
  if (left.length === flaps.size && left.length <= mostHosts) return flaps
  // The oldest go first; what comes later stands later.
  return new Map(left.slice(-mostHosts))
}
