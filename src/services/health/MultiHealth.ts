import { type Array as Arr, Clock, Effect, Equal, type Scope, Stream } from "effect"
import { combineHealth, type Opinion } from "../../domain/CombineHealth.ts"
import { type HostVerdict, type Millis, Verdict } from "../../domain/Health.ts"
import { HealthPolicy, healthPolicyWords } from "../../domain/HealthPolicy.ts"
import type { Ip } from "../../domain/Ip.ts"
import { nowUnsafe } from "../Now.ts"
import { readGauge } from "../ReadMetric.ts"
import { ChangedVerdicts } from "./ChangedVerdicts.ts"
import { type HealthSource, type HostNotes, SourceState, standingsOf } from "./HealthSource.ts"

type Source = HealthSource["Service"]

interface Watched {
  readonly since: Millis
  combined: Verdict
}

/** Lines in the log for what a source says at once. */
const mostLines = 50

/** Up since the first of those that are up; down, with every reason, since the last one went down. Who only fails hosts is left out. */
const combinedState = (all: ReadonlyArray<Source>, allStates: ReadonlyArray<SourceState>): SourceState => {
  const proves = (_: unknown, index: number): boolean => all[index]?.onlyFails !== true
  const [sources, states] = [all.filter(proves), allStates.filter(proves)]
  const up = states.flatMap((state) => (state._tag === "Up" ? [state.since] : []))
  if (up.length > 0) return SourceState.Up({ since: Math.min(...up) })
  const why = states.flatMap((state, index) => (state._tag === "Down" ? [`${sources[index]?.name}: ${state.why}`] : []))
  return SourceState.Down({ since: Math.max(...states.map(({ since }) => since)), why: why.join("; ") })
}

/** What is worth knowing of a host of which the sources disagree, or which not all of them watch. */
const dissent = (combined: Verdict, opinions: ReadonlyArray<Opinion>): ReadonlyArray<string> =>
  opinions.flatMap(({ isUp, source, verdict }) => {
    if (!isUp) return []
    if (verdict._tag === "Failed" && combined._tag !== "Failed") return [`${source} says failed: ${verdict.reason}`]
    return verdict._tag === "Unwatched" && combined._tag !== "Unwatched"
      ? [`${source} does not watch it: ${verdict.why}`]
      : []
  })

/**
 * Several sources as one, by the rule {@link combineHealth}; a source that is down has no say. It is up while any of them
 * is. A host's verdicts are combined anew whenever a source says something of it, and all hosts' when a source went up or
 * down. A host that one of them does not watch, while others do, is logged, noted and counted.
 */
export const make = Effect.fnUntraced(function* (
  sources: Arr.NonEmptyReadonlyArray<Source>,
  policy: HealthPolicy = HealthPolicy.AnyFails(),
): Effect.fn.Return<Source, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const hosts = new Map<Ip, Watched>()
  const said = sources.map(() => new Map<Ip, Verdict>())
  /** Notes by host, made when a verdict comes and not when somebody looks. */
  const dissents = new Map<Ip, ReadonlyArray<string>>()
  const changed = new ChangedVerdicts()
  let isUp: ReadonlyArray<boolean> = sources.map(() => false)

  const opinionsOf = (host: Ip, { since }: Watched): ReadonlyArray<Opinion> =>
    sources.map(({ name, onlyFails = false }, index) => {
      const verdict = said[index]?.get(host) ?? Verdict.Unknown({ since })
      const hasSay = !onlyFails || verdict._tag === "Failed"
      return { source: name, isUp: (isUp[index] ?? false) && hasSay, verdict }
    })

  const combine = (host: Ip, watched: Watched) => {
    const opinions = opinionsOf(host, watched)
    const combined = combineHealth(policy, opinions, watched.since)
    const words = dissent(combined, opinions)
    if (words.length > 0) dissents.set(host, words)
    else dissents.delete(host)
    if (Equal.equals(combined, watched.combined)) return
    watched.combined = combined
    changed.set(host, combined)
  }

  const states = Effect.forEach(sources, ({ state }) => state)

  const hear = Effect.fnUntraced(function* (index: number, batch: ReadonlyArray<HostVerdict>) {
    const upNow = (yield* states).map(({ _tag }) => _tag === "Up")
    const unwatched: Array<readonly [Ip, string]> = []
    for (const { host, verdict } of batch) {
      if (!hosts.has(host)) continue
      if (verdict._tag === "Unwatched" && said[index]?.get(host)?._tag !== "Unwatched")
        unwatched.push([host, verdict.why])
      said[index]?.set(host, verdict)
    }
    const sameSources = Equal.equals(upNow, isUp)
    isUp = upNow
    for (const host of sameSources ? batch.map(({ host }) => host) : hosts.keys()) {
      const watched = hosts.get(host)
      if (watched !== undefined) combine(host, watched)
    }
    const name = sources[index]?.name
    for (const [host, why] of unwatched.slice(0, mostLines))
      yield* Effect.logWarning(`host ${host} is not watched by ${name}: ${why}`)
    const more = unwatched.length - mostLines
    if (more > 0) yield* Effect.logWarning(`… and ${more} more hosts are not watched by ${name}`)
  })
  yield* Effect.forEach(sources, ({ verdicts }, index) =>
    Effect.forkScoped(Stream.runForEach(verdicts, (batch) => hear(index, batch))),
  )
  yield* Effect.forEach(sources, ({ name }, index) =>
    readGauge(
      {
        name: "vpc_router_check_unwatched_hosts",
        description: "Hosts of the spec that this check does not watch.",
        labels: { check: name },
      },
      () => [...(said[index]?.values() ?? [])].filter(({ _tag }) => _tag === "Unwatched").length,
    ),
  )

  const watch = Effect.fnUntraced(function* (wanted: ReadonlySet<Ip>) {
    const now = nowUnsafe(clock)
    for (const host of hosts.keys()) {
      if (wanted.has(host)) continue
      hosts.delete(host)
      dissents.delete(host)
      changed.forget(host)
      for (const verdicts of said) verdicts.delete(host)
    }
    for (const host of wanted) {
      if (hosts.has(host)) continue
      const combined = Verdict.Unknown({ since: now })
      hosts.set(host, { since: now, combined })
      changed.set(host, combined)
    }
    yield* Effect.forEach(sources, (source) => source.watch(wanted), { discard: true })
  })

  const notes = Effect.gen(function* (): Effect.fn.Return<HostNotes> {
    const noted = new Map(dissents)
    for (const source of sources)
      for (const [host, words] of source.notes === undefined ? [] : yield* source.notes)
        noted.set(host, [...(noted.get(host) ?? []), ...words])
    return noted
  })

  return {
    name: sources.map(({ name }) => name).join(","),
    watch,
    verdicts: changed.stream,
    state: Effect.map(states, (all) => combinedState(sources, all)),
    policy: healthPolicyWords(policy),
    standings: Effect.map(Effect.forEach(sources, standingsOf), (all) => all.flat()),
    notes,
  }
})
