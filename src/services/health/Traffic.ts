import type { DetectorOptions } from "../../domain/DetectorOptions.ts"
import type { Millis } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"

const nothing = { since: -Infinity, sent: 0, lost: 0, replied: false }

/** What a send fails with when this machine's own link or queue is the reason. Raw sockets give the words, Node the codes. */
const local = /ENETDOWN|ENOBUFS|network is down|no buffer space|temporarily unavailable/i

/** Refusals in a row, none sent between them, that hardly can be those of one link out of several. */
const many = 8

/** More hosts than are ever watched at once: those of specs that are no more are forgotten some time. */
const mostRemembered = 65_536

/** A spell in which this machine refuses its own probes. */
interface Refusals {
  /** Replies that were under way then may be lost: some time before the first refusal, unless something was heard since. */
  readonly from: Millis
  readonly first: Millis
  /** The last refusal, and how many there were until then, of how many probes that were sent. */
  readonly to: Millis
  readonly refused: number
  readonly of: number
  readonly why: string
}

/** A window in which this machine's own network let nothing through. */
export interface LocalTrouble {
  readonly from: Millis
  readonly to: Millis
  readonly why: string
}

/** What became of the probes of one transport: whether any leaves this machine at all. */
export class Traffic {
  readonly #options: DetectorOptions
  #counted = nothing
  #why = ""
  #firstSentAt = Infinity
  #heardAt = -Infinity
  #sentSinceRefusal = 0
  #refusals: Refusals | undefined
  /** Hosts whose last probe was refused, until they answer: one of several links may be down for ever, and only that is no news. */
  readonly #refused = new Set<Ip>()

  constructor(options: DetectorOptions) {
    this.#options = options
  }

  sent(count: number, now: Millis): void {
    const { sent, since } = this.#counted
    this.#counted = { ...this.#counted, since: sent === 0 ? now : since, sent: sent + count }
    this.#firstSentAt = Math.min(this.#firstSentAt, now)
    this.#sentSinceRefusal += count
  }

  /** A reply came. It ends a spell in which this machine refused its own probes: that window says nothing of any host. */
  replied(host: Ip, now: Millis): LocalTrouble | undefined {
    this.#refused.delete(host)
    if (!this.#counted.replied) this.#counted = { ...this.#counted, replied: true }
    this.#heardAt = now
    return this.#refusals === undefined ? undefined : this.#over()
  }

  /** A probe that was counted as sent did not leave this machine. */
  lost(host: Ip, why: string, now: Millis): void {
    this.#counted = { ...this.#counted, lost: this.#counted.lost + 1 }
    this.#why = why
    if (!local.test(why)) return
    const isNews = !this.#refused.has(host)
    if (this.#refused.size >= mostRemembered) this.#refused.clear()
    this.#refused.add(host)
    if (!isNews && this.#refusals === undefined) return
    const before = this.#refusals ?? {
      from: Math.max(this.#heardAt, now - this.#options.timeout),
      first: now,
      refused: 0,
      of: 1 - this.#sentSinceRefusal,
    }
    this.#refusals = { ...before, to: now, refused: before.refused + 1, of: before.of + this.#sentSinceRefusal, why }
    this.#sentSinceRefusal = 0
  }

  /** The window of refusals that was over before `now`: probes leave again. */
  mended(now: Millis): LocalTrouble | undefined {
    return this.#refusals !== undefined && now - this.#refusals.to >= this.#options.timeout ? this.#over() : undefined
  }

  // One of several links that is down refuses some probes for ever, while others leave: that is no window.
  #over(): LocalTrouble | undefined {
    const refusals = this.#refusals
    this.#refusals = undefined
    if (refusals === undefined || refusals.refused < 2 || refusals.refused < 0.9 * refusals.of) return undefined
    // So many in a row were the whole machine's: the next time is news again.
    if (refusals.refused >= many) this.#refused.clear()
    const { first, from, to, why } = refusals
    return to - first >= this.#options.timeout / 3 ? { from, to, why } : undefined
  }

  /** Whether the transport was seen to work: a probe went out and was not reported back within a third of the timeout. */
  proven(now: Millis): boolean {
    const { lost, replied, sent } = this.#counted
    return replied || (sent > lost && now - this.#firstSentAt >= this.#options.timeout / 3)
  }

  /** When {@link mended}, {@link proven} or {@link fault} may have something else to say although nothing is sent or heard. */
  due(now: Millis): Millis {
    const { replied, sent, since } = this.#counted
    const { interval, timeout } = this.#options
    const mended = this.#refusals === undefined ? Infinity : this.#refusals.to + timeout
    if (replied || sent === 0) return mended
    const proven = this.#firstSentAt + timeout / 3
    return Math.min(mended, proven > now ? proven : Infinity, since + 3 * interval)
  }

  /** Why the transport is of no use, if nothing left this machine for three intervals. */
  fault(now: Millis): string | undefined {
    const { lost, replied, sent, since } = this.#counted
    if (sent === 0 || now - since < 3 * this.#options.interval) return undefined
    this.#counted = nothing
    return lost >= sent && !replied ? `no probe leaves this machine: ${this.#why}` : undefined
  }
}
