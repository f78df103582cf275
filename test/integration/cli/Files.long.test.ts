import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { finish, type Running, start, type StartOptions } from "./Running.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const mkfifo = (file: string) => execFileSync("mkfifo", [file])
const listen = (file: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer().listen(file, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close()),
  )

const daemon = ["-m", "http", "-p", "0", "--log-level", "error"]
const simulated = [...daemon, "--simulate"]

/** How each option that names a file is given. */
const options: Readonly<Record<string, (file: string) => ReadonlyArray<string>>> = {
  "--simulate": (file) => [...daemon, "--simulate", file],
  "--token-file": (file) => [...simulated, "--token-file", file],
  "--logfile": (file) => [...simulated, "--logfile", file],
  "--audit-log": (file) => [...simulated, "--audit-log", file],
  "--state-file": (file) => [...simulated, "--state-file", file],
}
/** These may be a shell's `<(command)`, so that a FIFO is waited for, if not for ever. */
const read = new Set(["--simulate", "--token-file"])

/** The one line that it ends with at once. */
const lineOf = Effect.fnUntraced(function* (args: ReadonlyArray<string>, given: StartOptions = {}) {
  const { code, signal, stderr, stdout } = yield* finish(args, given)
  assert.deepStrictEqual([code, signal, stdout], [1, null, ""], stderr)
  assert.strictEqual(stderr.split("\n").length, 2, stderr)
  return stderr.trimEnd()
})

/** Waits until the process holds this file open. */
const opens = ({ process: { pid } }: Running, file: string) =>
  Effect.repeat(
    Effect.delay(
      Effect.sync(() => {
        const folder = `/proc/${pid}/fd`
        return readdirSync(folder).some((fd) => {
          const link = join(folder, fd)
          return existsSync(link) && readlinkSync(link) === file
        })
      }),
      20,
    ),
    { until: (isOpen) => isOpen, times: 500 },
  )

describe("what is given in place of a file", () => {
  it.live("what is no file, is not there or may not be opened is said in plain words", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const closed = join(folder, "closed")
      mkdirSync(closed, { mode: 0o700 })
      const socket = join(folder, "socket")
      yield* listen(socket)
      const under = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
      const cases = [
        { option: "--logfile", file: socket, why: "nobody reads from it, or it is a socket" },
        { option: "--audit-log", file: socket, why: "this is a socket, not a file" },
        { option: "--token-file", file: join(folder, "none"), why: "no such file" },
        { option: "--logfile", file: join(folder, "none", "log"), why: "no such folder" },
        { option: "--simulate", file: join(closed, "file"), why: "permission denied", under },
      ]
      for (const { file, option, under, why } of cases)
        assert.strictEqual(
          yield* lineOf(options[option]?.(file) ?? [], under === undefined ? {} : { under }),
          `vpc-router: ${option}: ${file}: ${why}`,
        )
    }),
  )

  for (const [option, given] of Object.entries(options)) {
    it.live(`${option}: a directory is refused in one line, with the path`, () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        assert.match(
          yield* lineOf(given(folder)),
          new RegExp(`^vpc-router: ${option}: .*${folder}: this is a directory, not a file$`),
        )
      }),
    )

    it.live(`${option}: a FIFO with nobody at its other end does not keep the process from ending`, () =>
      Effect.gen(function* () {
        const file = join(yield* temporaryFolder, "fifo")
        mkfifo(file)
        if (!read.has(option)) {
          assert.include(yield* lineOf(given(file)), `${file}: `)
          return
        }
        const running = yield* start(given(file))
        yield* opens(running, file)
        yield* running.send("SIGTERM")
        const [took, { code }] = yield* Effect.timed(running.ended)
        assert.strictEqual(code, 0)
        assert.isBelow(Duration.toMillis(took), 4_000)
      }),
    )
  }

  it.live("--mode: a FIFO in the place of a plugin is refused", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "fifo.mjs")
      mkfifo(file)
      assert.strictEqual(
        yield* lineOf(["-m", file, "--simulate"]),
        `vpc-router: plugin ${file}: it cannot be loaded: this is not a file`,
      )
    }),
  )

  it.live("--token-file: a FIFO is read once; so a shell's <(command) will do", () =>
    Effect.gen(function* () {
      const under = ["bash", "-c", 'exec "$@" --token-file <(sleep 0.3; echo secret)', "bash"]
      const running = yield* start(["-m", "http", "-p", "0", "--simulate"], { under })
      yield* running.url
      yield* running.send("SIGTERM")
      assert.strictEqual((yield* running.ended).code, 0)
    }),
  )

  it.live("validate: a FIFO is read once; and without a writer Ctrl-C ends it", () =>
    Effect.gen(function* () {
      const under = ["bash", "-c", `exec "$@" <(echo '{"10.66.17.0/24": ["10.33.20.93"]}')`, "bash"]
      assert.include((yield* finish(["validate"], { under })).stdout, "ok: 1 CIDR, 1 host")
      const file = join(yield* temporaryFolder, "fifo")
      mkfifo(file)
      const running = yield* start(["validate", file])
      yield* opens(running, file)
      yield* running.send("SIGINT")
      assert.strictEqual((yield* running.ended).code, 130)
    }),
  )

  it.live("a FIFO as log file has the log while somebody reads it, and is waited for by nobody", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = join(folder, "fifo")
      mkfifo(file)
      const copy = join(folder, "copy")
      execFileSync("sh", ["-c", `cat "$1" > "$2" & echo`, "sh", file, copy], { stdio: "ignore" })
      const running = yield* start(["-m", "http", "-p", "0", "--simulate", "-l", file])
      const has = Effect.sync(() => readFileSync(copy, "utf8"))
      yield* Effect.repeat(Effect.delay(has, 50), { until: (text) => text.includes("HTTP on"), times: 200 })
      yield* running.send("SIGTERM")
      assert.strictEqual((yield* running.ended).code, 0)
      assert.include(yield* has, "HTTP on")
    }),
  )

  it.live("- is standard output for --logfile, and is refused where it could only be a file of that name", () =>
    Effect.gen(function* () {
      const running = yield* start(["-m", "http", "-p", "0", "--simulate", "-l", "-"])
      yield* running.url
      for (const option of ["--audit-log", "--state-file", "--token-file"])
        assert.include((yield* finish([...simulated, option, "-"])).stderr, `${option}: expected a file`)
      const watched = yield* lineOf(["-m", "configfile", "-f", "-", "--simulate", "-p", "0", "--log-level", "error"])
      assert.include(watched, "--file: expected a file")
    }),
  )
})
