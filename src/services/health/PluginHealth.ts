import { Clock, Effect, type FileSystem, Latch, type Path, Predicate, type Scope, Stream } from "effect"
import { type Millis, Verdict } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import { nowUnsafe } from "../Now.ts"
import { apart, apartWithin, type ChosenPlugin, keepRunning, open, PluginFault } from "../PluginSession.ts"
import { ChangedVerdicts } from "./ChangedVerdicts.ts"
import { readState, readVerdicts, type Said } from "./ForeignVerdicts.ts"
import { HealthSource, SourceState, starting } from "./HealthSource.ts"

type Source = HealthSource["Service"]

/** Verdicts are held for so long before they count: whoever floods or contradicts itself is found out by then. Milliseconds. */
const hold: Millis = 50
/** A host whose verdict changes more often than this in that time makes the source untrustworthy. */
const maxTurns = 4
/** Verdicts that are heard in a second; then the plugin has to wait. */
const hearing = 50_000
/** How often the plugin is asked for its state, at least; and at most, which it is when it says something. */
const stateInterval: Millis = 1_000
const shortestStateInterval: Millis = 100
/** How long it may take to answer that, and to take the hosts to watch. */
const answerLimit = "5 seconds"

interface Watched {
  readonly since: Millis
  /** What the plugin said last, and how often it said something else since verdicts were last told. */
  said: Said | undefined
  turns: number
  /** Whether its verdict is to be told again, even if it is the same. */
  isDue: boolean
  /** What was told. */
  verdict: Verdict
}

/** The same verdict goes on, whatever reason the plugin gives by now. */
const verdictOf = (said: Said | undefined, { since, verdict }: Watched, now: Millis): Verdict => {
  if (said === undefined || said.tag === "Unknown") return Verdict.Unknown({ since })
  if (said.tag === verdict._tag) return verdict
  switch (said.tag) {
    case "Healthy":
      return Verdict.Healthy({ since: now })
    case "Failed":
      return Verdict.Failed({ since: now, reason: said.reason })
    case "Unwatched":
      return Verdict.Unwatched({ since: now, why: said.reason })
  }
}

/** What the plugin's source must have; what it gives is looked at when it comes. */
interface ForeignSource {
  readonly watch: (hosts: ReadonlySet<Ip>) => unknown
  readonly verdicts: Stream.Stream<unknown, { readonly message?: unknown }>
  readonly state: Effect.Effect<unknown, { readonly message?: unknown }>
}

const isForeignSource = (given: object): given is ForeignSource =>
  Predicate.hasProperty(given, "watch") &&
  Predicate.isFunction(given.watch) &&
  Predicate.hasProperty(given, "verdicts") &&
  Stream.isStream(given.verdicts) &&
  Predicate.hasProperty(given, "state") &&
  Effect.isEffect(given.state)

const isForeignEffect = (given: unknown): given is Effect.Effect<unknown, { readonly message?: unknown }> =>
  Effect.isEffect(given)

/**
 * The health source of a plugin, as the rest may rely on it. Hosts that are not watched are ignored; a host's verdicts are
 * coalesced; what is no verdict, a plugin that fails, hangs or ends, or one that contradicts itself many times over within
 * 50 ms makes the source Down: all its verdicts are unknown, and the plugin is started anew after a while.
 */
export const make = Effect.fnUntraced(function* (
  plugin: ChosenPlugin,
): Effect.fn.Return<Source, never, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = () => nowUnsafe(clock)
  const changed = new ChangedVerdicts()
  const hosts = new Map<string, Watched>()
  const spoken = Latch.makeUnsafe(false)
  const heard = Latch.makeUnsafe(false)
  const rewatch = Latch.makeUnsafe(false)
  let wanted: ReadonlySet<Ip> = new Set()
  let state: SourceState = SourceState.Down({ since: now(), why: starting })

  const tell = (host: Ip, watched: Watched, verdict: Verdict) => {
    watched.turns = 0
    watched.isDue = false
    watched.verdict = verdict
    changed.set(host, verdict)
  }

  const each = (act: (host: Ip, watched: Watched) => void) => {
    for (const host of wanted) {
      const watched = hosts.get(host)
      if (watched !== undefined) act(host, watched)
    }
  }

  const becomeUp = Effect.suspend(() => {
    if (state._tag === "Up") return Effect.void
    state = SourceState.Up({ since: now() })
    // All are told again, but not before they have been held.
    each((_, watched) => {
      watched.isDue = true
    })
    spoken.openUnsafe()
    return Effect.logInfo(`health source ${plugin.name} is up`)
  })

  const becomeDown = (why: string) =>
    Effect.suspend(() => {
      const before = state
      state = SourceState.Down({ since: before._tag === "Down" ? before.since : now(), why })
      if (before._tag === "Up") each((host, watched) => tell(host, watched, Verdict.Unknown({ since: watched.since })))
      return before._tag === "Down" && before.why === why
        ? Effect.void
        : Effect.logWarning(`health source ${plugin.name} is down: ${why}`)
    })

  const hear = Effect.fnUntraced(function* (batch: unknown, window: { since: Millis; count: number }) {
    const verdicts = yield* Effect.fromResult(readVerdicts(batch)).pipe(
      Effect.mapError((why) => new PluginFault({ why })),
    )
    for (const [host, said] of verdicts) {
      const watched = hosts.get(host)
      if (watched === undefined) continue
      if (watched.said?.tag !== said.tag) watched.turns++
      watched.said = said
    }
    spoken.openUnsafe()
    heard.openUnsafe()
    window.count += 1 + verdicts.length
    if (window.count < hearing) return
    yield* Effect.sleep(Math.max(1, 1_000 - (now() - window.since)))
    window.since = now()
    window.count = 0
  })

  /** Tells what was said, once it was held for long enough. */
  const publish = Effect.gen(function* () {
    for (;;) {
      yield* spoken.await
      yield* Effect.sleep(hold)
      spoken.closeUnsafe()
      for (const host of wanted) {
        const watched = hosts.get(host)
        if (watched === undefined || (watched.turns === 0 && !watched.isDue)) continue
        if (watched.turns > maxTurns)
          return yield* new PluginFault({
            why: `it contradicts itself: ${watched.turns} changes of ${host} within ${hold} ms`,
          })
        watched.turns = 0
        const verdict = verdictOf(watched.said, watched, now())
        const isNews = watched.isDue || verdict._tag !== watched.verdict._tag
        if (state._tag === "Up" && isNews) tell(host, watched, verdict)
      }
    }
  })

  const askState = (source: ForeignSource) =>
    Effect.gen(function* () {
      for (;;) {
        heard.closeUnsafe()
        const why = readState(yield* apartWithin(answerLimit, "state", source.state))
        yield* why === undefined ? becomeUp : becomeDown(why)
        yield* Effect.sleep(shortestStateInterval)
        yield* Effect.timeoutOption(heard.await, stateInterval - shortestStateInterval)
      }
    })

  const sendHosts = (source: ForeignSource) =>
    Effect.gen(function* () {
      for (;;) {
        rewatch.closeUnsafe()
        const watching = yield* Effect.try({
          try: () => source.watch(new Set(wanted)),
          catch: () => new PluginFault({ why: "watch: it threw" }),
        })
        if (!isForeignEffect(watching)) return yield* new PluginFault({ why: "watch: it gave no Effect" })
        yield* apartWithin(answerLimit, "watch", watching)
        yield* rewatch.await
      }
    })

  const session = Effect.gen(function* () {
    const { service } = yield* open(plugin, HealthSource)
    if (!isForeignSource(service))
      return yield* new PluginFault({ why: "its HealthSource lacks watch, verdicts or state" })
    each((_, watched) => {
      watched.said = undefined
      watched.turns = 0
    })
    const window = { since: now(), count: 0 }
    const listen = apart(
      "verdicts",
      Stream.runForEach(service.verdicts, (batch) => hear(batch, window)),
    ).pipe(Effect.andThen(new PluginFault({ why: "verdicts: they ended" })))
    return yield* Effect.raceAllFirst([listen, publish, askState(service), sendHosts(service)])
  })

  yield* Effect.forkScoped(keepRunning({ strays: plugin.strays, session, onFault: ({ why }) => becomeDown(why) }))

  return {
    name: plugin.name,
    watch: (hostsToWatch) =>
      Effect.sync(() => {
        for (const host of wanted) {
          if (hostsToWatch.has(host)) continue
          hosts.delete(host)
          changed.forget(host)
        }
        wanted = new Set([...hostsToWatch].sort())
        for (const host of wanted) {
          if (hosts.has(host)) continue
          const verdict = Verdict.Unknown({ since: now() })
          hosts.set(host, { since: verdict.since, said: undefined, turns: 0, isDue: false, verdict })
          changed.set(host, verdict)
        }
        rewatch.openUnsafe()
      }),
    verdicts: changed.stream,
    state: Effect.sync(() => state),
  }
})
