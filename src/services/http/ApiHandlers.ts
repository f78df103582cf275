import { Effect, Option, Result } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { type Ip, parseIp } from "../../domain/Ip.ts"
import { hostsOf } from "../../domain/RouteSpec.ts"
import { StateNotKept } from "../state/StateStore.ts"
import type { Turns } from "../Turns.ts"
import { Api, SimulationApi } from "./Api.ts"
import { ControlPlane, type SimulationControls } from "./ControlPlane.ts"
import { Events, type EventVisitor } from "./Events.ts"
import { jsonAnswer } from "./JsonAnswer.ts"
import { pageFile, wantsPage } from "./Page.ts"
import { BadRequest, Conflict, NotFound, Unavailable } from "./Problems.ts"
import { jsonText } from "./RequestBody.ts"

/** How long the loop may take to come round and still count as alive. */
const alive = "2 seconds"
/** How long a write may take to come into force before it is answered that it did not. */
const patience = "5 seconds"

const inTime = <A, E>(write: Effect.Effect<A, E>, what: string): Effect.Effect<A, E | Unavailable> =>
  Effect.timeoutOrElse(write, {
    duration: patience,
    orElse: () => Effect.fail(new Unavailable({ detail: `${what} within ${patience}; it may do so yet` })),
  })

const kept = <A, E>(write: Effect.Effect<A, E | StateNotKept>): Effect.Effect<A, E | Unavailable> =>
  write.pipe(
    Effect.catch((error) =>
      Effect.fail(error instanceof StateNotKept ? new Unavailable({ detail: error.why }) : error),
    ),
  )

const from = (request: HttpServerRequest.HttpServerRequest): string =>
  `from ${Option.getOrElse(request.remoteAddress, () => "a peer that is gone")}`

/** What the API says of itself. */
export interface Described {
  /** The OpenAPI document for a version. */
  readonly document: (version: string) => object
  /** What each endpoint is for, by `GET /status` and the like. */
  readonly links: Readonly<Record<string, string>>
}

const pageFor = (request: HttpServerRequest.HttpServerRequest): HttpServerResponse.HttpServerResponse | undefined =>
  wantsPage(request.headers["accept"]) ? pageFile("index.html") : undefined

export const statusHandlers = (
  turns: Turns,
  { document, links }: Described,
  eventVisitor: (request: HttpServerRequest.HttpServerRequest) => EventVisitor,
) =>
  HttpApiBuilder.group(
    Api,
    "status",
    Effect.fnUntraced(function* (handlers) {
      const control = yield* ControlPlane
      const events = yield* Events
      return handlers.handleAll({
        index: ({ request }) =>
          Effect.succeed(pageFor(request) ?? { name: "vpc-router" as const, version: control.version, links }),
        // Typed as what it must be; checking thousands of cells against the schema would hold up the process.
        getStatus: () => Effect.flatMap(control.status, (status) => jsonAnswer(turns, status)),
        healthz: () =>
          Effect.timeoutOrElse(Effect.as(control.heartbeat, { alive: true as const }), {
            duration: alive,
            orElse: () => Effect.fail(new Unavailable({ detail: `the loop did not come round within ${alive}` })),
          }),
        readyz: () =>
          Effect.flatMap(
            control.unready,
            Option.match({
              onNone: () => Effect.succeed({ ready: true as const }),
              onSome: (detail) => Effect.fail(new Unavailable({ detail })),
            }),
          ),
        events: ({ request }) => events.answer(eventVisitor(request)),
        pageFile: ({ params: { file } }) =>
          Effect.fromNullishOr(pageFile(file)).pipe(
            Effect.mapError(() => new NotFound({ detail: "the page has no such file" })),
          ),
        metrics: () => control.metrics,
        openapi: () => Effect.sync(() => HttpServerResponse.jsonUnsafe(document(control.version))),
      })
    }),
  )

export const routesHandlers = (turns: Turns) =>
  HttpApiBuilder.group(
    Api,
    "routes",
    Effect.fnUntraced(function* (handlers) {
      const control = yield* ControlPlane

      const postRouteSpec = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
        if (Option.isNone(control.post)) {
          const detail = `the spec does not come by HTTP in mode ${control.mode}; --mode http takes it`
          return yield* new Conflict({ detail })
        }
        const body = yield* jsonText(request)
        const { spec, warnings } = yield* inTime(control.post.value(body), "the spec did not come into force").pipe(
          Effect.catchTag("SpecRejected", ({ problems }) =>
            Effect.fail(new BadRequest({ detail: "the spec was not accepted; nothing changes", problems })),
          ),
          Effect.catchTag("SpecNotKept", ({ why }) =>
            Effect.fail(new Unavailable({ detail: `${why}; the spec is not in force` })),
          ),
        )
        yield* Effect.logInfo(`spec posted ${from(request)}`)
        return {
          accepted: true as const,
          cidrs: spec.size,
          hosts: hostsOf(spec).size,
          warnings,
          ...(yield* control.decided),
        }
      })

      const steer = Effect.fnUntraced(function* (text: string, isDrained: boolean) {
        const host = Result.getOrUndefined(parseIp(text))
        if (host === undefined) return yield* new BadRequest({ detail: "expected an IP address in the path" })
        const outcome = yield* kept(inTime(control.drain(host, isDrained), "the host was not drained"))
        if (outcome === "NotInSpec") return yield* new NotFound({ detail: `${host} is no host of the spec in force` })
        return { ip: host, drained: isDrained }
      })

      return handlers
        .handle("drain", ({ params: { ip } }) => steer(ip, true))
        .handle("undrain", ({ params: { ip } }) => steer(ip, false))
        .handle("getRouteSpec", () => Effect.flatMap(control.routeSpec, (spec) => jsonAnswer(turns, spec)))
        .handleRaw("postRouteSpec", ({ request }) => postRouteSpec(request))
        .handle(
          "confirm",
          Effect.fnUntraced(function* ({ params: { hash }, request }) {
            const confirmed = yield* kept(inTime(control.confirm(hash), "the confirmation was not taken"))
            if (!confirmed)
              return yield* new NotFound({
                detail: "nothing that is held has this hash; see brake and holds in /status",
              })
            yield* Effect.logInfo(`what is held by ${hash} is confirmed ${from(request)}`)
            return { confirmed, hash }
          }),
        )
    }),
  )

export const simulationHandlers = (simulation: SimulationControls) => {
  const steer = Effect.fnUntraced(function* (
    text: string,
    answers: boolean,
    change: (host: Ip) => Effect.Effect<boolean>,
  ) {
    const host = Result.getOrUndefined(parseIp(text))
    if (host === undefined) return yield* new BadRequest({ detail: "expected an IP address in the path" })
    if (!(yield* change(host)))
      return yield* new NotFound({ detail: `no interface of the simulated VPC holds ${host}` })
    yield* Effect.logInfo(`simulation: ${host} ${answers ? "answers again" : "hangs"}`)
    return { ip: host, answers }
  })
  return HttpApiBuilder.group(SimulationApi, "simulation", (handlers) =>
    handlers.handleAll({
      getSimulation: () => Effect.map(simulation.hosts, (hosts) => ({ hosts })),
      failHost: ({ params: { ip } }) => steer(ip, false, simulation.fail),
      healHost: ({ params: { ip } }) => steer(ip, true, simulation.heal),
    }),
  )
}
