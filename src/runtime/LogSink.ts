import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs"
import type { Writable } from "node:stream"
import { Data, Effect, Predicate, Result, type Scope } from "effect"
import { kindWords, newFileWhy } from "../services/FileWords.ts"

/** Takes lines of the log. It never throws, and never waits for a reader. */
export interface LogSink {
  /** `lost` words the line that says how many lines before this one could not be written. */
  readonly write: (line: string, lost: (count: number) => string) => void
  readonly isTerminal: boolean
}

/** The log file cannot be opened. */
export class LogFileFault extends Data.TaggedError("LogFileFault")<{
  readonly file: string
  readonly why: string
}> {}

/** Bytes that may wait for a reader that has stopped reading; what comes then is left out, and counted. */
const mostWaiting = 1024 * 1024

/**
 * A stream, such as standard output. A reader that stops reading (`| less`, a log collector that hangs) must not stop the
 * failovers, and one that goes away (`| head`) ends nothing.
 */
export const streamSink = (stream: Writable, isTerminal: boolean): LogSink => {
  let missed = 0
  return {
    isTerminal,
    write: (line, lost) => {
      if (stream.writableLength > mostWaiting || !stream.writable) {
        missed++
        return
      }
      const notice = missed === 0 ? "" : `${lost(missed)}\n`
      missed = 0
      stream.write(`${notice}${line}\n`)
    },
  }
}

const codeOf = (error: unknown): unknown => (Predicate.hasProperty(error, "code") ? error.code : undefined)

/** ENXIO is what opening a FIFO without a reader gives, and a socket; EAGAIN a FIFO that is full. */
const whyOf = (error: unknown): string => {
  if (codeOf(error) === "ENXIO") return "nobody reads from it, or it is a socket"
  return codeOf(error) === "EAGAIN" ? "its reader does not keep up" : newFileWhy(error)
}

/** For the owner and the group. A FIFO must not make us wait for its reader: neither when it is opened, nor when it is full. */
const openToAppend = (file: string): number =>
  openSync(file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, 0o640)

const open = (file: string): Result.Result<number, LogFileFault> => {
  const opened = Result.try({
    try: () => openToAppend(file),
    catch: (error) => new LogFileFault({ file, why: whyOf(error) }),
  })
  if (Result.isFailure(opened) || !fstatSync(opened.success).isBlockDevice()) return opened
  closeSync(opened.success)
  return Result.fail(new LogFileFault({ file, why: `this is ${kindWords.BlockDevice}, not a file` }))
}

/**
 * A file that is appended to. SIGHUP opens it anew, for logrotate. A line that cannot be written (disk full) is left out
 * and counted, and standard error says so once; later lines are tried again. So are lines that the reader of a FIFO is too slow for.
 */
export const logFile = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<LogSink, LogFileFault, Scope.Scope> {
  let descriptor = yield* Effect.fromResult(open(file))
  let missed = 0
  let told = false
  const complain = (why: string): void => {
    if (!told) process.stderr.write(`vpc-router: --logfile: ${file}: ${why}\n`)
    told = true
  }
  const append = (text: string): Result.Result<void, string> =>
    Result.flatMap(Result.try({ try: () => writeSync(descriptor, text), catch: whyOf }), (written) =>
      written < Buffer.byteLength(text) ? Result.fail("only a part of a line could be written") : Result.void,
    )
  const reopen = (): void => {
    const opened = open(file)
    if (Result.isFailure(opened)) return complain(opened.failure.why)
    Result.try(() => closeSync(descriptor))
    descriptor = opened.success
    told = false
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", reopen)),
    () =>
      Effect.sync(() => {
        process.off("SIGHUP", reopen)
        Result.try(() => closeSync(descriptor))
      }),
  )
  return {
    isTerminal: false,
    write: (line, lost) => {
      // What was cut off gets an end, so that it spoils one line only.
      const written = append(missed === 0 ? `${line}\n` : `\n${lost(missed)}\n${line}\n`)
      if (Result.isSuccess(written)) {
        missed = 0
        told = false
        return
      }
      missed++
      complain(written.failure)
    },
  }
})
