import { Cause, Effect, type Scope, Stream } from "effect"
import type { Millis } from "../domain/Health.ts"
import type { SpecProblem } from "../domain/RouteSpec.ts"
import { WorldEvent } from "../domain/WorldEvent.ts"
import { ConfigSource, type SpecNews } from "../services/config/ConfigSource.ts"
import { now } from "../services/Now.ts"
import type { StateNotKept } from "../services/state/StateStore.ts"
import { type ConfigTrouble, meanwhile } from "./ConfigTrouble.ts"
import { counted } from "./metrics/LoopMetrics.ts"

export interface SpecFeed {
  /** What is the matter with the source at present, if anything is. */
  readonly trouble: Effect.Effect<ConfigTrouble | undefined>
}

const listed = (problems: ReadonlyArray<SpecProblem>): string =>
  problems.map(({ path, message }) => `${path}: ${message}`).join("; ")

/**
 * Takes the news of the config source as they come: an accepted spec is told to the loop; anything else changes nothing
 * and is said.
 */
export const makeSpecFeed = (loop: {
  /** Keeps the event over a restart, puts it in force, and returns then. */
  readonly record: (event: WorldEvent) => Effect.Effect<void, StateNotKept>
  /** Puts it in force only. */
  readonly applyUnkept: (event: WorldEvent) => Effect.Effect<void>
  readonly isSpecInForce: () => boolean
}): Effect.Effect<SpecFeed, never, ConfigSource | Scope.Scope> =>
  Effect.gen(function* () {
    const config = yield* ConfigSource
    let trouble: ConfigTrouble | undefined

    const accept = Effect.fnUntraced(function* (news: Extract<SpecNews, { readonly _tag: "Accepted" }>, at: Millis) {
      for (const warning of news.warnings) yield* Effect.logWarning(`spec: ${listed([warning])}`)
      const event = WorldEvent.SpecAccepted({ spec: news.spec, at, by: news.by })
      const { onApplied, onNotKept } = news
      yield* Effect.matchEffect(loop.record(event), {
        onSuccess: () => onApplied,
        onFailure: Effect.fnUntraced(function* ({ why }) {
          yield* Effect.logError(why)
          if (onNotKept !== undefined) return yield* onNotKept(why)
          yield* loop.applyUnkept(event)
          yield* onApplied
        }),
      })
      trouble = undefined
    })

    const onNews = Effect.fnUntraced(function* (news: SpecNews) {
      const since = yield* now
      const isSpecInForce = loop.isSpecInForce()
      switch (news._tag) {
        case "Accepted":
          yield* counted.spec("accepted")
          return yield* accept(news, since)
        case "Rejected":
          yield* counted.spec("rejected")
          trouble = { _tag: "Rejected", since, isSpecInForce, problems: news.problems }
          return yield* Effect.logError(`the spec was not accepted, ${meanwhile(trouble)}: ${listed(news.problems)}`)
        case "Unreadable":
          yield* counted.spec("unreadable")
          trouble = {
            _tag: "Unreadable",
            since: trouble?._tag === "Unreadable" ? trouble.since : since,
            isSpecInForce,
            why: news.why,
          }
          return yield* Effect.logError(`the spec cannot be read, ${meanwhile(trouble)}: ${news.why}`)
      }
    })

    const onEnd = Effect.fnUntraced(function* (why: string) {
      trouble = { _tag: "Ended", since: yield* now, isSpecInForce: loop.isSpecInForce(), why }
      yield* Effect.logError(`the config source ended, ${meanwhile(trouble)}: ${why}`)
    })

    yield* Effect.forkScoped(
      Stream.runForEach(config.news, onNews).pipe(
        Effect.matchCauseEffect({
          onFailure: (cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : onEnd(Cause.pretty(cause))),
          onSuccess: () => onEnd("it has no more news"),
        }),
      ),
    )
    return { trouble: Effect.sync(() => trouble) }
  })
