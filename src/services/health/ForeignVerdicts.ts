import { Predicate, Result } from "effect"
import type { Verdict } from "../../domain/Health.ts"
import { shortened, thrownInWords } from "../PluginSession.ts"

/** What a plugin says of a host. When it began to be so is not taken from it. */
export interface Said {
  readonly tag: Verdict["_tag"]
  readonly reason: string
}

/** More verdicts in one batch than ever are watched. */
const maxBatch = 65_536

const verdictOf = (given: unknown): Said | undefined => {
  if (Predicate.isTagged(given, "Healthy")) return { tag: "Healthy", reason: "" }
  if (Predicate.isTagged(given, "Unknown")) return { tag: "Unknown", reason: "" }
  if (Predicate.isTagged(given, "Unwatched")) {
    const why = Predicate.hasProperty(given, "why") && Predicate.isString(given.why) ? given.why : ""
    return { tag: "Unwatched", reason: why === "" ? "no reason given" : shortened(why) }
  }
  if (!Predicate.isTagged(given, "Failed")) return undefined
  const reason = Predicate.hasProperty(given, "reason") && Predicate.isString(given.reason) ? given.reason : ""
  return { tag: "Failed", reason: reason === "" ? "no reason given" : shortened(reason) }
}

const read = (batch: unknown): Result.Result<ReadonlyArray<readonly [host: string, said: Said]>, string> => {
  if (!Array.isArray(batch)) return Result.fail("it gave something that is no list of verdicts")
  if (batch.length > maxBatch) return Result.fail(`it gave ${batch.length} verdicts at once`)
  const given: ReadonlyArray<unknown> = batch
  const verdicts: Array<readonly [string, Said]> = []
  for (const one of given) {
    const host = Predicate.hasProperty(one, "host") ? one.host : undefined
    const said = Predicate.hasProperty(one, "verdict") ? verdictOf(one.verdict) : undefined
    if (!Predicate.isString(host) || said === undefined)
      return Result.fail("it gave something that is no verdict of a host (HostVerdict)")
    verdicts.push([host, said])
  }
  return Result.succeed(verdicts)
}

/** Reads a batch of verdicts that a plugin gave, whatever it may be. */
export const readVerdicts = (
  batch: unknown,
): Result.Result<ReadonlyArray<readonly [host: string, said: Said]>, string> =>
  Result.flatMap(Result.try({ try: () => read(batch), catch: thrownInWords }), (verdicts) => verdicts)

/** Why a source that gave this as its state is down; undefined: it is up. */
export const readState = (given: unknown): string | undefined =>
  Result.getOrElse(
    Result.try({
      try: () => {
        if (Predicate.isTagged(given, "Up")) return undefined
        if (!Predicate.isTagged(given, "Down")) return "it gave something that is no state (SourceState)"
        return Predicate.hasProperty(given, "why") && Predicate.isString(given.why)
          ? shortened(given.why)
          : "it does not say why"
      },
      catch: thrownInWords,
    }),
    (why) => why,
  )
