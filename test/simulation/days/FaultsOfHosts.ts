import { ip } from "../../../src/domain/Ip.ts"
import * as SimulatedHosts from "../../../src/services/ec2/SimulatedHosts.ts"
import type { Days } from "./Days.ts"
import type { Dice } from "./Dice.ts"
import type { Fault } from "./Faults.ts"
import { cutOff, reconnect } from "./Network.ts"

const second = 1_000
const minute = 60_000

type HostEvent = (host: ReturnType<typeof ip>) => SimulatedHosts.HostEvent

/** Something happens to one host, and it is undone in the end. */
const toOne =
  (what: string, event: HostEvent, undo: HostEvent): Fault["begin"] =>
  (days, dice) => {
    const host = dice.one(days.scene.hosts)
    if (!days.change(event(ip(host)))) return undefined
    return { words: `${host} ${what}`, end: () => void days.change(undo(ip(host))) }
  }

const loseZone = (days: Days, dice: Dice) => {
  const zone = dice.one(["a", "b", "c"])
  const hosts = days.hostsOfZone(zone).filter((host) => days.change(SimulatedHosts.fail(ip(host))))
  if (hosts.length === 0) return undefined
  return {
    words: `zone ${zone} vanishes with ${hosts.join(", ")}`,
    end: () => hosts.forEach((host) => days.change(SimulatedHosts.heal(ip(host)))),
  }
}

export const faultsOfHosts: ReadonlyArray<Fault> = [
  {
    name: "host hangs",
    mayStay: true,
    perDay: 60,
    lasts: [300, 20 * minute],
    begin: toOne("hangs", SimulatedHosts.fail, SimulatedHosts.heal),
  },
  {
    name: "host reboots",
    perDay: 30,
    lasts: [10 * second, 2 * minute],
    begin: toOne("reboots", SimulatedHosts.fail, SimulatedHosts.heal),
  },
  {
    name: "host dies",
    mayStay: true,
    perDay: 15,
    lasts: [5 * second, 30 * minute],
    begin: toOne("dies, and is replaced later", SimulatedHosts.terminate, SimulatedHosts.replace),
  },
  {
    name: "host replaced under its IP",
    perDay: 15,
    begin: (days, dice) => {
      const host = dice.one(days.scene.hosts)
      return days.change(SimulatedHosts.replace(ip(host))) ? { words: `${host} is replaced` } : undefined
    },
  },
  {
    name: "instance stopped",
    mayStay: true,
    perDay: 10,
    lasts: [20 * second, 20 * minute],
    begin: toOne("is stopped", SimulatedHosts.stop, SimulatedHosts.start),
  },
  {
    name: "interface detached",
    perDay: 5,
    lasts: [20 * second, 10 * minute],
    begin: toOne("is detached", SimulatedHosts.detach, SimulatedHosts.replace),
  },
  {
    name: "source/dest check on",
    perDay: 5,
    lasts: [minute, 30 * minute],
    begin: toOne(
      "checks source and destination",
      (host) => SimulatedHosts.setSourceDestCheck(host, true),
      (host) => SimulatedHosts.setSourceDestCheck(host, false),
    ),
  },
  { name: "zone vanishes", mayStay: true, perDay: 6, lasts: [5 * second, 20 * minute], begin: loseZone },
  {
    name: "packets to a host lost",
    perDay: 40,
    lasts: [5 * second, 10 * minute],
    begin: (days, dice) => {
      const host = dice.one(days.scene.hosts)
      const share = dice.one([0.1, 0.3, 0.6, 0.9])
      days.network((weather) => weather.lossTo.set(host, share))
      return {
        words: `${share * 100} % of packets to ${host} are lost`,
        end: () => days.network((weather) => weather.lossTo.delete(host)),
      }
    },
  },
  {
    name: "packets lost",
    perDay: 10,
    lasts: [5 * second, 10 * minute],
    begin: (days, dice) => {
      const share = dice.one([0.05, 0.2, 0.5])
      days.network((weather) => (weather.loss = share))
      return {
        words: `${share * 100} % of all packets are lost`,
        end: () => days.network((weather) => (weather.loss = 0)),
      }
    },
  },
  {
    name: "packets late",
    perDay: 10,
    lasts: [5 * second, 5 * minute],
    begin: (days, dice) => {
      const delay = dice.whole(50, 600)
      days.network((weather) => (weather.delay = delay))
      return { words: `packets take up to ${delay} ms`, end: () => days.network((weather) => (weather.delay = 0)) }
    },
  },
  {
    name: "monitor cut off",
    perDay: 15,
    lasts: [300, 5 * minute],
    begin: (days, dice) => {
      const weather = days.weatherOf(dice)
      cutOff(weather, days.time.now)
      return { words: "the monitor is cut off", end: () => reconnect(weather, days.time.now) }
    },
  },
  {
    name: "probe transport dies",
    perDay: 10,
    lasts: [300, 2 * minute],
    begin: (days, dice) => {
      const weather = days.weatherOf(dice)
      weather.isDead = true
      return { words: "no probe can be sent", end: () => (weather.isDead = false) }
    },
  },
]
