import { ConfigProvider, Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError } from "effect/http"
import { Otlp, OtlpSerialization } from "effect/observability"
import { version } from "../Version.ts"

/** How long a collector may take to answer. */
const patience = "5 seconds"

/**
 * What is not said of the exporter in OpenTelemetry's own variables (headers, compression, intervals, resource attributes,
 * `OTEL_EXPORTER_OTLP_PROTOCOL`: `http/protobuf` or `http/json`). The timeout is that of the last export, when the daemon
 * ends: that must end sooner than the daemon.
 */
const defaults = {
  OTEL_SERVICE_NAME: "vpc-router",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp",
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_EXPORTER_OTLP_TIMEOUT: "1000",
}

const given = (environment: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, text]) => (text === undefined || text === "" ? [] : [[name, text]])),
  )

/** Says when the collector cannot be reached, and when all that is sent arrives again; once each. */
const makeClient = Effect.gen(function* () {
  const client = yield* HttpClient.HttpClient
  // One for metrics, logs and traces each.
  const failing = new Set<string>()
  const failed = Effect.fnUntraced(function* (url: string, why: string) {
    if (failing.size === 0) yield* Effect.logWarning(`metrics, logs or traces cannot be exported: ${url} ${why}`)
    failing.add(url)
  })
  const done = Effect.fnUntraced(function* (url: string) {
    if (failing.delete(url) && failing.size === 0) yield* Effect.logInfo("metrics, logs and traces are exported again")
  })
  return HttpClient.transform(client, (response, request) =>
    response.pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => {
          const description = `no answer within ${patience}`
          const reason = new HttpClientError.TransportError({ request, description })
          return Effect.fail(new HttpClientError.HttpClientError({ reason }))
        },
      }),
      Effect.tap(({ status }) =>
        status < 300 ? done(request.url) : failed(request.url, `answered with status ${status}`),
      ),
      Effect.tapError(({ message }) => failed(request.url, `cannot be reached: ${message}`)),
    ),
  )
})

/** Sends metrics, logs and traces to an OpenTelemetry collector, by OTLP over HTTP. `endpoint`: such as http://localhost:4318. */
export const layer = (endpoint: string, environment: NodeJS.ProcessEnv): Layer.Layer<never> => {
  const env = { ...defaults, ...given(environment), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }
  const isJson = given(environment)["OTEL_EXPORTER_OTLP_PROTOCOL"] === "http/json"
  return Otlp.layerFromConfig({ resource: { serviceVersion: version } }).pipe(
    Layer.provide(isJson ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf),
    Layer.provide(Layer.effect(HttpClient.HttpClient, makeClient).pipe(Layer.provide(FetchHttpClient.layer))),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))),
  )
}
