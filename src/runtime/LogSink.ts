import { closeSync, openSync, writeSync } from "node:fs"
import type { Writable } from "node:stream"
import { Data, Effect, Result, type Scope } from "effect"

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

const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const open = (file: string): Result.Result<number, LogFileFault> =>
  Result.try({ try: () => openSync(file, "a", 0o640), catch: (error) => new LogFileFault({ file, why: whyOf(error) }) })

/**
 * A file that is appended to. SIGHUP opens it anew, for logrotate. A line that cannot be written (disk full) is left out
 * and counted, and standard error says so once; later lines are tried again.
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
      written < Buffer.byteLength(text) ? Result.fail("the disk took only a part of a line") : Result.void,
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
