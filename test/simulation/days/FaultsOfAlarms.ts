import { ip } from "../../../src/domain/Ip.ts"
import * as SimulatedStatuses from "../../../src/services/ec2/SimulatedStatuses.ts"
import type { AlarmWeather } from "./CloudWatch.ts"
import type { Days } from "./Days.ts"
import type { Dice } from "./Dice.ts"
import type { Fault } from "./Faults.ts"
import { percent } from "./FaultsOfEc2.ts"

const second = 1_000
const minute = 60_000

type Figure = { [Key in keyof AlarmWeather]: AlarmWeather[Key] extends number ? Key : never }[keyof AlarmWeather]

/** Some figure of the alarms' weather is bad for a while, where alarms watch. */
const bad =
  (figure: Figure, values: ReadonlyArray<number>, words: (value: number) => string): Fault["begin"] =>
  ({ alarms }, dice) => {
    if (alarms === undefined) return undefined
    const value = dice.one(values)
    alarms.weather[figure] = value
    return { words: words(value), end: () => void (alarms.weather[figure] = 0) }
  }

const wrongAlarm =
  (value: "ALARM" | "INSUFFICIENT_DATA", words: string): Fault["begin"] =>
  (days, dice) => {
    const { alarms } = days
    const instance = days.instanceOf(dice.one(days.scene.hosts))
    if (alarms === undefined || instance === undefined) return undefined
    alarms.weather.wrong.set(instance, value)
    return { words: `the alarm of ${instance} ${words}`, end: () => void alarms.weather.wrong.delete(instance) }
  }

const setCheck = (days: Days, dice: Dice) => {
  const host = ip(dice.one(days.scene.hosts))
  const check = dice.one(["system", "instance", "ebs"] as const)
  const result = dice.one(["impaired", "impaired", "insufficient-data", "initializing"] as const)
  if (!days.scene.asksForStatus || !days.change(SimulatedStatuses.setCheck(host, check, result))) return undefined
  return {
    words: `the ${check} check of ${host} is ${result}`,
    end: () => void days.change(SimulatedStatuses.setCheck(host, check, "ok")),
  }
}

/** Of those who watch by CloudWatch, and by EC2's status checks. The last ones, so that the others stay as they are in every seed. */
export const faultsOfAlarms: ReadonlyArray<Fault> = [
  {
    name: "alarms cannot be polled",
    perDay: 20,
    lasts: [5 * second, 10 * minute],
    begin: bad("pollsFail", [0.3, 0.7, 1], percent("of polls of alarms fail")),
  },
  {
    name: "alarms denied",
    perDay: 10,
    lasts: [5 * second, 5 * minute],
    begin: ({ alarms }) => {
      if (alarms === undefined) return undefined
      alarms.weather.isDenied = true
      return { words: "alarms and their queue are denied", end: () => void (alarms.weather.isDenied = false) }
    },
  },
  {
    name: "polls of alarms are stale",
    perDay: 20,
    lasts: [10 * second, 10 * minute],
    begin: bad(
      "lag",
      [20 * second, 2 * minute, 5 * minute],
      (lag) => `polls of alarms are up to ${lag / second} s old`,
    ),
  },
  {
    name: "alarm events late",
    perDay: 30,
    lasts: [minute, 15 * minute],
    begin: bad("late", [5 * second, minute, 5 * minute], (late) => `alarm events take up to ${late / second} s`),
  },
  {
    name: "alarm events doubled",
    perDay: 20,
    lasts: [minute, 15 * minute],
    begin: bad("doubled", [0.5, 1], percent("of alarm events come twice")),
  },
  {
    name: "alarm events lost",
    perDay: 15,
    lasts: [minute, 15 * minute],
    begin: bad("lost", [0.3, 1], percent("of alarm events are lost")),
  },
  {
    name: "alarm queue cannot be read",
    perDay: 15,
    lasts: [5 * second, 10 * minute],
    begin: bad("receivesFail", [0.3, 1], percent("of receives fail")),
  },
  {
    name: "alarm events cannot be removed",
    perDay: 15,
    lasts: [minute, 10 * minute],
    begin: bad("sticky", [0.5, 1], percent("of alarm events come again")),
  },
  {
    name: "rubbish on the alarm queue",
    perDay: 15,
    begin: ({ alarms }, dice) => {
      if (alarms === undefined) return undefined
      alarms.spoil(dice.one(["", "{", '{"detail-type":"x","source":"aws.ec2"}', "[]", '{"source":"aws.cloudwatch"}']))
      return { words: "something that is no alarm is on the queue" }
    },
  },
  {
    name: "false alarm",
    perDay: 30,
    lasts: [10 * second, 10 * minute],
    begin: wrongAlarm("ALARM", "is on without a reason"),
  },
  {
    name: "alarm without data",
    perDay: 20,
    lasts: [10 * second, 10 * minute],
    begin: wrongAlarm("INSUFFICIENT_DATA", "has no data"),
  },
  { name: "status check fails", perDay: 30, lasts: [10 * second, 10 * minute], begin: setCheck },
  {
    name: "terminated instances forgotten",
    perDay: 20,
    begin: (days) =>
      days.scene.asksForStatus && days.change(SimulatedStatuses.forgetTerminated)
        ? { words: "EC2 forgets terminated instances" }
        : undefined,
  },
]
