import { Context, Data, Effect, Layer, Schedule, type Scope } from "effect"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { scopedChild } from "../process/Children.ts"
import { freePort } from "./FreePort.ts"

/** The emulator cannot be had here. The message says what to do. */
export class MotoMissing extends Data.TaggedError("MotoMissing")<{ readonly message: string }> {}

const projectRoot = join(import.meta.dirname, "../../..")

const install = `npm test installs it in .toolchain/moto; or put it on PATH (pip install "moto[server]==5.2.1")`

/** `moto_server` in the project's own virtual environment, or on PATH. */
const findServer: Effect.Effect<string, MotoMissing> = Effect.suspend(() => {
  const folders = [
    join(projectRoot, ".toolchain", "moto", "bin"),
    ...(process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""),
  ]
  const found = folders.map((folder) => join(folder, "moto_server")).find((path) => existsSync(path))
  return found === undefined
    ? new MotoMissing({ message: `These tests need the EC2 emulator moto_server, which is not installed: ${install}` })
    : Effect.succeed(found)
})

/** A running moto server. */
export interface RunningMoto {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  /** Forgets everything. */
  readonly reset: Effect.Effect<void>
}

const post = (url: string) =>
  Effect.tryPromise({
    try: (signal) => fetch(url, { method: "POST", signal }).then((response) => response.text()),
    catch: (error) => new MotoMissing({ message: `moto_server does not answer at ${url}: ${String(error)}` }),
  })

const start = Effect.gen(function* () {
  const server = yield* findServer
  const port = yield* freePort
  const endpoint = `http://127.0.0.1:${port}`
  let output = ""
  const child = yield* scopedChild(() => {
    const started = spawn(server, ["-H", "127.0.0.1", "-p", String(port)], { stdio: ["ignore", "pipe", "pipe"] })
    const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-2_000))
    started.stdout.on("data", keep)
    started.stderr.on("data", keep)
    started.on("error", (error) => void (output += String(error)))
    return started
  })
  const reset = post(`${endpoint}/moto-api/reset`)
  yield* reset.pipe(
    Effect.retry({
      schedule: Schedule.spaced("100 millis"),
      times: 300,
      while: () => child.exitCode === null && child.signalCode === null && child.pid !== undefined,
    }),
    Effect.mapError(() => new MotoMissing({ message: `moto_server (${server}) did not start: ${output.trim()}` })),
  )
  return { endpoint, reset: Effect.asVoid(Effect.orDie(reset)) }
})

/** Starts moto on a free port, waits until it answers, and ends it with the scope. */
export const startMoto: Effect.Effect<RunningMoto, MotoMissing, Scope.Scope> = start

/** One moto for all tests of a file. */
export class Moto extends Context.Service<Moto, RunningMoto>()("test/support/ec2/Moto") {
  static readonly layer: Layer.Layer<Moto, MotoMissing> = Layer.effect(Moto, startMoto)
}
