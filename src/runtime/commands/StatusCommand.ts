import { Console, DateTime, Effect, Result } from "effect"
import type { StatusJson } from "../../services/http/StatusJson.ts"
import { type StartFault, startFault } from "../StartFault.ts"
import { alarmsOf } from "./Alarms.ts"
import { argumentOf, checkOptions, type CommandRun, print, printJson, screen } from "./CommandRun.ts"
import { type DaemonClient, daemonClient, type DaemonFault, type DaemonStatus } from "./DaemonClient.ts"
import { readUrl } from "./DaemonOptions.ts"
import { urlAdvice } from "./CommandTable.ts"
import { type Line, line, render } from "./Lines.ts"
import { statusChanges, type Told } from "./StatusChanges.ts"
import { statusText } from "./StatusText.ts"

/** Between two looks of `--watch`. */
const lookEvery = "2 seconds"

const codeOf = (status: StatusJson): number => (alarmsOf(status).length === 0 ? 0 : 2)

/** What went wrong with a daemon, in words. */
const faultWords = (error: DaemonFault): string =>
  error._tag === "DaemonUnreachable"
    ? `no daemon answers at ${error.url}: ${error.why}`
    : `the daemon refuses: ${error.why}`

/** The fault that ends a command. Who did not say where the daemon serves is told how to. */
export const daemonFault =
  ({ reader }: CommandRun) =>
  (error: DaemonFault): StartFault => {
    if (error._tag === "DaemonRefused") return startFault("", faultWords(error))
    const advice = reader.isGiven("url") ? "" : ` (${urlAdvice} it serves, if elsewhere)`
    return startFault(reader.place("url"), `${faultWords(error)}${advice}`)
  }

type Look = Result.Result<DaemonStatus, DaemonFault>

/** Draws over what was drawn before, so that nothing flickers; what does not fit is counted. */
const draw = (run: CommandRun, look: Look): Effect.Effect<void> =>
  Effect.sync(() => {
    const on = screen(run)
    const lines: ReadonlyArray<Line> = Result.match(look, {
      onFailure: (error) => [line(faultWords(error), "bad")],
      onSuccess: ({ status }) => statusText(status),
    })
    const room = Math.max(1, on.rows - 1)
    const fits = lines.length <= room
    const shown = fits ? lines : [...lines.slice(0, room - 1), line(`… ${lines.length - room + 1} more lines`, "faint")]
    const text = shown.map((spans) => `${render(spans, on, on.columns)}\u001B[K`).join("\n")
    process.stdout.write(`\u001B[H${text}\u001B[K\u001B[J`)
  })

/** A screen of its own, without a cursor, given back at the end. */
const ownScreen = Effect.acquireRelease(
  Effect.sync(() => process.stdout.write("\u001B[?1049h\u001B[?25l")),
  () => Effect.sync(() => process.stdout.write("\u001B[?25h\u001B[?1049l")),
)

const watchScreen = (run: CommandRun, client: DaemonClient): Effect.Effect<never> =>
  Effect.scoped(
    Effect.andThen(
      ownScreen,
      Effect.forever(
        Effect.flatMap(Effect.result(client.status), (look) =>
          Effect.andThen(draw(run, look), Effect.sleep(lookEvery)),
        ),
      ),
    ),
  )

const stamped = (words: string): Effect.Effect<void> =>
  Effect.flatMap(DateTime.now, (now) => Console.log(`${DateTime.formatIso(now)} ${words}`))

const watchLines = Effect.fnUntraced(function* (client: DaemonClient): Effect.fn.Return<never> {
  let told: Told | undefined
  let trouble: string | undefined
  for (;;) {
    const look = yield* Effect.result(client.status)
    if (Result.isFailure(look)) {
      const words = faultWords(look.failure)
      if (words !== trouble) yield* stamped(words)
      trouble = words
    } else {
      if (trouble !== undefined) yield* stamped(`the daemon answers at ${client.url}`)
      trouble = undefined
      const [next, lines] = statusChanges(told, look.success.status)
      told = next
      yield* Effect.forEach(lines, stamped, { discard: true })
    }
    yield* Effect.sleep(lookEvery)
  }
})

const watchJson = (client: DaemonClient): Effect.Effect<never> =>
  Effect.forever(
    Effect.result(client.status).pipe(
      Effect.flatMap((look) =>
        Console.log(JSON.stringify(Result.isSuccess(look) ? look.success.json : { error: faultWords(look.failure) })),
      ),
      Effect.andThen(Effect.sleep(lookEvery)),
    ),
  )

/** `vpc-router status`: gives the exit code; with `--watch` it goes on for ever. */
export const showStatus = Effect.fnUntraced(function* (run: CommandRun): Effect.fn.Return<number, StartFault> {
  const isJson = run.reader.isOn("json")
  const isWatching = run.reader.isOn("watch")
  const url = readUrl(run)
  yield* checkOptions(run)
  yield* argumentOf(run)
  const client = daemonClient(url, undefined)
  if (isWatching && isJson) return yield* watchJson(client)
  if (isWatching) return yield* screen(run).isTerminal ? watchScreen(run, client) : watchLines(client)
  const { json, status } = yield* Effect.mapError(client.status, daemonFault(run))
  yield* isJson ? printJson(json) : print(run, statusText(status))
  return codeOf(status)
})
