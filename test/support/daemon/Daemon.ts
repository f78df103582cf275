import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Effect, Schedule, Schema, type Scope } from "effect"
import { StatusJson } from "../../../src/services/http/StatusJson.ts"
import { awsEnvironment } from "../ec2/AwsEnvironment.ts"
import { ToolFailed } from "../netns/Tools.ts"
import { type Answer, ask } from "./Ask.ts"
import type { Island } from "./Island.ts"
import { daemonPort } from "./Ports.ts"
import { type Ended, type RunningProcess, runProcess } from "./RunningProcess.ts"

/** One line of the log. */
export const LogLine = Schema.fromJsonString(
  Schema.Struct({
    time: Schema.String,
    level: Schema.Literals(["debug", "info", "warn", "error", "fatal"]),
    message: Schema.String,
    cause: Schema.optionalKey(Schema.String),
  }),
)
export type LogLine = typeof LogLine.Type

export interface DaemonOptions {
  /** The command line. */
  readonly args: ReadonlyArray<string>
  /** Variables besides those that lead the SDK of AWS to the island's endpoint. */
  readonly env?: Readonly<Record<string, string>>
  /** Where it serves, if the command line says so. */
  readonly port?: number
  /** Its log is not on standard output. */
  readonly logsElsewhere?: boolean
}

/** The real daemon, as a process on an island. */
export interface RunningDaemon {
  readonly pid: number
  /** The lines of its log so far. */
  readonly log: () => ReadonlyArray<LogLine>
  /** Waits for a line that holds the text, from the start on; at most 20 s. */
  readonly logged: (text: string | RegExp) => Effect.Effect<LogLine, ToolFailed>
  readonly get: (path: string) => Effect.Effect<Answer, ToolFailed>
  readonly post: (path: string, body?: unknown) => Effect.Effect<Answer, ToolFailed>
  /** `GET /status`, checked against its schema. */
  readonly status: Effect.Effect<StatusJson, ToolFailed>
  /** Waits until the status is so; at most 20 s. Gives that status. */
  readonly until: (what: string, holds: (status: StatusJson) => boolean) => Effect.Effect<StatusJson, ToolFailed>
  /** Waits until it has read EC2 anew so many times, each reading begun from now on and taken into account. */
  readonly rechecks: (times: number) => Effect.Effect<void, ToolFailed>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Waits for its end; at most 20 s. */
  readonly exit: Effect.Effect<Ended, ToolFailed>
  readonly ended: () => Ended | undefined
  readonly output: () => string
  readonly errors: () => string
}

const root = fileURLToPath(new URL("../../../", import.meta.url))

/** `npm test` builds first. DAEMON_UNDER_TEST=src/main.ts runs the source instead, which takes a second longer to start. */
const program = `${root}${process.env["DAEMON_UNDER_TEST"] ?? "dist/main.js"}`

const patience = "20 seconds"
/** Between two looks at the status. */
const lookEvery = "50 millis"

const decodeStatus = Schema.decodeUnknownEffect(StatusJson, { errors: "all", onExcessProperty: "error" })

/** The last lines of what it said, shown when a test fails. */
const story = (process: RunningProcess): string => {
  const { code, signal } = process.ended() ?? {}
  const end = process.ended() === undefined ? "is running" : `ended with ${code ?? signal}`
  const lines = process.output().trimEnd().split("\n").slice(-40)
  return [`the daemon ${end}; its log ends with`, ...lines, process.errors().trimEnd()].join("\n")
}

const linesOf = (process: RunningProcess) => {
  const lines: Array<LogLine> = []
  let read = 0
  return (): ReadonlyArray<LogLine> => {
    const output = process.output()
    for (let end = output.indexOf("\n", read); end !== -1; end = output.indexOf("\n", read)) {
      const line = Schema.decodeUnknownOption(LogLine)(output.slice(read, end))
      if (line._tag === "Some") lines.push(line.value)
      read = end + 1
    }
    return lines
  }
}

const notSeen = (what: string, more = "") =>
  new ToolFailed({ message: `not seen within ${patience}: ${what}${more === "" ? "" : `\n${more}`}` })

/** Starts the daemon on an island; it is killed with the scope. */
export const startDaemon = Effect.fnUntraced(function* (
  island: Island,
  { args, env = {}, port = daemonPort }: DaemonOptions,
): Effect.fn.Return<RunningDaemon, ToolFailed, Scope.Scope> {
  if (!existsSync(program)) return yield* new ToolFailed({ message: `${program} is not there: npm run build makes it` })
  const environment = { PATH: process.env["PATH"], ...awsEnvironment(island.endpoint), ...env }
  const command = ["netns", "exec", island.namespace.name, process.execPath, "--no-warnings", program, ...args]
  const running = yield* runProcess("ip", command, environment)
  const log = linesOf(running)

  /** Waits for something in the log, or for its end. */
  const seen = <A>(what: string, look: () => A | undefined): Effect.Effect<A, ToolFailed> =>
    Effect.callback<A, ToolFailed>((resume) => {
      const check = () => {
        const found = look()
        if (found === undefined && running.ended() === undefined) return
        off()
        resume(found === undefined ? Effect.fail(notSeen(what, story(running))) : Effect.succeed(found))
      }
      const off = running.onChange(check)
      check()
      return Effect.sync(off)
    }).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(notSeen(what)) }))

  const status = Effect.flatMap(ask(island, port, "GET", "/status"), ({ json, text }) =>
    Effect.mapError(decodeStatus(json), (error) => new ToolFailed({ message: `${String(error)}\n${text}` })),
  )

  const until = Effect.fnUntraced(function* (what: string, holds: (status: StatusJson) => boolean) {
    let last: StatusJson | undefined
    const look = Effect.gen(function* () {
      for (;;) {
        last = yield* status
        if (holds(last)) return last
        yield* Effect.sleep(lookEvery)
      }
    })
    return yield* look.pipe(
      Effect.mapError(({ message }) => new ToolFailed({ message: `while waiting for ${what}: ${message}` })),
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.fail(notSeen(what, `the status is ${JSON.stringify(last)}`)),
      }),
    )
  })

  const rechecks = Effect.fnUntraced(function* (times: number) {
    let { at } = (yield* status).last_refresh
    // The one under way now may have begun before.
    for (let left = times + 1; left > 0; left--)
      at = (yield* until(`reading ${times + 1 - left} of EC2`, ({ last_refresh }) => last_refresh.at !== at))
        .last_refresh.at
    yield* ask(island, port, "GET", "/healthz")
  })

  const daemon: RunningDaemon = {
    pid: running.pid,
    log,
    logged: (text) =>
      seen(`"${text}" in the log`, () =>
        log().find(({ message }) => (typeof text === "string" ? message.includes(text) : text.test(message))),
      ),
    get: (path) => ask(island, port, "GET", path),
    post: (path, body) =>
      ask(
        island,
        port,
        "POST",
        path,
        body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
      ),
    status,
    until,
    rechecks,
    signal: running.signal,
    exit: Effect.timeoutOrElse(running.exit, {
      duration: patience,
      orElse: () => Effect.fail(notSeen("its end")),
    }),
    ended: running.ended,
    output: running.output,
    errors: running.errors,
  }
  yield* Effect.addFinalizer((exit) =>
    exit._tag === "Failure" ? Effect.sync(() => void process.stderr.write(`${story(running)}\n`)) : Effect.void,
  )
  return daemon
})

/** Waits until a daemon listens: as its log says, or, where that goes elsewhere, until it answers. */
export const serving = (daemon: RunningDaemon, { logsElsewhere = false }: DaemonOptions) =>
  logsElsewhere
    ? daemon.get("/").pipe(Effect.retry({ schedule: Schedule.spaced(lookEvery), times: 400 }), Effect.asVoid)
    : Effect.asVoid(daemon.logged(/^HTTP on /))
