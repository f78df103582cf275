import { createReadStream } from "node:fs"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { ByteSize, Data, Effect, Predicate, Result, Stream } from "effect"
import type { DecodedSpec, SpecProblem } from "../../domain/RouteSpec.ts"
import { maxFileBytes } from "../../services/config/FileLook.ts"
import { decodeSpecBytes, tooLarge } from "../../services/config/SpecBytes.ts"

/** A spec that could not be read at all. */
export class InputUnreadable extends Data.TaggedError("InputUnreadable")<{ readonly why: string }> {}

class InputTooLarge extends Data.TaggedError("InputTooLarge") {}

/** What stands for standard input. */
export const standardInput = "-"

/** A file, a pipe or standard input in words. */
export const inputName = (place: string): string => (place === standardInput ? "standard input" : place)

const whyOf = (error: unknown): string => {
  if (Predicate.hasProperty(error, "code") && error.code === "ENOENT") return "no such file"
  return Predicate.isError(error) ? error.message : String(error)
}

const streamOf = (place: string): Stream.Stream<Uint8Array, InputUnreadable | InputTooLarge> =>
  NodeStream.fromReadable({
    evaluate: () => (place === standardInput ? process.stdin : createReadStream(place)),
    onError: (error) => new InputUnreadable({ why: `${inputName(place)}: ${whyOf(error)}` }),
  })

/** All bytes of a file, a pipe, or standard input (`-`): at most 1 MiB. */
const bytesOf = (place: string): Effect.Effect<Uint8Array, InputUnreadable | InputTooLarge> =>
  Stream.limitBytes(streamOf(place), ByteSize.bytes(maxFileBytes), () => Stream.fail(new InputTooLarge())).pipe(
    Stream.runCollect,
    Effect.map((chunks) => Buffer.concat(chunks)),
  )

/** Reads the spec at a place, once. The result holds all its faults. */
export const readSpec = (
  place: string,
): Effect.Effect<Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>>, InputUnreadable> =>
  bytesOf(place).pipe(
    Effect.map(decodeSpecBytes),
    Effect.catchTag("InputTooLarge", () => Effect.succeed(Result.fail([tooLarge]))),
  )
