import { ip } from "../../../src/domain/Ip.ts"
import * as SimulatedHosts from "../../../src/services/ec2/SimulatedHosts.ts"
import type { Days } from "./Days.ts"
import type { Dice } from "./Dice.ts"
import type { Fault } from "./Faults.ts"
import { cutOff, reconnect } from "./Network.ts"

const second = 1_000
const minute = 60_000

const fail = (days: Days, hosts: ReadonlyArray<string>): ReadonlyArray<string> =>
  hosts.filter((host) => days.change(SimulatedHosts.fail(ip(host))))

const heal = (days: Days, hosts: ReadonlyArray<string>): void =>
  hosts.forEach((host) => days.change(SimulatedHosts.heal(ip(host))))

const share = (dice: Dice, hosts: ReadonlyArray<string>, of: number): ReadonlyArray<string> =>
  dice.some(hosts, Math.ceil(hosts.length * of))

/** The daemon goes down and comes back, as it may at any moment. */
const restart = (days: Days, dice: Dice): void => {
  const one = days.victim(dice)
  if (one === undefined) return
  days.say("FAULT", `kill -9 of ${one.name}`)
  one.kill()
  days.startLater(dice.whole(200, 20_000))
}

/** What happens in turn, so long after the beginning, unless it is over by then. */
const inTurn = (days: Days, steps: ReadonlyArray<readonly [number, () => void]>): (() => void) => {
  let isOver = false
  for (const [after, step] of steps) days.later(after, () => void (isOver || step()))
  return () => void (isOver = true)
}

/** Many hosts at a time: what the guards are for. */
export const faultsOfMany: ReadonlyArray<Fault> = [
  {
    name: "many hosts fail together",
    perDay: 10,
    lasts: [5 * second, 10 * minute],
    begin: (days, dice) => {
      const hosts = fail(days, share(dice, days.scene.hosts, dice.one([0.5, 0.7, 0.85, 0.95])))
      if (hosts.length === 0) return undefined
      const over = inTurn(days, dice.hits(0.5) ? [[dice.whole(2_000, 60_000), () => days.confirmHolds()]] : [])
      const end = () => (over(), heal(days, hosts))
      return { words: `${hosts.join(", ")} fail together`, end }
    },
  },
  {
    name: "hosts fail one after another",
    perDay: 10,
    lasts: [30 * second, 10 * minute],
    begin: (days, dice) => {
      const hosts = share(dice, days.scene.hosts, dice.between(0.5, 0.95))
      const failed: Array<string> = []
      let after = 0
      const steps = hosts.map((host) => {
        const step = [after, () => void failed.push(...fail(days, [host]))] as const
        after += dice.whole(500, 12_000)
        return step
      })
      const confirming = dice.hits(0.5) ? [[after, () => days.confirmHolds()] as const] : []
      const over = inTurn(days, [...steps, ...confirming])
      const end = () => (over(), heal(days, failed))
      return { words: `${hosts.join(", ")} fail one after another`, end }
    },
  },
  {
    name: "an outage that is let go comes again",
    perDay: 12,
    lasts: [4 * minute, 5 * minute],
    begin: (days, dice) => {
      const { hosts } = days.scene
      const first = fail(days, share(dice, hosts, dice.between(0.7, 0.95)))
      // Some of them stay down, so that what was let go is not over.
      const stay = dice.some(first, dice.whole(0, 2))
      const again: Array<string> = []
      const healed = dice.whole(50_000, 90_000)
      const confirmed = dice.whole(3_000, 30_000)
      const over = inTurn(days, [
        [confirmed, () => days.confirmHolds()],
        ...(dice.hits(0.6) ? [[confirmed + dice.whole(1, 10_000), () => restart(days, dice)] as const] : []),
        [
          healed,
          () =>
            heal(
              days,
              first.filter((host) => !stay.includes(host)),
            ),
        ],
        ...(dice.hits(0.3) ? [[healed + dice.whole(1_000, 20_000), () => restart(days, dice)] as const] : []),
        [
          healed + dice.whole(30_000, 60_000),
          () => {
            const left = hosts.filter((host) => !stay.includes(host))
            again.push(...fail(days, share(dice, left, dice.between(0.7, 0.95))))
            days.say("FAULT", `${again.join(", ")} fail together`)
          },
        ],
      ])
      const end = () => (over(), heal(days, [...first, ...again]))
      return { words: `${first.join(", ")} fail together, all but ${stay.join(", ")} for a while`, end }
    },
  },
  {
    name: "the network is gone for a moment",
    perDay: 60,
    lasts: [200, 5 * second],
    begin: (days) => {
      const weathers = days.alive.flatMap(({ weather }) => weather)
      for (const weather of weathers) cutOff(weather, days.time.now)
      const end = () => weathers.forEach((weather) => reconnect(weather, days.time.now))
      return { words: "the network is gone", end }
    },
  },
]
