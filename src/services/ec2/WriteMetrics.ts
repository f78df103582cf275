import { Effect, Metric } from "effect"
import type { Action } from "../../domain/Action.ts"
import { now } from "../Now.ts"
import { dispositions, type Ec2Error } from "./Ec2.ts"

const names = { CreateRoute: "create", ReplaceRoute: "replace", DeleteRoute: "delete" } as const
const tags: ReadonlyArray<Action["_tag"]> = ["CreateRoute", "ReplaceRoute", "DeleteRoute"]

/** A write that is interrupted, since the daemon ends, has no result. */
type Result = "done" | Ec2Error["disposition"]

const sent = (tag: Action["_tag"], result: Result) =>
  Metric.counter("vpc_router_writes_total", {
    description: "Writes sent to EC2, every try counted, by what came of it.",
    incremental: true,
    attributes: { action: names[tag], result },
  })

const took = (tag: Action["_tag"]) =>
  Metric.histogram("vpc_router_write_duration_seconds", {
    description: "How long EC2 took to answer a write, whatever the answer.",
    attributes: { action: names[tag] },
    boundaries: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  })

/** Shows the metrics of writes, all zero, and gives the function that measures one try of a write. */
export const attemptMetrics = Effect.gen(function* () {
  const results: ReadonlyArray<Result> = ["done", ...dispositions]
  const counters = new Map(tags.map((tag) => [tag, new Map(results.map((result) => [result, sent(tag, result)]))]))
  const histograms = new Map(tags.map((tag) => [tag, took(tag)]))
  for (const ofTag of counters.values()) for (const counter of ofTag.values()) yield* Metric.value(counter)
  for (const histogram of histograms.values()) yield* Metric.value(histogram)

  return <A>(tag: Action["_tag"], write: Effect.Effect<A, Ec2Error>): Effect.Effect<A, Ec2Error> =>
    Effect.gen(function* () {
      const from = yield* now
      const count = Effect.fnUntraced(function* (result: Result) {
        const counter = counters.get(tag)?.get(result)
        const histogram = histograms.get(tag)
        if (counter !== undefined) yield* Metric.update(counter, 1)
        if (histogram !== undefined) yield* Metric.update(histogram, ((yield* now) - from) / 1000)
      })
      return yield* Effect.tapError(
        Effect.tap(write, () => count("done")),
        ({ disposition }) => count(disposition),
      )
    })
})
