import { Data, Result } from "effect"
import { type DetectorOptions, detectModes, detectorOptions, withTiming } from "../domain/DetectorOptions.ts"
import type { Millis } from "../domain/Health.ts"
import { HealthPolicy } from "../domain/HealthPolicy.ts"
import type { ChosenPlugin } from "../services/PluginSession.ts"
import { type AlarmChoice, readAlarms } from "./AlarmOptions.ts"
import { type HttpCheckChoice, readHttpCheck } from "./HttpCheckOptions.ts"
import type { OptionReader } from "./OptionReader.ts"
import * as Values from "./OptionValues.ts"
import { isPlugin, type PluginChoices } from "./PluginChoices.ts"

/** A way to watch hosts: one of `--health`. */
export type CheckChoice = Data.TaggedEnum<{
  IcmpEcho: { readonly detector: DetectorOptions }
  Tcp: { readonly detector: DetectorOptions; readonly port: number }
  Simulated: { readonly detector: DetectorOptions }
  Http: HttpCheckChoice
  CloudWatch: { readonly alarms: AlarmChoice }
  /** `interval`: milliseconds between two rounds. `onlyFails`: it comes with alarms, fails hosts, and proves none healthy. */
  Ec2: { readonly interval: Millis; readonly onlyFails: boolean }
  /** A plugin that sends and receives. */
  PluginProbe: { readonly plugin: ChosenPlugin; readonly detector: DetectorOptions }
  /** A plugin that reaches its verdicts itself. */
  PluginHealth: { readonly plugin: ChosenPlugin }
}>
export const CheckChoice = Data.taggedEnum<CheckChoice>()

/** How hosts are watched. */
export interface HealthChoice {
  /** Different ones. None: it is wrong. */
  readonly checks: ReadonlyArray<CheckChoice>
  /** How their verdicts make one. */
  readonly policy: HealthPolicy
}

const checks = ["icmpecho", "tcp", "http", "cloudwatch", "ec2", "simulated", "multi"] as const
const shortestInterval: Millis = 100
const longestInterval: Millis = 3_600_000
/** What EC2 finds changes within a second where somebody stops an instance, and its status checks run once a minute. */
const ec2Interval: Millis = 5_000

const policyExpected = "any-fails, all-fail or quorum:N, where N is how many checks must fail a host"

/** `--health-policy`. */
export const healthPolicy: Values.ParseValue<HealthPolicy> = (text) => {
  const word = text.toLowerCase()
  if (word === "any-fails") return Result.succeed(HealthPolicy.AnyFails())
  if (word === "all-fail") return Result.succeed(HealthPolicy.AllFail())
  const [, count] = /^quorum:([1-9]\d{0,2})$/.exec(word) ?? []
  return count === undefined
    ? Result.fail(policyExpected)
    : Result.succeed(HealthPolicy.Quorum({ count: Number(count) }))
}

const readPolicy = (reader: OptionReader, size: number): HealthPolicy => {
  const policy = reader.value("health-policy", healthPolicy)
  if (policy?._tag === "Quorum" && policy.count > size)
    reader.fault(
      "health-policy",
      `expected at most quorum:${size}, as there ${size === 1 ? "is 1 check" : `are ${size} checks`}, got quorum:${policy.count}: no host would ever fail`,
    )
  return policy ?? HealthPolicy.AnyFails()
}

/** Reads `--health` and what belongs to it. */
export const readHealth = (reader: OptionReader, isSimulated: boolean, plugins: PluginChoices): HealthChoice => {
  const listed = reader.list("health", plugins.wordOr(checks, ["health", "probe"]))
  const chosen = listed ?? [isSimulated ? ("simulated" as const) : ("icmpecho" as const)]
  const given = chosen.flatMap((choice) => (isPlugin(choice) ? [] : [choice]))
  const names = new Set(given.flatMap((name) => (name === "multi" ? (["icmpecho", "tcp"] as const) : [name])))
  if (names.has("simulated") && !isSimulated) reader.fault("health", "simulated hosts are there with --simulate only")
  // The alarms of an instance that was terminated fall silent.
  const isImplied = names.has("cloudwatch") && !names.has("ec2")
  if (isImplied) names.add("ec2")
  if (names.has("cloudwatch") && isSimulated) reader.fault("health", "a simulated VPC has no CloudWatch alarms")
  const alarms = readAlarms(reader, names.has("cloudwatch"))
  const mode = reader.value("detect", Values.word(detectModes))
  const fall = reader.value("fall", Values.wholeNumber(1, 100))
  const rise = reader.value("rise", Values.wholeNumber(1, 100))
  const between = Values.duration(shortestInterval, longestInterval)
  const icmpInterval = reader.value("icmp-check-interval", between)
  const tcpInterval = reader.value("tcp-check-interval", between)
  const port = reader.value("tcp-check-port", Values.wholeNumber(1, 65_535))
  const interval = reader.value("ec2-interval", Values.duration(1_000, longestInterval)) ?? ec2Interval
  if (!names.has("icmpecho")) reader.unused("icmp-check-interval", "it belongs to --health icmpecho")
  for (const name of ["tcp-check-port", "tcp-check-interval"] as const)
    if (!names.has("tcp")) reader.unused(name, "it belongs to --health tcp")
  if (!names.has("ec2")) reader.unused("ec2-interval", "it belongs to --health ec2 and cloudwatch")
  const chosenDetector = detectorOptions(fall, rise, mode)
  const detector = (interval = chosenDetector.interval): DetectorOptions => ({ ...chosenDetector, interval })
  const http = readHttpCheck(reader, names.has("http"), chosenDetector)
  const builtIn = [...names].sort().map((name): CheckChoice => {
    switch (name) {
      case "icmpecho":
        return CheckChoice.IcmpEcho({ detector: detector(icmpInterval) })
      case "tcp":
        return CheckChoice.Tcp({ detector: detector(tcpInterval), port: port ?? 22 })
      case "http":
        return CheckChoice.Http(http)
      case "cloudwatch":
        return CheckChoice.CloudWatch({ alarms })
      case "ec2":
        return CheckChoice.Ec2({ interval, onlyFails: isImplied })
      case "simulated":
        return CheckChoice.Simulated({ detector: detector(undefined) })
    }
  })
  const foreign = [...new Set(chosen.filter(isPlugin))].map(({ plugin, provides, timing }) =>
    provides === "probe"
      ? CheckChoice.PluginProbe({ plugin, detector: withTiming(chosenDetector, timing) })
      : CheckChoice.PluginHealth({ plugin }),
  )
  const all = [...builtIn, ...foreign]
  return { checks: all, policy: readPolicy(reader, all.length - Number(isImplied)) }
}
