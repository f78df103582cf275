import { Effect, Layer, Logger, Option, PubSub, Stream } from "effect"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import { encodeRouteSpec, type RouteSpec } from "../../../src/domain/RouteSpec.ts"
import * as HttpConfig from "../../../src/services/config/HttpConfig.ts"
import { ConfigSource } from "../../../src/services/config/ConfigSource.ts"
import { ControlPlane } from "../../../src/services/http/ControlPlane.ts"
import { HttpServer, type HttpServerOptions, layer } from "../../../src/services/http/HttpServer.ts"
import type { OverviewJson } from "../../../src/services/http/OverviewJson.ts"
import type { StatusJson } from "../../../src/services/http/StatusJson.ts"

/** A status with a bit of everything in it. */
export const someStatus: StatusJson = {
  version: "0.0.0-test",
  mode: "http",
  vpc: "vpc-350d6a51",
  simulated: true,
  dry_run: false,
  started_at: "2026-03-01T12:00:00.000Z",
  now: "2026-03-01T12:00:10.000Z",
  protecting: true,
  restored: false,
  drained: [],
  route_spec: { "10.66.17.0/24": ["10.33.20.93", "10.33.30.22"] },
  failed_ips: ["10.33.30.22"],
  routes: { "10.66.17.0/24": ["10.33.20.93", "i-0a20093", "eni-0a20093"] },
  counts: {
    cidrs: 1,
    hosts: 2,
    failed_hosts: 1,
    held: 0,
    conflicts: 0,
    contended: 0,
    failed_writes: 0,
    pending: 0,
  },
  failed_hosts: [{ ip: "10.33.30.22", since: "2026-03-01T12:00:05.000Z", reason: "no answer" }],
  hosts: [],
  tables: [],
  conditions: [],
  held: [],
  brake: null,
  holds: [],
  anchors: [],
  pending: [],
  failed_writes: [],
  failovers: [],
  sources: {
    config: { name: "http", since: null, why: null, state: "ok", problems: [] },
    health: { name: "simulated", since: null, why: null, state: "up", policy: null, checks: [] },
  },
  last_refresh: { at: null, took_ms: null, age_ms: null, error: null },
  queue: { queued: 0, in_flight: 0, tokens: { create: 50, replace: 50, delete: 50 } },
}

/** The same in little room. */
export const someOverview: OverviewJson = {
  version: someStatus.version,
  mode: someStatus.mode,
  vpc: someStatus.vpc,
  simulated: someStatus.simulated,
  dry_run: someStatus.dry_run,
  started_at: someStatus.started_at,
  protecting: true,
  restored: false,
  counts: { cidrs: 1, hosts: 2, failed_hosts: 1, drained_hosts: 0 },
  tables: { shown: [], left_out: 0 },
  rows: { shown: [], left_out: 0 },
  others: { shown: [], left_out: 0 },
  hosts: { shown: [], left_out: 0 },
  held: { shown: [], left_out: 0 },
  pending: { shown: [], left_out: 0 },
  brake: null,
  holds: [],
  failovers: [],
  moving: [],
  conditions: [],
  sources: someStatus.sources,
  last_refresh: { at: null, took_ms: null, error: null },
  queue: someStatus.queue,
}

/** What a test may change while the server runs, and what it may look at. */
export class Script {
  status: Effect.Effect<StatusJson> = Effect.succeed(someStatus)
  overview: Effect.Effect<OverviewJson> = Effect.succeed(someOverview)
  /** Says that something changed. */
  readonly changes = Effect.runSync(PubSub.sliding<void>(1))
  mode = "http"
  isSimulated = true
  unready: Option.Option<string> = Option.none()
  heartbeat: Effect.Effect<void> = Effect.void
  heldHash = "00c0ffee00c0ffee"
  /** Runs before a spec comes into force. */
  beforeApplied: Effect.Effect<void> = Effect.void
  decided: Effect.Success<ControlPlane["Service"]["decided"]> = { decided: true, held: null }
  readonly confirmed: Array<string> = []
  readonly drained: Array<string> = []
  readonly failed = new Set<Ip>()
  spec: RouteSpec = new Map()
}

const simulatedIp = ip("10.33.20.93")

/** The control plane that does as the script says. */
export const controlPlane = (script: Script) =>
  Layer.effect(
    ControlPlane,
    Effect.gen(function* () {
      const config = yield* ConfigSource
      // The real source, and in place of the loop this: what is accepted is in force.
      yield* Effect.forkScoped(
        Stream.runForEach(config.news, (news) =>
          news._tag === "Accepted"
            ? Effect.andThen(
                script.beforeApplied,
                Effect.andThen(
                  Effect.sync(() => (script.spec = news.spec)),
                  news.onApplied,
                ),
              )
            : Effect.void,
        ),
      )
      const set = (host: Ip, answers: boolean) =>
        Effect.sync(() => {
          if (host !== simulatedIp) return false
          if (answers) script.failed.delete(host)
          else script.failed.add(host)
          return true
        })
      return ControlPlane.of({
        version: someStatus.version,
        mode: script.mode,
        status: Effect.suspend(() => script.status),
        overview: Effect.suspend(() => script.overview),
        changes: Stream.fromPubSub(script.changes),
        metrics: Effect.succeed("# TYPE vpc_router_build_info gauge\n"),
        routeSpec: Effect.sync(() => encodeRouteSpec(script.spec)),
        post: script.mode === "http" ? config.post : Option.none(),
        decided: Effect.sync(() => script.decided),
        confirm: (hash) =>
          Effect.sync(() => {
            if (hash !== script.heldHash) return false
            script.confirmed.push(hash)
            return true
          }),
        drain: (host, isDrained) =>
          Effect.sync(() => {
            if (host !== simulatedIp) return "NotInSpec"
            script.drained.push(`${isDrained ? "drain" : "undrain"} ${host}`)
            return "Done"
          }),
        heartbeat: Effect.suspend(() => script.heartbeat),
        unready: Effect.sync(() => script.unready),
        simulation: script.isSimulated
          ? Option.some({
              hosts: Effect.sync(() => [
                {
                  addresses: [simulatedIp],
                  interface: "eni-0a20093",
                  instance: "i-0a20093",
                  state: "running",
                  zone: "us-east-1a",
                  source_dest_check: false,
                  requester_managed: false,
                  answers: !script.failed.has(simulatedIp),
                },
              ]),
              fail: (host) => set(host, false),
              heal: (host) => set(host, true),
            })
          : Option.none(),
      })
    }),
  ).pipe(Layer.provide(HttpConfig.layer))

const defaults: HttpServerOptions = {
  address: "127.0.0.1",
  port: 0,
  allowedHosts: [],
  tokenFile: undefined,
  allowUnauthenticatedWrites: false,
}

/** The HTTP server over a scripted control plane, on a free port. */
export const serving = (script: Script, options: Partial<HttpServerOptions> = {}) =>
  layer({ ...defaults, ...options }).pipe(Layer.provide(controlPlane(script)), Layer.provide(Logger.layer([])))

/** Starts a server and uses it by its URL. */
export const withServer = <A, E, R>(
  use: (url: string, script: Script) => Effect.Effect<A, E, R>,
  {
    change = () => undefined,
    ...options
  }: Partial<HttpServerOptions> & { readonly change?: (script: Script) => void } = {},
) => {
  const script = new Script()
  change(script)
  return Effect.provide(
    Effect.flatMap(HttpServer, ({ url }) => use(url, script)),
    serving(script, options),
  )
}
