import * as NodePath from "@effect/platform-node/NodePath"
import { Context, Effect, type FileSystem, Layer, Option, Stream } from "effect"
import { replyWindow } from "../domain/DetectorOptions.ts"
import type { Ip } from "../domain/Ip.ts"
import { Simulation } from "../services/ec2/Simulation.ts"
import { AnchorNews } from "../services/health/AnchorNews.ts"
import { HealthSource } from "../services/health/HealthSource.ts"
import type { HostInstances } from "../services/health/HostInstances.ts"
import * as HttpProbe from "../services/health/HttpProbe.ts"
import * as IcmpProbe from "../services/health/IcmpProbe.ts"
import * as MultiHealth from "../services/health/MultiHealth.ts"
import * as PluginHealth from "../services/health/PluginHealth.ts"
import * as PluginProbe from "../services/health/PluginProbe.ts"
import type { Probe, ProbeSink } from "../services/health/Probe.ts"
import * as Prober from "../services/health/Prober.ts"
import * as SimulatedProbe from "../services/health/SimulatedProbe.ts"
import * as TcpProbe from "../services/health/TcpProbe.ts"
import type { CheckChoice } from "./HealthOptions.ts"
import type { Options } from "./Options.ts"
import { type StartFault, startFault } from "./StartFault.ts"

/** What is watched by a probe that is built in. */
type BuiltIn = Exclude<CheckChoice, { readonly _tag: "CloudWatch" | "Ec2" | "PluginHealth" | "PluginProbe" }>

const probeOf = Effect.fnUntraced(function* (check: BuiltIn): Effect.fn.Return<Probe["Service"], StartFault> {
  switch (check._tag) {
    case "IcmpEcho":
      return IcmpProbe.probe
    case "Tcp":
      return TcpProbe.make({ port: check.port })
    case "Http":
      return HttpProbe.make({ ...check.check, timeout: replyWindow(check.detector) + check.detector.timeout })
    case "Simulated": {
      const simulation = yield* Effect.serviceOption(Simulation)
      if (Option.isNone(simulation))
        return yield* startFault("--health", "simulated hosts are there with --simulate only")
      return SimulatedProbe.make({ answers: simulation.value.answersUnsafe })
    }
  }
})

const ignored = () => undefined
const deaf: ProbeSink = { replied: ignored, rejected: ignored, unsent: ignored, died: ignored }

/** Opens the transport once and closes it: what is missing at the start (a capability, a package) is not going to come. */
const tryOut = (probe: Probe["Service"]): Effect.Effect<void, StartFault> =>
  Effect.scoped(probe.open(deaf)).pipe(
    Effect.mapError(({ why }) => startFault(`--health ${probe.name}`, why)),
    Effect.asVoid,
  )

const sourceOf = Effect.fnUntraced(function* (
  check: CheckChoice,
  region: string | undefined,
  anchors: ReadonlySet<Ip>,
) {
  // Loaded when it is needed: most do without.
  if (check._tag === "CloudWatch")
    return yield* Effect.flatMap(
      Effect.promise(() => import("./WatchAlarms.ts")),
      ({ make }) => make(check.alarms, region),
    )
  if (check._tag === "Ec2")
    return yield* Effect.flatMap(
      Effect.promise(() => import("./WatchInstances.ts")),
      ({ make }) => make(check.interval, region),
    ).pipe(Effect.map((source) => ({ ...source, onlyFails: check.onlyFails })))
  // A plugin that cannot do its work is down, and is tried again: that is no reason not to start.
  if (check._tag === "PluginHealth") return yield* PluginHealth.make(check.plugin)
  if (check._tag === "PluginProbe")
    return yield* Prober.make(yield* PluginProbe.make(check.plugin), check.detector, anchors)
  const probe = yield* probeOf(check)
  yield* tryOut(probe)
  return yield* Prober.make(probe, check.detector, anchors)
})

/** What the sources that probe say of the anchors. */
const anchorNews = (sources: ReadonlyArray<HealthSource["Service"] | Prober.ProbingSource>): AnchorNews["Service"] => {
  const probing = sources.filter((source) => "anchors" in source)
  const news = probing.map(({ anchors, name }) =>
    Stream.map(anchors, (batch) => batch.map(({ host, verdict }) => ({ source: name, anchor: host, verdict }))),
  )
  return AnchorNews.of({ verdicts: Stream.mergeAll(news, { concurrency: "unbounded" }) })
}

/** What watches the hosts and the anchors, as `--health` says. `region` is where the VPC is; undefined: the SDK's environment says. */
export const layer = (
  { anchors, health: [first, ...more], healthPolicy }: Pick<Options, "anchors" | "health" | "healthPolicy">,
  region: string | undefined,
): Layer.Layer<HealthSource | AnchorNews, StartFault, FileSystem.FileSystem | HostInstances> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const watched = new Set(anchors)
      const source = yield* sourceOf(first, region, watched)
      const others = yield* Effect.forEach(more, (check) => sourceOf(check, region, watched))
      const whole = others.length === 0 ? source : yield* MultiHealth.make([source, ...others], healthPolicy)
      return Context.make(HealthSource, whole).pipe(Context.add(AnchorNews, anchorNews([source, ...others])))
    }),
  ).pipe(Layer.provide(NodePath.layer))
