import { Effect, type FileSystem, Layer } from "effect"
import type { Ip } from "../../domain/Ip.ts"
import { hostsOf } from "../../domain/RouteSpec.ts"
import type { Preflight } from "../../services/ec2/Preflight.ts"
import * as SimulatedPreflight from "../../services/ec2/SimulatedPreflight.ts"
import { type ChosenVpc, chosenVpc } from "../Daemon.ts"
import type { VpcChoice } from "../Options.ts"
import type { StartFault } from "../StartFault.ts"
import * as WatchHosts from "../WatchHosts.ts"
import { type CheckInput, findings } from "./check/Checks.ts"
import { type Finding, type Level, warn } from "./check/Finding.ts"
import { Watched } from "./check/HostFindings.ts"
import { type CommandRun, print, printJson } from "./CommandRun.ts"
import { blank, count, type Line, line, span, table, type Tone } from "./Lines.ts"
import { instancesOnce } from "./InstancesOnce.ts"
import { readHealth } from "./Picture.ts"
import { planningOptions, type PlanningOptions } from "./PlanningOptions.ts"
import { planningSpec } from "./PlanningSpec.ts"

const preflightLayer = (choice: VpcChoice): Layer.Layer<Preflight> =>
  choice._tag === "Aws"
    ? Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("../../services/ec2/AwsPreflight.ts")),
          (aws) => aws.layer(choice),
        ),
      )
    : SimulatedPreflight.layer

const tones: Readonly<Record<Level, Tone>> = { ok: "good", warn: "warn", fail: "bad", skip: "faint" }

const summary = (found: ReadonlyArray<Finding>): Line => {
  const countOf = (level: Level): number => found.filter((one) => one.level === level).length
  const warnings = countOf("warn") === 0 ? "" : `, with ${count(countOf("warn"), "warning")}`
  return countOf("fail") === 0
    ? [span("Ready", "good"), span(`${warnings}. Nothing was written.`)]
    : [
        span(`Not ready: ${count(countOf("fail"), "thing fails", "things fail")}`, "bad"),
        span(`${warnings}. Nothing was written.`),
      ]
}

const text = (vpcWords: string, found: ReadonlyArray<Finding>): ReadonlyArray<Line> => [
  line(vpcWords, "strong"),
  ...table(found.map(({ about, level, words }) => [span(level, tones[level]), span(about), span(words)])),
  blank,
  summary(found),
]

const watch = (
  { assumesHealthy, options }: PlanningOptions,
  decoded: CheckInput["decoded"],
  chosen: ChosenVpc,
): Effect.Effect<Watched, never, FileSystem.FileSystem> => {
  if (decoded === undefined && options.anchors.length === 0)
    return Effect.succeed(Watched.Unwatched({ why: "there is no spec" }))
  if (assumesHealthy) return Effect.succeed(Watched.Unwatched({ why: "not looked at: --assume-healthy" }))
  const hosts = decoded === undefined ? new Set<Ip>() : hostsOf(decoded.spec)
  const instances = instancesOnce(hosts, options, chosen.layer)
  return readHealth(hosts, options.health, options.anchors).pipe(
    Effect.map((seen) => Watched.Watched(seen)),
    Effect.provide(Layer.provide(WatchHosts.layer(options, chosen.region), instances)),
    Effect.catchTag("StartFault", ({ problems }) =>
      Effect.succeed(
        Watched.Unwatchable({ why: problems.map(({ message, option }) => `${option}: ${message}`).join("; ") }),
      ),
    ),
  )
}

/** `vpc-router check`: gives the exit code. Of the EC2 port it reads alone; dry runs are the preflight's. */
export const check = Effect.fnUntraced(function* (
  run: CommandRun,
): Effect.fn.Return<number, StartFault, FileSystem.FileSystem> {
  const planning = yield* planningOptions(run)
  const { isJson, options, warnings } = planning
  const decoded = yield* planningSpec(options.config)
  const chosen = yield* chosenVpc(options.vpc)
  const found = yield* findings({
    options,
    vpcWords: chosen.words,
    decoded,
    watched: watch(planning, decoded, chosen),
  }).pipe(Effect.provide([chosen.layer, preflightLayer(options.vpc)]))
  const all = [...warnings.map(({ message, option }) => warn(option, message)), ...found]
  const isReady = all.every(({ level }) => level !== "fail")
  yield* isJson ? printJson({ vpc: chosen.id, ready: isReady, findings: all }) : print(run, text(chosen.words, all))
  return isReady ? 0 : 1
})
