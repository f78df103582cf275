import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerError, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import type { Operator } from "../../domain/Operator.ts"
import { CurrentOperator } from "../CurrentOperator.ts"
import type { Turns } from "../Turns.ts"
import { answerHeaders } from "./AnswerHeaders.ts"
import { Api, SimulationApi } from "./Api.ts"
import { routesHandlers, simulationHandlers, statusHandlers } from "./ApiHandlers.ts"
import { makeGate, mayWriteFreely, type Refusal, type SecurityOptions, type Visitor } from "./ApiSecurity.ts"
import { ControlPlane } from "./ControlPlane.ts"
import { describeApi, makeAllow } from "./Endpoints.ts"
import { type EventLimits, Events, type EventVisitor, make as makeEvents } from "./Events.ts"
import { socketAddress } from "./Peer.ts"
import { problemResponse } from "./Problems.ts"
import { makeRefusalLog } from "./RefusalLog.ts"

const visitorOf = (request: HttpServerRequest.HttpServerRequest): Visitor => {
  const { rawHeaders, socket } = NodeHttpServerRequest.toIncomingMessage(request)
  // Node shows the first of several Host headers; which of them is meant, nobody can tell (RFC 9112, section 3.2).
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host").length
  return {
    method: request.method,
    headers: hosts > 1 ? { ...request.headers, host: undefined } : request.headers,
    localAddress: socket.localAddress,
    remoteAddress: socket.remoteAddress,
  }
}

const operatorOf = (request: HttpServerRequest.HttpServerRequest): Operator | undefined => {
  const { remoteAddress } = NodeHttpServerRequest.toIncomingMessage(request).socket
  const peer = socketAddress(remoteAddress) ?? remoteAddress
  return peer === undefined ? undefined : { peer }
}

const refusalResponse = (refusal: Refusal): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(HttpServerRespondable.toResponse(refusal), (response) =>
    refusal._tag === "Unauthorized"
      ? HttpServerResponse.setHeader(response, "www-authenticate", 'Bearer realm="vpc-router"')
      : response,
  )

/** The answer to what the router knows no route for. */
const unknownRoute = (allow: string | undefined, method: string): HttpServerResponse.HttpServerResponse =>
  allow === undefined
    ? problemResponse(404, "there is nothing here; GET / lists what there is")
    : HttpServerResponse.setHeader(problemResponse(405, `${method} is not for this path`), "allow", allow)

/** What went wrong inside is a problem, too. `status` is what the library would have answered, with an empty body. */
const onFault = Effect.fnUntraced(function* (fault: unknown) {
  const { status } = yield* HttpServerRespondable.toResponseOrElse(fault, HttpServerResponse.empty({ status: 500 }))
  if (status < 500) return problemResponse(status, "the request was not understood")
  yield* Effect.logError("internal error while a request was answered", fault)
  return problemResponse(500, "an internal error; see the log")
})

type Listening = (request: HttpServerRequest.HttpServerRequest) => EventVisitor

const listening =
  (security: SecurityOptions): Listening =>
  (request) => {
    const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
    return {
      mayWrite: mayWriteFreely(security, socket.remoteAddress),
      hangUp: Effect.sync(() => void socket.destroy()),
    }
  }

const routesOf = (control: ControlPlane["Service"], eventVisitor: Listening, turns: Turns) =>
  Option.match(control.simulation, {
    onNone: () => ({
      allow: makeAllow(Api),
      layer: HttpApiBuilder.layer(Api).pipe(
        Layer.provide([statusHandlers(turns, describeApi(Api), eventVisitor), routesHandlers(turns)]),
      ),
    }),
    onSome: (simulation) => ({
      allow: makeAllow(SimulationApi),
      layer: HttpApiBuilder.layer(SimulationApi).pipe(
        Layer.provide([
          statusHandlers(turns, describeApi(SimulationApi), eventVisitor),
          routesHandlers(turns),
          simulationHandlers(simulation),
        ]),
      ),
    }),
  })

/** The page has a policy of its own; nothing else may load anything. */
const withAnswerHeaders = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.setHeaders(response, { ...answerHeaders, ...response.headers })

/** `answer` answers every request that reaches it, and never fails. `close` ends the answers that go on by themselves. */
export const makeApp = Effect.fnUntraced(function* (security: SecurityOptions, eventLimits: EventLimits, turns: Turns) {
  const { allow, layer } = routesOf(yield* ControlPlane, listening(security), turns)
  const events = yield* makeEvents(eventLimits)
  const gate = makeGate(security)
  const routes = yield* HttpRouter.toHttpEffect(Layer.provide(layer, Layer.succeed(Events, events)))
  const route = (request: HttpServerRequest.HttpServerRequest) =>
    routes.pipe(
      Effect.provideService(CurrentOperator, operatorOf(request)),
      Effect.catch((error) =>
        HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound"
          ? Effect.succeed(unknownRoute(allow(request.url), request.method))
          : onFault(error),
      ),
      Effect.catchDefect(onFault),
    )
  const logRefusal = makeRefusalLog()
  const answer = HttpServerRequest.HttpServerRequest.pipe(
    Effect.flatMap((request) => {
      const visitor = visitorOf(request)
      return Effect.matchEffect(gate(visitor), {
        onFailure: (refusal) =>
          Effect.andThen(logRefusal({ ...visitor, url: request.url, refusal }), refusalResponse(refusal)),
        onSuccess: () => route(request),
      })
    }),
    Effect.map(withAnswerHeaders),
  )
  return { answer, close: events.close }
})
