import { Socket } from "node:net"
import { Clock, Effect, Schedule, type Scope } from "effect"
import type { Millis } from "../../domain/Health.ts"
import { nowUnsafe } from "../Now.ts"
import { isLocalTrouble } from "./LocalTrouble.ts"
import type { Probe, ProbeRequest, ProbeSink, ProbeTransport } from "./Probe.ts"

export interface TcpProbeOptions {
  /** Where hosts are asked to accept a connection: `--tcp-check-port`, 22 by default. */
  readonly port: number
  /** How long a connection may take, in milliseconds; longer than any reply that the detector still counts. */
  readonly timeout?: Millis
  /** Connections under way at once. Further probes are reported as unsent, since the host is not to blame. */
  readonly concurrency?: number
}

const sweepEvery: Millis = 100

/**
 * TCP: a host lives when it accepts a connection to `port`, which is then reset at once, so that neither side keeps a
 * remainder. A refused connection is no sign of life: the service that was to be watched is not there (the predecessor saw it
 * the same way), and so it counts like silence. Needs no privilege.
 */
export const make = ({ concurrency = 1000, port, timeout = 1000 }: TcpProbeOptions): Probe["Service"] => ({
  name: "tcp",
  open: Effect.fnUntraced(function* (sink: ProbeSink): Effect.fn.Return<ProbeTransport, never, Scope.Scope> {
    const clock = yield* Clock.Clock
    // In the order they were begun, so that those to give up are at the front.
    const underWay = yield* Effect.acquireRelease(
      Effect.sync(() => new Map<Socket, Millis>()),
      (sockets) =>
        Effect.sync(() => {
          for (const socket of sockets.keys()) socket.destroy()
          sockets.clear()
        }),
    )

    const giveUp = Effect.sync(() => {
      const oldest = nowUnsafe(clock) - timeout
      for (const [socket, begunAt] of underWay) {
        if (begunAt > oldest) break
        underWay.delete(socket)
        socket.destroy()
      }
    })
    yield* Effect.forkScoped(Effect.repeat(giveUp, Schedule.spaced(sweepEvery)))

    const begin = ({ host, sequence }: ProbeRequest) => {
      if (underWay.size >= concurrency) {
        sink.unsent(host, sequence, `${concurrency} connections are under way already`)
        return
      }
      const socket = new Socket()
      underWay.set(socket, nowUnsafe(clock))
      socket.once("connect", () => {
        if (underWay.delete(socket)) sink.replied(host, sequence, nowUnsafe(clock))
        socket.resetAndDestroy()
      })
      socket.on("error", (error: NodeJS.ErrnoException) => {
        if (underWay.delete(socket) && isLocalTrouble(error)) {
          sink.unsent(host, sequence, error.message)
        }
        socket.destroy()
      })
      socket.connect({ host, port })
    }

    return { send: (batch) => Effect.sync(() => batch.forEach(begin)) }
  }),
})
