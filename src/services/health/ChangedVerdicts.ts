import { Effect, Latch, Stream } from "effect"
import type { HostVerdict, Verdict } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"

/**
 * The verdicts that changed and were not yet taken, the last of each host: so a slow subscriber gets fewer and larger
 * batches, and memory is bounded by the number of hosts. Setting is synchronous. One subscriber.
 */
export class ChangedVerdicts {
  readonly #changed = new Map<Ip, Verdict>()
  readonly #news = Latch.makeUnsafe(false)

  set(host: Ip, verdict: Verdict): void {
    this.#changed.set(host, verdict)
    this.#news.openUnsafe()
  }

  /** Nothing more is said of this host. */
  forget(host: Ip): void {
    this.#changed.delete(host)
  }

  /** Batches as they come, never empty, each sorted by host. */
  readonly stream: Stream.Stream<ReadonlyArray<HostVerdict>> = Stream.fromEffectRepeat(
    Effect.andThen(
      this.#news.await,
      Effect.sync(() => this.#take()),
    ),
  ).pipe(Stream.filter((batch) => batch.length > 0))

  #take(): ReadonlyArray<HostVerdict> {
    this.#news.closeUnsafe()
    const batch = [...this.#changed].map(([host, verdict]) => ({ host, verdict }))
    this.#changed.clear()
    return batch.sort((one, other) => (one.host < other.host ? -1 : 1))
  }
}
