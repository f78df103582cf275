/**
 * A program that asks a server without pause until it is killed: `node FloodClients.ts PORT KIND`. Prints a line once
 * all its clients are at it.
 */
import { connect, type Socket } from "node:net"
import { hostilePosts, wireBytes } from "./Hostile.ts"

const [port, kind] = [Number(process.argv[2]), process.argv[3] ?? ""]

const badSpec = (): string => {
  const entries: Array<string> = []
  for (let index = 0, length = 0; length < 1_000_000; index++) {
    entries.push(`"10.${(index >> 8) & 255}.${index & 255}.0/33":["x${index}"]`)
    length += entries.at(-1)?.length ?? 0
  }
  return `{${entries.join(",")}}`
}

const request = (line: string, host = "localhost", body?: string): string =>
  `${line} HTTP/1.1\r\nHost: ${host}\r\n${body === undefined ? "" : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`}\r\n${body ?? ""}`

interface Flood {
  readonly clients: number
  /** One for each connection in turn: what a client says at once, and again as soon as it can. */
  readonly texts: () => ReadonlyArray<string | Buffer>
  readonly once?: boolean
}

const floods: Readonly<Record<string, Flood>> = {
  status: { clients: 4, texts: () => [request("GET /status").repeat(500)] },
  healthz: { clients: 100, texts: () => [request("GET /healthz").repeat(500)] },
  refused: { clients: 20, texts: () => [request("GET /status", "elsewhere.example").repeat(500)] },
  specs: { clients: 4, texts: () => [request("POST /route_spec", "localhost", badSpec())] },
  hostile: { clients: 20, texts: () => hostilePosts.map(wireBytes) },
  slow: { clients: 1_000, texts: () => ["GET /status HTTP/1.1\r\nHost: local"], once: true },
}

const flood = floods[kind]
if (flood === undefined) throw new Error(`expected one of ${Object.keys(floods).join(", ")}`)
const texts = flood.texts().map((text) => Buffer.from(text))

let begun = 0
let connections = 0
const client = (): void => {
  const text = texts[connections++ % texts.length] ?? Buffer.alloc(0)
  const socket: Socket = connect(port, "127.0.0.1")
  const pour = (): void => {
    do if (socket.destroyed) return
    while (socket.write(text) && flood.once !== true)
  }
  socket.on("connect", () => {
    if (++begun === flood.clients) process.stdout.write("at it\n")
    pour()
  })
  if (flood.once !== true) socket.on("drain", pour)
  socket.resume()
  socket.on("error", () => undefined)
  socket.on("close", () => setImmediate(client))
}
for (let index = 0; index < flood.clients; index++) client()
