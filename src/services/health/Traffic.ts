import { type DetectorOptions, replyWindow } from "../../domain/DetectorOptions.ts"
import type { Millis } from "../../domain/Health.ts"

const nothing = { since: -Infinity, sent: 0, lost: 0, replied: false }

/** What became of the probes of one transport: whether any leaves this machine at all. */
export class Traffic {
  readonly #options: DetectorOptions
  #counted = nothing
  #why = ""
  #firstSentAt = Infinity
  #lastSentAt = -Infinity

  constructor(options: DetectorOptions) {
    this.#options = options
  }

  sent(count: number, now: Millis): void {
    const { sent, since } = this.#counted
    this.#counted = { ...this.#counted, since: sent === 0 ? now : since, sent: sent + count }
    this.#firstSentAt = Math.min(this.#firstSentAt, now)
    this.#lastSentAt = now
  }

  replied(): void {
    if (!this.#counted.replied) this.#counted = { ...this.#counted, replied: true }
  }

  /** A probe that was counted as sent did not leave this machine. */
  lost(why: string): void {
    this.#counted = { ...this.#counted, lost: this.#counted.lost + 1 }
    this.#why = why
  }

  /** Whether a reply may still come. */
  awaits(now: Millis): boolean {
    return now - this.#lastSentAt < replyWindow(this.#options)
  }

  /** Whether the transport was seen to work: a probe went out and was not reported back within a third of the timeout. */
  proven(now: Millis): boolean {
    const { lost, replied, sent } = this.#counted
    return replied || (sent > lost && now - this.#firstSentAt >= this.#options.timeout / 3)
  }

  /** Why the transport is of no use, if nothing left this machine for three intervals. */
  fault(now: Millis): string | undefined {
    const { lost, replied, sent, since } = this.#counted
    if (sent === 0 || now - since < 3 * this.#options.interval) return undefined
    this.#counted = nothing
    return lost >= sent && !replied ? `no probe leaves this machine: ${this.#why}` : undefined
  }
}
