import type * as Http from "node:http"
import type { Socket } from "node:net"

interface Guest {
  request?: Http.IncomingMessage
  response?: Http.ServerResponse
}

/** Nothing is asked, or not yet wholly. */
const isSilent = ({ request, response }: Guest): boolean =>
  request === undefined || !request.complete || response?.closed === true

/** There is an answer that the client does not read. */
const isDeaf = (socket: Socket): boolean => socket.writableLength > 0

/**
 * Keeps at most `limit` connections. One more takes the place of the one that has said nothing for longest: so nobody is
 * locked out by clients that only hold connections, or ask slowly. Where all have asked, the one that has not read its
 * answer for longest goes; where all read, too, the new one. `onFull` is called each time.
 */
export const crowd = (server: Http.Server, limit: number, onFull: () => void): void => {
  // In the order in which something last happened on them.
  const guests = new Map<Socket, Guest>()
  const moved = (socket: Socket, guest: Guest): void => {
    if (!guests.delete(socket)) return
    guests.set(socket, guest)
  }
  const first = (holds: (socket: Socket, guest: Guest) => boolean): Socket | undefined =>
    guests.entries().find(([socket, guest]) => holds(socket, guest))?.[0]

  server.on("connection", (socket: Socket) => {
    if (guests.size >= limit) {
      onFull()
      const leaving = first((_, guest) => isSilent(guest)) ?? first(isDeaf) ?? socket
      guests.delete(leaving)
      leaving.destroy()
      if (leaving === socket) return
    }
    guests.set(socket, {})
    socket.once("close", () => guests.delete(socket))
  })
  server.on("request", (request, response) => {
    moved(request.socket, { request, response })
    response.once("close", () => moved(request.socket, { request, response }))
  })
}
