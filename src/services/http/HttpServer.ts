import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer, Queue, Scope } from "effect"
import { makeTurns } from "../Turns.ts"
import { type TokenFileError, tokenCheck } from "./BearerToken.ts"
import type { ControlPlane } from "./ControlPlane.ts"
import { type EventLimits, eventLimits } from "./Events.ts"
import { makeApp } from "./HttpApp.ts"
import { authorityOf, type Bound, type ListenError, listenOn } from "./Listen.ts"
import { defaultLimits, type Limits, makeNodeServer } from "./NodeServer.ts"
import { inTurns } from "./InTurns.ts"

export interface HttpServerOptions {
  /** `--address`: an address of this machine, a name of one, `localhost`, or `0.0.0.0` or `::` for all. */
  readonly address: string
  /** `--port`; 0: any free one. */
  readonly port: number
  /** `--allowed-host`: names by which clients may call this server besides. */
  readonly allowedHosts: ReadonlyArray<string>
  /** `--token-file`: holds the bearer token that writes from other machines need. */
  readonly tokenFile: string | undefined
  /** `--allow-unauthenticated-writes` */
  readonly allowUnauthenticatedWrites: boolean
  readonly limits?: Partial<Limits>
  readonly events?: Partial<EventLimits>
}

/** The HTTP interface, as it listens. */
export class HttpServer extends Context.Service<
  HttpServer,
  {
    /** Where it listens, by the real port. */
    readonly bound: ReadonlyArray<Bound>
    /** The first of these as a URL, without a slash at the end. */
    readonly url: string
  }
>()("vpc-router/services/http/HttpServer") {}

/** What says that all places are taken: at once, and then at most every five minutes. */
const fullLog = Effect.fnUntraced(function* (places: number) {
  const bell = yield* Queue.sliding<void>(1)
  const say = Effect.logWarning(
    `HTTP: ${places} connections at once; each new one takes the place of the one that has said nothing for longest`,
  )
  yield* Effect.forkScoped(
    Effect.forever(Queue.take(bell).pipe(Effect.andThen(say), Effect.andThen(Effect.sleep("5 minutes")))),
  )
  return () => void Queue.offerUnsafe(bell, undefined)
})

const make = Effect.fnUntraced(function* (options: HttpServerOptions) {
  const { address, allowedHosts, allowUnauthenticatedWrites, port, tokenFile } = options
  const checkToken = tokenFile === undefined ? undefined : yield* tokenCheck(tokenFile)
  const security = { address, allowedHosts, checkToken, allowUnauthenticatedWrites }
  const turns = yield* makeTurns
  const { answer, close } = yield* makeApp(security, { ...eventLimits, ...options.events }, turns)
  const scope = yield* Scope.fork(yield* Effect.scope)
  const handler = yield* inTurns(turns, yield* NodeHttpServer.makeHandler(answer, { scope }))
  const limits = { ...defaultLimits, ...options.limits }
  const full = yield* fullLog(limits.connections)
  const bound = yield* listenOn(() => makeNodeServer(handler, limits, full), { address, port })
  // Runs before the server is closed, which waits for answers under way.
  yield* Effect.addFinalizer(() => close)
  const urls = bound.map((one) => `http://${authorityOf(one)}`)
  yield* Effect.logInfo(`HTTP on ${urls.join(" and ")}`)
  return HttpServer.of({ bound, url: urls[0] ?? "" })
})

/**
 * Serves the HTTP interface until the scope ends; then requests under way have half a second to finish, and connections
 * that clients keep open are closed.
 */
export const layer = (
  options: HttpServerOptions,
): Layer.Layer<HttpServer, ListenError | TokenFileError, ControlPlane> =>
  Layer.effect(HttpServer, make(options)).pipe(Layer.provide(NodeHttpServer.layerHttpServices))
