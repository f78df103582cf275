import { Result } from "effect"
import { decodeRouteSpecSteps } from "../../domain/DecodeRouteSpec.ts"
import type { DecodedSpec, SpecProblem } from "../../domain/RouteSpec.ts"
import { allSteps, type Steps } from "../../domain/Steps.ts"
import { maxFileBytes } from "../FileLook.ts"
import { utf8Text } from "../Utf8.ts"

/** Reads a route spec from the bytes of a file, which must be UTF-8. Gives the spec, or all its faults. */
export const decodeSpecBytes = (bytes: Uint8Array): Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>> =>
  allSteps(decodeSpecSteps(bytes))

/** {@link decodeSpecBytes} in steps. */
export function* decodeSpecSteps(bytes: Uint8Array): Steps<Result.Result<DecodedSpec, ReadonlyArray<SpecProblem>>> {
  const text = utf8Text(bytes)
  return Result.isFailure(text)
    ? Result.fail([{ path: "$", message: `expected UTF-8 text, got ${text.failure}` }])
    : yield* decodeRouteSpecSteps(text.success)
}

/** What is wrong with a file that is longer than {@link maxFileBytes}. */
export const tooLarge: SpecProblem = { path: "$", message: `expected at most ${maxFileBytes} bytes (1 MiB), got more` }
