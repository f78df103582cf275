import { type FileSystem, Predicate } from "effect"

/** What a path may lead to, in words. */
export const kindWords: Readonly<Record<FileSystem.File.Type, string>> = {
  File: "a file",
  Directory: "a directory",
  SymbolicLink: "a symbolic link",
  BlockDevice: "a block device",
  CharacterDevice: "a character device",
  FIFO: "a FIFO",
  Socket: "a socket",
  Unknown: "something unknown",
}

/** By Node's codes, which are those of the system calls. */
const words: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EAGAIN: "there is nothing in it to read at present: this is no ordinary file",
  EIO: "the device or file system reports an error",
  EISDIR: "this is a directory, not a file",
  ELOOP: "its symbolic links lead in a circle",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "the path is too long",
  ENOENT: "no such file",
  ENOTCONN: "the server of its file system has gone",
  ESTALE: "the server of its file system no longer knows it",
  ENOSPC: "no space left on the device",
  ENOTDIR: "a part of the path is not a directory",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
}

const codeOf = (error: unknown): string | undefined =>
  Predicate.hasProperty(error, "code") && Predicate.isString(error.code) ? error.code : undefined

/** What Node threw, below what Effect makes of it. */
const thrownBelow = (error: unknown): unknown => {
  if (Predicate.hasProperty(error, "reason")) return thrownBelow(error.reason)
  return Predicate.hasProperty(error, "cause") && error.cause !== undefined ? error.cause : error
}

/** Why a file could not be opened, read or written, in plain words; what has none is in Node's. */
export const fileWhy = (error: unknown): string => {
  const thrown = thrownBelow(error)
  const code = codeOf(thrown)
  return words[code ?? ""] ?? (Predicate.isError(thrown) ? thrown.message : String(thrown))
}

/** The same where a file is made if it is not there: then it is its folder that is missing. */
export const newFileWhy = (error: unknown): string =>
  codeOf(thrownBelow(error)) === "ENOENT" ? "no such folder" : fileWhy(error)
