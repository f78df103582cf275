import { execFile } from "node:child_process"
import { Config, Effect, Layer, Option } from "effect"
import type { Millis } from "../domain/Health.ts"
import { HttpServer } from "../services/http/HttpServer.ts"
import { Reconciler } from "./Reconciler.ts"

/** How long systemd may take to be told something, in milliseconds. */
const patience: Millis = 1_000
/** Beats are at least so far apart, in milliseconds: each costs a process. */
const shortestBeat: Millis = 250

/**
 * Says something to systemd, and gives why it could not be said. It is a datagram to a Unix socket, which Node cannot send:
 * so the program that comes with systemd sends it, and waits until it was heard.
 */
const say = (socket: string, state: string): Effect.Effect<Option.Option<string>> =>
  Effect.callback((resume) => {
    const options = { timeout: patience, env: { ...process.env, NOTIFY_SOCKET: socket } }
    const child = execFile("systemd-notify", [state], options, (error, _, stderr) => {
      if (error === null) return resume(Effect.succeedNone)
      const missing = error.code === "ENOENT"
      const why = missing ? "there is no program systemd-notify" : stderr.trim() || error.message
      resume(Effect.succeedSome(why))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const setting = (name: string): Effect.Effect<string | undefined> =>
  Config.String(name).pipe(
    Config.option,
    Effect.orElseSucceed(() => Option.none()),
    Effect.map(Option.getOrUndefined),
  )

/** How often this process has to beat (the unit's `WatchdogSec`), in milliseconds; undefined: nobody waits for it. */
const watchdog = Effect.gen(function* () {
  const micros = Number(yield* setting("WATCHDOG_USEC"))
  const pid = yield* setting("WATCHDOG_PID")
  const isOurs = pid === undefined || pid === String(process.pid)
  return isOurs && Number.isFinite(micros) && micros > 0 ? micros / 1_000 : undefined
})

const make = Effect.gen(function* () {
  const { heartbeat } = yield* Reconciler
  yield* HttpServer
  const socket = yield* setting("NOTIFY_SOCKET")
  if (socket === undefined) return

  let failing: string | undefined
  const tell = Effect.fnUntraced(function* (state: string) {
    const before = failing
    failing = Option.getOrUndefined(yield* say(socket, state))
    if (failing !== undefined && failing !== before)
      yield* Effect.logWarning(`systemd was not told ${state}: ${failing}`)
  })

  yield* Effect.acquireRelease(tell("READY=1"), () => tell("STOPPING=1"))
  const wanted = yield* watchdog
  if (wanted === undefined) return
  // A third of what is allowed, so that one that comes late is no reason to end the process.
  const pause = Math.max(shortestBeat, wanted / 3)
  const beat = Effect.andThen(heartbeat, tell("WATCHDOG=1"))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(beat, Effect.sleep(pause))))
})

/**
 * The daemon as a unit of systemd (`Type=notify`): it is ready once it serves HTTP, says when it begins to end, and beats for
 * the watchdog each time that the reconcile loop has come round. Where the loop hangs no beat follows, and systemd starts the
 * daemon anew. Anywhere else (no `NOTIFY_SOCKET`) it does nothing.
 */
export const layer: Layer.Layer<never, never, Reconciler | HttpServer> = Layer.effectDiscard(make)
