import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

/** A folder of the test's own. Files are JSON, unless a text is given. */
export interface Folder {
  readonly write: (name: string, content: unknown) => string
}

export const folder: Effect.Effect<Folder, never, Scope.Scope> = temporaryFolder.pipe(
  Effect.map((path) => ({
    write: (name, content) => {
      const file = join(path, name)
      writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content))
      return file
    },
  })),
)

/** A program that gives the one behind it a text on standard input. */
export const fed = (file: string): ReadonlyArray<string> => ["sh", "-c", `exec "$@" < ${file}`, "sh"]
