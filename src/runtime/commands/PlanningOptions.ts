import { Effect, Result } from "effect"
import { type Environment, type GivenOptions, type OptionProblem } from "../OptionReader.ts"
import { CheckChoice } from "../HealthOptions.ts"
import { type Options, type ReadOptions, readOptions } from "../Options.ts"
import { variableOf } from "../OptionTable.ts"
import { checkHealth } from "../Simulated.ts"
import { StartFault, startFault } from "../StartFault.ts"
import { locate } from "../WhereAmI.ts"
import { argumentOf, checkOptions, type CommandRun } from "./CommandRun.ts"

/** The daemon's options as a command that runs once reads them. */
export interface PlanningOptions extends ReadOptions {
  readonly isJson: boolean
  readonly assumesHealthy: boolean
}

const isGiven = (given: GivenOptions, environment: Environment, name: string): boolean =>
  (given[name] ?? []).length > 0 || (environment[variableOf(name)] ?? "") !== ""

/**
 * The mode, where it is not said or cannot be meant: the spec is in a file if one is named, or in the fixed options; else
 * it would be posted.
 */
const inferredMode = (given: GivenOptions, environment: Environment): string | undefined => {
  const said = (given["mode"]?.[0] ?? environment[variableOf("mode")] ?? "").toLowerCase()
  const hasFileFlag = (given["file"] ?? []).length > 0
  if (hasFileFlag && (said === "" || said === "http")) return "configfile"
  if (said !== "") return undefined
  if (isGiven(given, environment, "fixed-cidr") || isGiven(given, environment, "fixed-hosts")) return "fixedconf"
  return isGiven(given, environment, "file") ? "configfile" : "http"
}

/** What a command took from the daemon's queue, the daemon would not get. */
const leavingQueue = (check: CheckChoice): CheckChoice =>
  check._tag === "CloudWatch" ? CheckChoice.CloudWatch({ alarms: { ...check.alarms, queueUrl: undefined } }) : check

/** Reads the options of `plan` and `check`; fails with every fault. */
export const planningOptions = Effect.fnUntraced(function* (
  run: CommandRun,
): Effect.fn.Return<PlanningOptions, StartFault> {
  const { environment, given, plugins, reader } = run
  const isJson = reader.isOn("json")
  const assumesHealthy = reader.isOn("assume-healthy")
  const place = yield* argumentOf(run)
  if (place !== undefined && (given.options["file"] ?? []).length > 0)
    return yield* startFault("--file", `expected this or ${place}, not both`)
  const withFile: GivenOptions = place === undefined ? given.options : { ...given.options, file: [place] }
  const mode = inferredMode(withFile, environment)
  const read = readOptions(mode === undefined ? withFile : { ...withFile, mode: [mode] }, environment, plugins)
  const faults: ReadonlyArray<OptionProblem> = Result.isFailure(read) ? read.failure : []
  yield* checkOptions(run, faults)
  if (Result.isFailure(read)) return yield* new StartFault({ problems: read.failure })
  const ofHealth = assumesHealthy ? [] : yield* checkHealth(read.success.options)
  const { health, vpc } = read.success.options
  const [first, ...more] = health
  const options: Options = {
    ...read.success.options,
    vpc: yield* locate(vpc),
    health: [leavingQueue(first), ...more.map(leavingQueue)],
  }
  return { options, warnings: [...read.success.warnings, ...ofHealth], isJson, assumesHealthy }
})
