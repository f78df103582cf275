// What another system knows of the hosts, by HTTP: {"10.33.20.93": "healthy", "10.33.30.22": "failed"}
//   vpc-router --health icmpecho,./verdicts-by-http.mjs --verdicts-url http://localhost:8500/hosts …
import { Effect, Layer, Schedule, Schema, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"
import { healthPlugin, HealthSource, now, SourceState, Verdict } from "vpc-router/plugin"

/** @import { Ip } from "vpc-router/plugin" */

const Answer = Schema.Record(Schema.String, Schema.Literals(["healthy", "failed"]))

/** @type {ReadonlySet<Ip>} */
const none = new Set()

export default healthPlugin({
  provides: "health",
  name: "verdicts-by-http",
  description: "Takes the verdicts of another system: a JSON object from hosts to healthy or failed.",
  options: {
    "verdicts-url": { kind: "text", metavar: "URL", required: true, description: "Where that object is." },
    "verdicts-interval": { kind: "seconds", default: "1", description: "How often it is asked for." },
  },
  layer: ({ "verdicts-interval": interval, "verdicts-url": url }) =>
    Layer.effect(
      HealthSource,
      Effect.gen(function* () {
        const client = yield* HttpClient.HttpClient
        let watched = none
        /** @type {SourceState} */
        let state = SourceState.Down({ since: yield* now, why: "it was not asked yet" })

        const ask = client
          .get(url)
          .pipe(
            Effect.flatMap(HttpClientResponse.filterStatusOk),
            Effect.flatMap(HttpClientResponse.schemaBodyJson(Answer)),
            Effect.timeout("2 seconds"),
          )
        const verdicts = Effect.gen(function* () {
          const since = yield* now
          const answer = yield* Effect.result(ask)
          if (answer._tag === "Failure") {
            // While the source is down, what it said before counts no more.
            state = SourceState.Down({ since, why: `${url}: ${answer.failure.message}` })
            return []
          }
          if (state._tag === "Down") state = SourceState.Up({ since })
          return [...watched].map((host) => {
            const word = answer.success[host]
            if (word === undefined) return { host, verdict: Verdict.Unknown({ since }) }
            const failed = Verdict.Failed({ since, reason: `${url} says so` })
            return { host, verdict: word === "failed" ? failed : Verdict.Healthy({ since }) }
          })
        })

        return HealthSource.of({
          name: "verdicts-by-http",
          watch: (hosts) =>
            Effect.sync(() => {
              watched = hosts
            }),
          verdicts: Stream.fromEffectSchedule(verdicts, Schedule.spaced(interval)),
          state: Effect.sync(() => state),
        })
      }),
    ).pipe(Layer.provide(FetchHttpClient.layer)),
})
