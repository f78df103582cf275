/** CloudWatch's three states of an alarm. */
export type AlarmValue = "OK" | "ALARM" | "INSUFFICIENT_DATA"

/** What an alarm said, and when: Unix time in milliseconds by AWS's clock, never compared with our own. */
export interface AlarmState {
  readonly value: AlarmValue
  readonly at: number
  /** CloudWatch's StateReason, as it came. */
  readonly reason: string
}

/** All that is remembered of an alarm's states. */
export interface AlarmMemory {
  /** The newest state. */
  readonly latest: AlarmState
  /** The newest one that was OK or ALARM, if there was any: what a lack of data leaves standing. */
  readonly conclusive: AlarmState | undefined
}

const severity: Readonly<Record<AlarmValue, number>> = { OK: 0, INSUFFICIENT_DATA: 1, ALARM: 2 }

/**
 * The newer of two states. Of the same instant, the worse one (ALARM, then INSUFFICIENT_DATA), then the greater reason: so
 * that the outcome does not depend on which was heard first.
 */
export const newer = (one: AlarmState, other: AlarmState): AlarmState => {
  const order = one.at - other.at || severity[one.value] - severity[other.value] || (one.reason < other.reason ? -1 : 1)
  return order < 0 ? other : one
}

const newerOf = (one: AlarmState | undefined, other: AlarmState | undefined): AlarmState | undefined =>
  one === undefined || other === undefined ? (one ?? other) : newer(one, other)

/** What is remembered after a single state. */
export const remember = (state: AlarmState): AlarmMemory => ({
  latest: state,
  conclusive: state.value === "INSUFFICIENT_DATA" ? undefined : state,
})

/**
 * Both memories in one. In whatever order states are heard, and however often each of them, the outcome is the same; so
 * events may come late, twice, or not at all.
 */
export const merged = (one: AlarmMemory, other: AlarmMemory): AlarmMemory => ({
  latest: newer(one.latest, other.latest),
  conclusive: newerOf(one.conclusive, other.conclusive),
})
