import { readFile, rm } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { Effect, Schedule, Schema } from "effect"

/** For `node --import`: the process then writes how late its event loop was, on SIGUSR2, to the file that STALLS_FILE names. */
export const stallsModule = fileURLToPath(new URL("LoopStalls.mjs", import.meta.url))

/** How late an event loop was, in milliseconds. */
const Stalls = Schema.fromJsonString(Schema.Struct({ count: Schema.Finite, p99: Schema.Finite, max: Schema.Finite }))

/** What the event loop of a process did since this was last asked. `ask` sends it SIGUSR2. */
export const stallsIn = Effect.fnUntraced(function* (file: string, ask: Effect.Effect<unknown>) {
  yield* Effect.promise(() => rm(file, { force: true }))
  yield* ask
  return yield* Effect.tryPromise({ try: () => readFile(file, "utf8"), catch: () => "none yet" as const }).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Stalls)),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 }),
  )
})
