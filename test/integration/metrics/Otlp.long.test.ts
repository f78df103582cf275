import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { get, start, until } from "../cli/Running.ts"

interface Received {
  readonly path: string
  readonly contentType: string
  readonly authorization: string | undefined
  readonly body: Buffer
}

/** A collector of the test's own. `answer` gives its status; undefined: it never answers. */
const collector = (answer: () => number | undefined = () => 200) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly received: ReadonlyArray<Received>; readonly close: () => void }>(
      (resume) => {
        const received: Array<Received> = []
        const server = createServer((request, response) => {
          const chunks: Array<Buffer> = []
          request.on("data", (chunk: Buffer) => void chunks.push(chunk))
          request.on("end", () => {
            const { authorization, "content-type": contentType = "" } = request.headers
            received.push({ path: request.url ?? "", contentType, authorization, body: Buffer.concat(chunks) })
            const status = answer()
            if (status !== undefined) response.writeHead(status).end("{}")
          })
        })
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          const close = () => {
            server.close()
            server.closeAllConnections()
          }
          resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, received, close }))
        })
      },
    ),
    ({ close }) => Effect.sync(close),
  )

const daemon = (url: string, environment: Readonly<Record<string, string>> = {}) =>
  start(["--mode", "http", "--simulate", "--port", "0", "--otlp-endpoint", url], {
    environment: { OTEL_METRIC_EXPORT_INTERVAL: "300", ...environment },
  })

/** As much of OTLP's JSON as is looked at (opentelemetry-proto, metrics.proto and common.proto). */
const Attribute = Schema.Struct({
  key: Schema.String,
  value: Schema.Struct({ stringValue: Schema.optional(Schema.String) }),
})
const Point = Schema.Struct({
  attributes: Schema.optional(Schema.Array(Attribute)),
  asDouble: Schema.optional(Schema.Number),
})
const MetricsData = Schema.fromJsonString(
  Schema.Struct({
    resourceMetrics: Schema.Array(
      Schema.Struct({
        resource: Schema.Struct({ attributes: Schema.Array(Attribute) }),
        scopeMetrics: Schema.Array(
          Schema.Struct({
            metrics: Schema.Array(
              Schema.Struct({
                name: Schema.String,
                gauge: Schema.optional(Schema.Struct({ dataPoints: Schema.Array(Point) })),
                sum: Schema.optional(Schema.Struct({ isMonotonic: Schema.Boolean, dataPoints: Schema.Array(Point) })),
                histogram: Schema.optional(
                  Schema.Struct({ dataPoints: Schema.Array(Schema.Struct({ count: Schema.Number })) }),
                ),
              }),
            ),
          }),
        ),
      }),
    ),
  }),
)

describe("--otlp-endpoint", () => {
  it.live("sends gauges, counters and histograms, under the daemon's name, to an OpenTelemetry collector", () =>
    Effect.gen(function* () {
      const { received, url } = yield* collector()
      yield* daemon(url, {
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20secret",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
      })
      const sent = () => received.filter(({ path }) => path === "/v1/metrics")
      const last = () => sent().at(-1)?.body.toString() ?? ""
      // Gauges are five seconds old at most.
      yield* until("gauges", () => /"vpc_router_route_tables"[^}]*"asDouble":3/.test(last().replaceAll(/[{[]/g, "")))
      const [data] = (yield* Schema.decodeUnknownEffect(MetricsData)(last())).resourceMetrics
      const attributes = new Map(data?.resource.attributes.map(({ key, value }) => [key, value.stringValue]))
      assert.strictEqual(attributes.get("service.name"), "vpc-router")
      assert.match(attributes.get("service.version") ?? "", /^\d+\.\d+\.\d+/)
      assert.strictEqual(attributes.get("deployment.environment"), "test")
      const metrics = new Map(data?.scopeMetrics.flatMap(({ metrics }) => metrics.map((one) => [one.name, one])))
      assert.strictEqual(metrics.get("vpc_router_route_tables")?.gauge?.dataPoints[0]?.asDouble, 3)
      const writes = metrics.get("vpc_router_writes_total")?.sum
      assert.isTrue(writes?.isMonotonic)
      assert.strictEqual(writes?.dataPoints.length, 21)
      assert.strictEqual(metrics.get("vpc_router_failover_stage_seconds")?.histogram?.dataPoints.length, 4)
      assert.strictEqual(sent()[0]?.contentType, "application/json")
      assert.strictEqual(sent()[0]?.authorization, "Bearer secret")
    }),
  )

  it.live("sends logs and traces, too, and by default as protobuf", () =>
    Effect.gen(function* () {
      const { received, url } = yield* collector()
      const running = yield* daemon(url)
      const text = (path: string) => Buffer.concat(received.filter((one) => one.path === path).map(({ body }) => body))
      yield* running.url
      yield* until("its log", () => text("/v1/logs").includes("no spec yet"))
      yield* until("the reading of EC2 among the traces", () => text("/v1/traces").includes("Ec2.snapshot"))
      yield* until("metrics", () => text("/v1/metrics").includes("vpc_router_protecting"))
      for (const { contentType } of received) assert.strictEqual(contentType, "application/x-protobuf")
      assert.include(running.stdout(), "no spec yet")
    }),
  )

  it.live("a collector that is not there is said once, and holds nothing up", () =>
    Effect.gen(function* () {
      const { close, url } = yield* collector()
      close()
      const running = yield* daemon(url)
      yield* running.logged("cannot be exported")
      const answer = yield* get(`${yield* running.url}/readyz`)
      assert.strictEqual(answer.status, 200)
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(running.lines().filter(({ message }) => message.includes("exported")).length, 1)
      yield* running.send("SIGTERM")
      assert.deepInclude(yield* running.ended, { code: 0, stderr: "" })
    }),
  )

  it.live("a collector that refuses is said by its status", () =>
    Effect.gen(function* () {
      const { url } = yield* collector(() => 401)
      const { message } = yield* (yield* daemon(url)).logged("cannot be exported")
      assert.include(message, "status 401")
    }),
  )

  it.live("a collector that hangs does not keep the daemon from ending in time", () =>
    Effect.gen(function* () {
      const { received, url } = yield* collector(() => undefined)
      const running = yield* daemon(url)
      yield* until("a request", () => received.length > 0)
      const from = performance.now()
      yield* running.send("SIGTERM")
      assert.deepInclude(yield* running.ended, { code: 0 })
      assert.isBelow(performance.now() - from, 3_000)
    }),
  )

  it.live("without it nothing is sent, whatever OpenTelemetry's variables say", () =>
    Effect.gen(function* () {
      const { received, url } = yield* collector()
      const environment = {
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_METRICS_EXPORTER: "otlp",
        OTEL_METRIC_EXPORT_INTERVAL: "100",
      }
      const running = yield* start(["--mode", "http", "--simulate", "--port", "0"], { environment })
      yield* running.url
      yield* Effect.sleep("1 second")
      assert.strictEqual(received.length, 0)
    }),
  )

  it.live("a variable of OpenTelemetry that makes no sense stops the start with a reason", () =>
    Effect.gen(function* () {
      const running = yield* daemon("http://127.0.0.1:4318", { OTEL_METRIC_EXPORT_INTERVAL: "soon" })
      const { code, stderr } = yield* running.ended
      assert.strictEqual(code, 1)
      assert.match(stderr, /^vpc-router: --otlp-endpoint: [^\n]*OTEL_METRIC_EXPORT_INTERVAL[^\n]*\n$/)
    }),
  )
})
