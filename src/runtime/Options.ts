import { Data, Result } from "effect"
import type { Cidr } from "../domain/Cidr.ts"
import { decodeFixedSpec } from "../domain/DecodeFixedSpec.ts"
import type { Millis } from "../domain/Health.ts"
import type { Ip } from "../domain/Ip.ts"
import type { HealthPolicy } from "../domain/HealthPolicy.ts"
import type { VpcId } from "../domain/Ids.ts"
import { type Policy, TableScope } from "../domain/Policy.ts"
import { metadataEndpoint } from "../services/ec2/Metadata.ts"
import type { ChosenPlugin } from "../services/PluginSession.ts"
import { commandOptionNames } from "./commands/CommandOptions.ts"
import { readGuards } from "./GuardOptions.ts"
import { type CheckChoice, readHealth } from "./HealthOptions.ts"
import { type Environment, type GivenOptions, type OptionProblem, OptionReader } from "./OptionReader.ts"
import { type OptionName, optionNames, variableOf } from "./OptionTable.ts"
import * as Values from "./OptionValues.ts"
import { expected } from "./WhereAmI.ts"
import { isPlugin, PluginChoices } from "./PluginChoices.ts"
import type { Plugins } from "./Plugins.ts"

/** Where the route spec comes from: `--mode`. */
export type ConfigChoice = Data.TaggedEnum<{
  ConfigFile: { readonly file: string }
  Http: {}
  /** As given; they make a spec. */
  FixedConf: { readonly cidr: string; readonly hosts: string }
  Plugin: { readonly plugin: ChosenPlugin }
}>
export const ConfigChoice = Data.taggedEnum<ConfigChoice>()

/** Which VPC: a real one, or a simulated one. */
export type VpcChoice = Data.TaggedEnum<{
  Aws: { readonly vpcId: VpcId; readonly region: string }
  /** The VPC that this process runs in: what is undefined is asked of the instance metadata at `endpoint`. */
  Here: { readonly vpcId: VpcId | undefined; readonly region: string | undefined; readonly endpoint: string }
  /** `vpcId`: what the topology must say, if it was given. No `file`: the built-in topology. */
  Simulated: { readonly file: string | undefined; readonly vpcId: VpcId | undefined }
}>
export const VpcChoice = Data.taggedEnum<VpcChoice>()

export interface HttpChoice {
  readonly address: string
  readonly port: number
  readonly allowedHosts: ReadonlyArray<string>
  readonly tokenFile: string | undefined
  readonly allowUnauthenticatedWrites: boolean
}

export const logFormats = ["auto", "pretty", "json"] as const
export const logLevels = ["debug", "info", "warn", "error"] as const

export interface LogChoice {
  /** Undefined: standard output. */
  readonly file: string | undefined
  readonly format: (typeof logFormats)[number]
  readonly level: (typeof logLevels)[number]
}

/** Everything that the operator can choose. */
export interface Options {
  readonly config: ConfigChoice
  readonly vpc: VpcChoice
  /** Different ones, at least one. */
  readonly health: readonly [CheckChoice, ...ReadonlyArray<CheckChoice>]
  /** How the verdicts of several checks make one. */
  readonly healthPolicy: HealthPolicy
  /** Addresses that show whether this monitor hears anybody. */
  readonly anchors: ReadonlyArray<Ip>
  readonly policy: Policy
  /** Milliseconds between readings of EC2; 0: never again by time alone. */
  readonly recheckInterval: Millis
  readonly dryRun: boolean
  /** Where specs, drains and confirmations are kept over a restart. */
  readonly stateFile: string | undefined
  readonly http: HttpChoice
  readonly log: LogChoice
  /** Where it is written down who changed what. */
  readonly auditFile: string | undefined
  /** The collector that metrics, logs and traces are sent to. */
  readonly otlpEndpoint: string | undefined
}

/** Options that were read, with what may not be meant as it is written. */
export interface ReadOptions {
  readonly options: Options
  readonly warnings: ReadonlyArray<OptionProblem>
}

const modes = ["configfile", "http", "fixedconf"] as const
/** What belongs to one mode only. */
const ofMode: Readonly<Partial<Record<OptionName, (typeof modes)[number]>>> = {
  file: "configfile",
  "fixed-cidr": "fixedconf",
  "fixed-hosts": "fixedconf",
}

const readConfig = (reader: OptionReader, plugins: PluginChoices): ConfigChoice | undefined => {
  const chosen = reader.value("mode", plugins.wordOr(modes, ["config"]))
  const mode = isPlugin(chosen) ? chosen.given : chosen
  if (mode === undefined && !reader.isGiven("mode"))
    reader.fault("mode", "expected configfile, http or fixedconf: where does the route spec come from?")
  for (const name of mode === undefined ? [] : (["file", "fixed-cidr", "fixed-hosts"] as const))
    if (ofMode[name] !== mode) reader.unused(name, `it belongs to --mode ${ofMode[name]}, and the mode is ${mode}`)
  if (isPlugin(chosen)) return ConfigChoice.Plugin(chosen)
  switch (chosen) {
    case undefined:
      return undefined
    case "http":
      return ConfigChoice.Http()
    case "configfile": {
      const file = reader.value("file", Values.anyText)
      if (file === undefined || file === "") {
        reader.fault("file", "expected the file with the route spec, which --mode configfile reads")
        return undefined
      }
      return ConfigChoice.ConfigFile({ file })
    }
    case "fixedconf": {
      const cidr = reader.value("fixed-cidr", Values.anyText)
      const hosts = reader.value("fixed-hosts", Values.anyText)
      if (cidr === undefined) reader.fault("fixed-cidr", "expected the destination CIDR of --mode fixedconf")
      if (hosts === undefined)
        reader.fault("fixed-hosts", "expected the hosts of --mode fixedconf, separated by colons")
      return cidr === undefined || hosts === undefined ? undefined : readFixed(reader, cidr, hosts)
    }
  }
}

const readFixed = (reader: OptionReader, cidr: string, hosts: string): ConfigChoice | undefined => {
  const decoded = decodeFixedSpec(cidr, hosts)
  // Warnings are the config source's to give, once the spec is in force.
  if (Result.isSuccess(decoded)) return ConfigChoice.FixedConf({ cidr, hosts })
  for (const { path, message } of decoded.failure)
    reader.fault(path.startsWith("--fixed-cidr") ? "fixed-cidr" : "fixed-hosts", message)
  return undefined
}

/** `--simulate`: undefined where it is not chosen. Without a file its value is empty; a word for true or false does, too. */
const readSimulation = (reader: OptionReader): { readonly file: string | undefined } | undefined => {
  const text = reader.value("simulate", Values.anyText)
  if (text === undefined) return undefined
  if (text === "") return { file: undefined }
  return Result.match(Values.onOff(text), {
    onSuccess: (isOn) => (isOn ? { file: undefined } : undefined),
    onFailure: () => ({ file: text }),
  })
}

const readVpc = (reader: OptionReader, environment: Environment): VpcChoice | undefined => {
  const vpcId = reader.value("vpc", Values.vpcId)
  const given = reader.value("region", Values.region)
  const simulation = readSimulation(reader)
  if (simulation !== undefined) return VpcChoice.Simulated({ ...simulation, vpcId })
  const region = reader.isGiven("region") ? given : regionOf(environment)
  if (region !== undefined && vpcId !== undefined) return VpcChoice.Aws({ vpcId, region })
  const endpoint = metadataEndpointOf(environment)
  if (endpoint !== undefined) return VpcChoice.Here({ vpcId, region, endpoint })
  if (region === undefined && !reader.isGiven("region")) reader.fault("region", expected.region)
  if (vpcId === undefined && !reader.isGiven("vpc")) reader.fault("vpc", expected.vpc)
  return undefined
}

/** Where instance metadata are, as the SDKs of AWS agree on it; undefined: they are not to be asked. */
const metadataEndpointOf = (environment: Environment): string | undefined => {
  const of = (name: string): string => environment[`AWS_EC2_METADATA_${name}`] ?? ""
  if (of("DISABLED") !== "" && of("DISABLED").toLowerCase() !== "false") return undefined
  if (of("SERVICE_ENDPOINT") !== "") return of("SERVICE_ENDPOINT")
  return of("SERVICE_ENDPOINT_MODE").toLowerCase() === "ipv6" ? metadataEndpoint.IPv6 : metadataEndpoint.IPv4
}

/** What the SDKs of AWS agree on. */
const regionOf = (environment: Environment): string | undefined =>
  [environment["AWS_REGION"], environment["AWS_DEFAULT_REGION"]].find((text) => text !== undefined && text !== "")

const readTables = (reader: OptionReader): TableScope => {
  const given = reader.list("tables", Values.tableSelector)
  if (given === undefined) return TableScope.Every()
  const selectors = given.filter((selector) => selector !== "all")
  if (selectors.length === given.length) return TableScope.Named({ selectors })
  if (selectors.length > 0) reader.fault("tables", "expected either all, or the tables that are meant, not both")
  return TableScope.All()
}

const readRanges = (
  reader: OptionReader,
  name: "own" | "ignore-routes",
  parse: Values.ParseValue<Values.GivenRange>,
): ReadonlyArray<Cidr> => {
  const given = reader.list(name, parse) ?? []
  for (const { cidr, hadHostBits } of given)
    if (hadHostBits) reader.warn(name, `a range has host bits; ${cidr} is meant`)
  return [...new Set(given.map(({ cidr }) => cidr))].sort()
}

const loopback = new Set(["localhost", "::1"])

const readHttp = (reader: OptionReader): HttpChoice => {
  const address = reader.value("address", Values.hostOrAddress) ?? "localhost"
  const port = reader.value("port", Values.wholeNumber(0, 65_535)) ?? 33_289
  const allowedHosts = reader.list("allowed-host", Values.hostOrAddress) ?? []
  const tokenFile = reader.value("token-file", Values.fileName)
  const allowUnauthenticatedWrites = reader.isOn("allow-unauthenticated-writes")
  if (tokenFile !== undefined && allowUnauthenticatedWrites)
    reader.fault("allow-unauthenticated-writes", "expected this or --token-file, not both")
  const isOpen = !loopback.has(address) && !address.startsWith("127.")
  if (isOpen && tokenFile === undefined && !allowUnauthenticatedWrites)
    reader.warn("address", "writes from other machines will be refused, since there is no --token-file")
  return { address, port, allowedHosts: [...new Set(allowedHosts)].sort(), tokenFile, allowUnauthenticatedWrites }
}

const readLog = (reader: OptionReader): LogChoice => {
  const file = reader.value("logfile", Values.fileOrOutput)
  const format = reader.value("log-format", Values.word(logFormats)) ?? "auto"
  const verbose = reader.isOn("verbose")
  const level = reader.value("log-level", Values.word(logLevels)) ?? (verbose ? "debug" : "info")
  return { file: file === "-" ? undefined : file, format, level }
}

/** Variables that look as if they were meant for us. What Kubernetes says of a Service named `vpc-router` is not. */
const strangers = (environment: Environment, ofPlugins: ReadonlyArray<string>): ReadonlyArray<string> => {
  const known = new Set([...optionNames, ...commandOptionNames, ...ofPlugins].map(variableOf))
  return Object.keys(environment)
    .filter((name) => name.startsWith("VPC_ROUTER_") && !known.has(name))
    .filter((name) => !/^VPC_ROUTER_(SERVICE|PORT)_/.test(name))
    .sort()
}

/**
 * Reads all options from the command line and the environment: `--route-recheck-interval` or
 * `VPC_ROUTER_ROUTE_RECHECK_INTERVAL`, in this order. Gives the options with warnings, or every fault. Pure, but for what
 * plugins do when they are asked for their timing. Plugins that are named must have been loaded.
 */
export const readOptions = (
  given: GivenOptions,
  environment: Environment,
  loaded: Plugins = new Map(),
): Result.Result<ReadOptions, ReadonlyArray<OptionProblem>> => {
  const reader = new OptionReader(given, environment)
  const plugins = new PluginChoices(loaded, given, environment)
  const config = readConfig(reader, plugins)
  const vpc = readVpc(reader, environment)
  const recheckInterval = reader.value("route-recheck-interval", Values.duration(1_000, 86_400_000, true)) ?? 30_000
  const health = readHealth(reader, vpc?._tag === "Simulated", plugins)
  const [firstCheck, ...moreChecks] = health.checks
  const { anchors, guards } = readGuards(reader, health.checks)
  const policy = {
    guards,
    tables: readTables(reader),
    own: readRanges(reader, "own", Values.range),
    ignore: readRanges(reader, "ignore-routes", Values.rangeOrAddress),
  }
  const dryRun = reader.isOn("dry-run")
  const stateFile = reader.value("state-file", Values.fileName)
  const http = readHttp(reader)
  const log = readLog(reader)
  const auditFile = reader.value("audit-log", Values.fileName)
  const otlpEndpoint = reader.value("otlp-endpoint", Values.httpUrl)
  const faults = [...reader.faults, ...plugins.faults]
  if (faults.length > 0 || config === undefined || vpc === undefined || firstCheck === undefined)
    return Result.fail(faults)
  const unknown = strangers(environment, plugins.optionNames).map((option) => ({
    option,
    message: "no option has this variable",
  }))
  return Result.succeed({
    options: {
      config,
      vpc,
      health: [firstCheck, ...moreChecks],
      healthPolicy: health.policy,
      anchors,
      policy,
      recheckInterval,
      dryRun,
      stateFile,
      http,
      log,
      auditFile,
      otlpEndpoint,
    },
    warnings: [...reader.warnings, ...unknown],
  })
}
