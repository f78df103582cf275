import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { HeldDeletionsJson, SimulatedHostJson } from "./ControlPlane.ts"
import { EventJson } from "./OverviewJson.ts"
import {
  BadRequest,
  Conflict,
  ContentTooLarge,
  Forbidden,
  MisdirectedRequest,
  NotFound,
  Unauthorized,
  Unavailable,
  UnsupportedMediaType,
} from "./Problems.ts"
import { RouteSpecJson, SpecProblemJson, StatusJson } from "./StatusJson.ts"

const refusals = [BadRequest, Forbidden, MisdirectedRequest] as const
const writeRefusals = [...refusals, Unauthorized, ContentTooLarge, UnsupportedMediaType] as const

const told = (summary: string, description?: string) => OpenApi.annotations({ summary, description })

/** A write: from this machine free, from others with the token. */
const toldWrite = (summary: string, description?: string) =>
  OpenApi.annotations({ summary, description, override: { security: [{}, { bearer: [] }] } })

/** `GET /`: where to look next. */
export const IndexJson = Schema.Struct({
  name: Schema.Literal("vpc-router"),
  version: Schema.String,
  links: Schema.Record(Schema.String, Schema.String).annotate({ description: "what each endpoint is for" }),
}).annotate({ identifier: "Index" })

/** The answer to an accepted spec. */
export const AcceptedJson = Schema.Struct({
  accepted: Schema.Literal(true),
  cidrs: Schema.Int,
  hosts: Schema.Int,
  warnings: Schema.Array(SpecProblemJson).annotate({ description: "what was mended" }),
  decided: Schema.Boolean.annotate({
    description: "false: EC2 has not been read yet; what is to be written, and what is held, GET /status has later",
  }),
  held: Schema.NullOr(HeldDeletionsJson).annotate({ description: "deletions that wait for a confirmation" }),
}).annotate({ identifier: "Accepted" })

const HostParam = { ip: Schema.String }
const DrainedJson = Schema.Struct({ ip: Schema.String, drained: Schema.Boolean })

const MetricsText = Schema.String.annotate({ description: "Prometheus' text format" }).pipe(
  HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }),
)

export const OpenApiJson = Schema.JsonObject.annotate({ description: "an OpenAPI 3.1 document" })

/** What the daemon says of itself. */
export const StatusGroup = HttpApiGroup.make("status", { topLevel: true }).add(
  HttpApiEndpoint.get("index", "/", { success: IndexJson, error: refusals }).annotateMerge(
    told("The endpoints of this server; for a browser, a page that shows what it does"),
  ),
  HttpApiEndpoint.get("getStatus", "/status", { success: StatusJson, error: refusals }).annotateMerge(
    told("Everything the daemon knows: spec, routes, hosts, what is held and why"),
  ),
  HttpApiEndpoint.get("healthz", "/healthz", {
    success: Schema.Struct({ alive: Schema.Literal(true) }),
    error: [...refusals, Unavailable],
  }).annotateMerge(told("Whether the reconcile loop is alive: it came round within 2 seconds")),
  HttpApiEndpoint.get("readyz", "/readyz", {
    success: Schema.Struct({ ready: Schema.Literal(true) }),
    error: [...refusals, Unavailable],
  }).annotateMerge(told("Whether EC2 has been read once; never waits for a spec")),
  HttpApiEndpoint.get("events", "/events", {
    success: HttpApiSchema.StreamSse({ data: EventJson }),
    error: [...refusals, Unavailable],
  }).annotateMerge(
    told(
      "What the page shows, at every change, as server-sent events",
      "First an event `hello`, then an event `overview` at every change, at most five a second, and `beat` every few seconds in between. Of large VPCs it shows a part, what is wrong first, and says how much is left out.",
    ),
  ),
  HttpApiEndpoint.get("pageFile", "/page/:file", {
    params: { file: Schema.String },
    success: HttpApiSchema.asText({ contentType: "text/plain" })(Schema.String),
    error: [...refusals, NotFound],
  }).annotate(OpenApi.Exclude, true),
  HttpApiEndpoint.get("metrics", "/metrics", { success: MetricsText, error: refusals }).annotateMerge(
    told("What Prometheus scrapes; docs/operations.md has the names"),
  ),
  HttpApiEndpoint.get("openapi", "/openapi.json", { success: OpenApiJson, error: refusals }).annotateMerge(
    told("This document"),
  ),
)

/** The route spec, and deletions that wait for a confirmation. */
export const RoutesGroup = HttpApiGroup.make("routes", { topLevel: true }).add(
  HttpApiEndpoint.get("getRouteSpec", "/route_spec", { success: RouteSpecJson, error: refusals }).annotateMerge(
    told("The spec in force; {} before any"),
  ),
  HttpApiEndpoint.post("postRouteSpec", "/route_spec", {
    payload: RouteSpecJson,
    success: AcceptedJson,
    error: [...writeRefusals, Conflict, Unavailable],
  }).annotateMerge(
    toldWrite(
      "Replaces the spec (mode http)",
      "Answers when the spec is in force. One that is not accepted changes nothing, and all its faults are listed.",
    ),
  ),
  HttpApiEndpoint.post("confirm", "/held/:hash/confirm", {
    params: { hash: Schema.String },
    success: Schema.Struct({ confirmed: Schema.Literal(true), hash: Schema.String }),
    error: [...writeRefusals, NotFound, Unavailable],
  }).annotateMerge(toldWrite("Lets go exactly what is held by this hash: deletions, or failures that a guard holds")),
  HttpApiEndpoint.post("drain", "/drain/:ip", {
    params: HostParam,
    success: DrainedJson,
    error: [...writeRefusals, NotFound, Unavailable],
  }).annotateMerge(
    toldWrite("Moves the routes off a host of the spec, before maintenance; it gains none until undrained"),
  ),
  HttpApiEndpoint.post("undrain", "/undrain/:ip", {
    params: HostParam,
    success: DrainedJson,
    error: [...writeRefusals, NotFound, Unavailable],
  }).annotateMerge(toldWrite("Puts a drained host back into service; no route moves back by it")),
)

const HostAnswer = Schema.Struct({ ip: Schema.String, answers: Schema.Boolean })

/** Only where the VPC is simulated. */
export const SimulationGroup = HttpApiGroup.make("simulation", { topLevel: true }).add(
  HttpApiEndpoint.get("getSimulation", "/simulation", {
    success: Schema.Struct({ hosts: Schema.Array(SimulatedHostJson) }),
    error: refusals,
  }).annotateMerge(told("The hosts of the simulated VPC, and whether they answer")),
  HttpApiEndpoint.post("failHost", "/simulation/hosts/:ip/fail", {
    params: HostParam,
    success: HostAnswer,
    error: [...writeRefusals, NotFound],
  }).annotateMerge(toldWrite("The machine that holds the address hangs: it answers nobody, and EC2 does not notice")),
  HttpApiEndpoint.post("healHost", "/simulation/hosts/:ip/heal", {
    params: HostParam,
    success: HostAnswer,
    error: [...writeRefusals, NotFound],
  }).annotateMerge(toldWrite("The machine answers again")),
)

/** What every daemon serves. */
export const Api = HttpApi.make("vpc-router")
  .add(StatusGroup, RoutesGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "vpc-router",
      description:
        "Keeps the route tables of an Amazon VPC correct. Every error is application/problem+json. A write from another machine needs the bearer token.",
    }),
  )

/** The same, over a simulated VPC. */
export const SimulationApi = Api.add(SimulationGroup)
