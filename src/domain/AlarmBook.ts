import type { Alarm } from "./Alarm.ts"
import { type AlarmMemory, type AlarmState, merged, remember } from "./AlarmState.ts"

/** An alarm that polls show, and what is remembered of it. */
export interface KnownAlarm extends Alarm {
  readonly memory: AlarmMemory
}

/** The alarms that count, by ARN, sorted. A value. */
export type AlarmBook = ReadonlyMap<string, KnownAlarm>

export const emptyBook: AlarmBook = new Map()

const sameInstances = (one: Alarm, other: Alarm): boolean =>
  one.instances.length === other.instances.length && one.instances.every((id, index) => id === other.instances[index])

/**
 * The book after a whole poll: the alarms that it shows and no others, each with what was remembered of it. An alarm that
 * watches another instance by now is taken for a new one.
 */
export const afterPoll = (book: AlarmBook, alarms: ReadonlyArray<Alarm>): AlarmBook => {
  const after = new Map<string, KnownAlarm>()
  for (const alarm of alarms.toSorted((one, other) => (one.arn < other.arn ? -1 : 1))) {
    const before = book.get(alarm.arn)
    const shown = remember(alarm.state)
    const memory = before === undefined || !sameInstances(before, alarm) ? shown : merged(before.memory, shown)
    after.set(alarm.arn, { ...alarm, memory })
  }
  return after
}

/** The book after an alarm was heard to say something. Undefined: polls have not shown this alarm. */
export const afterState = (book: AlarmBook, arn: string, state: AlarmState): AlarmBook | undefined => {
  const known = book.get(arn)
  return known === undefined
    ? undefined
    : new Map(book).set(arn, { ...known, memory: merged(known.memory, remember(state)) })
}
