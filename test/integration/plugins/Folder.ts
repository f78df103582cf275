import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schedule, type Scope } from "effect"
import type { StatusJson } from "../../../src/services/http/StatusJson.ts"
import { NotSeen, type Running, statusOf } from "../cli/Running.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

/** A folder with these files. */
export const folderOf = (files: Readonly<Record<string, string>>): Effect.Effect<string, never, Scope.Scope> =>
  Effect.tap(temporaryFolder, (folder) =>
    Effect.sync(() => {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    }),
  )

/** Starts the daemon in this folder. */
export const within = (folder: string) => ({ under: ["env", "-C", folder] })

/** Asks for the status until it is as wanted. */
export const statusUntil = (
  daemon: Running,
  what: string,
  test: (status: typeof StatusJson.Type) => boolean,
): Effect.Effect<typeof StatusJson.Type, NotSeen> =>
  Effect.gen(function* () {
    const status = yield* statusOf(yield* daemon.url)
    return test(status)
      ? status
      : yield* new NotSeen({ what, output: `${JSON.stringify(status.sources)} ${daemon.stdout()}` })
  }).pipe(
    Effect.catchTag("SchemaError", ({ message }) => new NotSeen({ what, output: message })),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 }),
  )

const write = /^(create|replace|repair|delete|failover) /

/** The writes that the log tells of. */
export const writesOf = (daemon: Running): ReadonlyArray<string> =>
  daemon.lines().flatMap(({ message }) => (write.test(message) ? [message] : []))
