import { Effect, type Scope } from "effect"
import { readCounter } from "../ReadMetric.ts"
import { BlindTime } from "./BlindTime.ts"

/** What became of the probes of one source. Plain numbers, since every packet changes them. */
export class ProbeCounts {
  sent = 0
  /** Good replies in time. */
  answered = 0
  /** Not answered within the detector's timeout. A late reply counts as answered, too. */
  missed = 0
  /** Never left this machine; counted as sent. */
  unsent = 0
  /** When this process was stopped or blocked, or its network was down, so that nothing could be said of any host. */
  readonly blind = new BlindTime()
}

/** Shows the counts of a source among the metrics for as long as the scope lasts. `check`: one of `--health`. */
export const exposeProbes = Effect.fnUntraced(function* (
  check: string,
  counts: ProbeCounts,
): Effect.fn.Return<void, never, Scope.Scope> {
  const counter = (name: string, description: string, read: () => number) =>
    readCounter({ name: `vpc_router_${name}`, description, labels: { check } }, read)
  yield* counter("probes_sent_total", "Probes sent to hosts.", () => counts.sent)
  yield* counter("probes_answered_total", "Probes that got a good reply in time.", () => counts.answered)
  yield* counter("probes_missed_total", "Probes without a reply within the timeout.", () => counts.missed)
  yield* counter("probes_unsent_total", "Probes that never left this machine.", () => counts.unsent)
  yield* counter(
    "blind_seconds_total",
    "Time in which this process was stopped or blocked, or its own network was down, so that no host was judged.",
    () => counts.blind.millis / 1000,
  )
  yield* counter("blind_windows_total", "How many times that happened.", () => counts.blind.times)
})
