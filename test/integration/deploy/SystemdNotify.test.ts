import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { Reconciler } from "../../../src/runtime/Reconciler.ts"
import * as SystemdNotify from "../../../src/runtime/SystemdNotify.ts"
import { HttpServer } from "../../../src/services/http/HttpServer.ts"
import { get, start } from "../cli/Running.ts"
import { notifySocket } from "./NotifySocket.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const simulated = ["-m", "http", "--simulate", "-p", "0"]
/** In microseconds, as systemd says it. The daemon beats three times in it. */
const watchdog = 900_000
const pause = watchdog / 1_000 / 3

describe("what the daemon says to systemd", () => {
  it.live("it is ready once it serves, and it is stopping before it ends", () =>
    Effect.gen(function* () {
      const socket = yield* notifySocket
      const daemon = yield* start(simulated, { environment: { NOTIFY_SOCKET: socket.path } })
      yield* socket.hears("READY=1")
      assert.strictEqual((yield* get(`${yield* daemon.url}/healthz`)).status, 200)
      yield* daemon.send("SIGTERM")
      assert.strictEqual((yield* daemon.ended).code, 0)
      assert.deepStrictEqual(socket.heard(), ["READY=1", "STOPPING=1"])
      assert.strictEqual(daemon.stderr(), "")
    }),
  )

  it.live("it beats for the watchdog while it runs, and no more once it is stuck", () =>
    Effect.gen(function* () {
      const socket = yield* notifySocket
      const stuck = `data:text/javascript,process.on("SIGUSR2",()=>{for(;;);})`
      const daemon = yield* start(simulated, {
        environment: { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: String(watchdog) },
        nodeOptions: ["--import", stuck],
      })
      yield* socket.hears("WATCHDOG=1", 3)
      yield* daemon.send("SIGUSR2")
      // One beat may be under way.
      yield* Effect.sleep(pause)
      const before = socket.heard().length
      yield* Effect.sleep(3 * pause)
      assert.strictEqual(socket.heard().length, before)
    }),
  )

  it.live("a watchdog that waits for another process gets no beat of this one", () =>
    Effect.gen(function* () {
      const socket = yield* notifySocket
      const environment = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: String(watchdog), WATCHDOG_PID: "1" }
      yield* start(simulated, { environment })
      yield* socket.hears("READY=1")
      yield* Effect.sleep(2 * pause)
      assert.deepStrictEqual(socket.heard(), ["READY=1"])
    }),
  )

  it.live("nothing, where systemd does not listen", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const program = join(folder, "systemd-notify")
      writeFileSync(program, `#!/bin/sh\n: > ${folder}/asked\n`)
      chmodSync(program, 0o755)
      const environment = { PATH: `${folder}:${process.env["PATH"]}`, WATCHDOG_USEC: String(watchdog) }
      const daemon = yield* start(simulated, { environment })
      yield* daemon.url
      yield* Effect.sleep(2 * pause)
      yield* daemon.send("SIGTERM")
      assert.strictEqual((yield* daemon.ended).code, 0)
      assert.isFalse(existsSync(join(folder, "asked")))
    }),
  )

  it.live("where systemd's own program is missing, the log says so once, and the daemon serves all the same", () =>
    Effect.gen(function* () {
      const empty = join(yield* temporaryFolder, "empty")
      mkdirSync(empty)
      const environment = { PATH: empty, NOTIFY_SOCKET: join(empty, "socket"), WATCHDOG_USEC: String(watchdog) }
      const daemon = yield* start(simulated, { environment })
      const { level } = yield* daemon.logged("systemd was not told READY=1: there is no program systemd-notify")
      assert.strictEqual(level, "warn")
      yield* Effect.sleep(2 * pause)
      assert.strictEqual((yield* get(`${yield* daemon.url}/healthz`)).status, 200)
      assert.lengthOf(
        daemon.lines().filter(({ message }) => message.includes("systemd")),
        1,
      )
    }),
  )

  it.live("a reconcile loop that hangs is not covered up by a process that lives", () =>
    Effect.gen(function* () {
      const socket = yield* notifySocket
      let rounds = 0
      const heartbeat = Effect.suspend(() => (++rounds > 2 ? Effect.never : Effect.void))
      const parts = Layer.mergeAll(
        Layer.mock(Reconciler)({ heartbeat }),
        Layer.succeed(HttpServer, { bound: [], url: "" }),
        ConfigProvider.layer(
          ConfigProvider.fromEnv({ env: { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: String(watchdog) } }),
        ),
      )
      yield* Layer.build(SystemdNotify.layer.pipe(Layer.provide(parts)))
      yield* socket.hears("WATCHDOG=1", 2)
      yield* Effect.sleep(3 * pause)
      assert.deepStrictEqual(socket.heard(), ["READY=1", "WATCHDOG=1", "WATCHDOG=1"])
    }),
  )
})
