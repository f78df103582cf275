import * as NodePath from "@effect/platform-node/NodePath"
import { Cause, Config, DateTime, Effect, type FileSystem, Layer } from "effect"
import { healthPolicyWords } from "../domain/HealthPolicy.ts"
import type { VpcId } from "../domain/Ids.ts"
import * as AuditFile from "../services/audit/AuditFile.ts"
import { AuditLog } from "../services/audit/AuditLog.ts"
import { ConfigSource } from "../services/config/ConfigSource.ts"
import * as FileConfig from "../services/config/FileConfig.ts"
import * as FixedConfig from "../services/config/FixedConfig.ts"
import * as HttpConfig from "../services/config/HttpConfig.ts"
import * as PluginConfig from "../services/config/PluginConfig.ts"
import type { AwsEc2Options } from "../services/ec2/AwsEc2.ts"
import type { Ec2 } from "../services/ec2/Ec2.ts"
import * as Executor from "../services/ec2/Executor.ts"
import * as SimulatedEc2 from "../services/ec2/SimulatedEc2.ts"
import * as HostInstances from "../services/health/HostInstances.ts"
import type { TokenFileError } from "../services/http/BearerToken.ts"
import type { ControlPlane } from "../services/http/ControlPlane.ts"
import * as HttpServer from "../services/http/HttpServer.ts"
import type { ListenError } from "../services/http/Listen.ts"
import * as StateFile from "../services/state/StateFile.ts"
import * as StateStore from "../services/state/StateStore.ts"
import * as HttpControlPlane from "./HttpControlPlane.ts"
import * as Metrics from "./metrics/Metrics.ts"
import type { OptionProblem } from "./OptionReader.ts"
import type { CheckChoice } from "./HealthOptions.ts"
import type { ConfigChoice, HttpChoice, Options, VpcChoice } from "./Options.ts"
import * as Reconciler from "./Reconciler.ts"
import { StartFault, startFault } from "./StartFault.ts"
import { checkHealth, topologyOf } from "./Simulated.ts"
import * as SystemdNotify from "./SystemdNotify.ts"
import { version } from "./Version.ts"
import * as WatchHosts from "./WatchHosts.ts"
import { locate } from "./WhereAmI.ts"

/** A VPC that is ready to be opened. */
export interface ChosenVpc {
  readonly id: VpcId
  readonly words: string
  /** Undefined: it is simulated. */
  readonly region: string | undefined
  readonly layer: Layer.Layer<Ec2>
}

/** Loaded when it is needed: the SDK of AWS is a third of the program. */
const awsEc2 = (choice: AwsEc2Options): Layer.Layer<Ec2> =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("../services/ec2/AwsEc2.ts")),
      (aws) => aws.layer(choice),
    ),
  )

export const chosenVpc = Effect.fnUntraced(function* (
  given: VpcChoice,
): Effect.fn.Return<ChosenVpc, StartFault, FileSystem.FileSystem> {
  const choice = yield* locate(given)
  if (choice._tag === "Aws") {
    const { region, vpcId: id } = choice
    return { id, region, words: `${id} in ${region}`, layer: awsEc2(choice) }
  }
  const topology = yield* topologyOf(choice)
  const { id } = topology.vpc
  return { id, region: undefined, words: `the simulated ${id}`, layer: SimulatedEc2.layer(topology) }
})

export const configLayer = (choice: ConfigChoice): Layer.Layer<ConfigSource, StartFault, FileSystem.FileSystem> => {
  switch (choice._tag) {
    case "ConfigFile":
      return FileConfig.layer(choice.file)
    case "Http":
      return HttpConfig.layer
    case "FixedConf":
      return Layer.catchTag(FixedConfig.layer(choice), "SpecRejected", ({ problems }) =>
        Layer.effect(
          ConfigSource,
          new StartFault({ problems: problems.map(({ message, path }) => ({ option: path, message })) }),
        ),
      )
    case "Plugin":
      return Layer.provide(Layer.effect(ConfigSource, PluginConfig.make(choice.plugin)), NodePath.layer)
  }
}

const httpFault = (error: ListenError | TokenFileError): StartFault => {
  if (error._tag === "TokenFileError") return startFault("--token-file", error.message)
  const isPort = error.code === "EADDRINUSE" || error.code === "EACCES" || error.code === "EPERM"
  return startFault(isPort ? "--port" : "--address", error.message)
}

const httpLayer = (choice: HttpChoice): Layer.Layer<HttpServer.HttpServer, StartFault, ControlPlane> =>
  HttpServer.layer(choice).pipe(Layer.catch((error) => Layer.effect(HttpServer.HttpServer, httpFault(error))))

const stateLayer = (
  file: string | undefined,
  vpc: ChosenVpc,
): Layer.Layer<StateStore.StateStore, StartFault, FileSystem.FileSystem> =>
  file === undefined
    ? StateStore.layerNone
    : StateFile.layer(file, vpc.id).pipe(
        Layer.catch(({ why }) => Layer.effect(StateStore.StateStore, startFault("--state-file", why))),
      )

const configWords = (choice: ConfigChoice): string => {
  switch (choice._tag) {
    case "ConfigFile":
      return `the spec in ${choice.file}`
    case "Http":
      return "specs by HTTP"
    case "FixedConf":
      return `${choice.cidr} by ${choice.hosts}`
    case "Plugin":
      return `specs of the plugin ${choice.plugin.name}`
  }
}

const checkWords = (check: CheckChoice): string => {
  switch (check._tag) {
    case "IcmpEcho":
      return "icmpecho"
    case "Tcp":
      return `tcp to port ${check.port}`
    case "Http":
      return `${check.check.tls === undefined ? "http" : "https"} to port ${check.check.port}${check.check.path}`
    case "Ec2":
      return "the state of instances in EC2"
    case "CloudWatch":
      return "CloudWatch alarms"
    case "Simulated":
      return "simulated"
    case "PluginHealth":
    case "PluginProbe":
      return `the plugin ${check.plugin.name}`
  }
}

const startRecord = Effect.fnUntraced(function* ({ config, dryRun }: Options, vpc: ChosenVpc) {
  const time = DateTime.formatIso(yield* DateTime.now)
  const mode = config._tag === "Plugin" ? config.plugin.name : config._tag.toLowerCase()
  const { record } = yield* AuditLog
  yield* record({ time, kind: "start", version, vpc: vpc.id, mode, dry_run: dryRun, pid: process.pid })
})

const auditLayer = (options: Options, vpc: ChosenVpc): Layer.Layer<never, StartFault, FileSystem.FileSystem> =>
  options.auditFile === undefined
    ? Layer.empty
    : Layer.effectDiscard(startRecord(options, vpc)).pipe(
        Layer.provideMerge(AuditFile.layer(options.auditFile)),
        Layer.catch(({ why }) => Layer.effectDiscard(startFault("--audit-log", why))),
      )

/** Loaded when it is needed, as few need it. */
const exportLayer = ({ otlpEndpoint }: Options): Layer.Layer<never, StartFault> =>
  otlpEndpoint === undefined
    ? Layer.empty
    : Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("./metrics/OtlpExport.ts")),
          (exporter) => exporter.layer(otlpEndpoint, process.env),
        ),
      ).pipe(
        // Only a variable of OpenTelemetry that makes no sense can be the matter.
        Layer.catchCause((cause) => {
          const fault = Cause.squash(cause)
          const why = fault instanceof Config.ConfigError ? fault.cause.message : String(fault)
          return Layer.effectDiscard(startFault("--otlp-endpoint", why.replaceAll(/\s+/g, " ")))
        }),
      )

/** Milliseconds: gauges are that old at most when they are exported. */
const gaugesEvery = 5_000

const layer = (options: Options, vpc: ChosenVpc) => {
  const { config, dryRun, http, otlpEndpoint, policy, recheckInterval } = options
  return SystemdNotify.layer.pipe(
    Layer.provideMerge(httpLayer(http)),
    Layer.provide(HttpControlPlane.layer({ version, vpc: vpc.id, dryRun })),
    Layer.provide(
      Metrics.layer({ version, dryRun, updateEvery: otlpEndpoint === undefined ? undefined : gaugesEvery }),
    ),
    Layer.provideMerge(Reconciler.layer({ policy, recheckInterval, dryRun })),
    Layer.provideMerge(
      Layer.mergeAll(
        configLayer(config),
        WatchHosts.layer(options, vpc.region),
        dryRun ? Executor.layerDryRun : Executor.layer,
        stateLayer(options.stateFile, vpc),
      ),
    ),
    Layer.provideMerge(Layer.merge(vpc.layer, HostInstances.layer)),
    // What is told on the way down must still find them.
    Layer.provide(Layer.merge(auditLayer(options, vpc), exportLayer(options))),
  )
}

/** Runs the whole daemon, from where the spec comes to EC2, until it is interrupted. Says first what it is about to do. */
export const run = Effect.fnUntraced(function* (
  options: Options,
  warnings: ReadonlyArray<OptionProblem>,
): Effect.fn.Return<never, StartFault, FileSystem.FileSystem> {
  const { config } = options
  if (config._tag === "ConfigFile" && config.file === "-")
    return yield* startFault(
      "--file",
      "expected a file (one that is called so is ./-): standard input cannot be watched",
    )
  const ofHealth = yield* checkHealth(options)
  const vpc = yield* chosenVpc(options.vpc)
  const by = options.health.length === 1 ? "" : ` (${healthPolicyWords(options.healthPolicy)})`
  const health = options.health.map(checkWords).join(" and ") + by
  yield* Effect.logInfo(
    `vpc-router ${version}: ${configWords(options.config)}, for ${vpc.words}; health: ${health}` +
      (options.dryRun ? "; dry run: nothing will be written" : ""),
  )
  for (const { message, option } of [...warnings, ...ofHealth]) yield* Effect.logWarning(`${option}: ${message}`)
  return yield* Layer.launch(layer(options, vpc))
})
