import { Equal } from "effect"
import type { Alarm } from "../../../domain/Alarm.ts"
import { type AlarmBook, afterPoll, afterState, emptyBook, type KnownAlarm } from "../../../domain/AlarmBook.ts"
import { type AlarmScope, coverage } from "../../../domain/AlarmScope.ts"
import type { AlarmState } from "../../../domain/AlarmState.ts"
import { alarmVerdict, type InsufficientData } from "../../../domain/AlarmVerdict.ts"
import { type Millis, Verdict } from "../../../domain/Health.ts"
import type { InstanceId } from "../../../domain/Ids.ts"
import type { Ip } from "../../../domain/Ip.ts"
import type { ChangedVerdicts } from "../ChangedVerdicts.ts"
import type { UnwatchedHosts } from "../HealthSource.ts"

interface Watched {
  readonly since: Millis
  verdict: Verdict
}

/** How many of the hosts that no alarm covers are named. */
const mostShown = 8

const none: UnwatchedHosts = { count: 0, first: [] }

export interface AlarmWatchlistOptions {
  readonly scope: AlarmScope
  readonly insufficientData: InsufficientData
}

/** The hosts that are watched, the alarms that cover each of them, and what follows from both. Changes go to `changed`. */
export class AlarmWatchlist {
  readonly #options: AlarmWatchlistOptions
  readonly #changed: ChangedVerdicts
  readonly #hosts = new Map<Ip, Watched>()
  #book: AlarmBook = emptyBook
  #covering: ReadonlyMap<Ip, ReadonlyArray<string>> = new Map()
  #instances: ReadonlyMap<Ip, InstanceId> | undefined
  /** Until the first whole poll, and while polls fail. */
  #isDown = true

  #unwatched: UnwatchedHosts | undefined = none

  constructor(options: AlarmWatchlistOptions, changed: ChangedVerdicts) {
    this.#options = options
    this.#changed = changed
  }

  /** The alarms that may count, by ARN. */
  get book(): AlarmBook {
    return this.#book
  }

  /** The hosts that no alarm covers. Made anew only after a change. */
  get unwatched(): UnwatchedHosts {
    this.#unwatched ??= this.#countUnwatched()
    return this.#unwatched
  }

  /** Replaces the hosts to watch. */
  watch(wanted: ReadonlySet<Ip>, now: Millis): void {
    for (const host of this.#hosts.keys()) {
      if (wanted.has(host)) continue
      this.#hosts.delete(host)
      this.#unwatched = undefined
      this.#changed.forget(host)
    }
    for (const host of [...wanted].sort()) {
      if (this.#hosts.has(host)) continue
      const verdict = Verdict.Unknown({ since: now })
      this.#hosts.set(host, { since: now, verdict })
      this.#changed.set(host, verdict)
    }
    this.#cover(now)
  }

  /** The instances behind the hosts, as the VPC was read last. */
  moved(instances: ReadonlyMap<Ip, InstanceId>, now: Millis): void {
    this.#instances = instances
    this.#cover(now)
  }

  /** A whole poll: these alarms are all that count. */
  polled(alarms: ReadonlyArray<Alarm>, now: Millis): void {
    this.#book = afterPoll(this.#book, alarms)
    this.#cover(now)
  }

  /** An alarm was heard to say something. False: polls have not shown it. */
  heard(arn: string, state: AlarmState, now: Millis): boolean {
    const after = afterState(this.#book, arn, state)
    if (after === undefined) return false
    this.#book = after
    this.#settle(now)
    return true
  }

  /** The source can tell something, or can no more: every verdict is told again. */
  up(now: Millis): void {
    this.#isDown = false
    this.#settle(now, true)
  }

  /** All are unknown. What alarms said is kept, since what polls show next is newer or the same. */
  down(now: Millis): void {
    this.#isDown = true
    this.#settle(now, true)
  }

  #cover(now: Millis): void {
    const hosts = new Set(this.#hosts.keys())
    this.#covering = coverage(this.#options.scope, this.#book.values(), hosts, this.#instances ?? new Map())
    this.#settle(now)
  }

  #settle(now: Millis, isTold = false): void {
    for (const [host, watched] of this.#hosts) {
      const verdict = this.#verdictOf(host, watched, now)
      if (!isTold && Equal.equals(verdict, watched.verdict)) continue
      watched.verdict = verdict
      this.#unwatched = undefined
      this.#changed.set(host, verdict)
    }
  }

  #countUnwatched(): UnwatchedHosts {
    const hosts = [...this.#hosts].flatMap(([host, { verdict }]) => (verdict._tag === "Unwatched" ? [host] : [])).sort()
    return { count: hosts.length, first: hosts.slice(0, mostShown) }
  }

  /** A verdict that goes on keeps its beginning. */
  #verdictOf(host: Ip, { since, verdict: before }: Watched, now: Millis): Verdict {
    if (this.#isDown) return Verdict.Unknown({ since })
    const covering = (this.#covering.get(host) ?? []).flatMap((arn): ReadonlyArray<KnownAlarm> => {
      const known = this.#book.get(arn)
      return known === undefined ? [] : [known]
    })
    const begun = (tag: Verdict["_tag"]): Millis => (before._tag === tag ? before.since : now)
    if (covering.length === 0) {
      // Before the first reading nothing is known of instances, and so of what covers them.
      if (this.#instances === undefined) return Verdict.Unknown({ since })
      const instance = this.#instances.get(host)
      const why = instance === undefined ? "no alarm covers it: it is at no instance" : `no alarm covers ${instance}`
      return Verdict.Unwatched({ since: begun("Unwatched"), why })
    }
    const said = alarmVerdict(covering, this.#options.insufficientData)
    switch (said._tag) {
      case "Unknown":
        return Verdict.Unknown({ since })
      case "Healthy":
        return Verdict.Healthy({ since: begun("Healthy") })
      case "Failed":
        return Verdict.Failed({ since: begun("Failed"), reason: said.reason })
    }
  }
}
