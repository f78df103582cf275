import { Result } from "effect"
import { insufficientData, type InsufficientData } from "../domain/AlarmVerdict.ts"
import type { Millis } from "../domain/Health.ts"
import type { OptionReader } from "./OptionReader.ts"
import type { OptionName } from "./OptionTable.ts"
import * as Values from "./OptionValues.ts"

/** How alarms are read, and which count: what belongs to `--health cloudwatch`. */
export interface AlarmChoice {
  readonly prefixes: ReadonlyArray<string>
  readonly names: ReadonlyArray<string>
  /** Says which hosts alarms are for; it is read at the start. */
  readonly mapFile: string | undefined
  readonly insufficientData: InsufficientData
  /** Milliseconds between polls. */
  readonly interval: Millis
  readonly queueUrl: string | undefined
}

const names = [
  "alarm-prefix",
  "alarms",
  "alarm-map",
  "insufficient-data",
  "alarm-interval",
  "alarm-queue-url",
] as const satisfies ReadonlyArray<OptionName>

/** The longest name that CloudWatch takes. */
const longestName = 255

const alarmName: Values.ParseValue<string> = (text) =>
  text === "" || text.length > longestName
    ? Result.fail(`the name of an alarm, 1 to ${longestName} characters`)
    : Result.succeed(text)

/** As CreateQueue gives it: its account and name are the path. */
const queueUrl: Values.ParseValue<string> = (text) => {
  const { hostname, pathname, protocol, search, hash } = (URL.canParse(text) ? new URL(text) : undefined) ?? {}
  const isUrl = (protocol === "https:" || protocol === "http:") && hostname !== "" && search === "" && hash === ""
  return isUrl && /^\/.+[^/]$/.test(pathname ?? "")
    ? Result.succeed(text)
    : Result.fail("the URL of a queue, such as https://sqs.us-east-1.amazonaws.com/123456789012/vpc-router-alarms")
}

/** Reads the options of `--health cloudwatch`. Without it they are out of place. */
export const readAlarms = (reader: OptionReader, isChosen: boolean): AlarmChoice => {
  if (!isChosen) for (const name of names) reader.unused(name, "it belongs to --health cloudwatch")
  const unique = (given: ReadonlyArray<string> = []) => [...new Set(given)].sort()
  return {
    prefixes: unique(reader.list("alarm-prefix", alarmName)),
    names: unique(reader.list("alarms", alarmName)),
    mapFile: reader.value("alarm-map", Values.fileName),
    insufficientData: reader.value("insufficient-data", Values.word(insufficientData)) ?? "keep",
    interval: reader.value("alarm-interval", Values.duration(1_000, 3_600_000)) ?? 10_000,
    queueUrl: reader.value("alarm-queue-url", queueUrl),
  }
}
