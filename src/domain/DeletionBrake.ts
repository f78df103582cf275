import { type Action, cellKey, compareActions, targetWords } from "./Action.ts"
import type { Millis } from "./Health.ts"
import type { RouteSpec } from "./RouteSpec.ts"
import { stableHex } from "./StableHash.ts"

export type DeleteRoute = Extract<Action, { readonly _tag: "DeleteRoute" }>

/** Against how far back a deletion is measured. */
const memory: Millis = 60 * 60_000
const bucket: Millis = 60_000
/** A plan for fewer distinct destinations is never held, so that a single `[]` withdraws its route at once. */
const fewestDestinations = 3

/** The most owned routes seen in each of the last minutes, oldest first: bounded by the hour it covers. */
export type HighWater = ReadonlyArray<{ readonly minute: number; readonly owned: number }>

/** Notes how many owned routes there are. */
export const noteOwned = (highWater: HighWater, owned: number, now: Millis): HighWater => {
  const minute = Math.floor(now / bucket)
  const kept = highWater.filter((entry) => entry.minute > minute - memory / bucket && entry.minute !== minute)
  const here = highWater.find((entry) => entry.minute === minute)
  return here !== undefined && here.owned >= owned && kept.length + 1 === highWater.length
    ? highWater
    : [...kept, { minute, owned: Math.max(owned, here?.owned ?? 0) }]
}

/** The most owned routes in the last hour. */
export const mostOwned = (highWater: HighWater, now: Millis): number =>
  highWater.reduce(
    (most, { minute, owned }) => (minute > Math.floor((now - memory) / bucket) ? Math.max(most, owned) : most),
    0,
  )

/** Deletions that wait for the operator: confirmed by `hash`, which stands for exactly these deletions. */
export interface Brake {
  readonly hash: string
  readonly deletions: ReadonlyArray<DeleteRoute>
  /** The spec that asks for them. */
  readonly spec: RouteSpec
}

/** What is deleted where: the cell and the target that it has. */
export const deletionKey = (action: DeleteRoute): string => `${cellKey(action)} ${targetWords(action.before)}`

/** 16 hexadecimal digits that stand for exactly these deletions. */
export const hashOf = (deletions: ReadonlyArray<DeleteRoute>): string =>
  stableHex([...deletions].sort(compareActions).map(deletionKey).join("\n"))

/**
 * Holds deletions when the spec is empty, or when they would leave less than half of the most routes owned in the last
 * hour and concern at least three distinct destinations. What the operator confirmed is not counted. What is held stays
 * held until it is confirmed or another spec comes: neither an odd reading nor the passing of an hour lets it go.
 */
export const brakeOn = (input: {
  readonly deletions: ReadonlyArray<DeleteRoute>
  /** By {@link deletionKey}. */
  readonly confirmed: ReadonlyMap<string, unknown>
  readonly spec: RouteSpec
  readonly owned: number
  readonly mostOwned: number
  /** The brake so far. */
  readonly before: Brake | undefined
}): Brake | undefined => {
  const { deletions, confirmed, spec, owned, before } = input
  const waiting = deletions.filter((action) => !confirmed.has(deletionKey(action)))
  if (waiting.length === 0) return undefined
  const known = new Set(before?.spec === spec ? before.deletions.map(deletionKey) : [])
  const isHeld = waiting.some((action) => known.has(deletionKey(action)))
  // What was noted may lie more than an hour back, if nothing was read or written since.
  const most = Math.max(input.mostOwned, owned)
  const gone = most - (owned - deletions.length)
  const tooMany = gone > most / 2 && new Set(waiting.map(({ cidr }) => cidr)).size >= fewestDestinations
  return isHeld || spec.size === 0 || tooMany
    ? { hash: hashOf(waiting), deletions: [...waiting].sort(compareActions), spec }
    : undefined
}
