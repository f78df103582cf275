import type * as Http from "node:http"
import type { Socket } from "node:net"

/** How much of a connection is parsed before it is looked whether to go on, in bytes: 28 requests of the shortest kind. */
const sliceBytes = 512

/**
 * Reads no further on a connection while two of its requests wait for their answers. Node would parse a whole read of
 * 64 KiB at once, which can hold thousands of them (pipelining, RFC 9112, section 9.3.2), and keep every answer in memory
 * until the client reads. A body is read on, since the request that it belongs to is the last.
 */
export const oneAtATime = (server: Http.Server): void => {
  const waiting = new WeakMap<Socket, number>()
  const goOn = new WeakMap<Socket, () => void>()
  const count = (socket: Socket, change: number): void => void waiting.set(socket, (waiting.get(socket) ?? 0) + change)

  server.on("request", ({ socket }, response) => {
    count(socket, 1)
    response.once("close", () => {
      count(socket, -1)
      goOn.get(socket)?.()
    })
  })

  // Node's own listener came first and has hung its parser on the socket. Now it gets the bytes from us.
  server.on("connection", (socket: Socket) => {
    const parsers = socket.listeners("data")
    socket.removeAllListeners("data")
    let unread: Buffer | undefined

    const feed = (): void => {
      while (unread !== undefined && (waiting.get(socket) ?? 0) < 2 && socket.writable) {
        const slice = unread.subarray(0, sliceBytes)
        unread = unread.length > sliceBytes ? unread.subarray(sliceBytes) : undefined
        for (const parser of parsers) Reflect.apply(parser, socket, [slice])
      }
    }
    goOn.set(socket, () => {
      if (unread === undefined) return
      feed()
      if (unread === undefined) socket.resume()
    })
    socket.on("data", (bytes: Buffer) => {
      unread = unread === undefined ? bytes : Buffer.concat([unread, bytes])
      feed()
      if (unread !== undefined) socket.pause()
    })
  })
}
