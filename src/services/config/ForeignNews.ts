import { Effect, Predicate, Result } from "effect"
import { decodeSpecValue } from "../../domain/DecodeSpecValue.ts"
import type { SpecProblem } from "../../domain/RouteSpec.ts"
import { maxProblems } from "../../domain/SpecDraft.ts"
import { shortened, thrownInWords } from "../PluginSession.ts"
import { SpecNews } from "./ConfigSource.ts"

/** What came from a plugin and was not looked at yet; or what became of the plugin itself. */
export type ForeignNews = { readonly given: unknown } | { readonly fault: string }

/** Looking may throw: what is looked at is the plugin's. */
const look = <A>(at: () => A): Result.Result<A, string> => Result.try({ try: at, catch: thrownInWords })

/** Whether it says of itself that it is a spec. */
export const isAccepted = (news: ForeignNews): boolean =>
  "given" in news &&
  Result.getOrElse(
    look(() => Predicate.isTagged(news.given, "Accepted")),
    () => false,
  )

const isProblem = (given: unknown): given is SpecProblem =>
  Predicate.hasProperty(given, "path") &&
  Predicate.isString(given.path) &&
  Predicate.hasProperty(given, "message") &&
  Predicate.isString(given.message)

const problemsOf = (given: unknown): ReadonlyArray<SpecProblem> =>
  Array.isArray(given)
    ? given
        .slice(0, maxProblems)
        .filter(isProblem)
        .map(({ message, path }) => ({ path: shortened(path), message: shortened(message) }))
    : []

const isEffect = (given: unknown): given is Effect.Effect<unknown, { readonly message?: unknown }> =>
  Effect.isEffect(given)

/** News as they were read, and what is to be run once a spec is in force. */
export interface ReadNews {
  readonly news: SpecNews
  readonly onApplied: Effect.Effect<unknown, { readonly message?: unknown }> | undefined
}

/** Reads what a plugin gave as news. A spec is read anew by the rules of all specs; what is no news is said to be none. */
export const readNews = (given: unknown, unreadable: (why: string) => SpecNews): ReadNews =>
  Result.getOrElse(
    look(() => read(given, unreadable)),
    (why) => ({ news: unreadable(`its news cannot be read: ${why}`), onApplied: undefined }),
  )

const read = (given: unknown, unreadable: (why: string) => SpecNews): ReadNews => {
  const none = { onApplied: undefined }
  if (Predicate.isTagged(given, "Accepted")) {
    const decoded = decodeSpecValue(Predicate.hasProperty(given, "spec") ? given.spec : undefined)
    if (Result.isFailure(decoded)) return { news: SpecNews.Rejected({ problems: decoded.failure }), ...none }
    const mended = problemsOf(Predicate.hasProperty(given, "warnings") ? given.warnings : undefined)
    const { spec, warnings } = decoded.success
    const onApplied = Predicate.hasProperty(given, "onApplied") ? given.onApplied : undefined
    return {
      news: SpecNews.Accepted({ spec, warnings: [...mended, ...warnings], onApplied: Effect.void }),
      onApplied: isEffect(onApplied) ? onApplied : undefined,
    }
  }
  if (Predicate.isTagged(given, "Rejected")) {
    const problems = problemsOf(Predicate.hasProperty(given, "problems") ? given.problems : undefined)
    const some = problems.length > 0 ? problems : [{ path: "$", message: "the plugin refused it without a reason" }]
    return { news: SpecNews.Rejected({ problems: some }), ...none }
  }
  if (Predicate.isTagged(given, "Unreadable")) {
    const why = Predicate.hasProperty(given, "why") && Predicate.isString(given.why) ? given.why : "it does not say why"
    return { news: unreadable(shortened(why)), ...none }
  }
  return { news: unreadable("it gave something that is no news (SpecNews)"), ...none }
}
