import { Effect, Random } from "effect"
import type { Millis } from "../../../domain/Health.ts"

const first: Millis = 1_000
const longest: Millis = 30_000

/** So many calls in a row must fail until it is no passing trouble; a denial does not pass, and so one is enough. */
export const tolerated = 3

/** How long to wait after so many failures in a row: 1 s, doubling up to 30 s, less up to a half at random. */
export const backoff = (failures: number): Effect.Effect<Millis> =>
  Effect.map(Random.next, (share) => (0.5 + share / 2) * Math.min(longest, first * 2 ** (failures - 1)))
