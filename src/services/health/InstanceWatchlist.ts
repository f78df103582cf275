import { DateTime, Equal } from "effect"
import { type Millis, Verdict } from "../../domain/Health.ts"
import type { InstanceId } from "../../domain/Ids.ts"
import type { InstanceStatus, ScheduledEvent } from "../../domain/InstanceStatus.ts"
import { instanceForgotten, instanceRead, type InstanceWatch, watchedInstance } from "../../domain/InstanceWatch.ts"
import type { Ip } from "../../domain/Ip.ts"
import type { ChangedVerdicts } from "./ChangedVerdicts.ts"
import type { HostNotes } from "./HealthSource.ts"

interface Watched {
  readonly since: Millis
  /** Undefined: its instance is not known. */
  watch: InstanceWatch | undefined
  events: ReadonlyArray<ScheduledEvent>
  /** What was told. */
  verdict: Verdict
}

const eventWords = ({ code, description, notBefore }: ScheduledEvent, instance: InstanceId): string => {
  const when = notBefore === undefined ? "" : ` not before ${DateTime.formatIso(DateTime.makeUnsafe(notBefore))}`
  return `EC2 schedules ${code} of ${instance}${when}${description === "" ? "" : `: ${description}`}`
}

/**
 * The hosts that are watched by the state of their instances. Changed verdicts go to `changed`. Mutable and synchronous; its
 * memory is bounded by the number of hosts.
 */
export class InstanceWatchlist {
  readonly #changed: ChangedVerdicts
  readonly #hosts = new Map<Ip, Watched>()
  #instances: ReadonlyMap<Ip, InstanceId> | undefined
  #isUp = false

  constructor(changed: ChangedVerdicts) {
    this.#changed = changed
  }

  /** The instances to ask for, sorted. */
  get wanted(): ReadonlyArray<InstanceId> {
    return [...new Set([...this.#hosts.values()].flatMap(({ watch }) => watch?.instance ?? []))].sort()
  }

  /** Replaces the set of hosts. Those that stay keep what is known of them. */
  watch(hosts: ReadonlySet<Ip>, now: Millis): void {
    for (const host of this.#hosts.keys()) {
      if (hosts.has(host)) continue
      this.#hosts.delete(host)
      this.#changed.forget(host)
    }
    for (const host of [...hosts].sort()) {
      if (this.#hosts.has(host)) continue
      const verdict = Verdict.Unknown({ since: now })
      const watched: Watched = { since: now, watch: undefined, events: [], verdict }
      this.#hosts.set(host, watched)
      this.#changed.set(host, verdict)
      this.#place(host, watched, now)
    }
  }

  /** The hosts are these instances now. True: there are others to ask for than before. */
  moved(instances: ReadonlyMap<Ip, InstanceId>, now: Millis): boolean {
    const before = this.wanted
    this.#instances = instances
    for (const [host, watched] of this.#hosts) this.#place(host, watched, now)
    return !Equal.equals(before, this.wanted)
  }

  /** A reading of these instances that began at `readAt`. Gives the events that were not known, in words, by host. */
  read(
    asked: ReadonlySet<InstanceId>,
    found: ReadonlyMap<InstanceId, InstanceStatus>,
    readAt: Millis,
    now: Millis,
  ): ReadonlyArray<readonly [host: Ip, event: string]> {
    const news: Array<readonly [Ip, string]> = []
    for (const [host, watched] of this.#hosts) {
      const { watch } = watched
      if (watch === undefined || !asked.has(watch.instance)) continue
      const status = found.get(watch.instance)
      watched.watch = instanceRead(watch, status, readAt, now)
      if (status !== undefined) {
        for (const event of status.events)
          if (!watched.events.some(({ id }) => id === event.id)) news.push([host, eventWords(event, watch.instance)])
        watched.events = status.events
      }
      this.#tell(host, watched)
    }
    return news
  }

  /** From now on verdicts count; all are told. */
  up(): void {
    this.#isUp = true
    this.#repeat()
  }

  /** Nothing can be told any more: all are unknown, and told again. */
  down(): void {
    this.#isUp = false
    for (const watched of this.#hosts.values())
      if (watched.watch !== undefined) watched.watch = instanceForgotten(watched.watch)
    this.#repeat()
  }

  get notes(): HostNotes {
    const noted = [...this.#hosts].flatMap(([host, { events, watch }]) =>
      events.length === 0 || watch === undefined
        ? []
        : [[host, events.map((event) => eventWords(event, watch.instance))] as const],
    )
    return new Map(noted)
  }

  #place(host: Ip, watched: Watched, now: Millis): void {
    if (this.#instances === undefined) return
    const instance = this.#instances.get(host)
    if (watched.watch?.instance !== instance) {
      watched.watch = instance === undefined ? undefined : watchedInstance(instance, now)
      watched.events = []
    }
    this.#tell(host, watched, now)
  }

  #verdictOf({ since, verdict, watch }: Watched, now: Millis): Verdict {
    if (!this.#isUp || this.#instances === undefined) return Verdict.Unknown({ since })
    if (watch !== undefined) return watch.verdict
    return verdict._tag === "Unwatched"
      ? verdict
      : Verdict.Unwatched({ since: now, why: "no instance of the VPC is known to have its address" })
  }

  #tell(host: Ip, watched: Watched, now = watched.since): void {
    const verdict = this.#verdictOf(watched, now)
    if (Equal.equals(verdict, watched.verdict)) return
    watched.verdict = verdict
    this.#changed.set(host, verdict)
  }

  #repeat(): void {
    for (const [host, watched] of this.#hosts) {
      watched.verdict = this.#verdictOf(watched, watched.since)
      this.#changed.set(host, watched.verdict)
    }
  }
}
