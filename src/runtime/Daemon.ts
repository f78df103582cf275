import { Effect, type FileSystem, Layer } from "effect"
import * as AwsEc2 from "../services/ec2/AwsEc2.ts"
import type { Ec2 } from "../services/ec2/Ec2.ts"
import * as Executor from "../services/ec2/Executor.ts"
import * as SimulatedEc2 from "../services/ec2/SimulatedEc2.ts"
import { ConfigSource } from "../services/config/ConfigSource.ts"
import * as FileConfig from "../services/config/FileConfig.ts"
import * as FixedConfig from "../services/config/FixedConfig.ts"
import * as HttpConfig from "../services/config/HttpConfig.ts"
import type { CheckChoice, ConfigChoice, Options, VpcChoice } from "./Options.ts"
import * as Reconciler from "./Reconciler.ts"
import { topologyOf } from "./Simulated.ts"
import { StartFault } from "./StartFault.ts"
import { version } from "./Version.ts"
import * as WatchHosts from "./WatchHosts.ts"

const configLayer = (choice: ConfigChoice): Layer.Layer<ConfigSource, StartFault, FileSystem.FileSystem> => {
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
  }
}

const ec2Layer = (choice: VpcChoice): Layer.Layer<Ec2, StartFault, FileSystem.FileSystem> =>
  choice._tag === "Aws" ? AwsEc2.layer(choice) : Layer.unwrap(Effect.map(topologyOf(choice), SimulatedEc2.layer))

const configWords = (choice: ConfigChoice): string => {
  switch (choice._tag) {
    case "ConfigFile":
      return `the spec in ${choice.file}`
    case "Http":
      return "specs by HTTP"
    case "FixedConf":
      return `${choice.cidr} by ${choice.hosts}`
  }
}

const checkWords = (check: CheckChoice): string => {
  switch (check._tag) {
    case "IcmpEcho":
      return "icmpecho"
    case "Tcp":
      return `tcp to port ${check.port}`
    case "Simulated":
      return "simulated"
  }
}

const vpcWords = (choice: VpcChoice): string =>
  choice._tag === "Aws"
    ? `${choice.vpcId} in ${choice.region}`
    : `a simulated VPC${choice.file === undefined ? "" : ` (${choice.file})`}`

/** One line: what the daemon is about to do. */
export const announcement = ({ config, dryRun, health, vpc }: Options): string =>
  `vpc-router ${version}: ${configWords(config)}, for ${vpcWords(vpc)}; health: ${health.map(checkWords).join(" and ")}` +
  (dryRun ? "; dry run: nothing will be written" : "")

/** The whole daemon: from where the spec comes to EC2. It runs as long as its scope. */
export const layer = ({
  config,
  dryRun,
  health,
  policy,
  recheckInterval,
  vpc,
}: Options): Layer.Layer<Reconciler.Reconciler, StartFault, FileSystem.FileSystem> =>
  Reconciler.layer({ policy, recheckInterval, dryRun }).pipe(
    Layer.provideMerge(
      Layer.mergeAll(configLayer(config), WatchHosts.layer(health), dryRun ? Executor.layerDryRun : Executor.layer),
    ),
    Layer.provideMerge(ec2Layer(vpc)),
  )
