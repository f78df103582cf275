import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Data, Effect, Option, Schema, type Scope } from "effect"
import { scopedChild } from "../../support/process/Children.ts"
import { StatusJson } from "../../../src/services/http/StatusJson.ts"

const root = fileURLToPath(new URL("../../../", import.meta.url))

/** What users run, where it is no older than the sources, as after `npm run build`; else the sources themselves. */
const main = (() => {
  const built = join(root, "dist", "daemon.js")
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  const newest = Math.max(...sources.map((file) => statSync(join(root, "src", file)).mtimeMs))
  const isFresh = existsSync(built) && statSync(built).mtimeMs > newest
  return join(root, isFresh ? "dist/main.js" : "src/main.ts")
})()

/** A line of the log, as JSON. */
export const LogLine = Schema.Struct({ time: Schema.String, level: Schema.String, message: Schema.String })
export type LogLine = typeof LogLine.Type
const decodeLine = Schema.decodeUnknownOption(Schema.fromJsonString(LogLine))
const decodeStatus = Schema.decodeUnknownEffect(StatusJson)

/** The process did not do in time what the test waits for. */
export class NotSeen extends Data.TaggedError("NotSeen")<{ readonly what: string; readonly output: string }> {
  override get message(): string {
    return `${this.what} did not come; the output so far:\n${this.output}`
  }
}

/** Looks again and again until it is so; fails after 10 s. */
export const until = (what: string, holds: () => boolean): Effect.Effect<void, NotSeen> =>
  Effect.gen(function* () {
    for (let left = 400; left > 0; left--) {
      if (holds()) return
      yield* Effect.sleep("25 millis")
    }
    return yield* new NotSeen({ what, output: "" })
  })

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** vpc-router as a process of its own. */
export interface Running {
  readonly process: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  readonly lines: () => ReadonlyArray<LogLine>
  /** Waits until the output satisfies `test`. */
  readonly until: (what: string, test: () => boolean) => Effect.Effect<void, NotSeen>
  /** Waits until the log has a line with this in its message, and gives the line. */
  readonly logged: (part: string) => Effect.Effect<LogLine, NotSeen>
  readonly send: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Waits until the process has ended. */
  readonly ended: Effect.Effect<Ended, NotSeen>
  /** Waits until it serves HTTP, and gives the URL without a slash at the end. */
  readonly url: Effect.Effect<string, NotSeen>
}

export interface StartOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** For Node itself. */
  readonly nodeOptions?: ReadonlyArray<string>
  /** The program, in place of the one that is tested by default. */
  readonly program?: string
  /** A program that starts it, with its options. */
  readonly under?: ReadonlyArray<string>
}

const patience = "20 seconds"

/** Nothing of this machine but where its programs are. What is not said is not asked of 169.254.169.254. */
const bare = { PATH: process.env["PATH"], AWS_EC2_METADATA_DISABLED: "true" }

/** Starts vpc-router with these arguments and none of this process's variables for it. It is killed with the scope. */
export const start = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  { environment = {}, nodeOptions = [], program = main, under = [] }: StartOptions = {},
): Effect.fn.Return<Running, never, Scope.Scope> {
  const [command = "", ...rest] = [...under, process.execPath, ...nodeOptions, program, ...args]
  const child = yield* scopedChild(() =>
    spawn(command, rest, { env: { ...bare, ...environment }, stdio: ["ignore", "pipe", "pipe"] }),
  )
  let stdout = ""
  let stderr = ""
  let failure = ""
  let over = false
  const watchers = new Set<() => void>()
  const tell = () => watchers.forEach((watcher) => watcher())
  child.stdout.on("data", (chunk) => {
    stdout += chunk
    tell()
  })
  child.stderr.on("data", (chunk) => {
    stderr += chunk
    tell()
  })
  child.on("error", (error) => {
    failure = `${command} does not start: ${error.message}`
    over = true
    tell()
  })
  child.on("close", () => {
    over = true
    tell()
  })
  const output = () => `${failure}${stdout}${stderr}`
  const until = (what: string, test: () => boolean): Effect.Effect<void, NotSeen> =>
    Effect.callback<void, NotSeen>((resume) => {
      const look = () => {
        if (test()) resume(Effect.void)
        else if (over) resume(Effect.fail(new NotSeen({ what, output: output() })))
      }
      watchers.add(look)
      look()
      return Effect.sync(() => watchers.delete(look))
    }).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.fail(new NotSeen({ what, output: output() })),
      }),
    )
  const lines = () => stdout.split("\n").flatMap((line) => Option.toArray(decodeLine(line)))
  const logged = Effect.fnUntraced(function* (part: string) {
    const find = () => lines().find(({ message }) => message.includes(part))
    yield* until(`a line with "${part}"`, () => find() !== undefined)
    return find() ?? (yield* new NotSeen({ what: part, output: output() }))
  })
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    lines,
    until,
    logged,
    send: (signal) => Effect.sync(() => void child.kill(signal)),
    ended: Effect.map(
      until("the end of the process", () => over),
      () => ({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
    ),
    url: Effect.map(logged("HTTP on "), ({ message }) => /http:\S+/.exec(message)?.[0] ?? ""),
  }
})

/** Runs it to its end. */
export const finish = (args: ReadonlyArray<string>, options?: StartOptions): Effect.Effect<Ended, NotSeen> =>
  Effect.scoped(Effect.flatMap(start(args, options), ({ ended }) => ended))

/** The HTTP status of a GET. */
export const get = (url: string): Effect.Effect<Response> => Effect.promise((signal) => fetch(url, { signal }))

/** The status that it shows. */
export const statusOf = (url: string) =>
  Effect.flatMap(get(`${url}/status`), (answer) => Effect.promise(() => answer.json())).pipe(
    Effect.flatMap(decodeStatus),
  )
