import { Data, Effect, type FileSystem, Result } from "effect"
import type { DecodedSpec, SpecProblem } from "../../domain/RouteSpec.ts"
import { readOnce, readStream } from "../../services/FileLook.ts"
import { decodeSpecBytes, tooLarge } from "../../services/config/SpecBytes.ts"

/** A spec that could not be read at all. */
export class InputUnreadable extends Data.TaggedError("InputUnreadable")<{ readonly why: string }> {}

/** What stands for standard input. */
export const standardInput = "-"

/** A file, a pipe or standard input in words. */
export const inputName = (place: string): string => (place === standardInput ? "standard input" : place)

/** Reads the spec at a place, once: a file, a pipe, or standard input (`-`). The result holds all its faults. */
export const readSpec = Effect.fnUntraced(function* (
  place: string,
): Effect.fn.Return<Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>>, InputUnreadable, FileSystem.FileSystem> {
  const look = yield* place === standardInput ? readStream(inputName(place), () => process.stdin) : readOnce(place)
  switch (look._tag) {
    case "Unreadable":
      return yield* new InputUnreadable({ why: look.why })
    case "TooLarge":
      return Result.fail([tooLarge])
    case "Content":
      return decodeSpecBytes(look.bytes)
  }
})
