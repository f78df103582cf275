import { dirname, resolve } from "node:path"
import { Effect, FileSystem, Layer, type PlatformError, Result } from "effect"
import type { Durable } from "../../domain/Durable.ts"
import { whyNotWritable } from "../FileLook.ts"
import { newFileWhy } from "../FileWords.ts"
import { StateNotKept, StateStore } from "./StateStore.ts"
import { decodeState, encodeState } from "./StateText.ts"

const notKept = (file: string) => (error: PlatformError.PlatformError) =>
  new StateNotKept({ why: `the state cannot be kept: ${file}: ${newFileWhy(error)}` })

const synced = (fs: FileSystem.FileSystem, folder: string) =>
  Effect.scoped(Effect.flatMap(fs.open(folder, { flag: "r" }), (directory) => directory.sync))

const make = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const draft = `${file}.new`

  // A crash leaves the old file or the new one, whole: the draft is on disk before it takes the file's name.
  const write = Effect.fnUntraced(function* (text: string) {
    yield* Effect.scoped(
      Effect.gen(function* () {
        const open = yield* fs.open(draft, { flag: "w", mode: 0o600 })
        yield* open.writeAll(new TextEncoder().encode(text))
        yield* open.sync
      }),
    )
    yield* fs.rename(draft, file)
    yield* synced(fs, dirname(file))
  })

  const restored = Effect.gen(function* (): Effect.fn.Return<Durable | undefined, PlatformError.PlatformError> {
    if (!(yield* fs.exists(file))) return undefined
    const state = decodeState(yield* fs.readFileString(file))
    if (Result.isSuccess(state)) return state.success
    const aside = `${file}.corrupt`
    yield* fs.rename(file, aside)
    yield* Effect.logError(`the state in ${file} cannot be read and was put aside as ${aside}: ${state.failure}`)
    return undefined
  })

  // Opening a FIFO waits for its other end; and neither it nor a device is what a rename should replace.
  for (const path of [file, draft]) {
    const why = yield* whyNotWritable(path)
    if (why !== undefined) return yield* new StateNotKept({ why: `the state cannot be kept: ${why}` })
  }
  const found = yield* Effect.mapError(restored, notKept(file))
  // Whether it can be written is better known now than at the first spec.
  yield* Effect.mapError(fs.access(dirname(resolve(file)), { writable: true }), notKept(file))
  return StateStore.of({
    restored: found,
    keep: (state) => Effect.uninterruptible(Effect.mapError(write(encodeState(state)), notKept(file))),
  })
})

/**
 * `--state-file`: the state in one JSON file, replaced as a whole and synced to disk before {@link StateStore} says that it
 * is kept. A file that cannot be understood is put aside as `….corrupt` and stops no start; one that cannot be opened, or
 * a folder that cannot be written, does.
 */
export const layer = (file: string): Layer.Layer<StateStore, StateNotKept, FileSystem.FileSystem> =>
  Layer.effect(StateStore, make(file))
