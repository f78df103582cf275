import { Effect, Option, type Scope, Stream } from "effect"
import { type DetectorOptions, detectionBound, forHosts } from "../../domain/DetectorOptions.ts"
import { type Health, type Millis, Verdict } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import { AnchorNews } from "../../services/health/AnchorNews.ts"
import { HealthSource, standingsOf, starting } from "../../services/health/HealthSource.ts"
import { now } from "../../services/Now.ts"
import type { Options } from "../Options.ts"

/** A plugin reaches its verdicts in its own time. */
const pluginPatience: Millis = 10_000

/** Times in which this machine stumbles say nothing of a host, and so make it longer. */
const slack: Millis = 3_000

/** A host that never answered is asked in the calm rhythm only, as often as it takes for the most hosts. */
const longestSilence = (given: DetectorOptions): Millis => {
  const options = forHosts(given, Number.MAX_SAFE_INTEGER)
  return Math.max(options.grace, options.fall * options.interval) + options.interval + detectionBound(options)
}

/** How long it may take until there is a verdict on a host that never answers. */
export const verdictPatience = (health: Options["health"]): Millis =>
  Math.max(...health.map((check) => ("detector" in check ? longestSilence(check.detector) : pluginPatience))) + slack

/** Every host taken for healthy. */
export const allHealthy = (hosts: ReadonlySet<Ip>): Health =>
  new Map([...hosts].map((host) => [host, Verdict.Healthy({ since: 0 })]))

/** An anchor that is there answers the first probe; hosts that do not are known by then. */
const anchorPatience: Millis = 3_000

/** How often it is looked whether a source has begun to work, or given up. */
const lookEvery: Millis = 100

/** Which checks each anchor answered, to be filled. */
export type AnchorAnswers = Map<Ip, Set<string>>

const hearAnchors = Effect.fnUntraced(function* (anchors: ReadonlySet<Ip>, judged: Set<Ip>, answers: AnchorAnswers) {
  const news = yield* Effect.serviceOption(AnchorNews)
  if (anchors.size === 0 || Option.isNone(news)) return
  yield* Stream.runForEach(news.value.verdicts, (batch) =>
    Effect.sync(() => {
      for (const { anchor, source, verdict } of batch) {
        if (verdict._tag !== "Unknown") judged.add(anchor)
        if (verdict._tag !== "Healthy") continue
        answers.set(anchor, new Set([...(answers.get(anchor) ?? []), source]))
      }
    }),
  )
})

/**
 * Watches the hosts and anchors until every source has tried and there is a verdict on each, at most `patience` milliseconds. What is
 * missing then is unknown.
 */
export const awaitVerdicts = Effect.fnUntraced(function* (
  hosts: ReadonlySet<Ip>,
  patience: Millis,
  anchors: ReadonlySet<Ip> = new Set(),
  answers: AnchorAnswers = new Map(),
): Effect.fn.Return<Health, never, HealthSource | Scope.Scope> {
  const known = new Map<Ip, Verdict>()
  if (hosts.size + anchors.size === 0) return known
  const source = yield* HealthSource
  const judged = new Set<Ip>()
  yield* Effect.forkScoped(hearAnchors(anchors, judged, answers))
  yield* source.watch(hosts)
  let settledAt: Millis | undefined
  const isSettled = Effect.gen(function* () {
    const at = yield* now
    const isKnown = [...hosts].every((host) => (known.get(host)?._tag ?? "Unknown") !== "Unknown")
    if (!isKnown) return false
    const standings = yield* standingsOf(source)
    if (!standings.every(({ state }) => state._tag === "Up" || state.why !== starting)) return false
    settledAt ??= at
    return at - settledAt >= anchorPatience || [...anchors].every((anchor) => judged.has(anchor))
  })
  yield* source.verdicts.pipe(
    Stream.tap((batch) =>
      Effect.sync(() => {
        for (const { host, verdict } of batch) known.set(host, verdict)
      }),
    ),
    Stream.merge(Stream.tick(lookEvery)),
    Stream.takeUntilEffect(() => isSettled),
    Stream.runDrain,
    Effect.timeoutOption(patience),
  )
  return known
})
