import { Duration, Effect, Fiber, Option, type Scope, Semaphore } from "effect"
import type { Millis } from "../domain/Health.ts"
import { FileLook } from "./FileLook.ts"
import { now } from "./Now.ts"

/** How long reading a file may take before it is said, and between two questions whether it can be read again. */
const patience = Duration.seconds(5)

/** Milliseconds until it is said again how long it has taken; from then on that often. */
const fiveMinutes = Duration.toMillis(Duration.minutes(5))

/** How long it has taken, in words that change rarely. */
const hangs = (path: string, millis: number, isLast: boolean): FileLook => {
  const over = millis < fiveMinutes ? Duration.toMillis(patience) : millis - (millis % fiveMinutes)
  const time = Duration.format(Duration.millis(over))
  const more = isLast ? ", nor did it before; it is not read again until one of these readings ends" : ""
  const why = `${path}: reading it has taken over ${time}: its file system does not answer${more}`
  return FileLook.Unreadable({ why })
}

export interface PatientLookOptions<R> {
  readonly path: string
  readonly look: Effect.Effect<FileLook, never, R>
  /** Whether a look would come to an end at present. */
  readonly answers: Effect.Effect<boolean>
  /** How many looks may hang at once: each holds one of Node's four threads for files and name look-ups. */
  readonly mostHanging: number
}

export interface PatientLook<R> {
  readonly look: Effect.Effect<FileLook, never, R>
}

/**
 * Looks at a file again and again, one look at a time, and tells after 5 s of one that it hangs. It is left alone then,
 * and others begin only once it is over, or `answers` says that they would come to an end: the path may lead elsewhere by
 * then.
 */
export const makePatientLook = Effect.fnUntraced(function* <R>({
  answers,
  look,
  mostHanging,
  path,
}: PatientLookOptions<R>): Effect.fn.Return<PatientLook<R>, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const turn = yield* Semaphore.make(1)
  let underWay: ReadonlyArray<{ readonly fiber: Fiber.Fiber<FileLook>; readonly began: Millis }> = []
  /** When the last look that was answered too late began; undefined since one was answered. */
  let hangingSince: Millis | undefined
  let askedAt = 0
  const isLast = () => underWay.length >= mostHanging
  const withoutEnded = Effect.sync(() => {
    underWay = underWay.filter(({ fiber }) => fiber.pollUnsafe() === undefined)
    if (underWay.length === 0) hangingSince = undefined
  })

  const lookNow = Effect.gen(function* () {
    const began = yield* now
    const fiber = yield* Effect.forkIn(look, scope)
    underWay = [...underWay, { fiber, began }]
    const answer = yield* Effect.timeoutOption(Fiber.join(fiber), patience)
    yield* withoutEnded
    if (Option.isSome(answer)) {
      hangingSince = undefined
      return answer.value
    }
    hangingSince ??= began
    askedAt = yield* now
    return hangs(path, askedAt - hangingSince, isLast())
  })

  const lookInTurn = Effect.gen(function* () {
    const at = yield* now
    // One that nobody waits for any more.
    const newest = underWay.at(-1)
    const left =
      newest === undefined || hangingSince !== undefined ? 0 : newest.began + Duration.toMillis(patience) - at
    if (newest !== undefined && left > 0) yield* Effect.timeoutOption(Fiber.await(newest.fiber), left)
    yield* withoutEnded
    if (hangingSince === undefined && !isLast()) return yield* lookNow
    hangingSince ??= at
    if (!isLast() && at - askedAt >= Duration.toMillis(patience)) {
      askedAt = at
      if (yield* answers) return yield* lookNow
    }
    return hangs(path, at - hangingSince, isLast())
  })
  return { look: turn.withPermits(1)(lookInTurn) }
})
