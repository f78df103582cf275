import { Cause, Context, Effect, Exit, type Fiber, FileSystem, Layer, Logger, Option, Stream } from "effect"
import { detectionBound, detectorOptions, withTiming } from "../../../src/domain/DetectorOptions.ts"
import { statusChecksOnly } from "../../../src/domain/AlarmScope.ts"
import { HealthPolicy } from "../../../src/domain/HealthPolicy.ts"
import { VpcId } from "../../../src/domain/Ids.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import { layer as reconcilerLayer, Reconciler } from "../../../src/runtime/Reconciler.ts"
import { ConfigSource } from "../../../src/services/config/ConfigSource.ts"
import * as FileConfig from "../../../src/services/config/FileConfig.ts"
import * as HttpConfig from "../../../src/services/config/HttpConfig.ts"
import type { InstanceStatuses } from "../../../src/services/ec2/InstanceStatuses.ts"
import { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import * as Executor from "../../../src/services/ec2/Executor.ts"
import { AnchorNews } from "../../../src/services/health/AnchorNews.ts"
import { HealthSource } from "../../../src/services/health/HealthSource.ts"
import * as HostInstances from "../../../src/services/health/HostInstances.ts"
import * as CloudWatchHealth from "../../../src/services/health/cloudwatch/CloudWatchHealth.ts"
import type { AlarmQueue } from "../../../src/services/health/cloudwatch/AlarmQueue.ts"
import type { Alarms } from "../../../src/services/health/cloudwatch/Alarms.ts"
import * as Ec2Health from "../../../src/services/health/Ec2Health.ts"
import * as MultiHealth from "../../../src/services/health/MultiHealth.ts"
import type { Probe } from "../../../src/services/health/Probe.ts"
import * as Prober from "../../../src/services/health/Prober.ts"
import * as StateFile from "../../../src/services/state/StateFile.ts"
import * as StateStore from "../../../src/services/state/StateStore.ts"
import type { Disk } from "./Disk.ts"
import type { Scene } from "./Scene.ts"
import type { Lane } from "./VirtualTime.ts"
import { logText } from "../../support/runtime/LogText.ts"

export const specFile = "/routes.json"
export const stateFile = "/state.json"

const detector = (scene: Scene) => withTiming(detectorOptions(), { interval: scene.probeInterval })

/** How long a host that died may be thought to live, at most. */
export const boundOf = (scene: Scene): number => detectionBound(detector(scene))

/** The ports through which hosts are watched. */
interface Senses {
  readonly probes: ReadonlyArray<Probe["Service"]>
  readonly cloudWatch: { readonly alarms: Alarms["Service"]; readonly queue: AlarmQueue["Service"] } | undefined
  readonly statuses: InstanceStatuses["Service"]
}

/** Milliseconds between polls of alarms, and between rounds of status checks. */
const alarmInterval = 10_000
const statusInterval = 5_000

const health = (scene: Scene, { cloudWatch, probes, statuses }: Senses) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const anchors: ReadonlySet<Ip> = new Set(scene.anchors.map(ip))
      const probing = yield* Effect.forEach(probes, (probe) => Prober.make(probe, detector(scene), anchors))
      const sources: Array<HealthSource["Service"]> = [...probing]
      if (scene.alarms !== undefined && cloudWatch !== undefined) {
        const { insufficientData, withQueue } = scene.alarms
        const queue = withQueue ? cloudWatch.queue : undefined
        const options = { scope: statusChecksOnly, insufficientData, interval: alarmInterval, queue }
        sources.push(yield* CloudWatchHealth.make(cloudWatch.alarms, options))
      }
      if (scene.asksForStatus)
        sources.push({ ...(yield* Ec2Health.make(statuses, { interval: statusInterval })), onlyFails: true })
      const [first, ...more] = sources
      if (first === undefined) return yield* Effect.die("no health source")
      const source =
        more.length === 0 ? first : yield* MultiHealth.make([first, ...more], HealthPolicy[scene.healthPolicy]())
      const verdicts = Stream.mergeAll(
        probing.map((one, n) =>
          Stream.map(one.anchors, (news) =>
            news.map(({ host, verdict }) => ({ source: `${one.name} ${n}`, anchor: host, verdict })),
          ),
        ),
        { concurrency: "unbounded" },
      )
      const found = Context.make(HealthSource, source)
      return scene.anchors.length === 0
        ? Context.add(found, AnchorNews, { verdicts: Stream.never })
        : Context.add(found, AnchorNews, { verdicts })
    }),
  )

/** One daemon: the real one above its ports, from start to end. */
export class Instance {
  readonly lane: Lane
  readonly #scene: Scene
  #services: { readonly reconciler: Reconciler["Service"]; readonly config: ConfigSource["Service"] } | undefined
  #logger: Layer.Layer<never> = Logger.layer([])
  #fiber: Fiber.Fiber<unknown, unknown> | undefined

  constructor(lane: Lane, scene: Scene) {
    this.lane = lane
    this.#scene = scene
  }

  /** Starts it. `ended` is told if it ends by itself. */
  start(world: {
    readonly ec2: Ec2["Service"]
    readonly senses: Senses
    readonly disk: Disk
    readonly log: (level: string, words: string) => void
    readonly ended: (why: string) => void
  }): void {
    const scene = this.#scene
    const logger = Logger.make(({ cause, logLevel, message }) =>
      world.log(logLevel, logText(message) + (cause.reasons.length === 0 ? "" : `: ${Cause.pretty(cause)}`)),
    )
    this.#logger = Logger.layer([logger])
    const daemon = reconcilerLayer({
      policy: scene.policy,
      recheckInterval: scene.recheckInterval,
      dryRun: false,
    }).pipe(
      Layer.provideMerge(
        Layer.mergeAll(
          scene.mode === "http"
            ? HttpConfig.layer
            : FileConfig.layer(specFile, { look: world.disk.look(specFile), answers: Effect.succeed(false) }),
          health(scene, world.senses),
          Executor.layer,
          scene.keepsState ? StateFile.layer(stateFile, VpcId("vpc-days")) : StateStore.layerNone,
        ),
      ),
      Layer.provide(Layer.mergeAll(Layer.succeed(Ec2, world.ec2), HostInstances.layer)),
      Layer.provide(Layer.merge(Layer.succeed(FileSystem.FileSystem, world.disk.files), this.#logger)),
    )
    this.#fiber = this.lane.fork(
      Effect.scopedWith((scope) =>
        Effect.gen({ self: this }, function* () {
          const services = yield* Layer.buildWithScope(daemon, scope)
          this.#services = {
            reconciler: Context.get(services, Reconciler),
            config: Context.get(services, ConfigSource),
          }
          return yield* Effect.never
        }),
      ),
    )
    this.#fiber.addObserver((exit) => {
      if (Exit.isFailure(exit)) world.ended(Cause.pretty(exit.cause).split("\n")[0] ?? "")
    })
  }

  get isAlive(): boolean {
    return this.lane.isAlive
  }

  get isRunning(): boolean {
    return this.lane.isAlive && this.#services !== undefined
  }

  /** kill −9: nothing of it runs any more, no finalizer either. */
  kill(): void {
    this.lane.kill()
  }

  /** SIGTERM. */
  stop(): void {
    this.#fiber?.interruptUnsafe()
  }

  /** Asks it something; nothing comes of it when it is not running, or killed before it has answered. */
  ask<A, E>(
    question: (services: NonNullable<Instance["services"]>) => Effect.Effect<A, E>,
    answered: (exit: Exit.Exit<A, E>) => void,
  ): boolean {
    const services = this.services
    if (services === undefined || !this.lane.isAlive) return false
    this.lane.fork(Effect.provide(question(services), this.#logger)).addObserver(answered)
    return true
  }

  get services() {
    return this.#services
  }

  /** What a request to `POST /route_spec` does. */
  post(body: string, answered: (exit: Exit.Exit<unknown, unknown>) => void): boolean {
    return this.ask(
      ({ config }) =>
        Option.match(config.post, { onNone: () => Effect.void, onSome: (post) => Effect.asVoid(post(body)) }),
      answered,
    )
  }
}
