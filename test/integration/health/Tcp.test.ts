import { spawn } from "node:child_process"
import { createServer, type Server, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope, Stream } from "effect"
import { scopedChild } from "../../support/process/Children.ts"
import { detectorOptions } from "../../../src/domain/DetectorOptions.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import * as Prober from "../../../src/services/health/Prober.ts"
import type { ProbeSink } from "../../../src/services/health/Probe.ts"
import * as TcpProbe from "../../../src/services/health/TcpProbe.ts"

interface Accepting {
  readonly port: number
  readonly connections: ReadonlyArray<Socket>
  readonly stop: Effect.Effect<void>
}

/** A server on a port of 127.0.0.1 (any address of loopback is one's own, but it listens only on that). */
const accepting = (port = 0): Effect.Effect<Accepting, never, Scope.Scope> => {
  const connections: Array<Socket> = []
  const stop = (server: Server) =>
    Effect.callback<void>((resume) => {
      server.close(() => resume(Effect.void))
      for (const connection of connections) connection.destroy()
    })
  return Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer((connection) => {
        connections.push(connection)
        connection.on("error", () => undefined)
      })
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    stop,
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      assert.isObject(address)
      const bound = address !== null && typeof address === "object" ? address.port : 0
      return { port: bound, connections, stop: stop(server) }
    }),
  )
}

/** A process that listens and never accepts: once its backlog is full, connections to it hang. */
const hanging: Effect.Effect<number, never, Scope.Scope> = scopedChild(() =>
  spawn(process.execPath, [
    "-e",
    `const server = require("node:net").createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
        require("node:fs").writeSync(1, String(server.address().port) + "\\n")
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      })`,
  ]),
).pipe(
  Effect.flatMap((child) =>
    Effect.callback<number>((resume) => {
      child.stdout.once("data", (text: Buffer) => resume(Effect.succeed(Number(text.toString()))))
    }),
  ),
)

const open = ip("127.0.0.1")
const refusing = ip("127.0.0.2")

/** Watches with the real prober; `until` waits for a verdict. */
const watching = Effect.fnUntraced(function* (probe: ReturnType<typeof TcpProbe.make>, hosts: ReadonlyArray<Ip>) {
  const source = yield* Prober.make(probe, { ...detectorOptions(), grace: 2000 })
  const verdicts = new Map<Ip, string>()
  const waiting = new Set<() => void>()
  yield* source.verdicts.pipe(
    Stream.runForEach((batch) =>
      Effect.sync(() => {
        for (const { host, verdict } of batch) verdicts.set(host, verdict._tag)
        for (const check of waiting) check()
      }),
    ),
    Effect.forkScoped,
  )
  yield* source.watch(new Set(hosts))
  return {
    until: (host: Ip, verdict: string) =>
      Effect.callback<void>((resume) => {
        const check = () => {
          if (verdicts.get(host) === verdict) resume(Effect.void)
        }
        waiting.add(check)
        check()
        return Effect.sync(() => waiting.delete(check))
      }).pipe(Effect.timeout("15 seconds")),
  }
})

describe.concurrent("TCP checks", () => {
  it.live("find a host healthy that accepts connections, failed once it does not, and healthy again", () =>
    Effect.gen(function* () {
      const server = yield* accepting()
      const { until } = yield* watching(TcpProbe.make({ port: server.port }), [open])
      yield* until(open, "Healthy")
      yield* server.stop
      yield* until(open, "Failed")
      yield* accepting(server.port)
      yield* until(open, "Healthy")
    }),
  )

  it.live("take a refused connection for no answer", () =>
    Effect.gen(function* () {
      const server = yield* accepting()
      const { until } = yield* watching(TcpProbe.make({ port: server.port }), [open, refusing])
      yield* until(open, "Healthy")
      yield* until(refusing, "Failed")
    }),
  )

  it.live("close each connection as soon as it is accepted", () =>
    Effect.gen(function* () {
      const server = yield* accepting()
      const { until } = yield* watching(TcpProbe.make({ port: server.port }), [open])
      yield* until(open, "Healthy")
      yield* Effect.sleep("2500 millis")
      assert.isAtLeast(server.connections.length, 3)
      assert.isAtMost(server.connections.filter(({ destroyed }) => !destroyed).length, 1)
    }),
  )

  it.live("never have more connections under way than allowed, and give up on those that hang", () =>
    Effect.gen(function* () {
      const unsent: Array<string> = []
      const sink: ProbeSink = {
        replied: () => undefined,
        rejected: () => undefined,
        died: () => undefined,
        unsent: (_, __, why) => unsent.push(why),
      }
      const port = yield* hanging
      const transport = yield* TcpProbe.make({ port, concurrency: 5, timeout: 300 }).open(sink)
      const batch = (first: number) =>
        Array.from({ length: 8 }, (_, index) => ({ host: open, sequence: first + index }))
      yield* transport.send(batch(0))
      assert.deepStrictEqual(
        unsent,
        Array.from({ length: 3 }, () => "5 connections are under way already"),
      )
      yield* Effect.sleep("1 second")
      yield* transport.send(batch(8))
      assert.lengthOf(unsent, 6)
    }),
  )
})
