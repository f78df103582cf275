import { createHash, timingSafeEqual } from "node:crypto"
import { Data, Effect, FileSystem } from "effect"

/** The token file cannot serve: it cannot be read, or holds nothing. */
export class TokenFileError extends Data.TaggedError("TokenFileError")<{
  readonly file: string
  readonly why: string
}> {
  override get message(): string {
    return `the token file ${this.file} ${this.why}`
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

/**
 * Checks tokens against the content of `file`, without the white space around it. The file is read at once, and again
 * for every check, so that a changed token counts from then on; while it cannot be read or is empty, no token is right.
 * What is no regular file (a pipe) is read once.
 */
export const tokenCheck = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<TokenCheck, TokenFileError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const read = files.readFileString(file).pipe(
    Effect.mapError(({ reason }) => new TokenFileError({ file, why: `cannot be read: ${reason._tag}` })),
    Effect.map((content) => content.trim()),
    Effect.filterOrFail(
      (token) => token !== "",
      () => new TokenFileError({ file, why: "is empty" }),
    ),
    Effect.filterOrFail(
      (token) => bearerOf(`Bearer ${token}`) === token,
      () => new TokenFileError({ file, why: "holds no bearer token: letters, digits and -._~+/ in one line" }),
    ),
  )
  const first = yield* read
  const isFile = yield* Effect.match(files.stat(file), {
    onFailure: () => false,
    onSuccess: ({ type }) => type === "File",
  })
  if (!isFile) return (token) => Effect.succeed(isSameToken(token, first))
  return (token) =>
    Effect.match(read, {
      onFailure: () => false,
      onSuccess: (present) => isSameToken(token, present),
    })
})
