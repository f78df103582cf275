import { Effect, type FileSystem, Layer } from "effect"
import { hostsOf } from "../../domain/RouteSpec.ts"
import { chosenVpc } from "../Daemon.ts"
import { type StartFault, startFault } from "../StartFault.ts"
import * as WatchHosts from "../WatchHosts.ts"
import { type CommandRun, print, printJson } from "./CommandRun.ts"
import { instancesOnce } from "./InstancesOnce.ts"
import { ec2Fault, readHealth, readVpc } from "./Picture.ts"
import { planJson } from "./PlanJson.ts"
import { planningOptions } from "./PlanningOptions.ts"
import { planningSpec } from "./PlanningSpec.ts"
import { planReport } from "./PlanReport.ts"
import { planText } from "./PlanText.ts"
import { allHealthy } from "./Verdicts.ts"

/** `vpc-router plan`: gives the exit code. Nothing here can write: of the EC2 port it reads alone. */
export const showPlan = Effect.fnUntraced(function* (
  run: CommandRun,
): Effect.fn.Return<number, StartFault, FileSystem.FileSystem> {
  const { assumesHealthy, isJson, options, warnings } = yield* planningOptions(run)
  const decoded = yield* planningSpec(options.config)
  if (decoded === undefined)
    return yield* startFault("--file", "expected the route spec, which a plan cannot wait for; - is standard input")
  const chosen = yield* chosenVpc(options.vpc)
  const hosts = hostsOf(decoded.spec)
  const reading = Effect.mapError(readVpc, ec2Fault)
  const picture = assumesHealthy
    ? Effect.map(reading, (vpc) => ({ vpc, seen: { health: allHealthy(hosts), broken: [], anchors: new Map() } }))
    : Effect.all({ vpc: reading, seen: readHealth(hosts, options.health) }, { concurrency: "unbounded" }).pipe(
        Effect.provide(
          Layer.provide(WatchHosts.layer(options, chosen.region), instancesOnce(hosts, options, chosen.layer)),
        ),
      )
  const { seen, vpc } = yield* Effect.provide(picture, chosen.layer)
  const report = planReport({
    decoded,
    health: seen.health,
    vpc,
    policy: options.policy,
    vpcWords: chosen.words,
    isSimulated: options.vpc._tag === "Simulated",
    assumesHealthy,
    warnings: [
      ...warnings,
      ...seen.broken.map(({ name, why }) => ({ option: `check ${name}`, message: `it has no say: ${why}` })),
    ],
  })
  yield* isJson ? printJson(planJson(report)) : print(run, planText(report))
  return report.actions.length === 0 ? 0 : 2
})
