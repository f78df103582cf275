import type { ClientRequest } from "node:http"
import * as Http from "node:http"
import * as Https from "node:https"
import { Clock, Effect, Schedule, type Scope } from "effect"
import type { Millis } from "../../domain/Health.ts"
import { familyOf, type Ip } from "../../domain/Ip.ts"
import { nowUnsafe } from "../Now.ts"
import { isLocalTrouble } from "./LocalTrouble.ts"
import type { Probe, ProbeRequest, ProbeSink, ProbeTransport } from "./Probe.ts"

/** Status codes from the first to the second, both included. */
export type StatusRange = readonly [first: number, last: number]

/** What is asked, and which answers are good. */
export interface HttpCheck {
  readonly port: number
  /** With the query, such as `/healthz?full=1`. */
  readonly path: string
  /** The statuses of a host that is well. */
  readonly statuses: ReadonlyArray<StatusRange>
  /** HTTPS. `verify`: the certificate must be one that Node trusts (NODE_EXTRA_CA_CERTS adds to these) for that name. */
  readonly tls: { readonly verify: boolean } | undefined
  /** The name in `Host`, for SNI and in the certificate. Undefined: the host's address. */
  readonly name: string | undefined
}

export interface HttpProbeOptions extends HttpCheck {
  /** How long a host may take for its whole answer, in milliseconds; longer than any reply that the detector still counts. */
  readonly timeout: Millis
  /**
   * Requests under way at once; 4,000 leave room for 2,000 silent hosts beside those that answer. Further probes are reported
   * as unsent, since the host is not to blame.
   */
  readonly concurrency?: number
}

const sweepEvery: Millis = 100

/** Bytes of an answer that are read at most: its head, and its body. */
const mostHead = 16_384
const mostBody = 65_536

/** What a certificate that is not accepted, or no TLS at all, is called (Node's tls, OpenSSL). */
const isTlsFault = ({ code = "" }: NodeJS.ErrnoException): boolean =>
  /^(ERR_SSL_|ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$)/.test(code)

/**
 * Why an answer that came is no good one, in words; undefined: none came. Whoever refuses the connection, or is silent, does not
 * answer, as with TCP checks.
 */
const faultOf = (error: NodeJS.ErrnoException, isConnected: boolean): string | undefined => {
  if (isTlsFault(error)) return `its TLS is not accepted (${error.code})`
  if (error.code?.startsWith("HPE_") === true) return `answered something that is no HTTP (${error.code})`
  return isConnected ? "closed the connection without an answer" : undefined
}

const authorityOf = (host: Ip, { name, port, tls }: HttpCheck): string => {
  const shown = name ?? (familyOf(host) === 6 ? `[${host}]` : host)
  return port === (tls === undefined ? 80 : 443) ? shown : `${shown}:${port}`
}

/**
 * HTTP: a host lives when it answers a GET with one of the statuses. Any other answer is rejected, with its status as the
 * reason. Each probe has a connection of its own, which is closed with the answer, redirects are not followed, and no more than
 * the first bytes of an answer are read. A status counts as soon as the head is there. Needs no privilege.
 */
export const make = ({ concurrency = 4_000, timeout, ...check }: HttpProbeOptions): Probe["Service"] => ({
  name: "http",
  open: Effect.fnUntraced(function* (sink: ProbeSink): Effect.fn.Return<ProbeTransport, never, Scope.Scope> {
    const clock = yield* Clock.Clock
    const { name, path, port, statuses, tls } = check
    const isGood = (status: number) => statuses.some(([first, last]) => first <= status && status <= last)
    // Idle connections would tell nothing of whether the host accepts new ones.
    const agent =
      tls === undefined
        ? new Http.Agent({ keepAlive: false })
        : new Https.Agent({ keepAlive: false, maxCachedSessions: 0 })

    // In the order they were begun, so that those to give up are at the front.
    const underWay = yield* Effect.acquireRelease(
      Effect.sync(() => new Map<ClientRequest, Millis>()),
      (requests) =>
        Effect.sync(() => {
          const open = [...requests.keys()]
          requests.clear()
          for (const request of open) request.destroy()
          agent.destroy()
        }),
    )

    const giveUp = Effect.sync(() => {
      const oldest = nowUnsafe(clock) - timeout
      for (const [request, begunAt] of underWay) {
        if (begunAt > oldest) break
        underWay.delete(request)
        request.destroy()
      }
    })
    yield* Effect.forkScoped(Effect.repeat(giveUp, Schedule.spaced(sweepEvery)))

    const requestTo = (host: Ip): ClientRequest => {
      const common = {
        agent,
        host,
        port,
        path,
        maxHeaderSize: mostHead,
        headers: { host: authorityOf(host, check), connection: "close", "user-agent": "vpc-router" },
      }
      return tls === undefined
        ? Http.request(common)
        : Https.request({
            ...common,
            rejectUnauthorized: tls.verify,
            // An address is no name for SNI.
            ...(name === undefined ? {} : { servername: name }),
          })
    }

    const begin = ({ host, sequence }: ProbeRequest) => {
      if (underWay.size >= concurrency) {
        sink.unsent(host, sequence, `${concurrency} requests are under way already`)
        return
      }
      const request = requestTo(host)
      underWay.set(request, nowUnsafe(clock))
      let isConnected = false
      let isSettled = false
      /** What is said of a probe is said once, and nothing of one that was given up. */
      const settle = (say: () => void) => {
        if (isSettled || !underWay.has(request)) return
        isSettled = true
        say()
      }
      const end = () => {
        underWay.delete(request)
        request.destroy()
      }
      request.on("socket", (socket) => socket.once("connect", () => (isConnected = true)))
      request.on("error", (error: NodeJS.ErrnoException) => {
        const fault = faultOf(error, isConnected)
        settle(() => {
          if (isLocalTrouble(error)) sink.unsent(host, sequence, error.message)
          else if (fault !== undefined) sink.rejected(host, sequence, fault)
        })
        end()
      })
      const answered = (status: number) =>
        settle(() => {
          if (isGood(status)) sink.replied(host, sequence, nowUnsafe(clock))
          else sink.rejected(host, sequence, `answered ${status}`)
        })
      // Some other protocol was agreed on: nothing more is to be read.
      request.on("upgrade", () => {
        answered(101)
        end()
      })
      request.on("response", (response) => {
        answered(response.statusCode ?? 0)
        let bytes = 0
        response.on("data", (chunk: Uint8Array) => {
          bytes += chunk.byteLength
          if (bytes > mostBody) end()
        })
        response.on("error", end)
        response.on("close", end)
      })
      request.end()
    }

    return { send: (batch) => Effect.sync(() => batch.forEach(begin)) }
  }),
})
