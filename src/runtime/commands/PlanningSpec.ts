import { Effect, type FileSystem, Option, Result, Stream } from "effect"
import type { DecodedSpec, SpecProblem } from "../../domain/RouteSpec.ts"
import { ConfigSource } from "../../services/config/ConfigSource.ts"
import { configLayer } from "../Daemon.ts"
import type { ConfigChoice } from "../Options.ts"
import { StartFault, startFault } from "../StartFault.ts"
import { inputName, readSpec } from "./SpecInput.ts"

const rejected = (place: string, problems: ReadonlyArray<SpecProblem>): StartFault =>
  new StartFault({ problems: problems.map(({ message, path }) => ({ option: place, message: `${path}: ${message}` })) })

/** How long a source may take to bring its first spec. */
const patience = "10 seconds"

const firstOf = (choice: ConfigChoice) =>
  Effect.gen(function* () {
    const source = yield* ConfigSource
    const first = yield* Effect.timeoutOption(Stream.runHead(source.news), patience)
    const news = Option.getOrUndefined(Option.flatten(first))
    switch (news?._tag) {
      case undefined:
        return yield* startFault("--mode", `no spec came within ${patience}`)
      case "Rejected":
        return yield* rejected("--mode", news.problems)
      case "Unreadable":
        return yield* startFault("--mode", news.why)
      case "Accepted":
        return news
    }
  }).pipe(Effect.provide(configLayer(choice)))

/** The spec as it is now; undefined in mode http, where it would be posted. */
export const planningSpec = Effect.fnUntraced(function* (
  choice: ConfigChoice,
): Effect.fn.Return<DecodedSpec | undefined, StartFault, FileSystem.FileSystem> {
  switch (choice._tag) {
    case "Http":
      return undefined
    case "ConfigFile": {
      const read = Effect.catchTag(readSpec(choice.file), "InputUnreadable", ({ why }) => startFault("--file", why))
      const decoded = yield* read
      return Result.isSuccess(decoded) ? decoded.success : yield* rejected(inputName(choice.file), decoded.failure)
    }
    default:
      return yield* firstOf(choice)
  }
})
