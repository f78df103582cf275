import { Context, Effect, Layer } from "effect"
import { PrometheusMetrics } from "effect/observability"
import type { Millis } from "../../domain/Health.ts"
import { Reconciler } from "../Reconciler.ts"
import { exposeProcess } from "./ProcessMetrics.ts"
import { updateGauges } from "./StateGauges.ts"

/** What the daemon says of itself to monitoring. Counters are kept where things happen; gauges are made when asked for. */
export class Metrics extends Context.Service<
  Metrics,
  {
    /** Every metric as it is now, in Prometheus' text format 0.0.4. */
    readonly text: Effect.Effect<string>
  }
>()("vpc-router/runtime/metrics/Metrics") {}

export interface MetricsOptions {
  readonly version: string
  readonly dryRun: boolean
  /** Milliseconds. Keeps the gauges that fresh for whoever reads metrics without asking us, as exporters do. */
  readonly updateEvery: Millis | undefined
}

const make = Effect.fnUntraced(function* ({ dryRun, updateEvery, version }: MetricsOptions) {
  const { facts } = yield* Reconciler
  yield* exposeProcess(version, dryRun)
  const update = Effect.flatMap(facts, updateGauges)
  if (updateEvery !== undefined)
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(update, Effect.sleep(updateEvery))))
  // The registry of those who write metrics, whoever asks.
  const context = yield* Effect.context<never>()
  return Metrics.of({
    text: update.pipe(
      Effect.andThen(Effect.sync(() => PrometheusMetrics.formatUnsafe(context))),
      Effect.provideContext(context),
    ),
  })
})

export const layer = (options: MetricsOptions): Layer.Layer<Metrics, never, Reconciler> =>
  Layer.effect(Metrics, make(options))
