import type { Detector } from "../../domain/Detector.ts"
import type { Millis, Verdict } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"
import type { RollCall } from "./RollCall.ts"

/** A failure that was reached, and is not told yet. */
export interface UntoldFailure {
  readonly silentSince: Millis
  /** The host just before it failed. */
  readonly before: Detector
  /** What is told of the host meanwhile. */
  readonly meanwhile: Verdict
  /** When it is told at the latest. */
  readonly until: Millis
  /** It waits for `until` in any case. */
  readonly isTimed: boolean
}

/** Failures that wait until others had their say, and count for nothing if the host answers before. Bounded by the number of hosts. */
export class UntoldFailures {
  readonly #waiting = new Map<Ip, UntoldFailure>()
  #earliest: Millis = Infinity
  #isNew = false
  #calls = 0

  /** None of them is told for its time before then; `Infinity`: there is none. */
  get earliest(): Millis {
    return this.#earliest
  }

  add(host: Ip, failure: UntoldFailure): void {
    this.#waiting.set(host, failure)
    this.#isNew = true
    this.#earliest = Math.min(this.#earliest, failure.until)
  }

  /** What is told of this host meanwhile, if its failure waits. */
  meanwhile(host: Ip): Verdict | undefined {
    return this.#waiting.get(host)?.meanwhile
  }

  /** What the host was before it failed, if its failure waits. */
  before(host: Ip): Detector | undefined {
    return this.#waiting.get(host)?.before
  }

  forget(host: Ip): void {
    // It need not be exact: thousands may be forgotten one after another.
    if (this.#waiting.delete(host) && this.#waiting.size === 0) this.#earliest = Infinity
  }

  /** Takes those that are to be told now, because of their time, or of others who had their say. */
  take(
    others: Pick<RollCall, "calls" | "isHeard">,
    now: Millis,
  ): ReadonlyArray<readonly [host: Ip, failure: UntoldFailure]> {
    if (!this.#isNew && others.calls === this.#calls && now < this.#earliest) return []
    this.#isNew = false
    this.#calls = others.calls
    const due = [...this.#waiting].filter(
      ([, { isTimed, silentSince, until }]) => until <= now || (!isTimed && others.isHeard(silentSince)),
    )
    for (const [host] of due) this.#waiting.delete(host)
    this.#recount()
    return due
  }

  /** Nothing was heard for so long: what was to be heard by then needs as much longer. */
  postpone(by: Millis): void {
    for (const [host, failure] of this.#waiting) this.#waiting.set(host, { ...failure, until: failure.until + by })
    this.#recount()
  }

  #recount(): void {
    this.#earliest = this.#waiting.values().reduce((least, { until }) => Math.min(least, until), Infinity)
  }
}
