import { type Detector, type DetectorOptions, Observation, observe, watched } from "../../domain/Detector.ts"
import type { HostVerdict, Millis, Verdict } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import { DueQueue } from "./DueQueue.ts"
import type { ProbeRequest } from "./Probe.ts"

interface Watched {
  readonly host: Ip
  detector: Detector
  sequence: number
  due: Millis
}

/** First probes go out this far apart, or closer where that many hosts would not fit into one interval. */
const spacing: Millis = 1

const byText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

/**
 * All watched hosts of one source: a detector each, when each is due, and the verdicts that changed and are not yet taken.
 * Mutable and synchronous, so that a reply costs no more than its detector; it reads no clock. Its memory is bounded by the
 * number of hosts.
 */
export class Watchlist {
  readonly #options: DetectorOptions
  readonly #onChange: () => void
  readonly #hosts = new Map<Ip, Watched>()
  readonly #queue = new DueQueue<Watched>()
  readonly #changed = new Map<Ip, Verdict>()
  #answeredAt: Millis | undefined

  /** `onChange` runs whenever a changed verdict waits to be taken. */
  constructor(options: DetectorOptions, onChange: () => void) {
    this.#options = options
    this.#onChange = onChange
  }

  get size(): number {
    return this.#hosts.size
  }

  /** No probe is due before this; `Infinity` without hosts. */
  get earliest(): Millis {
    return this.#queue.earliest
  }

  /** Replaces the set of hosts. Those that stay keep what is known of them and their rhythm. */
  watch(hosts: ReadonlySet<Ip>, now: Millis): void {
    for (const host of this.#hosts.keys()) {
      if (hosts.has(host)) continue
      this.#hosts.delete(host)
      this.#changed.delete(host)
    }
    const added = [...hosts].filter((host) => !this.#hosts.has(host)).sort(byText)
    const fresh = added.map((host): Watched => ({ host, detector: watched(now), sequence: 0, due: now }))
    for (const entry of fresh) {
      this.#hosts.set(entry.host, entry)
      this.#change(entry.host, entry.detector.verdict)
    }
    this.#spread(fresh, now)
    this.#requeue()
  }

  /** Spreads the next probes of all hosts anew, as after a pause that made all of them due at once. */
  restart(now: Millis): void {
    this.#spread([...this.#hosts.values()], now)
    this.#requeue()
  }

  /** The probes due at `now`, at most `limit`: they count as sent. */
  take(now: Millis, limit: number): ReadonlyArray<ProbeRequest> {
    const batch: Array<ProbeRequest> = []
    while (batch.length < limit) {
      const entry = this.#queue.take(now)
      if (entry === undefined) break
      const { host, sequence } = entry
      entry.sequence = (sequence + 1) & 0xffff
      this.#observe(entry, Observation.Sent({ sequence, othersAnsweredAt: this.#answeredAt }), now)
      this.#queue.add(entry)
      batch.push({ host, sequence })
    }
    return batch
  }

  /** A reply; one from a host that is not watched, or to no pending probe, changes nothing. */
  replied(host: Ip, sequence: number, at: Millis): void {
    const entry = this.#hosts.get(host)
    if (entry === undefined) return
    const before = entry.detector
    this.#observe(entry, Observation.Replied({ sequence }), at)
    if (entry.detector !== before) this.#answeredAt = at
  }

  /** A probe that did not leave this machine. */
  unsent(host: Ip, sequence: number, now: Millis): void {
    const entry = this.#hosts.get(host)
    if (entry !== undefined) this.#observe(entry, Observation.Unsent({ sequence }), now)
  }

  /** The prober was held up from `from` to `to`. */
  blind(from: Millis, to: Millis): void {
    const blind = Observation.Blind({ from, to })
    for (const entry of this.#hosts.values()) this.#observe(entry, blind, to)
    if (to - from > this.#options.timeout) this.restart(to)
  }

  /** The source cannot tell anything: every verdict becomes unknown, and is said again for every host. */
  down(now: Millis): void {
    const down = Observation.SourceDown()
    for (const entry of this.#hosts.values()) {
      this.#observe(entry, down, now)
      this.#change(entry.host, entry.detector.verdict)
    }
    this.#answeredAt = undefined
  }

  /** The verdicts that changed since they were last taken, sorted by host. */
  takeChanged(): ReadonlyArray<HostVerdict> {
    const batch = [...this.#changed]
      .sort(([one], [other]) => byText(one, other))
      .map(([host, verdict]) => ({ host, verdict }))
    this.#changed.clear()
    return batch
  }

  #observe(entry: Watched, observation: Observation, now: Millis): void {
    const [detector, verdict, nextProbeAt] = observe(this.#options, entry.detector, observation, now)
    entry.detector = detector
    entry.due = nextProbeAt
    if (verdict !== undefined) this.#change(entry.host, verdict)
  }

  #change(host: Ip, verdict: Verdict): void {
    this.#changed.set(host, verdict)
    this.#onChange()
  }

  #spread(entries: ReadonlyArray<Watched>, now: Millis): void {
    const gap = Math.min(spacing, this.#options.interval / Math.max(1, entries.length))
    entries.forEach((entry, index) => {
      entry.due = now + index * gap
    })
  }

  // The queue wants no item to move earlier, so whatever may do that fills it anew.
  #requeue(): void {
    this.#queue.clear()
    for (const entry of this.#hosts.values()) this.#queue.add(entry)
  }
}
