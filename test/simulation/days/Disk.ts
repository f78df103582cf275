import { ByteSize, Effect, FileSystem, Option, PlatformError } from "effect"
import { FileLook } from "../../../src/services/FileLook.ts"
import { fileWhy } from "../../../src/services/FileWords.ts"
import type { Dice } from "./Dice.ts"

/** What stands in a file now, and what a loss of power would leave. */
class Inode {
  bytes: Uint8Array = new Uint8Array()
  synced: Uint8Array | undefined
}

/** What is the matter with the disk. */
export type DiskTrouble = "none" | "full" | "broken" | "slow"

type Failing = "NotFound" | "PermissionDenied" | "WriteZero" | "Unknown"

const failure = (tag: Failing, method: string, path: string, description: string) =>
  Effect.fail(
    PlatformError.systemError({ _tag: tag, module: "FileSystem", method, pathOrDescriptor: path, description }),
  )

const info = (type: FileSystem.File.Type, size: number): FileSystem.File.Info => ({
  type,
  mtime: Option.none(),
  atime: Option.none(),
  birthtime: Option.none(),
  dev: 1n,
  ino: Option.none(),
  mode: 0o644,
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: ByteSize.bytes(size),
  blksize: Option.none(),
  blocks: Option.none(),
})

/**
 * A disk with one folder. It outlives processes, and forgets what was not synced when the power fails: of a file's content, and of the names in
 * the folder. Whatever was done in between may have reached it or not.
 */
export class Disk {
  trouble: DiskTrouble = "none"
  readonly #dice: Dice
  #names = new Map<string, Inode>()
  #syncedNames = new Map<string, Inode>()

  constructor(dice: Dice) {
    this.#dice = dice.named("disk")
  }

  /** What stands in a file, if it is there. */
  text(path: string): string | undefined {
    const inode = this.#names.get(path)
    return inode === undefined ? undefined : new TextDecoder().decode(inode.bytes)
  }

  /** Somebody else writes, in one step. */
  put(path: string, content: string | Uint8Array): void {
    const inode = new Inode()
    inode.bytes = typeof content === "string" ? new TextEncoder().encode(content) : content
    inode.synced = inode.bytes
    this.#names.set(path, inode)
    this.#syncedNames.set(path, inode)
  }

  remove(path: string): void {
    this.#names.delete(path)
    this.#syncedNames.delete(path)
  }

  /** The machine loses its power. */
  powerFails(): void {
    if (this.#dice.hits(0.5)) this.#names = new Map(this.#syncedNames)
    for (const inode of this.#names.values()) {
      if (inode.synced === inode.bytes) continue
      const kept = this.#dice.below(3)
      if (kept === 0) inode.bytes = inode.synced ?? new Uint8Array()
      else if (kept === 1) inode.bytes = inode.bytes.slice(0, this.#dice.below(inode.bytes.length + 1))
      inode.synced = inode.bytes
    }
    this.#syncedNames = new Map(this.#names)
  }

  /** The disk as a process sees it. */
  get files(): FileSystem.FileSystem {
    const step = <A>(
      method: string,
      path: string,
      isWrite: boolean,
      work: () => Effect.Effect<A, PlatformError.PlatformError>,
    ): Effect.Effect<A, PlatformError.PlatformError> =>
      Effect.suspend(() => {
        if (isWrite && this.trouble === "full") return failure("WriteZero", method, path, "no space left on device")
        if (this.trouble === "broken") return failure("Unknown", method, path, "input/output error")
        const millis = this.trouble === "slow" ? this.#dice.between(50, 4_000) : isWrite ? this.#dice.between(0, 8) : 0
        if (millis < 1) return work()
        // A crash may come before or after it is done.
        return this.#dice.hits(0.5)
          ? Effect.andThen(Effect.sleep(millis), Effect.suspend(work))
          : Effect.tap(Effect.suspend(work), Effect.sleep(millis))
      })
    const find = (method: string, path: string): Effect.Effect<Inode, PlatformError.PlatformError> => {
      const inode = this.#names.get(path)
      return inode === undefined ? failure("NotFound", method, path, "no such file") : Effect.succeed(inode)
    }
    const isFolder = (path: string): boolean => path === "/"
    const files = FileSystem.makeNoop({
      access: (path) =>
        step("access", path, false, () => (isFolder(path) ? Effect.void : Effect.asVoid(find("access", path)))),
      exists: (path) => step("access", path, false, () => Effect.sync(() => this.#names.has(path))),
      stat: (path) =>
        step("stat", path, false, () =>
          isFolder(path)
            ? Effect.succeed(info("Directory", 0))
            : Effect.map(find("stat", path), ({ bytes }) => info("File", bytes.length)),
        ),
      readFile: (path) => step("read", path, false, () => Effect.map(find("read", path), ({ bytes }) => bytes)),
      readFileString: (path) =>
        step("read", path, false, () => Effect.map(find("read", path), ({ bytes }) => new TextDecoder().decode(bytes))),
      rename: (from, to) =>
        step("rename", from, true, () =>
          Effect.map(find("rename", from), (inode) => {
            this.#names.delete(from)
            this.#names.set(to, inode)
          }),
        ),
      open: (path, options) =>
        step("open", path, options?.flag !== "r", () =>
          isFolder(path)
            ? Effect.succeed(this.#folder(step))
            : options?.flag === "w"
              ? Effect.sync(() => this.#file(path, this.#emptied(path), step))
              : Effect.map(find("open", path), (inode) => this.#file(path, inode, step)),
        ),
    })
    const { stream } = FileSystem.make(files)
    return { ...files, stream }
  }

  /** A look at a file: the daemon's own opens real ones. */
  look(path: string): Effect.Effect<FileLook> {
    const { files } = this
    return files.stat(path).pipe(
      Effect.andThen(files.readFile(path)),
      Effect.match({
        onFailure: (error) => FileLook.Unreadable({ why: `${path}: ${fileWhy(error)}` }),
        onSuccess: (bytes) => FileLook.Content({ bytes }),
      }),
    )
  }

  #emptied(path: string): Inode {
    const inode = this.#names.get(path) ?? new Inode()
    inode.bytes = new Uint8Array()
    this.#names.set(path, inode)
    return inode
  }

  #folder(step: Step): FileSystem.File {
    const sync = step("sync", "/", true, () => Effect.sync(() => void (this.#syncedNames = new Map(this.#names))))
    return this.#handle({ sync })
  }

  #file(path: string, inode: Inode, step: Step): FileSystem.File {
    let offset = 0
    const writeAll = (chunk: Uint8Array) =>
      step("write", path, true, () => Effect.sync(() => void (inode.bytes = Buffer.concat([inode.bytes, chunk]))))
    return this.#handle({
      stat: Effect.sync(() => info("File", inode.bytes.length)),
      sync: step("sync", path, true, () => Effect.sync(() => void (inode.synced = inode.bytes))),
      writeAll,
      write: (chunk) => Effect.as(writeAll(chunk), chunk.length),
      readAlloc: (size) =>
        step("read", path, false, () =>
          Effect.sync(() => {
            const chunk = inode.bytes.slice(offset, offset + size)
            offset += chunk.length
            return chunk.length === 0 ? Option.none() : Option.some(chunk)
          }),
        ),
    })
  }

  #handle(some: Partial<FileSystem.File>): FileSystem.File {
    const unused = Effect.die("not part of this disk")
    return {
      [FileSystem.FileTypeId]: FileSystem.FileTypeId,
      stat: unused,
      seek: () => unused,
      sync: unused,
      read: () => unused,
      readAlloc: () => unused,
      truncate: () => unused,
      write: () => unused,
      writeAll: () => unused,
      ...some,
    }
  }
}

type Step = <A>(
  method: string,
  path: string,
  isWrite: boolean,
  work: () => Effect.Effect<A, PlatformError.PlatformError>,
) => Effect.Effect<A, PlatformError.PlatformError>
