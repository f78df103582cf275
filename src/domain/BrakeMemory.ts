import { bucket, type HighWater, lastDeleted, memory, type Minute, mostOwned } from "./DeletionBrake.ts"
import type { Millis } from "./Health.ts"

/** So much sooner than an hour a mark may be forgotten by a restart, for not having it kept anew at every reading. */
const staleAfter: Millis = 10 * 60_000

/** All that two hours noted, oldest first. */
export const merged = (one: HighWater, other: HighWater): HighWater => {
  const minutes = new Map<number, Minute>()
  for (const { minute, owned, deleted } of [...one, ...other]) {
    const known = minutes.get(minute)
    minutes.set(minute, {
      minute,
      owned: Math.max(owned, known?.owned ?? 0),
      deleted: [...new Set([...(known?.deleted ?? []), ...deleted])],
    })
  }
  return [...minutes.values()].sort((a, b) => a.minute - b.minute)
}

/**
 * The hour as another clock has it, which shows `to` while the first one shows `from`. What lies ahead of `from`, as after
 * a clock was set back, counts as just noted: it holds for another hour, and no longer.
 */
export const carriedOver = (hour: HighWater, from: Millis, to: Millis): HighWater => {
  const last = Math.floor(to / bucket)
  const shift = Math.round((to - from) / bucket)
  const minutes = hour.map((entry) => ({ ...entry, minute: Math.min(entry.minute + shift, last) }))
  return merged(
    minutes.filter(({ minute }) => minute > last - memory / bucket),
    [],
  )
}

/** Whether whoever knows `kept` lets go nothing that is held by `hour`: at `now`, and until a mark grows stale. */
export const covers = (kept: HighWater, hour: HighWater, now: Millis): boolean =>
  [now, now + memory - staleAfter].every((at) => {
    const known = lastDeleted(kept, at)
    return mostOwned(kept, at) >= mostOwned(hour, at) && [...lastDeleted(hour, at)].every((range) => known.has(range))
  })
