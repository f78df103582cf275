import { constants, openSync } from "node:fs"
import { open } from "node:fs/promises"
import { Socket } from "node:net"
import type { Readable } from "node:stream"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Data, Effect, FileSystem, Option, Stream } from "effect"
import { fileWhy, kindWords } from "./FileWords.ts"

/** The largest file that is read where nothing else is said, in bytes: 1 MiB, as for every spec. */
export const maxFileBytes = 1024 * 1024

/** What one look at a file showed. */
export type FileLook = Data.TaggedEnum<{
  Content: { readonly bytes: Uint8Array }
  TooLarge: {}
  Unreadable: { readonly why: string }
}>
export const FileLook = Data.taggedEnum<FileLook>()

/** Whether two looks showed the same, byte by byte. */
export const isSameLook = (one: FileLook, other: FileLook): boolean => {
  if (one._tag === "Content" && other._tag === "Content") return Buffer.compare(one.bytes, other.bytes) === 0
  if (one._tag === "Unreadable" && other._tag === "Unreadable") return one.why === other.why
  return one._tag === other._tag
}

/** Why nothing was read, or why no more was. */
class NotRead extends Data.TaggedError("NotRead")<{ readonly look: FileLook }> {}

const unreadable = (path: string) => (error: unknown) =>
  new NotRead({ look: FileLook.Unreadable({ why: `${path}: ${fileWhy(error)}` }) })

/** Takes at most `limit` bytes, and does not go on reading what is longer. */
const collect = <R>(content: Stream.Stream<Uint8Array, NotRead, R>, limit: number) => {
  let size = 0
  return content.pipe(
    Stream.mapEffect((chunk) => {
      size += chunk.length
      return size > limit ? new NotRead({ look: FileLook.TooLarge() }) : Effect.succeed(chunk)
    }),
    Stream.runCollect,
    Effect.map((chunks) => FileLook.Content({ bytes: Buffer.concat(chunks) })),
  )
}

/** Bytes that are asked for at once, at least and at most. */
const chunk = { least: 4 * 1024, most: 256 * 1024 }

/** Its end is waited for by nobody once the signal says so; then it closes the file and is over. */
const readRegular = async (path: string, limit: number, signal: AbortSignal): Promise<FileLook> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    // It may have become another file since it was looked at.
    const info = await file.stat()
    if (!info.isFile()) return FileLook.Unreadable({ why: `${path}: this is not a file` })
    const chunks: Array<Uint8Array> = []
    let size = 0
    while (!signal.aborted) {
      const buffer = new Uint8Array(Math.min(chunk.most, Math.max(chunk.least, info.size + 1 - size)))
      const { bytesRead } = await file.read(buffer)
      size += bytesRead
      if (size > limit) return FileLook.TooLarge()
      if (bytesRead === 0) break
      chunks.push(buffer.subarray(0, bytesRead))
    }
    return FileLook.Content({ bytes: Buffer.concat(chunks) })
  } finally {
    await file.close()
  }
}

const readFile = Effect.fnUntraced(function* (
  path: string,
  limit: number,
): Effect.fn.Return<FileLook, NotRead, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  // Opening a device may do something.
  const { type, size } = yield* Effect.mapError(files.stat(path), unreadable(path))
  if (type !== "File") return FileLook.Unreadable({ why: `${path}: this is ${kindWords[type]}, not a file` })
  if (size > limit) return FileLook.TooLarge()
  return yield* Effect.tryPromise({ try: (signal) => readRegular(path, limit, signal), catch: unreadable(path) })
})

const readAll = (name: string, evaluate: () => Readable, limit: number) =>
  collect(NodeStream.fromReadable<Uint8Array, NotRead>({ evaluate, onError: unreadable(name) }), limit)

/** A FIFO, opened and read without a thread that waits: `<(command)` of a shell, or one that nobody writes to yet. */
const readFifo = Effect.fnUntraced(function* (path: string, limit: number): Effect.fn.Return<FileLook, NotRead> {
  const fd = yield* Effect.try({
    try: () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
    catch: unreadable(path),
  })
  return yield* readAll(path, () => new Socket({ fd, readable: true, writable: false }), limit)
})

const told = <R>(reading: Effect.Effect<FileLook, NotRead, R>): Effect.Effect<FileLook, never, R> =>
  Effect.catchTag(reading, "NotRead", ({ look }) => Effect.succeed(look))

/**
 * Reads the file that the path leads to at present, through any symbolic links. Only a regular file is opened, and
 * nothing waits there for a writer: not for that of a FIFO that has taken the file's place meanwhile, nor for the kernel's
 * next message in `/proc/kmsg`. The content itself is read each time, and not only the file's dates: a date may stay the same when the content
 * changes (`cp -p`, a second write within the same tick of the kernel's clock).
 */
export const lookAtFile = (path: string, limit = maxFileBytes): Effect.Effect<FileLook, never, FileSystem.FileSystem> =>
  told(readFile(path, limit))

/** The same for what is read once: a FIFO will do, and is read to its end. It can be interrupted. */
export const readOnce = (path: string, limit = maxFileBytes): Effect.Effect<FileLook, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => Effect.option(files.stat(path))).pipe(
    Effect.flatMap((info) =>
      told(Option.isSome(info) && info.value.type === "FIFO" ? readFifo(path, limit) : readFile(path, limit)),
    ),
  )

/** What a stream of this name holds, such as standard input. */
export const readStream = (name: string, evaluate: () => Readable): Effect.Effect<FileLook> =>
  told(readAll(name, evaluate, maxFileBytes))

/** What is written to or replaced must be a file, or not there yet. Undefined: it is so; else why not. */
export const whyNotWritable = (
  path: string,
  types: ReadonlyArray<FileSystem.File.Type> = ["File"],
): Effect.Effect<string | undefined, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.stat(path)).pipe(
    Effect.map(({ type }) => (types.includes(type) ? undefined : `${path}: this is ${kindWords[type]}, not a file`)),
    Effect.catch((error) =>
      Effect.succeed(error.reason._tag === "NotFound" ? undefined : `${path}: ${fileWhy(error)}`),
    ),
  )
