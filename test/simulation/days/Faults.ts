import type { Millis } from "../../../src/domain/Health.ts"
import { faultsOfAlarms } from "./FaultsOfAlarms.ts"
import { faultsOfEc2 } from "./FaultsOfEc2.ts"
import { faultsOfHosts } from "./FaultsOfHosts.ts"
import { faultsOfMany } from "./FaultsOfMany.ts"
import { faultsOfOperators } from "./FaultsOfOperators.ts"
import { faultsOfProcesses } from "./FaultsOfProcesses.ts"
import type { Dice } from "./Dice.ts"
import type { Days } from "./Days.ts"

/** Something that happens, so often in a day. */
export interface Fault {
  readonly name: string
  readonly perDay: number
  /** How long it lasts, at least and at most; without it, it is over at once. */
  readonly lasts?: readonly [least: Millis, most: Millis]
  /** It may go on while the tables settle: hosts that are down for good. */
  readonly mayStay?: boolean
  /** Does it. Gives how it ends, or undefined if it was not possible; says in words what it did. */
  readonly begin: (days: Days, dice: Dice) => { readonly words: string; readonly end?: () => void } | undefined
}

export const second: Millis = 1_000
export const minute: Millis = 60 * second
export const day: Millis = 24 * 60 * minute

/** Every fault there is, by name. */
export const faults: ReadonlyArray<Fault> = [
  ...faultsOfHosts,
  ...faultsOfEc2,
  ...faultsOfOperators,
  ...faultsOfProcesses,
  ...faultsOfAlarms,
  ...faultsOfMany,
]

/** One fault at one time. Two with the same name and time are the same, whatever else is left out. */
export interface Planned {
  readonly id: string
  readonly fault: Fault
  readonly at: Millis
  readonly until: Millis
  readonly dice: Dice
}

/**
 * What is to happen within `span`, by the seed: half of the faults, more often than they would on an average day, so that each seed
 * has days of a kind of its own.
 */
export const planFaults = (dice: Dice, from: Millis, span: Millis, intensity: number): ReadonlyArray<Planned> => {
  const chosen = faults.filter(() => dice.hits(0.5))
  const planned = chosen.flatMap((fault) => {
    const own = dice.named(`${fault.name} from ${from}`)
    const times: Array<Planned> = []
    const rate = fault.perDay * intensity * own.one([0.5, 1, 2])
    for (let at = own.wait(rate, day), n = 0; at < span; at += own.wait(rate, day), n++) {
      const [least, most] = fault.lasts ?? [0, 0]
      // Short ones are as likely as long ones.
      const lasting = least * (Math.max(1, most) / Math.max(1, least)) ** own.share()
      times.push({
        id: `${fault.name} ${from}#${n}`,
        fault,
        at: from + Math.round(at),
        until: from + Math.round(at + lasting),
        dice: own.named(`${n}`),
      })
    }
    return times
  })
  return planned.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
}
