import { Cause, Data, Deferred, Effect, Exit, Runtime, type Scope } from "effect"
import { leave, threadsAtRest } from "./Leave.ts"

/** Something that no part of the program foresaw: what is left is not known to be whole. */
export class Unforeseen extends Data.TaggedError("Unforeseen")<{ readonly cause: unknown }> {}

/** How long the parts may take to end, in milliseconds, before the process ends without them. */
const patience = 1_800

/** The first of these signals that comes. */
export const onSignals = (signals: ReadonlyArray<NodeJS.Signals>): Effect.Effect<NodeJS.Signals> =>
  Effect.callback((resume) => {
    const off = (): void => signals.forEach((signal) => void process.off(signal, onSignal))
    // Off at the first one, so that a second one ends the process at once, as if nobody listened.
    const onSignal = (signal: NodeJS.Signals): void => {
      off()
      resume(Effect.succeed(signal))
    }
    signals.forEach((signal) => void process.on(signal, onSignal))
    return Effect.sync(off)
  })

/** What would end a process that does not listen: a terminal that closes, `kill -USR2`. Routes need somebody to watch over them. */
const harmless = ["SIGHUP", "SIGUSR2"] as const

const hearTheHarmless = Effect.gen(function* () {
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const onSignal = (signal: NodeJS.Signals): void =>
    void run(Effect.logInfo(`${signal}: going on${signal === "SIGHUP" ? "; log files are opened anew" : ""}`))
  yield* Effect.acquireRelease(
    Effect.sync(() => harmless.forEach((signal) => void process.on(signal, onSignal))),
    () => Effect.sync(() => harmless.forEach((signal) => void process.off(signal, onSignal))),
  )
})

const exitAfterPatience = Effect.sleep(patience).pipe(
  Effect.andThen(Effect.logWarning("some parts did not end in time")),
  Effect.andThen(Effect.sync(() => leave(1))),
  Effect.forkDetach,
)

/**
 * Hears what escapes every part: an exception that nobody catches fails the deferred, and a promise that nobody awaits is
 * logged, since nothing of ours waits for it.
 */
const hearTheUnforeseen = Effect.fnUntraced(function* (
  fault: Deferred.Deferred<never, Unforeseen>,
  isForeign: (thrown: unknown) => boolean,
): Effect.fn.Return<void, never, Scope.Scope> {
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const onException = (cause: unknown): void => {
    if (isForeign(cause))
      return void run(Effect.logError("an exception of a plugin that nobody caught; going on", Cause.die(cause)))
    void run(
      Effect.logFatal("an exception that nobody foresaw; ending", Cause.die(cause)).pipe(
        Effect.andThen(exitAfterPatience),
        Effect.andThen(Deferred.fail(fault, new Unforeseen({ cause }))),
      ),
    )
  }
  const onRejection = (cause: unknown): void =>
    void run(Effect.logError("a promise that nobody awaited was rejected; going on", Cause.die(cause)))
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      process.on("uncaughtException", onException)
      process.on("unhandledRejection", onRejection)
    }),
    () =>
      Effect.sync(() => {
        process.off("uncaughtException", onException)
        process.off("unhandledRejection", onRejection)
      }),
  )
})

/**
 * Runs a service until SIGTERM or SIGINT (SIGHUP and SIGUSR2 end nothing), and then waits until it has cleaned up, at most 1.8 s; a second signal ends the
 * process at once. Fails as the service does, or when something happens that nobody foresaw. An exception that nobody caught
 * and that is foreign has been dealt with.
 */
export const untilSignal = <E, R>(
  service: Effect.Effect<never, E, R>,
  isForeign: (thrown: unknown) => boolean,
): Effect.Effect<void, E | Unforeseen, R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const fault = yield* Deferred.make<never, Unforeseen>()
      yield* hearTheUnforeseen(fault, isForeign)
      yield* hearTheHarmless
      const ended = onSignals(["SIGTERM", "SIGINT"]).pipe(
        Effect.tap((signal) => Effect.logInfo(`${signal}: ending; the routes stay as they are`)),
        Effect.tap(() => exitAfterPatience),
      )
      yield* Effect.raceFirst(ended, Effect.raceFirst(service, Deferred.await(fault)))
    }),
  )

/** Waits until standard output has been taken, at most half a second: its reader may have stopped reading. */
const drained: Effect.Effect<void> = Effect.callback<void>((resume) => {
  if (!process.stdout.writable || process.stdout.writableLength === 0) return resume(Effect.void)
  process.stdout.write("", () => resume(Effect.void))
}).pipe(Effect.timeoutOption(500), Effect.asVoid)

const run = Runtime.makeRunMain(({ fiber, teardown }) => {
  // A reader that goes away (`| head`) is no reason to end, and none for a stack trace.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined)
  fiber.addObserver((exit) => teardown(exit, leave))
})

/** Runs the program, and ends the process with the code that it gives. */
export const runMain = (program: Effect.Effect<number>): void =>
  run(Effect.ensuring(program, Effect.andThen(drained, threadsAtRest)), {
    disableErrorReporting: true,
    teardown: (exit, onExit) => {
      if (Exit.isSuccess(exit)) return onExit(typeof exit.value === "number" ? exit.value : 0)
      process.stderr.write(`vpc-router: internal error: ${Cause.pretty(exit.cause)}\n`)
      return onExit(1)
    },
  })
