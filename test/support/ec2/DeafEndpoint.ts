import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { connect } from "node:net"

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
export const deafEndpoint: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly end: () => void }>((resume) => {
    const child = spawn(process.execPath, ["-e", listener], { stdio: ["ignore", "pipe", "inherit"] })
    child.stdout.once("data", (chunk: Buffer) => {
      const port = Number(chunk.toString())
      child.kill("SIGSTOP")
      const filling = Array.from({ length: enough }, () => connect(port, "127.0.0.1").on("error", () => undefined))
      filling[0]?.once("connect", () =>
        resume(
          Effect.succeed({
            port,
            end: () => {
              for (const socket of filling) socket.destroy()
              child.kill("SIGKILL")
            },
          }),
        ),
      )
    })
  }),
  ({ end }) => Effect.sync(end),
).pipe(Effect.map(({ port }) => `http://127.0.0.1:${port}`))
