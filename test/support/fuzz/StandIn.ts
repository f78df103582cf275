import * as Http from "node:http"
import * as Net from "node:net"
import { Effect, type Scope } from "effect"

export interface Reply {
  readonly status?: number
  readonly type?: string
  readonly body: Uint8Array | string
}

/** Stands in for whatever answers by HTTP, on loopback. */
export interface StandIn {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  /** How it answers from now on. `action` is the one of a form, as EC2 has it. */
  readonly answerBy: (reply: (request: { readonly path: string; readonly action: string }) => Reply) => void
  /** A port where connections are answered with these bytes, whatever is asked, and closed. */
  readonly rawPort: number
  readonly answerRaw: (bytes: Uint8Array) => void
}

const listening = <A extends Net.Server>(server: A, close: () => void) =>
  Effect.acquireRelease(
    Effect.callback<A>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        close()
      }),
  )

const portOf = (server: Net.Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

export const standIn: Effect.Effect<StandIn, never, Scope.Scope> = Effect.gen(function* () {
  let reply: Parameters<StandIn["answerBy"]>[0] = () => ({ status: 500, body: "" })
  let raw: Uint8Array = new Uint8Array()
  const http = Http.createServer((request, response) => {
    let body = ""
    request.setEncoding("latin1").on("data", (text: string) => (body += text))
    request.on("end", () => {
      const action = new URLSearchParams(body).get("Action") ?? ""
      const { status = 200, type = "text/plain", body: answer } = reply({ path: request.url ?? "", action })
      response.writeHead(status, { "content-type": type }).end(answer)
    })
  })
  yield* listening(http, () => http.closeAllConnections())
  const open = new Set<Net.Socket>()
  const tcp = Net.createServer((socket) => {
    open.add(socket)
    socket.on("close", () => open.delete(socket))
    socket.on("error", () => undefined)
    socket.once("data", () => socket.end(raw))
  })
  yield* listening(tcp, () => open.forEach((socket) => socket.destroy()))
  return {
    endpoint: `http://127.0.0.1:${portOf(http)}`,
    answerBy: (next) => void (reply = next),
    rawPort: portOf(tcp),
    answerRaw: (bytes) => void (raw = bytes),
  }
})
