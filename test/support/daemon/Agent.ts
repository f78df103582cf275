/**
 * A program that a test starts inside a network namespace, and that is the test's hand there. Pipes lead through files,
 * which namespaces share:
 *
 * - `node Agent.ts IN OUT`: what connects to the file IN says a port in its first line, and is led to that port on
 *   127.0.0.1 inside; what connects to {@link gatePort} on 127.0.0.1 inside is led to the file OUT.
 * - It accepts TCP connections on {@link checkPort} at every address of the namespace, as the hosts that are checked.
 *
 * It prints `ready` when all of that stands, and ends with its standard input.
 */
import { connect, createServer, type Server, type Socket } from "node:net"
import { checkPort, gatePort } from "./Ports.ts"

const [, , inside = "", outside = ""] = process.argv

const join = (left: Socket, right: Socket): void => {
  for (const [from, to] of [
    [left, right],
    [right, left],
  ] as const) {
    from.on("error", () => to.destroy())
    // What came to its end is passed on to its end: that may take longer than the connection that it came by.
    from.on("close", () => from.readableEnded || to.destroy())
    from.pipe(to)
  }
}

/** Reads the first line and leaves what follows. */
const readPort = (socket: Socket, give: (port: number) => void): void => {
  let line = ""
  const read = (): void => {
    for (let byte: Buffer | null = socket.read(1); byte !== null; byte = socket.read(1)) {
      if (byte[0] !== 10) line += byte.toString()
      else {
        socket.off("readable", read)
        return give(Number(line))
      }
    }
  }
  socket.on("readable", read)
}

const enter = createServer((socket) => {
  socket.on("error", () => socket.destroy())
  readPort(socket, (port) => join(socket, connect(port, "127.0.0.1")))
})
const leave = createServer((socket) => join(socket, connect(outside)))
const hosts = createServer((socket) => socket.on("error", () => socket.destroy()))

const listening = (
  server: Server,
  where: { readonly path: string } | { readonly host: string; readonly port: number },
) => new Promise<void>((resolve) => server.listen(where, resolve))

process.stdin.on("end", () => process.exit()).resume()
await Promise.all([
  listening(enter, { path: inside }),
  listening(leave, { host: "127.0.0.1", port: gatePort }),
  listening(hosts, { host: "::", port: checkPort }),
])
process.stdout.write("ready\n")
