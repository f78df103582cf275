import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import { freePort } from "../../support/ec2/FreePort.ts"
import { get, type Running, start, statusOf } from "./Running.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const simulation = ["--simulate", "-p", "0"]
const http = ["-m", "http", ...simulation]
const range = "10.66.17.0/24"
const fixed = ["-m", "fixedconf", "--fixed_cidr", range, "--fixed_hosts", "10.33.20.93:10.33.30.22", ...simulation]
const tables = ["rtb-00main", "rtb-0a20", "rtb-0b30"]

/** Ends it by a signal, and sees that it ended well. */
const endsWell = Effect.fnUntraced(function* (daemon: Running, signal: NodeJS.Signals) {
  yield* daemon.send(signal)
  const [took, { code, signal: by }] = yield* Effect.timed(daemon.ended)
  assert.deepStrictEqual([code, by], [0, null])
  assert.isBelow(Duration.toMillis(took), 15_000)
})

describe("the daemon as a process", () => {
  it.live("a fixed spec on the simulated VPC: each route that is written is one JSON line with its reason", () =>
    Effect.gen(function* () {
      const daemon = yield* start(fixed)
      for (const table of tables) {
        const { level, message } = yield* daemon.logged(`create ${range} in ${table}`)
        assert.strictEqual(level, "info")
        assert.match(message, /^create \S+ in \S+ to 10\.33\.\S+ \(eni-\w+\): the route is missing$/)
      }
      const all = daemon.stdout().trimEnd().split("\n")
      assert.lengthOf(daemon.lines(), all.length)
      assert.match(all[0] ?? "", /^\{"time":"\d{4}-\d\d-\d\dT[\d:.]+Z","level":"info","message":"vpc-router /)
      assert.include(
        daemon.lines()[0]?.message ?? "",
        `${range} by 10.33.20.93:10.33.30.22, for the simulated vpc-350d6a51`,
      )
      const url = yield* daemon.url
      const carried = Effect.map(statusOf(url), ({ tables }) =>
        tables.flatMap(({ cells }) => cells.filter(({ cidr }) => cidr === range).map(({ state }) => state)),
      )
      assert.deepStrictEqual(
        yield* Effect.repeat(Effect.delay(carried, 50), { until: (states) => states.length === 3, times: 100 }),
        ["active", "active", "active"],
      )
      yield* endsWell(daemon, "SIGTERM")
    }),
  )

  it.live("a dry run says so, shows the same decisions, and writes nothing", () =>
    Effect.gen(function* () {
      const daemon = yield* start([...fixed, "--dry-run"])
      yield* daemon.logged("dry run: nothing will be written")
      for (const table of tables) yield* daemon.logged(`create ${range} in ${table}`)
      yield* Effect.sleep(500)
      const { dry_run, pending, tables: shown } = yield* statusOf(yield* daemon.url)
      assert.isTrue(dry_run)
      assert.lengthOf(pending, 3)
      assert.deepStrictEqual(
        shown.flatMap(({ cells }) => cells.filter(({ cidr }) => cidr === range)),
        [],
      )
    }),
  )

  it.live("a file that comes later is taken when it comes", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "route-spec.json")
      const daemon = yield* start(["-m", "configfile", "-f", file, "--simulate", "-p", "0"])
      yield* daemon.logged("no such file")
      writeFileSync(file, JSON.stringify({ [range]: ["10.33.20.93"] }))
      yield* daemon.logged(`create ${range} in rtb-00main to 10.33.20.93`)
    }),
  )

  it.live("the environment alone is enough", () =>
    Effect.gen(function* () {
      const environment = {
        VPC_ROUTER_MODE: "fixedconf",
        VPC_ROUTER_FIXED_CIDR: range,
        VPC_ROUTER_FIXED_HOSTS: "10.33.20.93",
        VPC_ROUTER_SIMULATE: "true",
        VPC_ROUTER_PORT: "0",
        VPC_ROUTER_TABLES: "tag:Name=zone a",
        VPC_ROUTER_TABELS: "main",
      }
      const daemon = yield* start([], { environment })
      yield* daemon.logged(`create ${range} in rtb-0a20`)
      const { level } = yield* daemon.logged("VPC_ROUTER_TABELS: no option has this variable")
      assert.strictEqual(level, "warn")
      assert.lengthOf(
        daemon.lines().filter(({ message }) => message.startsWith("create")),
        1,
      )
    }),
  )

  it.live("while EC2 cannot be read it lives, serves, and is not ready", () =>
    Effect.gen(function* () {
      const environment = {
        AWS_ENDPOINT_URL: `http://127.0.0.1:${yield* freePort}`,
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_REGION: "us-east-1",
      }
      const daemon = yield* start(["-m", "http", "-v", "vpc-350d6a51", "-H", "tcp", "-p", "0"], { environment })
      const url = yield* daemon.url
      yield* daemon.logged("EC2 cannot be read")
      const answers = yield* Effect.forEach(["healthz", "readyz"], (path) => get(`${url}/${path}`))
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [200, 503],
      )
      yield* endsWell(daemon, "SIGTERM")
    }),
  )
})

describe("ending", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    it.live(`${signal} ends it with 0 within 2 s, with one line, whoever is still connected`, () =>
      Effect.gen(function* () {
        const daemon = yield* start(fixed)
        const { port } = new URL(yield* daemon.url)
        const idle = connect(Number(port), "127.0.0.1")
        yield* Effect.callback<void>((resume) => void idle.on("connect", () => resume(Effect.void)))
        yield* Effect.addFinalizer(() => Effect.sync(() => idle.destroy()))
        idle.on("error", () => undefined)
        yield* daemon.logged(`create ${range}`)
        yield* endsWell(daemon, signal)
        const last = daemon.lines().filter(({ message }) => message.includes("ending"))
        assert.deepStrictEqual(
          last.map(({ message }) => message),
          [`${signal}: ending; the routes stay as they are`],
        )
        assert.strictEqual(daemon.stderr(), "")
      }),
    )

  for (const signal of ["SIGHUP", "SIGUSR2"] as const)
    it.live(`${signal} ends nothing, with no log file either: terminals close, routes stay watched`, () =>
      Effect.gen(function* () {
        const daemon = yield* start(fixed)
        const url = yield* daemon.url
        yield* daemon.send(signal)
        yield* daemon.logged(`${signal}: going on`)
        assert.strictEqual((yield* get(`${url}/healthz`)).status, 200)
        yield* endsWell(daemon, "SIGTERM")
      }),
    )

  for (const signal of ["SIGHUP", "SIGUSR2"] as const)
    it.live(`${signal} ends nothing while the program is still being loaded`, () =>
      Effect.gen(function* () {
        const early = `
          import { registerHooks } from "node:module"
          registerHooks({
            resolve(specifier, context, next) {
              if (specifier === "./daemon.js") process.kill(process.pid, "${signal}")
              return next(specifier, context)
            },
          })`
        const daemon = yield* start(http, {
          nodeOptions: ["--import", `data:text/javascript,${encodeURIComponent(early)}`],
          program: "dist/main.js",
        })
        yield* daemon.url
        yield* endsWell(daemon, "SIGTERM")
      }),
    )

  it.live("a command ends with its terminal", () =>
    Effect.gen(function* () {
      const watch = yield* start(["status", "--watch"], { program: "dist/main.js" })
      yield* watch.until("a line", () => watch.stdout() !== "")
      yield* watch.send("SIGHUP")
      const { code, signal } = yield* watch.ended
      assert.deepStrictEqual([code, signal], [null, "SIGHUP"])
    }),
  )

  it.live("a second signal does not wait for what is under way", () =>
    Effect.gen(function* () {
      const daemon = yield* start(http)
      const { port } = new URL(yield* daemon.url)
      const slow = connect(Number(port), "127.0.0.1")
      slow.on("error", () => undefined)
      yield* Effect.addFinalizer(() => Effect.sync(() => slow.destroy()))
      // A request whose body never comes: the server waits half a second for it.
      slow.write("POST /route_spec HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n")
      slow.write("content-length: 100\r\n\r\n{")
      yield* Effect.sleep(200)
      yield* daemon.send("SIGTERM")
      yield* daemon.logged("ending")
      yield* daemon.send("SIGINT")
      const { code, signal } = yield* daemon.ended
      assert.deepStrictEqual([code, signal], [null, "SIGINT"])
    }),
  )

  it.live("a reader of the log that goes away ends nothing", () =>
    Effect.gen(function* () {
      const daemon = yield* start(http)
      const url = yield* daemon.url
      daemon.process.stdout?.destroy()
      for (const address of ["10.33.20.93", "10.33.30.22"])
        yield* Effect.promise(() => fetch(`${url}/simulation/hosts/${address}/fail`, { method: "POST" }))
      yield* Effect.sleep(300)
      assert.strictEqual((yield* get(`${url}/healthz`)).status, 200)
      yield* daemon.send("SIGTERM")
      yield* Effect.callback<void>((resume) => void daemon.process.on("exit", () => resume(Effect.void)))
      assert.deepStrictEqual([daemon.process.exitCode, daemon.stderr()], [0, ""])
    }),
  )

  it.live("an exception that nobody foresaw is logged, and ends it with 1", () =>
    Effect.gen(function* () {
      const bomb = `data:text/javascript,process.on("SIGUSR2",()=>{throw new Error("boom")})`
      const daemon = yield* start(http, { nodeOptions: ["--import", bomb] })
      yield* daemon.url
      yield* daemon.send("SIGUSR2")
      const { code } = yield* daemon.ended
      const { level } = yield* daemon.logged("an exception that nobody foresaw")
      assert.deepStrictEqual([code, level], [1, "fatal"])
      assert.include(daemon.stdout(), "boom")
    }),
  )

  it.live("a promise that nobody awaited is logged, and ends nothing", () =>
    Effect.gen(function* () {
      const bomb = `data:text/javascript,process.on("SIGUSR2",()=>{Promise.reject(new Error("boom"))})`
      const daemon = yield* start(http, { nodeOptions: ["--import", bomb] })
      const url = yield* daemon.url
      yield* daemon.send("SIGUSR2")
      const { level } = yield* daemon.logged("nobody awaited")
      assert.strictEqual(level, "error")
      assert.strictEqual((yield* get(`${url}/healthz`)).status, 200)
      yield* endsWell(daemon, "SIGTERM")
    }),
  )
})

describe("the log", () => {
  it.live("--logfile appends, leaves standard output empty, and SIGHUP begins it anew after a rotation", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "vpc-router.log")
      appendFileSync(file, "before\n")
      const port = yield* freePort
      const daemon = yield* start(["-m", "http", "--simulate", "-p", String(port), "-l", file])
      const reading = (path: string) => Effect.sync(() => readFileSync(path, "utf8"))
      const has = (path: string, part: string) =>
        Effect.repeat(
          Effect.delay(
            Effect.orElseSucceed(reading(path), () => ""),
            50,
          ),
          {
            until: (text) => text.includes(part),
            times: 200,
          },
        )
      assert.match(yield* has(file, "HTTP on"), /^before\n\{"time"/)
      renameSync(file, `${file}.1`)
      yield* daemon.send("SIGHUP")
      yield* Effect.sleep(200)
      yield* endsWell(daemon, "SIGTERM")
      assert.include(yield* reading(file), "SIGTERM: ending")
      assert.notInclude(yield* reading(`${file}.1`), "SIGTERM")
      assert.deepStrictEqual([daemon.stdout(), daemon.stderr()], ["", ""])
    }),
  )

  it.live("a disk that is full costs lines, not routes: standard error says it once", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const daemon = yield* start(["-m", "http", "--simulate", "-p", String(port), "-l", "/dev/full"])
      yield* daemon.until("a complaint", () => daemon.stderr() !== "")
      const answer = Effect.tryPromise(() => fetch(`http://127.0.0.1:${port}/healthz`))
      const { status } = yield* Effect.retry(answer, { schedule: Schedule.spaced(100), times: 50 })
      assert.strictEqual(status, 200)
      yield* endsWell(daemon, "SIGTERM")
      assert.match(daemon.stderr(), /^vpc-router: --logfile: \/dev\/full: .*no space left.*\n$/)
    }),
  )

  it.live("for people: date (but on a terminal), time, level and message, and nothing else", () =>
    Effect.gen(function* () {
      const daemon = yield* start([...http, "--log-format", "pretty"])
      yield* daemon.until("HTTP", () => daemon.stdout().includes("HTTP on"))
      for (const line of daemon.stdout().trimEnd().split("\n"))
        assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO |WARN ) \S/)
    }),
  )

  it.live("on a terminal: the time without the date", () =>
    Effect.gen(function* () {
      const under = ["sh", "-c", 'exec script -qec "$*" /dev/null', "sh"]
      const daemon = yield* start(http, { under })
      yield* daemon.until("HTTP", () => daemon.stdout().includes("HTTP on"))
      assert.match(daemon.stdout(), /^\d\d:\d\d:\d\d\.\d{3}Z \S+INFO /)
    }),
  )

  it.live("--log-level warn leaves out what is as it should be; --verbose tells more", () =>
    Effect.gen(function* () {
      const quiet = yield* start([...http, "--log-level", "warn"])
      const loud = yield* start([...fixed, "--verbose"])
      yield* loud.logged("done: create")
      yield* Effect.sleep(500)
      yield* endsWell(quiet, "SIGTERM")
      assert.strictEqual(quiet.stdout(), "")
    }),
  )
})
