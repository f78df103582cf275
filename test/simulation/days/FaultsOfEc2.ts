import { cidr } from "../../../src/domain/Cidr.ts"
import { RouteTableId } from "../../../src/domain/Ids.ts"
import { RouteTarget } from "../../../src/domain/Vpc.ts"
import { deleteByHand, putByHand } from "../../../src/services/ec2/SimulatedRoutes.ts"
import type { ApiWeather } from "./Cloud.ts"
import type { Days } from "./Days.ts"
import type { Dice } from "./Dice.ts"
import type { Fault } from "./Faults.ts"

const second = 1_000
const minute = 60_000

type Share = { [Key in keyof ApiWeather]: ApiWeather[Key] extends number ? Key : never }[keyof ApiWeather]

/** Some figure of the API's weather is bad for a while. */
const bad =
  (figure: Share, values: ReadonlyArray<number>, words: (value: number) => string): Fault["begin"] =>
  ({ cloud }, dice) => {
    const value = dice.one(values)
    cloud.weather[figure] = value
    return { words: words(value), end: () => void (cloud.weather[figure] = 0) }
  }

/** A share of something, in words. */
export const percent = (words: string) => (value: number) => `${value * 100} % ${words}`

const editByHand = (days: Days, dice: Dice) => {
  const range = dice.hits(0.1) ? "0.0.0.0/0" : dice.one(days.scene.cidrs)
  const cell = { table: RouteTableId(dice.one(days.tables())), cidr: cidr(range) }
  const where = `${cell.cidr} in ${cell.table}`
  const host = dice.one(days.scene.hosts)
  const target = days.interfaceOf(host)
  switch (dice.below(4)) {
    case 0:
      return days.edit(cell, "deleted", deleteByHand(cell)) ? { words: `${where} is deleted by hand` } : undefined
    case 1: {
      const gateway = RouteTarget.Other({ kind: "GatewayId", id: "igw-1" })
      if (!days.edit(cell, "foreign", putByHand(cell, gateway))) return undefined
      // Else ever more cells would be out of reach.
      return { words: `${where} is led to a gateway by hand`, end: () => days.editBack(cell) }
    }
    default:
      if (target === undefined) return undefined
      return days.edit(cell, "ours", putByHand(cell, RouteTarget.Interface({ interfaceId: target })))
        ? { words: `${where} is led to ${host} by hand` }
        : undefined
  }
}

export const faultsOfEc2: ReadonlyArray<Fault> = [
  {
    name: "EC2 throttles",
    perDay: 20,
    lasts: [5 * second, 10 * minute],
    begin: bad("throttled", [0.2, 0.6, 0.95], percent("of calls are throttled")),
  },
  {
    name: "EC2 answers 5xx",
    perDay: 20,
    lasts: [5 * second, 10 * minute],
    begin: bad("failing", [0.2, 0.6, 1], percent("of calls are answered with 5xx")),
  },
  {
    name: "EC2 times out before the commit",
    perDay: 20,
    lasts: [5 * second, 10 * minute],
    begin: bad("lostBefore", [0.2, 0.6, 1], percent("of calls are lost")),
  },
  {
    name: "EC2 times out after the commit",
    perDay: 20,
    lasts: [5 * second, 10 * minute],
    begin: bad("lostAfter", [0.2, 0.6, 1], percent("of answers are lost")),
  },
  {
    name: "EC2 reads are stale",
    perDay: 25,
    lasts: [10 * second, 20 * minute],
    begin: bad(
      "lag",
      [2 * second, 20 * second, 2 * minute, 5 * minute],
      (lag) => `reads are up to ${lag / 1000} s old`,
    ),
  },
  {
    name: "EC2 fails between pages",
    perDay: 15,
    lasts: [5 * second, 10 * minute],
    begin: bad("torn", [0.3, 0.8], percent("of readings fail between pages")),
  },
  {
    name: "EC2 is slow",
    perDay: 10,
    lasts: [5 * second, 10 * minute],
    begin: bad("slow", [300, 2_000], (millis) => `calls take up to ${millis} ms more`),
  },
  {
    name: "one table denied",
    perDay: 15,
    lasts: [5 * second, 20 * minute],
    begin: (days, dice) => {
      const { cloud } = days
      const table = dice.one(days.tables())
      cloud.weather.denied.add(table)
      return { words: `writes into ${table} are denied`, end: () => void cloud.weather.denied.delete(table) }
    },
  },
  {
    name: "table lost",
    perDay: 6,
    lasts: [5 * second, 10 * minute],
    begin: (days, dice) => {
      const table = dice.one(days.tables())
      const end = days.loseTable(table)
      return end === undefined ? undefined : { words: `${table} is deleted`, end }
    },
  },
  { name: "route edited by hand", perDay: 60, lasts: [30 * second, 20 * minute], begin: editByHand },
]
