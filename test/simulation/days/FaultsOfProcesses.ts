import type { Fault } from "./Faults.ts"

const second = 1_000
const minute = 60_000

export const faultsOfProcesses: ReadonlyArray<Fault> = [
  {
    name: "kill -9",
    perDay: 25,
    begin: (days, dice) => {
      const one = days.victim(dice)
      if (one === undefined) return undefined
      one.kill()
      days.startLater(dice.whole(200, 30_000))
      return { words: `kill -9 of ${one.name}` }
    },
  },
  {
    name: "power fails",
    perDay: 10,
    begin: (days, dice) => {
      for (const one of days.alive) one.kill()
      days.disk.powerFails()
      days.startLater(dice.whole(10_000, 120_000))
      return { words: "the machine loses its power" }
    },
  },
  {
    name: "daemon restarted",
    perDay: 10,
    begin: (days, dice) => {
      const one = days.victim(dice)
      if (one === undefined) return undefined
      one.stop()
      days.startLater(dice.whole(200, 5_000))
      return { words: `SIGTERM to ${one.name}` }
    },
  },
  {
    name: "process stands still",
    perDay: 15,
    begin: (days, dice) => {
      const one = days.victim(dice)
      if (one === undefined) return undefined
      const millis = Math.round(20 * 3_000 ** dice.share())
      one.standStill(millis)
      return { words: `${one.name} stands still for ${millis} ms` }
    },
  },
  {
    name: "two daemons",
    perDay: 8,
    lasts: [5 * second, 20 * minute],
    begin: (days) => {
      if (days.alive.length !== 1) return undefined
      const second = days.startDaemon()
      return { words: `${second.name} is started beside`, end: () => second.kill() }
    },
  },
  {
    name: "disk in trouble",
    perDay: 10,
    lasts: [1 * second, 5 * minute],
    begin: (days, dice) => {
      const trouble = dice.one(["full", "broken", "slow"] as const)
      days.disk.trouble = trouble
      days.diskBehindUntil = Infinity
      const end = () => {
        days.disk.trouble = "none"
        days.diskBehindUntil = days.time.now + 2 * minute
      }
      return { words: `the disk is ${trouble}`, end }
    },
  },
]
