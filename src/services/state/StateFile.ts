import { dirname, resolve } from "node:path"
import { Effect, FileSystem, Layer, Option, type PlatformError, Result, Semaphore } from "effect"
import { carriedOver } from "../../domain/BrakeMemory.ts"
import { letGoCarriedOver } from "../../domain/Confirmed.ts"
import type { Durable } from "../../domain/Durable.ts"
import type { Millis } from "../../domain/Health.ts"
import type { VpcId } from "../../domain/Ids.ts"
import { whyNotWritable } from "../FileLook.ts"
import { newFileWhy } from "../FileWords.ts"
import { linkEnd } from "../LinkEnd.ts"
import { now } from "../Now.ts"
import { draftName, removeStaleDrafts } from "./Drafts.ts"
import { StateNotKept, StateStore } from "./StateStore.ts"
import { decodeState, encodeState } from "./StateText.ts"

/** Unix time in milliseconds as it is at present: the next start has no other clock in common with this one. */
const wallClock: Effect.Effect<Millis> = Effect.clockWith((clock) => clock.currentTimeMillis)

/** The same by another clock, which shows `to` while this one shows `from`. */
const asOf = (state: Durable, from: Millis, to: Millis): Durable => ({
  ...state,
  letGo: letGoCarriedOver(state.letGo, from, to),
  hour: carriedOver(state.hour, from, to),
})

const notKept = (file: string) => (error: PlatformError.PlatformError) =>
  new StateNotKept({ why: `the state cannot be kept: ${file}: ${newFileWhy(error)}` })

const synced = (fs: FileSystem.FileSystem, folder: string) =>
  Effect.scoped(Effect.flatMap(fs.open(folder, { flag: "r" }), (directory) => directory.sync))

const ofAnother = (file: string, other: string, vpc: VpcId): string =>
  `${file} is the state of ${other.replaceAll(/[^\w-]/g, "?").slice(0, 40)}, and this daemon is for ${vpc}: name another file, or remove this one`

/** How long the file system may take to answer at the start: a network mount may not at all. */
const patience = "5 seconds"
/** How often it is said again that somebody else writes to the file. */
const repeatEvery: Millis = 5 * 60_000

/** Tells one version of the file from another, unless it is written twice within a tick of the kernel's clock. */
const versionOf = ({ ino, mtime, size }: FileSystem.File.Info): string =>
  [Option.getOrUndefined(ino), Option.getOrUndefined(mtime)?.getTime(), size].map(String).join(" ")

/** Hangs no start for ever. */
const inTime = <A, E, R>(file: string, work: Effect.Effect<A, E, R>): Effect.Effect<A, E | StateNotKept, R> =>
  Effect.timeoutOrElse(work, {
    duration: patience,
    orElse: () => new StateNotKept({ why: `the state cannot be kept: ${file}: no answer within ${patience}` }),
  })

/** The file itself, whichever links lead to it. */
const fileOf = Effect.fnUntraced(function* (given: string) {
  // Opening a FIFO waits for its other end; and neither it nor a device is what a rename should replace.
  const why = yield* inTime(given, whyNotWritable(given))
  if (why !== undefined) return yield* new StateNotKept({ why: `the state cannot be kept: ${why}` })
  return yield* inTime(given, linkEnd(given))
})

const make = Effect.fnUntraced(function* (given: string, vpc: VpcId) {
  const fs = yield* FileSystem.FileSystem
  const file = yield* fileOf(given)
  const draft = yield* draftName(file)
  const turn = yield* Semaphore.make(1)
  const version = Effect.option(Effect.map(fs.stat(file), versionOf))

  let known: Option.Option<string> = Option.none()
  let saidAt: Millis | undefined
  /** Another daemon that keeps its state here would take ours for its own when it starts, and we its. */
  const watchOthers = Effect.gen(function* () {
    const present = yield* version
    const at = yield* now
    const isOurs = Option.isNone(present) || Option.getOrUndefined(known) === present.value
    if (isOurs || (saidAt !== undefined && at - saidAt < repeatEvery)) return
    saidAt = at
    yield* Effect.logWarning(
      `--state-file: ${file} was changed by somebody else, and is replaced: every daemon needs a file of its own`,
    )
  })

  // A crash leaves the old file or the new one, whole: the draft is on disk before it takes the file's name.
  const replace = Effect.fnUntraced(
    function* (text: string) {
      yield* Effect.scoped(
        Effect.gen(function* () {
          const open = yield* fs.open(draft, { flag: "w", mode: 0o600 })
          yield* open.writeAll(new TextEncoder().encode(text))
          yield* open.sync
        }),
      )
      yield* watchOthers
      yield* fs.rename(draft, file)
    },
    Effect.onError(() => Effect.ignore(fs.remove(draft))),
  )
  const write = Effect.fnUntraced(function* (text: string) {
    yield* replace(text)
    known = yield* version
    yield* synced(fs, dirname(file))
  })

  const orNotKept = <A>(work: Effect.Effect<A, PlatformError.PlatformError>) =>
    inTime(file, Effect.mapError(work, notKept(file)))

  const restored = Effect.gen(function* () {
    if (!(yield* orNotKept(fs.exists(file)))) return undefined
    const kept = decodeState(yield* orNotKept(fs.readFileString(file)))
    if (Result.isSuccess(kept)) {
      const { state, vpc: other } = kept.success
      if (other !== undefined && other !== vpc) return yield* new StateNotKept({ why: ofAnother(file, other, vpc) })
      known = yield* inTime(file, version)
      return asOf(state, yield* wallClock, yield* now)
    }
    const aside = `${file}.corrupt`
    yield* orNotKept(fs.rename(file, aside))
    yield* Effect.logError(`the state in ${file} cannot be read and was put aside as ${aside}: ${kept.failure}`)
    return undefined
  })

  const found = yield* restored
  // Whether it can be written is better known now than at the first spec.
  yield* orNotKept(fs.access(dirname(resolve(file)), { writable: true }))
  yield* inTime(file, removeStaleDrafts(file))
  return StateStore.of({
    restored: found,
    keep: Effect.fnUntraced(function* (state) {
      const text = encodeState({
        vpc,
        state: asOf(state, yield* now, yield* wallClock),
      })
      yield* turn.withPermits(1)(Effect.mapError(write(text), notKept(file)))
    }, Effect.uninterruptible),
  })
})

/**
 * `--state-file`: the state in one JSON file, replaced as a whole and synced to disk before {@link StateStore} says that it
 * is kept. Where a symbolic link has the name, that is the file it leads to. A file that cannot be understood is put aside as
 * `….corrupt` and stops no start; one that cannot be opened, or a folder that cannot be written, does; so does the state of
 * another VPC, which is left as it is.
 */
export const layer = (file: string, vpc: VpcId): Layer.Layer<StateStore, StateNotKept, FileSystem.FileSystem> =>
  Layer.effect(StateStore, make(file, vpc))
