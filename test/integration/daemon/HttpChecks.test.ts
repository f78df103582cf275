import { spawn } from "node:child_process"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { scopedChild } from "../../support/process/Children.ts"
import { allHealthy, carried, failed } from "../../support/daemon/Look.ts"
import { a, b, everywhere, stand } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"

const net = "10.66.17.0/24"
const port = "8080"

/** Serves HTTP on every address of the namespace; answers 503 for those that it is told, one a line. */
const program = `
  const sick = new Set()
  require("node:readline").createInterface({ input: process.stdin }).on("line", (host) => sick.add(host))
  require("node:http")
    .createServer(({ socket, url }, response) => {
      const status = sick.has(socket.localAddress) ? 503 : url === "/healthz" ? 200 : 404
      response.writeHead(status).end()
    })
    .listen(${port}, "0.0.0.0", () => process.stdout.write("ready"))`

/** An application on every host of an island. Gives what makes one of them answer 503. */
const application = (namespace: string): Effect.Effect<(host: string) => Effect.Effect<void>, never, Scope.Scope> =>
  scopedChild(() => spawn("ip", ["netns", "exec", namespace, process.execPath, "-e", program])).pipe(
    Effect.tap((child) => Effect.callback<void>((resume) => void child.stdout.once("data", () => resume(Effect.void)))),
    Effect.map((child) => (host) => Effect.sync(() => void child.stdin.write(`${host}\n`))),
  )

describe.concurrent("hosts watched by HTTP", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("an application that answers 503 loses its routes, though the host accepts connections", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island } = yield* stand
        const sicken = yield* application(island.namespace.name)
        const checks = ["--health", "http,tcp", "--http-check-port", port, "--http-check-path", "/healthz"]
        const daemon = yield* start("-m", "http", ...checks)
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const first = yield* carried(daemon, net)
        const second = first === a ? b : a
        const { sources } = yield* allHealthy(daemon)
        assert.deepStrictEqual(
          sources.health.checks.map(({ bound_ms, name }) => [name, bound_ms]),
          [
            ["http", 2500],
            ["tcp", 1450],
          ],
        )
        yield* sicken(first)
        yield* carried(daemon, net, second)
        assert.deepStrictEqual(yield* carriers(net), everywhere(second))
        const { failed_hosts } = yield* failed(daemon, first)
        assert.match(failed_hosts[0]?.reason ?? "", /^http: answered 503: no good answer to 3 probes in [\d.]+ s$/)
      }),
    )
  })
})
