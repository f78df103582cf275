import { Data, Effect, FileSystem, Latch, Layer, Metric, Option, type PlatformError, type Scope } from "effect"
import { whyNotWritable } from "../FileLook.ts"
import { newFileWhy } from "../FileWords.ts"
import { isoTime } from "../IsoTime.ts"
import { now } from "../Now.ts"
import { AuditLog } from "./AuditLog.ts"
import type { AuditRecord } from "./AuditRecord.ts"
import { Backlog } from "./Backlog.ts"

/** The audit log cannot be opened. */
export class AuditFileFault extends Data.TaggedError("AuditFileFault")<{ readonly why: string }> {}

/** How long opening may take: a network mount may not answer. */
const patience = "5 seconds"
/** Milliseconds between two attempts to write to a file that failed; doubles from the first to the last. */
const backoff = { first: 1_000, last: 30_000 }
/** How long the last lines may take when the daemon ends. */
const lastPatience = "500 millis"

const records = (result: "written" | "lost") =>
  Metric.counter("vpc_router_audit_records_total", {
    description: "Records of the audit log. Lost: the file could not be written for so long that no room was left.",
    incremental: true,
    attributes: { result },
  })
const failing = Metric.gauge("vpc_router_audit_failing", {
  description: "1 while the audit log cannot be written; its records wait.",
})

const lineBreak = 10

const make = Effect.fnUntraced(function* (
  path: string,
): Effect.fn.Return<AuditLog, AuditFileFault, FileSystem.FileSystem | Scope.Scope> {
  const files = yield* FileSystem.FileSystem
  const backlog = new Backlog()
  const news = Latch.makeUnsafe(false)
  const hangup = Latch.makeUnsafe(false)
  let isFailing = false
  const whyOf = (error: PlatformError.PlatformError | string): string =>
    typeof error === "string" ? error : `${path}: ${newFileWhy(error)}`

  /** Whether the file ends within a line, as after a crash or on a full disk. */
  const endsWithinLine = Effect.gen(function* () {
    const { size, type } = yield* files.stat(path)
    if (type !== "File" || size < 1) return false
    const file = yield* files.open(path, { flag: "r" })
    const last = yield* file.readAlloc(1, { position: BigInt(Number(size) - 1) })
    return Option.isSome(last) && last.value[0] !== lineBreak
  }).pipe(
    Effect.scoped,
    Effect.orElseSucceed(() => false),
  )

  // Opening a FIFO waits for its reader, in a thread without which the process cannot end.
  const open = Effect.gen(function* () {
    const why = yield* whyNotWritable(path, ["File", "CharacterDevice"])
    if (why !== undefined) return yield* Effect.fail(why)
    return yield* files.open(path, { flag: "a", mode: 0o640 })
  }).pipe(Effect.provideService(FileSystem.FileSystem, files))

  const lostLine = (at: number) => (count: number) =>
    JSON.stringify({ time: isoTime(at), kind: "lost", records: count } satisfies AuditRecord)

  /** Writes what waits. What could not be written whole waits on. */
  const flush = Effect.fnUntraced(function* (file: FileSystem.File, isWithinLine: boolean) {
    let start = isWithinLine ? "\n" : ""
    while (!backlog.isEmpty) {
      const batch = backlog.batch(lostLine(yield* now))
      const bytes = new TextEncoder().encode(`${start}${batch.join("\n")}\n`)
      let offset = 0
      const written = Effect.gen(function* () {
        while (offset < bytes.length) {
          const taken = yield* file.write(bytes.subarray(offset))
          if (taken === 0) return yield* Effect.fail("the file takes no more")
          offset += taken
        }
      })
      yield* Effect.onError(written, () =>
        Effect.sync(() => {
          const ends = bytes.subarray(start.length, Math.max(start.length, offset)).filter((byte) => byte === lineBreak)
          backlog.written(ends.length)
        }),
      )
      start = ""
      backlog.written(batch.length)
      yield* Metric.update(records("written"), batch.length)
    }
  }, Effect.uninterruptible)

  /** Keeps the file open and writes what comes, until it fails or SIGHUP asks to open it anew. */
  const session = Effect.gen(function* () {
    const file = yield* open
    let isWithinLine = yield* endsWithinLine
    for (;;) {
      yield* flush(file, isWithinLine)
      isWithinLine = false
      if (isFailing) {
        isFailing = false
        yield* Metric.update(failing, 0)
        yield* Effect.logInfo(`the audit log ${path} can be written again`)
      }
      yield* Effect.raceFirst(news.await, hangup.await)
      news.closeUnsafe()
      if (hangup.closeUnsafe()) return
    }
  }).pipe(
    Effect.scoped,
    // A fault of our own must not leave the records waiting for ever.
    Effect.catchDefect((defect) => Effect.fail(`internal error: ${String(defect)}`)),
  )

  const complain = Effect.fnUntraced(function* (error: PlatformError.PlatformError | string) {
    if (isFailing) return
    isFailing = true
    yield* Metric.update(failing, 1)
    yield* Effect.logError(`the audit log cannot be written, its records wait: ${whyOf(error)}`)
  })

  const run = Effect.gen(function* () {
    let failures = 0
    for (;;) {
      const fault = yield* Effect.match(session, { onFailure: (error) => error, onSuccess: () => undefined })
      if (fault === undefined) continue
      if (!isFailing) failures = 0
      yield* complain(fault)
      const pause = Math.min(backoff.last, backoff.first * 2 ** failures++)
      yield* Effect.raceFirst(Effect.sleep(pause), hangup.await)
      hangup.closeUnsafe()
    }
  })

  // What is wrong at the start is better known then.
  yield* Effect.scoped(open).pipe(
    Effect.mapError((error) => new AuditFileFault({ why: whyOf(error) })),
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => new AuditFileFault({ why: `${path}: it could not be opened within ${patience}` }),
    }),
  )
  for (const result of ["written", "lost"] as const) yield* Metric.value(records(result))
  yield* Metric.value(failing)

  const onHangup = () => void hangup.openUnsafe()
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", onHangup)),
    () => Effect.sync(() => process.off("SIGHUP", onHangup)),
  )
  // Runs after the writer was interrupted.
  yield* Effect.addFinalizer(() =>
    backlog.isEmpty
      ? Effect.void
      : Effect.gen(function* () {
          const file = yield* open
          yield* flush(file, yield* endsWithinLine)
        }).pipe(Effect.scoped, Effect.timeoutOption(lastPatience), Effect.ignore),
  )
  yield* Effect.forkScoped(run)

  return {
    record: Effect.fnUntraced(function* (record: AuditRecord) {
      if (!backlog.add(JSON.stringify(record))) return yield* Metric.update(records("lost"), 1)
      news.openUnsafe()
    }),
  }
})

/**
 * `--audit-log`: JSON lines, appended in their order by a fiber of its own, so that a slow disk holds nothing up. SIGHUP
 * opens the file anew, for logrotate. A file that cannot be opened stops the start; one that cannot be written later is said in
 * the log and in the metrics, and tried again; meanwhile up to 4 MiB wait. Nothing is synced to disk.
 */
export const layer = (file: string): Layer.Layer<never, AuditFileFault, FileSystem.FileSystem> =>
  Layer.effect(AuditLog, make(file))
