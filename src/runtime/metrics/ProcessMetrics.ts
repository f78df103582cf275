import { Effect, Metric, type Scope } from "effect"
import type { Millis } from "../../domain/Health.ts"
import { now } from "../../services/Now.ts"
import { readCounter, readGauge } from "../../services/ReadMetric.ts"

/** Between two samples of the event loop's delay: 10 wakes a second cost less than a thousandth of a core. */
const samplePause: Millis = 100

const delay = Metric.histogram("vpc_router_event_loop_delay_seconds", {
  description: "How late a timer of this process fires, sampled ten times a second. From 0.05 on probes are held up.",
  boundaries: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
})

const sample = Effect.gen(function* () {
  const due = (yield* now) + samplePause
  yield* Effect.sleep(samplePause)
  yield* Metric.update(delay, Math.max(0, (yield* now) - due) / 1000)
})

/** What this process is and takes, by the names that Prometheus has for it, for as long as the scope lasts. */
export const exposeProcess = Effect.fnUntraced(function* (
  version: string,
  isDryRun: boolean,
): Effect.fn.Return<void, never, Scope.Scope> {
  yield* Metric.update(
    Metric.gauge("vpc_router_build_info", {
      description: "1; its labels say what runs.",
      attributes: { version, node_version: process.version },
    }),
    1,
  )
  const dryRun = Metric.gauge("vpc_router_dry_run", { description: "1 with --dry-run: nothing is written." })
  yield* Metric.update(dryRun, Number(isDryRun))
  const startedAt = (yield* now) / 1000 - process.uptime()
  yield* readGauge(
    { name: "process_start_time_seconds", description: "When the process started, in Unix time." },
    () => startedAt,
  )
  yield* readCounter(
    { name: "process_cpu_seconds_total", description: "CPU time that the process took, in user and system mode." },
    () => {
      const { system, user } = process.cpuUsage()
      return (user + system) / 1e6
    },
  )
  yield* readGauge({ name: "process_resident_memory_bytes", description: "Resident memory of the process." }, () =>
    process.memoryUsage.rss(),
  )
  yield* Metric.value(delay)
  yield* Effect.forkScoped(Effect.forever(sample))
})
