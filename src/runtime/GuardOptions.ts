import { Result } from "effect"
import { type DetectorOptions, replyWindow } from "../domain/DetectorOptions.ts"
import { defaultGuards, type GuardPolicy } from "../domain/GuardPolicy.ts"
import type { Millis } from "../domain/Health.ts"
import { type Ip, parseIp } from "../domain/Ip.ts"
import type { CheckChoice } from "./HealthOptions.ts"
import type { OptionReader } from "./OptionReader.ts"
import * as Values from "./OptionValues.ts"

/** When not to act. */
export interface GuardChoice {
  /** Addresses that carry no routes, and show whether this monitor hears anybody. */
  readonly anchors: ReadonlyArray<Ip>
  readonly guards: GuardPolicy
}

/** The value, or the word `off`. */
const orOff =
  <A>(parse: Values.ParseValue<A>): Values.ParseValue<A | "off"> =>
  (text) =>
    text.toLowerCase() === "off" ? Result.succeed("off") : Result.mapError(parse(text), (words) => `${words}, or off`)

const address: Values.ParseValue<Ip> = (text) => Result.mapError(parseIp(text), () => "an address, such as 10.33.20.2")

const share: Values.ParseValue<number> = (text) => {
  const number = /^0?\.\d{1,6}$/.test(text) ? Number(text) : 0
  return number > 0 ? Result.succeed(number) : Result.fail("a share of the hosts between 0 and 1, such as 0.67")
}

const limit: Values.ParseValue<number | "auto"> = (text) =>
  text.toLowerCase() === "auto"
    ? Result.succeed("auto")
    : Result.mapError(Values.wholeNumber(1, 100_000)(text), (words) => `${words}, auto`)

/** Where it is off, there is no value; where it is not given, the default. */
const chosen = <A>(given: A | "off" | undefined, otherwise: A | undefined): A | undefined =>
  given === "off" ? undefined : (given ?? otherwise)

const detectorOf = (check: CheckChoice): ReadonlyArray<DetectorOptions> => ("detector" in check ? [check.detector] : [])

/** Good answers that a failed host needs, one more for a late one, and the time of the last. */
const settle = (checks: ReadonlyArray<CheckChoice>): Millis =>
  Math.max(
    defaultGuards.settle,
    ...checks.flatMap(detectorOf).map((one) => (one.rise + 1) * one.interval + replyWindow(one)),
  )

/** Reads the options of the guards. */
export const readGuards = (reader: OptionReader, checks: ReadonlyArray<CheckChoice>): GuardChoice => {
  if (checks.length > 0 && checks.flatMap(detectorOf).length === 0)
    reader.unused("anchor", "anchors are probed, and no check of --health probes")
  return {
    anchors: [...new Set(reader.list("anchor", address))].sort(),
    guards: {
      massFailure: chosen(reader.value("mass-failure", orOff(share)), defaultGuards.massFailure),
      failoverLimit: chosen(reader.value("failover-limit", orOff(limit)), defaultGuards.failoverLimit),
      damping: chosen(reader.value("flap-damping", orOff(Values.duration(1_000, 3_600_000))), defaultGuards.damping),
      settle: settle(checks),
    },
  }
}
