import { Effect, Stream } from "effect"
import { type DetectorOptions, detectionBound, forHosts } from "../../domain/DetectorOptions.ts"
import { type Health, type Millis, Verdict } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import { HealthSource, standingsOf, starting } from "../../services/health/HealthSource.ts"
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

/** How often it is looked whether a source has begun to work, or given up. */
const lookEvery: Millis = 100

/**
 * Watches the hosts until every source has tried and there is a verdict on each, at most `patience` milliseconds. What is
 * missing then is unknown.
 */
export const awaitVerdicts = Effect.fnUntraced(function* (
  hosts: ReadonlySet<Ip>,
  patience: Millis,
): Effect.fn.Return<Health, never, HealthSource> {
  const known = new Map<Ip, Verdict>()
  if (hosts.size === 0) return known
  const source = yield* HealthSource
  yield* source.watch(hosts)
  const isSettled = Effect.map(
    standingsOf(source),
    (standings) =>
      standings.every(({ state }) => state._tag === "Up" || state.why !== starting) &&
      [...hosts].every((host) => (known.get(host)?._tag ?? "Unknown") !== "Unknown"),
  )
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
