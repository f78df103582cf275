import type { Days } from "./Days.ts"
import type { Dice } from "./Dice.ts"
import type { Fault } from "./Faults.ts"
import { someHosts, type Wanted } from "./Scene.ts"

const second = 1_000
const minute = 60_000

/** The spec that is wanted next: as before but for one or two CIDRs. */
export const changed = (days: Days, dice: Dice): Wanted => {
  const next: Record<string, ReadonlyArray<string>> = { ...days.wanted }
  for (let times = dice.whole(1, 2); times > 0; times--) {
    const range = dice.one(days.scene.cidrs)
    const kind = dice.below(5)
    if (kind === 0) delete next[range]
    else if (kind === 1) next[range] = []
    else next[range] = someHosts(dice, days.scene.hosts, range)
  }
  return next
}

export const faultsOfOperators: ReadonlyArray<Fault> = [
  {
    name: "spec changed",
    perDay: 60,
    begin: (days, dice) => {
      days.want(changed(days, dice), dice)
      return { words: `another spec: ${JSON.stringify(days.wanted)}` }
    },
  },
  {
    name: "many CIDRs dropped",
    perDay: 5,
    begin: (days, dice) => {
      const kept = dice.some(Object.entries(days.wanted), 2)
      days.want(Object.fromEntries(kept), dice)
      return { words: `a spec that drops much: ${JSON.stringify(days.wanted)}` }
    },
  },
  {
    name: "empty spec",
    perDay: 5,
    lasts: [5 * second, 10 * minute],
    begin: (days, dice) => {
      const before = days.wanted
      days.want({}, dice)
      return { words: "an empty spec", end: () => days.want(before, dice) }
    },
  },
  {
    name: "specs faster than they can be written",
    perDay: 10,
    begin: (days, dice) => {
      const count = dice.whole(5, 30)
      for (let n = 0; n < count; n++) days.later(dice.below(300), () => days.want(changed(days, dice), dice))
      return { words: `${count} specs in 0.3 s` }
    },
  },
  {
    name: "spec truncated",
    perDay: 10,
    lasts: [100, 5 * minute],
    begin: (days, dice) => {
      const whole = JSON.stringify(days.wanted)
      days.spoil(whole.slice(0, dice.below(whole.length)))
      return { words: "the spec ends in the middle", end: () => days.want(days.wanted, dice) }
    },
  },
  {
    name: "spec emptied",
    perDay: 10,
    lasts: [100, 5 * minute],
    begin: (days, dice) => {
      days.spoil("")
      return { words: "the spec has no content", end: () => days.want(days.wanted, dice) }
    },
  },
  {
    name: "spec swapped for something else",
    perDay: 10,
    lasts: [100, 5 * minute],
    begin: (days, dice) => {
      days.spoil(dice.one(['["10.200.0.0/24"]', '{"10.200.0.0/24":"10.0.0.10"}', "\u0000\u0001", '{"x":[]}', "null"]))
      return { words: "something that is no spec", end: () => days.want(days.wanted, dice) }
    },
  },
  {
    name: "host drained",
    perDay: 15,
    lasts: [20 * second, 20 * minute],
    begin: (days, dice) => {
      const host = dice.one(days.scene.hosts)
      days.drain(host, true)
      return { words: `${host} is drained`, end: () => days.drain(host, false) }
    },
  },
  {
    name: "operator confirms what is held",
    perDay: 30,
    begin: (days) => {
      days.confirmHolds()
      return { words: "the operator confirms what is held" }
    },
  },
]
