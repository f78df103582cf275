import type { Millis } from "./Health.ts"

/** How a bucket fills: at most `capacity` tokens, `refillPerSecond` more each second. */
export interface BucketLimits {
  readonly capacity: number
  readonly refillPerSecond: number
}

/** A token bucket as it stood at `at`. A value: taking gives a new one. */
export interface TokenBucket extends BucketLimits {
  readonly tokens: number
  readonly at: Millis
}

/** EC2's limit for each of CreateRoute, ReplaceRoute and DeleteRoute ("API throttling", EC2 developer guide). */
export const routeWrites: BucketLimits = { capacity: 50, refillPerSecond: 5 }

/** EC2's limit for filtered or paginated Describe calls, each call its own bucket (same source). */
export const describes: BucketLimits = { capacity: 100, refillPerSecond: 20 }

/** A full bucket. */
export const full = (limits: BucketLimits, now: Millis): TokenBucket => ({
  ...limits,
  tokens: limits.capacity,
  at: now,
})

/** The bucket at `now`, refilled. Time that runs backwards refills nothing. */
export const refilled = (bucket: TokenBucket, now: Millis): TokenBucket => {
  const elapsed = Math.max(0, now - bucket.at)
  const tokens = Math.min(bucket.capacity, bucket.tokens + (elapsed / 1000) * bucket.refillPerSecond)
  return { ...bucket, tokens, at: Math.max(now, bucket.at) }
}

// Refilling adds fractions; without this a token that is due could be missed by a rounding error and waited for anew.
const rounding = 1e-6

/**
 * Takes one token and leaves at least `reserve` behind, or says how many milliseconds until that is possible.
 * `reserve` is what less urgent work leaves for failovers.
 */
export const take = (
  bucket: TokenBucket,
  now: Millis,
  reserve = 0,
): { readonly bucket: TokenBucket; readonly waitMillis: number } => {
  const present = refilled(bucket, now)
  const missing = 1 + reserve - present.tokens
  return missing <= rounding
    ? { bucket: { ...present, tokens: Math.max(0, present.tokens - 1) }, waitMillis: 0 }
    : { bucket: present, waitMillis: Math.ceil((missing / present.refillPerSecond) * 1000) }
}

/** EC2 said "throttled": somebody else of the account drains the same bucket. Nothing is left; time restores it. */
export const emptied = (bucket: TokenBucket, now: Millis): TokenBucket => ({ ...refilled(bucket, now), tokens: 0 })
