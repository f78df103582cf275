import { type Array as Arr, Clock, Effect, Equal, type Scope, Stream } from "effect"
import { anyFails } from "../../domain/CombineHealth.ts"
import { type HostVerdict, type Millis, Verdict } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import { nowUnsafe } from "../Now.ts"
import { ChangedVerdicts } from "./ChangedVerdicts.ts"
import { type HealthSource, SourceState } from "./HealthSource.ts"

type Source = HealthSource["Service"]

interface Watched {
  readonly since: Millis
  combined: Verdict
}

/** Up since the first of those that are up; down, with every reason, since the last one went down. */
const combinedState = (sources: ReadonlyArray<Source>, states: ReadonlyArray<SourceState>): SourceState => {
  const up = states.flatMap((state) => (state._tag === "Up" ? [state.since] : []))
  if (up.length > 0) return SourceState.Up({ since: Math.min(...up) })
  const why = states.flatMap((state, index) => (state._tag === "Down" ? [`${sources[index]?.name}: ${state.why}`] : []))
  return SourceState.Down({ since: Math.max(...states.map(({ since }) => since)), why: why.join("; ") })
}

/**
 * Several sources as one, by the rule {@link anyFails}; a source that is down has no say. It is up while any of them is.
 * A host's verdicts are combined anew whenever a source says something of it, and all hosts' when a source went up or down.
 */
export const make = Effect.fnUntraced(function* (
  sources: Arr.NonEmptyReadonlyArray<Source>,
): Effect.fn.Return<Source, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const hosts = new Map<Ip, Watched>()
  const said = sources.map(() => new Map<Ip, Verdict>())
  const changed = new ChangedVerdicts()
  let isUp: ReadonlyArray<boolean> = sources.map(() => false)

  const combine = (host: Ip, watched: Watched) => {
    const opinions = sources.map(({ name }, index) => ({
      source: name,
      isUp: isUp[index] ?? false,
      verdict: said[index]?.get(host) ?? Verdict.Unknown({ since: watched.since }),
    }))
    const combined = anyFails(opinions, watched.since)
    if (Equal.equals(combined, watched.combined)) return
    watched.combined = combined
    changed.set(host, combined)
  }

  const states = Effect.forEach(sources, ({ state }) => state)

  const hear = Effect.fnUntraced(function* (index: number, batch: ReadonlyArray<HostVerdict>) {
    const upNow = (yield* states).map(({ _tag }) => _tag === "Up")
    for (const { host, verdict } of batch) if (hosts.has(host)) said[index]?.set(host, verdict)
    const sameSources = Equal.equals(upNow, isUp)
    isUp = upNow
    for (const host of sameSources ? batch.map(({ host }) => host) : hosts.keys()) {
      const watched = hosts.get(host)
      if (watched !== undefined) combine(host, watched)
    }
  })
  yield* Effect.forEach(sources, ({ verdicts }, index) =>
    Effect.forkScoped(Stream.runForEach(verdicts, (batch) => hear(index, batch))),
  )

  const watch = Effect.fnUntraced(function* (wanted: ReadonlySet<Ip>) {
    const now = nowUnsafe(clock)
    for (const host of hosts.keys()) {
      if (wanted.has(host)) continue
      hosts.delete(host)
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

  return {
    name: sources.map(({ name }) => name).join(","),
    watch,
    verdicts: changed.stream,
    state: Effect.map(states, (all) => combinedState(sources, all)),
  }
})
