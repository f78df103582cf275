import { Effect, Metric } from "effect"
import type { Failover } from "../../domain/Failover.ts"
import type { Millis, Verdict } from "../../domain/Health.ts"
import { dispositions, type Ec2Error } from "../../services/ec2/Ec2.ts"
import { verdictNames } from "../StatusToJson.ts"

/** Seconds; dense where the detection bound (1.45 s) and the promised two seconds lie. */
const failoverBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.25, 1.5, 1.75, 2, 3, 5, 10, 30, 60, 300]
const refreshBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15]

const stages = ["detected", "first_write", "all_written", "verified"] as const

const stage = (name: (typeof stages)[number]) =>
  Metric.histogram("vpc_router_failover_stage_seconds", {
    description:
      "Each stage of a failover, from the one before: detected (since the first unanswered probe), first_write (since the verdict), all_written (since the first write), verified (since the last write, by a reading of EC2).",
    attributes: { stage: name },
    boundaries: failoverBoundaries,
  })

const whole = Metric.histogram("vpc_router_failover_duration_seconds", {
  description: "From the first unanswered probe (or the verdict, if that is not known) until all routes were written.",
  boundaries: failoverBoundaries,
})

const verdicts = (tag: Verdict["_tag"]) =>
  Metric.counter("vpc_router_verdicts_total", {
    description: "Changes of a host's verdict, by the new one.",
    incremental: true,
    attributes: { verdict: verdictNames[tag] },
  })

type ReadingResult = "done" | Ec2Error["disposition"]

const readings = (result: ReadingResult) =>
  Metric.counter("vpc_router_refreshes_total", {
    description: "Readings of the whole VPC from EC2, by what came of them.",
    incremental: true,
    attributes: { result },
  })

const refreshTook = Metric.histogram("vpc_router_refresh_duration_seconds", {
  description: "How long whole readings of the VPC took.",
  boundaries: refreshBoundaries,
})

const specResults = ["accepted", "rejected", "unreadable"] as const

const specs = (result: (typeof specResults)[number]) =>
  Metric.counter("vpc_router_specs_total", {
    description:
      "What the config source brought: specs that were accepted or rejected, and times it could not be read.",
    incremental: true,
    attributes: { result },
  })

const observe = (histogram: Metric.Histogram<number>, millis: Millis | undefined) =>
  millis === undefined ? Effect.void : Metric.update(histogram, Math.max(0, millis) / 1000)

/** What happened, counted and measured where the loop learns of it. Each does nothing else. */
export const counted = {
  verdict: (tag: Verdict["_tag"]) => Metric.update(verdicts(tag), 1),
  failoverBegan: ({ failedAt, silentSince }: Failover) =>
    observe(stage("detected"), silentSince === undefined ? undefined : failedAt - silentSince),
  /** Writes that came late, after all were written once, are not measured. */
  failoverCompleted: Effect.fnUntraced(function* (failover: Failover) {
    const { completions, failedAt, firstWriteAt = failedAt, lastWriteAt = failedAt, silentSince = failedAt } = failover
    if (completions > 1) return
    yield* observe(stage("first_write"), firstWriteAt - failedAt)
    yield* observe(stage("all_written"), lastWriteAt - firstWriteAt)
    yield* observe(whole, lastWriteAt - silentSince)
  }),
  failoverVerified: ({ lastWriteAt, verifiedAt }: Failover) =>
    observe(
      stage("verified"),
      verifiedAt === undefined || lastWriteAt === undefined ? undefined : verifiedAt - lastWriteAt,
    ),
  reading: (took: Millis) => Effect.andThen(Metric.update(readings("done"), 1), observe(refreshTook, took)),
  failedReading: ({ disposition }: Ec2Error) => Metric.update(readings(disposition), 1),
  spec: (result: (typeof specResults)[number]) => Metric.update(specs(result), 1),
}

/** Shows all of these, at zero: a rate of what was never seen is nothing rather than zero. */
export const exposeLoopMetrics: Effect.Effect<void> = Effect.gen(function* () {
  for (const tag of ["Unknown", "Healthy", "Failed", "Unwatched"] as const) yield* Metric.value(verdicts(tag))
  for (const name of stages) yield* Metric.value(stage(name))
  yield* Metric.value(whole)
  for (const result of ["done", ...dispositions] as const) yield* Metric.value(readings(result))
  yield* Metric.value(refreshTook)
  for (const result of specResults) yield* Metric.value(specs(result))
})
