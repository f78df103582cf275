// A host lives while it answers an HTTP request with a status below 400:
//   vpc-router --health ./http-probe.mjs --probe-port 8080 --probe-path /healthz …
import { Effect, FiberSet, Layer } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { now, Probe, probePlugin } from "vpc-router/plugin"

export default probePlugin({
  provides: "probe",
  name: "http-probe",
  description: "Asks hosts by HTTP; any status below 400 is a sign of life.",
  options: {
    "probe-port": { kind: "number", least: 1, most: 65_535, default: "80", description: "The port to ask." },
    "probe-path": { kind: "text", metavar: "PATH", default: "/", description: "The path to ask for." },
    "probe-timeout": { kind: "seconds", default: "500ms", description: "How long an answer may take." },
  },
  timing: ({ "probe-timeout": timeout }) => ({ interval: 2_000, timeout }),
  layer: ({ "probe-path": path, "probe-port": port, "probe-timeout": timeout }) =>
    Layer.effect(
      Probe,
      Effect.gen(function* () {
        const client = yield* HttpClient.HttpClient
        return Probe.of({
          name: "http-probe",
          open: Effect.fnUntraced(function* (sink) {
            // Requests under way, which end with the transport.
            const underWay = yield* FiberSet.make()
            return {
              send: (batch) =>
                Effect.forEach(
                  batch,
                  ({ host, sequence }) => {
                    const authority = host.includes(":") ? `[${host}]` : host
                    const ask = client.get(`http://${authority}:${port}${path}`).pipe(
                      Effect.timeout(timeout),
                      Effect.flatMap(({ status }) => (status < 400 ? now : Effect.fail("no sign of life"))),
                      Effect.map((at) => sink.replied(host, sequence, at)),
                      Effect.ignore,
                    )
                    return FiberSet.run(underWay, ask)
                  },
                  { discard: true },
                ),
            }
          }),
        })
      }),
    ).pipe(Layer.provide(FetchHttpClient.layer)),
})
