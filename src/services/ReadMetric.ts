import { Effect, Metric, type Scope } from "effect"

interface Series {
  readonly name: string
  readonly description: string
  readonly labels?: Readonly<Record<string, string>>
}

const expose = <State>(
  metric: Metric.Metric<never, State>,
  read: () => State,
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(Effect.context<never>(), (context) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => {
          const ignored = () => undefined
          return Metric.registerUnsafe(metric, context, { get: read, update: ignored, modify: ignored })
        }),
        (registration) => Effect.sync(() => registration.remove()),
      ),
    ),
  )

/** A counter that somebody keeps as a plain number: `read` is called when metrics are read. It goes with the scope. */
export const readCounter = ({ name, description, labels }: Series, read: () => number) =>
  expose(Metric.counter(name, { description, incremental: true, attributes: { ...labels } }), () => ({
    count: read(),
    incremental: true,
  }))

/** The same as a gauge. */
export const readGauge = ({ name, description, labels }: Series, read: () => number) =>
  expose(Metric.gauge(name, { description, attributes: { ...labels } }), () => ({ value: read() }))
