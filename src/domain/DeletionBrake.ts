import { type Action, cellKey, compareActions, targetWords } from "./Action.ts"
import type { Cidr } from "./Cidr.ts"
import type { Millis } from "./Health.ts"
import type { BrakeCause } from "./Hold.ts"
import type { RouteSpec } from "./RouteSpec.ts"
import { stableHex } from "./StableHash.ts"

export type DeleteRoute = Extract<Action, { readonly _tag: "DeleteRoute" }>

/** Against how far back a deletion is measured. */
export const memory: Millis = 60 * 60_000
/** How finely that is told apart. */
export const bucket: Millis = 60_000
/** Fewer distinct destinations than these are never held for being too many. */
const fewestDestinations = 3

/** One minute, by its number since 1970. EC2's rate limit of deletions (300 a minute after a burst of 50) bounds the list. */
export interface Minute {
  readonly minute: number
  /** The most owned routes seen in it. */
  readonly owned: number
  /** Destinations that were deleted in it, in some table, without the operator's confirmation. */
  readonly deleted: ReadonlyArray<Cidr>
}

/** What the last hour's minutes saw, oldest first: bounded by the hour it covers. */
export type HighWater = ReadonlyArray<Minute>

const noted = (highWater: HighWater, now: Millis, change: (minute: Minute) => Minute): HighWater => {
  const minute = Math.floor(now / bucket)
  const kept = highWater.filter((entry) => entry.minute > minute - memory / bucket && entry.minute !== minute)
  const here = highWater.find((entry) => entry.minute === minute)
  const changed = change(here ?? { minute, owned: 0, deleted: [] })
  return changed === here ? highWater : [...kept, changed]
}

/** Notes how many owned routes there are. */
export const noteOwned = (highWater: HighWater, owned: number, now: Millis): HighWater =>
  noted(highWater, now, (here) => (here.owned >= owned ? here : { ...here, owned }))

/** Notes that a destination was deleted in some table, as nobody had confirmed. */
export const noteDeleted = (highWater: HighWater, cidr: Cidr, now: Millis): HighWater =>
  noted(highWater, now, (here) => (here.deleted.includes(cidr) ? here : { ...here, deleted: [...here.deleted, cidr] }))

const lastHour = (highWater: HighWater, now: Millis): HighWater =>
  highWater.filter(({ minute }) => minute > Math.floor((now - memory) / bucket))

/** The most owned routes in the last hour. */
export const mostOwned = (highWater: HighWater, now: Millis): number =>
  lastHour(highWater, now).reduce((most, { owned }) => Math.max(most, owned), 0)

/** The destinations that were deleted unconfirmed in the last hour. */
export const lastDeleted = (highWater: HighWater, now: Millis): ReadonlySet<Cidr> =>
  new Set(lastHour(highWater, now).flatMap(({ deleted }) => deleted))

/** Deletions that wait for the operator: confirmed by `hash`, which stands for exactly these deletions. */
export interface Brake {
  readonly hash: string
  readonly cause: BrakeCause
  readonly deletions: ReadonlyArray<DeleteRoute>
  /** The spec that asks for them. */
  readonly spec: RouteSpec
}

/** A brake that holds these deletions; undefined: there are none. */
export const brakeFor = (spec: RouteSpec, held: ReadonlyArray<DeleteRoute>): Brake | undefined => {
  if (held.length === 0) return undefined
  const cause = spec.size === 0 ? "EmptySpec" : "TooMany"
  return { hash: hashOf(held), cause, deletions: [...held].sort(compareActions), spec }
}

/** What is deleted where: the cell and the target that it has. */
export const deletionKey = (action: DeleteRoute): string => `${cellKey(action)} ${targetWords(action.before)}`

/** 16 hexadecimal digits that stand for exactly these deletions. */
export const hashOf = (deletions: ReadonlyArray<DeleteRoute>): string =>
  stableHex([...deletions].sort(compareActions).map(deletionKey).join("\n"))

/**
 * Holds deletions when the spec is empty, or when they would leave less than half of the most routes owned in the last
 * hour and, with what that hour has deleted already, concern at least three distinct destinations: many small steps are
 * one large one. One destination that the spec names with an empty list goes at once, whatever went before: somebody
 * means it. So do small steps while half is left. What the operator confirmed is not counted, nor what the spec has taken
 * back in. What is held stays held until it is confirmed or another spec comes: neither an odd reading nor the passing
 * of an hour lets it go.
 */
export const brakeOn = (input: {
  readonly deletions: ReadonlyArray<DeleteRoute>
  /** By {@link deletionKey}. */
  readonly confirmed: ReadonlyMap<string, unknown>
  readonly spec: RouteSpec
  readonly owned: number
  readonly mostOwned: number
  /** {@link lastDeleted}; asked for only when half is gone. */
  readonly lastDeleted: () => ReadonlySet<Cidr>
  /** The brake so far. */
  readonly before: Brake | undefined
}): Brake | undefined => {
  const { deletions, confirmed, spec, owned, before } = input
  const waiting = deletions.filter((action) => !confirmed.has(deletionKey(action)))
  // By cell: a stale reading may show another target.
  const known = new Set(before?.spec === spec ? before.deletions.map(cellKey) : [])
  const isHeld = waiting.some((action) => known.has(cellKey(action)))
  // What was noted may lie more than an hour back, if nothing was read or written since.
  const most = Math.max(input.mostOwned, owned)
  const isOverHalf = most - (owned - deletions.length) > most / 2
  const isTooMany = (): boolean => {
    const destinations = new Set(waiting.map(({ cidr }) => cidr))
    if (destinations.size === 1 && waiting.every(({ reason }) => reason._tag === "Withdrawn")) return false
    for (const cidr of input.lastDeleted()) if ((spec.get(cidr) ?? []).length === 0) destinations.add(cidr)
    return destinations.size >= fewestDestinations
  }
  if (!isHeld && spec.size > 0 && !(isOverHalf && isTooMany())) return undefined
  return brakeFor(spec, waiting)
}
