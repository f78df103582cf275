import { dirname, resolve } from "node:path"
import { Effect, FileSystem } from "effect"

/** As many as Linux follows. */
const mostLinks = 40

/**
 * Where a path leads to through symbolic links of its last part, whether that is there or not. What is replaced by a
 * rename must be this: a rename to the link's own name would put a file in the link's place, on a disk that may not last.
 */
export const linkEnd = Effect.fnUntraced(function* (
  path: string,
): Effect.fn.Return<string, never, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  let end = path
  for (let links = 0; links < mostLinks; links++) {
    // Fails for what is no link, and for what is not there.
    const next = yield* Effect.orElseSucceed(files.readLink(end), () => undefined)
    if (next === undefined) break
    end = resolve(dirname(end), next)
  }
  return end
})
