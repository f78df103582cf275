import { Effect } from "effect"
import { hostOf, isSameOrigin, nameOf } from "./Authority.ts"
import { bearerOf, type TokenCheck } from "./BearerToken.ts"
import { isLoopback, isWildcard, socketAddress } from "./Peer.ts"
import {
  BadRequest,
  type ContentTooLarge,
  Forbidden,
  MisdirectedRequest,
  Unauthorized,
  type UnsupportedMediaType,
} from "./Problems.ts"
import { checkBody, hasBody, type RequestHeaders } from "./RequestBody.ts"

export interface SecurityOptions {
  /** Where the server listens, as it was asked to. */
  readonly address: string
  /** Names by which clients may call it besides. */
  readonly allowedHosts: ReadonlyArray<string>
  /** Undefined: no token is configured. */
  readonly checkToken: TokenCheck | undefined
  readonly allowUnauthenticatedWrites: boolean
}

/** What the checks look at. `localAddress` and `remoteAddress` are the socket's; no header can change them. */
export interface Visitor {
  readonly method: string
  readonly headers: RequestHeaders
  readonly localAddress: string | undefined
  readonly remoteAddress: string | undefined
}

export type Refusal =
  | BadRequest
  | ContentTooLarge
  | Forbidden
  | MisdirectedRequest
  | Unauthorized
  | UnsupportedMediaType

const isWrite = ({ method }: Visitor): boolean => method !== "GET" && method !== "HEAD"

/**
 * Whether `Host` names this server: localhost, a loopback address, the listen address, an allowed name, or the very
 * address the client reached (an address cannot be rebound by DNS). The port is not looked at, so that a tunnel works.
 */
const checkHost = (names: ReadonlySet<string>, { headers, localAddress }: Visitor): Effect.Effect<string, Refusal> => {
  const header = headers["host"]
  if (header === undefined) return Effect.fail(new BadRequest({ detail: "expected one Host header" }))
  const host = hostOf(header)
  return host !== undefined && (names.has(host) || host === socketAddress(localAddress))
    ? Effect.succeed(header)
    : Effect.fail(new MisdirectedRequest({ detail: "this server does not go by that Host; --allowed-host adds names" }))
}

/** Browsers say where the page that asks comes from. No other program has to. */
const checkOrigin = (host: string, visitor: Visitor): Effect.Effect<void, Refusal> => {
  const { origin, "sec-fetch-site": site = "none" } = visitor.headers
  if (origin !== undefined && !isSameOrigin(origin, host))
    return Effect.fail(new Forbidden({ detail: "pages of another origin may not ask" }))
  return isWrite(visitor) && site !== "same-origin" && site !== "none"
    ? Effect.fail(new Forbidden({ detail: "pages of another site may not write" }))
    : Effect.void
}

/** Whether a peer may write without the bearer token. */
export const mayWriteFreely = (options: SecurityOptions, remoteAddress: string | undefined): boolean =>
  options.allowUnauthenticatedWrites || isLoopback(remoteAddress)

const checkWriter = Effect.fnUntraced(function* (
  options: SecurityOptions,
  { headers, remoteAddress }: Visitor,
): Effect.fn.Return<void, Refusal> {
  if (mayWriteFreely(options, remoteAddress)) return
  const { checkToken } = options
  if (checkToken === undefined) {
    const detail = "writes from other machines need --token-file, or --allow-unauthenticated-writes"
    return yield* new Forbidden({ detail })
  }
  const token = bearerOf(headers["authorization"] ?? "")
  if (token === undefined) return yield* new Unauthorized({ detail: "expected Authorization: Bearer …" })
  if (!(yield* checkToken(token))) return yield* new Unauthorized({ detail: "the bearer token is not the right one" })
})

/**
 * Everything that is asked before a request is looked at, closed by default:
 *
 * - `Host` must be ours (DNS rebinding), `Origin` must be ours where there is one, and a browser must not say that the
 *   write comes from another site (cross-site request forgery).
 * - A write from a peer that is not loopback needs the bearer token. Forwarding headers are never believed: behind a
 *   proxy on the same machine everybody is loopback, so let such a proxy authenticate.
 * - A body must be said to be JSON.
 */
export const makeGate = (options: SecurityOptions) => {
  const ours = ["localhost", "127.0.0.1", "::1", ...options.allowedHosts]
  const names = new Set([...ours, ...(isWildcard(options.address) ? [] : [options.address])].map(nameOf))
  return Effect.fnUntraced(function* (visitor: Visitor): Effect.fn.Return<void, Refusal> {
    const host = yield* checkHost(names, visitor)
    yield* checkOrigin(host, visitor)
    if (!isWrite(visitor)) return
    yield* checkWriter(options, visitor)
    if (hasBody(visitor.headers)) yield* checkBody(visitor.headers)
  })
}
