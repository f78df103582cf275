import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { connect, type Socket } from "node:net"
import { scopedChild } from "../process/Children.ts"

const listener = `
const server = require("node:net").createServer()
server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => process.stdout.write(server.address().port + "\\n"))
`

/** More than the kernel queues for a backlog of one. */
const enough = 8

/**
 * An `http://` endpoint on loopback where a connection is neither taken nor refused: a stopped process listens there, and
 * its queue of connections is full, so that the kernel drops every further SYN.
 */
export const deafEndpoint: Effect.Effect<string, never, Scope.Scope> = Effect.gen(function* () {
  const child = yield* scopedChild(() =>
    spawn(process.execPath, ["-e", listener], { stdio: ["ignore", "pipe", "inherit"] }),
  )
  const filling: Array<Socket> = []
  yield* Effect.addFinalizer(() => Effect.sync(() => filling.forEach((socket) => void socket.destroy())))
  const port = yield* Effect.callback<number>((resume) => {
    child.stdout.once("data", (chunk: Buffer) => {
      const port = Number(chunk.toString())
      child.kill("SIGSTOP")
      for (let n = 0; n < enough; n++) filling.push(connect(port, "127.0.0.1").on("error", () => undefined))
      filling[0]?.once("connect", () => resume(Effect.succeed(port)))
    })
  })
  return `http://127.0.0.1:${port}`
})
