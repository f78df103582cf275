import type { Detector } from "../../domain/Detector.ts"
import type { Millis, Verdict } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"

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

  /** The first of them is told then at the latest; `Infinity`: there is none. */
  get earliest(): Millis {
    return this.#earliest
  }

  add(host: Ip, failure: UntoldFailure): void {
    this.#waiting.set(host, failure)
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
    if (this.#waiting.delete(host)) this.#recount()
  }

  /** Takes those that are to be told now. `isHeard`: others had their say since that silence began. */
  take(isHeard: (silentSince: Millis) => boolean, now: Millis): ReadonlyArray<Ip> {
    if (this.#waiting.size === 0) return []
    const due = [...this.#waiting].flatMap(([host, { isTimed, silentSince, until }]) =>
      until <= now || (!isTimed && isHeard(silentSince)) ? [host] : [],
    )
    for (const host of due) this.#waiting.delete(host)
    if (due.length > 0) this.#recount()
    return due
  }

  /** Nothing was heard for so long: what was to be heard by then needs as much longer. */
  postpone(by: Millis): void {
    for (const [host, failure] of this.#waiting) this.#waiting.set(host, { ...failure, until: failure.until + by })
    this.#recount()
  }

  #recount(): void {
    this.#earliest = Math.min(Infinity, ...[...this.#waiting.values()].map(({ until }) => until))
  }
}
