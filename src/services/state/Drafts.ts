import { basename, dirname, join } from "node:path"
import { Effect, FileSystem, Option, Random } from "effect"

/** Milliseconds after which nobody can be writing a draft any more. */
const longestWrite = 60_000

const hex = (value: number): string => value.toString(16).padStart(6, "0")

/** A name for drafts of this file that no other process has: `state.json.1a2b3c4d5e6f.new`. */
export const draftName = (file: string): Effect.Effect<string> =>
  Effect.map(
    Effect.all([Random.nextIntBetween(0, 0xffffff), Random.nextIntBetween(0, 0xffffff)]),
    ([one, other]) => `${file}.${hex(one)}${hex(other)}.new`,
  )

/** Removes drafts that crashes have left. Those that another process may be writing stay, and so does what cannot be removed. */
export const removeStaleDrafts = Effect.fnUntraced(
  function* (file: string) {
    const fs = yield* FileSystem.FileSystem
    const folder = dirname(file)
    const start = `${basename(file)}.`
    const isDraft = (name: string): boolean =>
      name.startsWith(start) && /^([0-9a-f]{12}\.)?new$/.test(name.slice(start.length))
    const present = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
    for (const name of (yield* fs.readDirectory(folder)).filter(isDraft)) {
      const draft = join(folder, name)
      const { mtime, type } = yield* fs.stat(draft)
      const isOld = Option.exists(mtime, (at) => present - at.getTime() > longestWrite)
      if (type === "File" && isOld) yield* fs.remove(draft)
    }
  },
  (cleaning) => Effect.ignore(cleaning),
)
