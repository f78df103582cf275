import { createHash, timingSafeEqual } from "node:crypto"
import { Data, Effect, FileSystem, Result, type Scope } from "effect"
import type { Millis } from "../../domain/Health.ts"
import { FileLook, lookAtFile, readOnce } from "../FileLook.ts"
import { now } from "../Now.ts"
import { makePatientLook } from "../PatientLook.ts"

/** Bytes of a token file. */
const mostBytes = 64 * 1024
/** How long a pipe may take. */
const patience = "5 seconds"
/** How often it is said again that the file cannot be read. */
const repeatEvery: Millis = 5 * 60_000

/** The token file cannot serve: it cannot be read, or holds nothing. `why` names it. */
export class TokenFileError extends Data.TaggedError("TokenFileError")<{
  readonly file: string
  readonly why: string
}> {
  override get message(): string {
    return this.why
  }
}

/** Whether a bearer token is the right one. */
export type TokenCheck = (token: string) => Effect.Effect<boolean>

// Equal lengths whatever the tokens are, so that the time taken tells nothing of either.
const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/** Compares in a time that does not depend on where the texts differ. */
export const isSameToken = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))

/** RFC 6750, section 2.1; the scheme in any case. */
const credentials = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/** The token of an `Authorization` header, if it is a bearer token. */
export const bearerOf = (authorization: string): string | undefined => credentials.exec(authorization)?.[1]

/** What was found in a file, as a token; the failure names the file. */
const tokenIn = (file: string, look: FileLook): Result.Result<string, string> => {
  if (look._tag === "Unreadable") return Result.fail(look.why)
  if (look._tag === "TooLarge") return Result.fail(`${file}: expected a token, got more than ${mostBytes} bytes`)
  const token = Buffer.from(look.bytes).toString("utf8").trim()
  if (token === "") return Result.fail(`${file}: it is empty`)
  return bearerOf(`Bearer ${token}`) === token
    ? Result.succeed(token)
    : Result.fail(`${file}: it holds no bearer token: letters, digits and -._~+/ in one line`)
}

const isRegular = (file: string): Effect.Effect<boolean, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    Effect.match(files.stat(file), { onFailure: () => false, onSuccess: ({ type }) => type === "File" }),
  )

/** The token in a file, without the white space around it. A FIFO will do, if it is written to within 5 s. */
export const readToken = (file: string): Effect.Effect<string, TokenFileError, FileSystem.FileSystem> =>
  readOnce(file, mostBytes).pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () =>
        Effect.succeed(FileLook.Unreadable({ why: `${file}: nothing was written to it within ${patience}` })),
    }),
    Effect.flatMap((look) =>
      Effect.fromResult(Result.mapError(tokenIn(file, look), (why) => new TokenFileError({ file, why }))),
    ),
  )

/**
 * Checks tokens against the content of `file`, without the white space around it. The file is read at once, and again
 * for every check, so that a changed token counts from then on; while it cannot be read or is empty, no token is right,
 * and the log says so. What is no regular file (a pipe) is read once.
 */
export const tokenCheck = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<TokenCheck, TokenFileError, FileSystem.FileSystem | Scope.Scope> {
  const files = yield* FileSystem.FileSystem
  const first = yield* readToken(file)
  if (!(yield* isRegular(file))) return (token) => Effect.succeed(isSameToken(token, first))
  // One that hangs is the last until it ends: nobody who asks may take the threads from the rest.
  const { look } = yield* makePatientLook({
    path: file,
    look: lookAtFile(file, mostBytes),
    answers: Effect.succeed(false),
    mostHanging: 1,
  })
  let failing: { readonly why: string; readonly loggedAt: Millis } | undefined

  const onFailure = Effect.fnUntraced(function* (why: string): Effect.fn.Return<boolean> {
    const at = yield* now
    if (failing?.why === why && at - failing.loggedAt < repeatEvery) return false
    failing = { why, loggedAt: at }
    yield* Effect.logWarning(`--token-file: ${why}; until that is mended, writes from other machines are refused`)
    return false
  })
  const onSuccess = Effect.fnUntraced(function* (token: string, present: string): Effect.fn.Return<boolean> {
    if (failing !== undefined) {
      failing = undefined
      yield* Effect.logInfo(`--token-file: ${file} can be read again`)
    }
    return isSameToken(token, present)
  })
  return (token) =>
    Effect.flatMap(look, (found) =>
      Result.match(tokenIn(file, found), { onFailure, onSuccess: (present) => onSuccess(token, present) }),
    ).pipe(Effect.provideService(FileSystem.FileSystem, files))
})
