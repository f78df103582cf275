import type * as Http from "node:http"
import { Data, Effect, type Scope } from "effect"

/** The server cannot listen where it was told to. */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly address: string
  readonly port: number
  /** The operating system's, such as `EADDRINUSE`. */
  readonly code: string
}> {
  override get message(): string {
    return `cannot listen on ${authorityOf(this)}: ${why(this)}`
  }
}

const why = ({ address, code, port }: ListenError): string => {
  switch (code) {
    case "EADDRINUSE":
      return `another process has port ${port}; --port chooses another, 0 any free one`
    case "EACCES":
    case "EPERM":
      return `this user may not take port ${port}; --port chooses another`
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
      return `${address} is no address of this machine; --address chooses another`
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the name ${address} has no address; --address chooses another`
    default:
      return code
  }
}

/** Where a server listens. */
export interface Bound {
  readonly address: string
  readonly port: number
}

/** `127.0.0.1:33289`, `[::1]:33289` */
export const authorityOf = ({ address, port }: Bound): string =>
  `${address.includes(":") ? `[${address}]` : address}:${port}`

const listen = (server: Http.Server, { address, port }: Bound): Effect.Effect<Bound, ListenError> =>
  Effect.callback((resume) => {
    const onError = (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(new ListenError({ address, port, code: error.code ?? error.message })))
    server.once("error", onError)
    server.listen({ host: address, port }, () => {
      server.off("error", onError)
      const bound = server.address()
      resume(Effect.succeed(typeof bound === "object" && bound !== null ? bound : { address, port }))
    })
  })

/** How long requests under way may take to finish when the server is closed. */
const grace = "500 millis"

const close = (server: Http.Server): Effect.Effect<void> => {
  const closed = Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
  })
  return Effect.andThen(
    Effect.timeoutOption(Effect.interruptible(closed), grace),
    Effect.sync(() => server.closeAllConnections()),
  )
}

/** Listens until the scope ends. Then idle connections are closed at once, and the others within half a second. */
const open = Effect.fnUntraced(function* (
  make: () => Http.Server,
  wanted: Bound,
): Effect.fn.Return<Bound, ListenError, Scope.Scope> {
  const server = yield* Effect.acquireRelease(Effect.sync(make), close)
  const bound = yield* listen(server, wanted)
  const run = Effect.runForkWith(yield* Effect.context())
  server.on("error", (error) => run(Effect.logError(`HTTP on ${authorityOf(bound)}: ${error.message}`)))
  return bound
})

/** Why the second of the two loopback addresses may be done without: the machine has no IPv6. */
const noIpv6 = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"])

/**
 * Listens on `address`, with a server for each address that it stands for. `localhost` is 127.0.0.1 and, where there is
 * IPv6, ::1 as well, whatever the resolver says and prefers. Port 0 is any free port, the same for both.
 */
export const listenOn = Effect.fnUntraced(function* (
  make: () => Http.Server,
  { address, port }: Bound,
): Effect.fn.Return<ReadonlyArray<Bound>, ListenError, Scope.Scope> {
  if (address.toLowerCase() !== "localhost") return [yield* open(make, { address, port })]
  const first = yield* open(make, { address: "127.0.0.1", port })
  const second = yield* open(make, { address: "::1", port: first.port }).pipe(
    Effect.map((bound) => [bound]),
    Effect.catchIf(
      ({ code }) => noIpv6.has(code) || port === 0,
      () => Effect.succeed([]),
    ),
  )
  return [first, ...second]
})
