import type { Millis } from "../domain/Health.ts"

/** Something that is not as it should be, for as long as it lasts. */
export interface Condition {
  /** Tells it from others over time. */
  readonly key: string
  readonly words: string
}

interface Known extends Condition {
  readonly since: Millis
  readonly loggedAt: Millis
}

/** The conditions that hold at present, by key. */
export type Conditions = ReadonlyMap<string, Known>

/** A line for the log. */
export interface ConditionLine {
  readonly kind: "began" | "lasts" | "ended"
  readonly words: string
  readonly since: Millis
}

/** How often a condition that lasts is logged again. */
const repeatEvery: Millis = 5 * 60_000
/** Lines of one kind in one pass, so that a thousand conflicts do not drown the rest. */
const mostLines = 50

const bounded = (kind: ConditionLine["kind"], lines: ReadonlyArray<Known>, now: Millis): ReadonlyArray<ConditionLine> => {
  const shown = lines.slice(0, mostLines).map(({ words, since }) => ({ kind, words, since }))
  const more = lines.length - shown.length
  return more > 0 ? [...shown, { kind, words: `… and ${more} more`, since: now }] : shown
}

/** The conditions as they are now, and what is to be logged: changes, and every five minutes what lasts. */
export const observe = (
  before: Conditions,
  present: ReadonlyArray<Condition>,
  now: Millis,
): readonly [Conditions, ReadonlyArray<ConditionLine>] => {
  const after = new Map<string, Known>()
  const began: Array<Known> = []
  const lasts: Array<Known> = []
  for (const { key, words } of present) {
    const known = before.get(key)
    const next: Known =
      known === undefined
        ? { key, words, since: now, loggedAt: now }
        : { ...known, words, loggedAt: now - known.loggedAt >= repeatEvery ? now : known.loggedAt }
    after.set(key, next)
    if (known === undefined) began.push(next)
    else if (next.loggedAt === now) lasts.push(next)
  }
  const ended = [...before.values()].filter(({ key }) => !after.has(key))
  return [after, [...bounded("began", began, now), ...bounded("lasts", lasts, now), ...bounded("ended", ended, now)]]
}

/** Since when a condition holds. */
export const sinceOf = (conditions: Conditions, key: string): Millis | undefined => conditions.get(key)?.since
