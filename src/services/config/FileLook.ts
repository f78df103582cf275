import { Data, Effect, FileSystem, type PlatformError, Predicate, Stream } from "effect"

/** The largest file that is read, in bytes: 1 MiB, as for every spec. */
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

const kinds: Readonly<Record<FileSystem.File.Type, string>> = {
  File: "a file",
  Directory: "a directory",
  SymbolicLink: "a symbolic link",
  BlockDevice: "a block device",
  CharacterDevice: "a character device",
  FIFO: "a FIFO",
  Socket: "a socket",
  Unknown: "something unknown",
}

const whyOf = ({ message, reason }: PlatformError.PlatformError): string => {
  if (reason._tag === "NotFound") return "no such file"
  if (reason._tag === "PermissionDenied") return "permission denied"
  return Predicate.isError(reason.cause) ? reason.cause.message : message
}

/**
 * Reads the file that the path leads to at present, through any symbolic links. Only a regular file is opened: opening
 * a FIFO would wait for its writer. The content itself is read each time, and not only the file's dates: a date may
 * stay the same when the content changes (`cp -p`, a second write within the same tick of the kernel's clock).
 */
export const lookAtFile = Effect.fnUntraced(
  function* (path: string): Effect.fn.Return<FileLook, PlatformError.PlatformError, FileSystem.FileSystem> {
    const files = yield* FileSystem.FileSystem
    const { type, size } = yield* files.stat(path)
    if (type !== "File") return FileLook.Unreadable({ why: `${path}: this is ${kinds[type]}, not a file` })
    if (size > maxFileBytes) return FileLook.TooLarge()
    // It may have grown since.
    const chunks = yield* Stream.runCollect(files.stream(path, { bytesToRead: maxFileBytes + 1 }))
    const bytes = Buffer.concat(chunks)
    return bytes.length > maxFileBytes ? FileLook.TooLarge() : FileLook.Content({ bytes })
  },
  (look, path) =>
    Effect.catchTag(look, "PlatformError", (error) =>
      Effect.succeed(FileLook.Unreadable({ why: `${path}: ${whyOf(error)}` })),
    ),
)
