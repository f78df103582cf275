import { Clock, Effect, type FileSystem, Latch, Option, type Path, Predicate, type Scope, Stream } from "effect"
import { encodeRouteSpec } from "../../domain/RouteSpec.ts"
import { nowUnsafe } from "../Now.ts"
import { apart, apartWithin, type ChosenPlugin, keepRunning, open, PluginFault } from "../PluginSession.ts"
import { ConfigSource, SpecNews } from "./ConfigSource.ts"
import { type ForeignNews, isAccepted, readNews } from "./ForeignNews.ts"

type Source = ConfigSource["Service"]

/** A plugin's news are taken when it has been silent for so long: of a burst the last word counts. Milliseconds. */
const silence = 50
/** How long a plugin may go on without such a silence before that is said. */
const patience = 5_000
/** News that are heard in a second; then the plugin has to wait. They cost little: only those that are taken are read. */
const hearing = 50_000
/** How long `onApplied` may take. */
const appliedLimit = "5 seconds"

/** The last spec and, if it came after it, the last word of trouble: all that is kept of what was not taken yet. */
class Pending {
  #spec: ForeignNews | undefined
  #trouble: ForeignNews | undefined
  /** How many came in all. */
  count = 0
  /** Whether the plugin has to wait before it can say more: that is no silence. */
  isHeldUp = false
  readonly some = Latch.makeUnsafe(false)

  add(news: ForeignNews): void {
    this.count++
    if (isAccepted(news)) {
      this.#spec = news
      this.#trouble = undefined
    } else this.#trouble = news
    this.some.openUnsafe()
  }

  take(): ReadonlyArray<ForeignNews> {
    const taken = [this.#spec, this.#trouble].filter((news) => news !== undefined)
    this.#spec = undefined
    this.#trouble = undefined
    this.some.closeUnsafe()
    return taken
  }
}

/** What makes two pieces of news the same. */
const keyOf = (news: SpecNews): string => {
  switch (news._tag) {
    case "Accepted":
      return JSON.stringify(encodeRouteSpec(news.spec))
    case "Rejected":
      return JSON.stringify(news.problems)
    case "Unreadable":
      return `unreadable ${news.why}`
  }
}

/**
 * The config source of a plugin, as the rest may rely on it: its news are read anew as if they came from a file, what is no
 * news is refused, a burst is one piece of news, and the same news are told once. A plugin that fails is `Unreadable`, and is
 * started anew after a while. It takes no posts.
 */
export const make = Effect.fnUntraced(function* (
  plugin: ChosenPlugin,
): Effect.fn.Return<Source, never, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const pending = new Pending()
  let isOver = false
  let told: string | undefined

  const hear = (news: unknown, window: { since: number; count: number }): Effect.Effect<void> => {
    pending.add({ given: news })
    if (++window.count < hearing) return Effect.void
    const rest = 1_000 - (nowUnsafe(clock) - window.since)
    pending.isHeldUp = true
    return Effect.map(Effect.sleep(Math.max(1, rest)), () => {
      pending.isHeldUp = false
      window.since = nowUnsafe(clock)
      window.count = 0
    })
  }

  const session = Effect.gen(function* () {
    const { service } = yield* open(plugin, ConfigSource)
    const news: unknown = Predicate.hasProperty(service, "news") ? service.news : undefined
    if (!isForeignStream(news)) return yield* new PluginFault({ why: "its ConfigSource has no stream of news" })
    const window = { since: nowUnsafe(clock), count: 0 }
    pending.isHeldUp = false
    yield* apart(
      "news",
      Stream.runForEach(news, (one) => hear(one, window)),
    )
  })

  yield* keepRunning({
    strays: plugin.strays,
    session,
    onFault: ({ why }) => Effect.sync(() => pending.add({ fault: why })),
  }).pipe(
    Effect.andThen(
      Effect.sync(() => {
        isOver = true
        pending.some.openUnsafe()
      }),
    ),
    Effect.forkScoped,
  )

  const unreadable = (why: string): SpecNews => SpecNews.Unreadable({ why: `plugin ${plugin.name}: ${why}` })
  const isNews = (news: SpecNews): boolean => {
    const key = keyOf(news)
    const isNew = key !== told
    told = key
    return isNew
  }

  /** Waits until the plugin stands still; if it does not in time, gives what to say. */
  const settled = Effect.gen(function* () {
    const began = nowUnsafe(clock)
    for (;;) {
      const heard = pending.count
      yield* Effect.sleep(silence)
      if ((pending.count === heard && !pending.isHeldUp) || isOver) return undefined
      if (nowUnsafe(clock) - began < patience) continue
      return unreadable(`its news have not stood still for ${patience / 1_000} s, so none is taken`)
    }
  })

  const read = (foreign: ForeignNews): Effect.Effect<ReadonlyArray<SpecNews>> => {
    const { news, onApplied } =
      "fault" in foreign
        ? { news: unreadable(foreign.fault), onApplied: undefined }
        : readNews(foreign.given, unreadable)
    const tellApplied =
      onApplied === undefined
        ? Effect.void
        : apartWithin(appliedLimit, "onApplied", onApplied).pipe(
            Effect.catch(({ why }) => Effect.logWarning(`plugin ${plugin.name}: ${why}`)),
            // Whoever puts the spec in force does not wait for a plugin.
            Effect.forkIn(scope),
            Effect.asVoid,
          )
    const wanted = news._tag === "Accepted" ? SpecNews.Accepted({ ...news, onApplied: tellApplied }) : news
    if (isNews(wanted)) return Effect.succeed([wanted])
    return Effect.as(wanted._tag === "Accepted" ? tellApplied : Effect.void, [])
  }

  const next = Effect.gen(function* () {
    yield* pending.some.await
    const restless = yield* settled
    if (restless !== undefined) return isNews(restless) ? [restless] : []
    const batch = yield* Effect.forEach(pending.take(), read)
    // After the end nothing is awaited any more.
    if (isOver) pending.some.openUnsafe()
    return batch.flat()
  })

  return ConfigSource.of({
    name: plugin.name,
    post: Option.none(),
    news: Stream.fromEffectRepeat(next).pipe(
      Stream.takeUntil((batch) => isOver && batch.length === 0),
      Stream.flatMap(Stream.fromIterable),
    ),
  })
})

const isForeignStream = (given: unknown): given is Stream.Stream<unknown, { readonly message?: unknown }> =>
  Stream.isStream(given)
