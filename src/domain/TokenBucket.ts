import type { Millis } from "./Health.ts"

/** How a bucket fills: at most `capacity` tokens, `refillPerSecond` more each second. */
export interface BucketLimits {
  readonly capacity: number
  readonly refillPerSecond: number
}

/** A token bucket as it stood at `at`. A value: taking gives a new one. */
export interface TokenBucket extends BucketLimits {
  /** Of these, `out` are spoken for. */
  readonly tokens: number
  /** Calls that were sent and not answered: EC2 takes a token when a call arrives, some time between the two. */
  readonly out: number
  readonly at: Millis
  /** The part of the limits that is taken to be ours, in (0, 1]: the others of the account use the rest. */
  readonly share: number
  /** When EC2 last said "throttled" to a call that went out after the word before. */
  readonly throttledAt: Millis
}

/** EC2's limit for each of CreateRoute, ReplaceRoute and DeleteRoute ("API throttling", EC2 developer guide). */
export const routeWrites: BucketLimits = { capacity: 50, refillPerSecond: 5 }

/** EC2's limit for filtered or paginated Describe calls, each call its own bucket (same source). */
export const describes: BucketLimits = { capacity: 100, refillPerSecond: 20 }

/**
 * EC2's limit for DescribeInstances, DescribeInstanceStatus and DescribeNetworkInterfaces that have neither filter nor pages,
 * such as those that name ids, each call its own bucket (same source).
 */
export const describesById: BucketLimits = { capacity: 50, refillPerSecond: 10 }

/**
 * Throttle answers that follow each other within ten seconds halve the share, and ten seconds double it. At that pace
 * somebody else who takes a steady half of the limit costs about one throttled call in 25. A single answer says no more
 * than that the bucket is empty: calls that overtake one another on their way are enough for it.
 */
const doubling: Millis = 10_000
/** One try in about 13 s is left of EC2's 5 a second, so that the end of the trouble is noticed. */
const smallestShare = 1 / 64

/** The share grows by the factor e in this time. */
const growth: Millis = doubling / Math.LN2

/** A full bucket, all of it ours. */
export const full = (limits: BucketLimits, now: Millis): TokenBucket => ({
  ...limits,
  tokens: limits.capacity,
  out: 0,
  at: now,
  share: 1,
  throttledAt: -Infinity,
})

/** How long until the whole is ours again. */
const untilWhole = (share: number): Millis => growth * Math.log(1 / share)

/** What flows in while `elapsed` passes, in milliseconds of the whole limit. */
const inflow = (share: number, elapsed: Millis): Millis => {
  const growing = Math.min(elapsed, untilWhole(share))
  return share * growth * Math.expm1(growing / growth) + elapsed - growing
}

/** The inverse: how long until as much has flowed in. */
const timeFor = (share: number, wanted: Millis): Millis => {
  const whileGrowing = growth * (1 - share)
  return wanted <= whileGrowing
    ? growth * Math.log1p(wanted / (share * growth))
    : untilWhole(share) + wanted - whileGrowing
}

/** The bucket at `now`, refilled. Time that runs backwards refills nothing. */
export const refilled = (bucket: TokenBucket, now: Millis): TokenBucket => {
  const elapsed = Math.max(0, now - bucket.at)
  const share = Math.min(1, bucket.share * Math.exp(elapsed / growth))
  const capacity = Math.max(1, bucket.out, bucket.capacity * share)
  const tokens = bucket.tokens + (inflow(bucket.share, elapsed) / 1000) * bucket.refillPerSecond
  return { ...bucket, tokens: Math.min(capacity, tokens), share, at: Math.max(now, bucket.at) }
}

// Refilling adds fractions; without this a token that is due could be missed by a rounding error and waited for anew.
const rounding = 1e-6

/** How many milliseconds until there is a token beside the reserve and those that are spoken for; 0: now. */
const untilToken = (present: TokenBucket, reserve: number): Millis => {
  const missing = 1 + present.out + reserve * present.share - present.tokens
  return missing <= rounding ? 0 : Math.ceil(timeFor(present.share, (missing / present.refillPerSecond) * 1000))
}

/** The bucket at `now`, and how many milliseconds to wait; 0: the token was granted. */
export interface Granted {
  readonly bucket: TokenBucket
  readonly waitMillis: Millis
}

/**
 * Takes one token and leaves at least `reserve` behind (of a bucket of which a part is ours: that part of it), or says how
 * many milliseconds until that is possible. `reserve` is what less urgent work leaves for failovers.
 */
export const take = (bucket: TokenBucket, now: Millis, reserve = 0): Granted => {
  const present = refilled(bucket, now)
  const waitMillis = untilToken(present, reserve)
  return { bucket: waitMillis > 0 ? present : { ...present, tokens: Math.max(0, present.tokens - 1) }, waitMillis }
}

/**
 * The same for a call that EC2 gets to know of later: its token is spoken for, and taken when the call is {@link answered}.
 * So a full bucket, ours or EC2's, gains nothing by the time that a call is under way, and nothing is sent that EC2 refuses.
 */
export const send = (bucket: TokenBucket, now: Millis, reserve = 0): Granted => {
  const present = refilled(bucket, now)
  const waitMillis = untilToken(present, reserve)
  return { bucket: waitMillis > 0 ? present : { ...present, out: present.out + 1 }, waitMillis }
}

/** A call that was sent is answered, or given up, at `now`. */
export const answered = (bucket: TokenBucket, now: Millis): TokenBucket => {
  const present = refilled(bucket, now)
  return { ...present, tokens: Math.max(0, present.tokens - 1), out: Math.max(0, present.out - 1) }
}

/**
 * EC2 said "throttled" at `now` to a call of `sentAt`. Nothing is left beside what is spoken for; where it said so a moment ago, too, others of the
 * account drain the same bucket, and less of it is ours. Calls that went out before the last such word say nothing new.
 */
export const throttled = (bucket: TokenBucket, sentAt: Millis, now: Millis): TokenBucket => {
  const present = { ...refilled(bucket, now), tokens: bucket.out }
  if (sentAt < bucket.throttledAt) return present
  const isRepeated = now - bucket.throttledAt < doubling
  const share = isRepeated ? Math.max(smallestShare, present.share / 2) : present.share
  return { ...present, share, throttledAt: now }
}
