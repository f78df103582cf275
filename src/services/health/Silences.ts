import type { Millis } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"

/** One host that misses a probe is an accident; from this share of them on it may be all. */
const share = 1 / 50

/**
 * The healthy hosts that miss probes at present. While they are few that is nobody's business: one lost packet is nothing. When
 * they are a crowd, it is said of each of them, before the first of them has failed; and all others are asked at once, so
 * that a failure that many share is known as such when the first verdict comes.
 */
export class Silences {
  readonly #silent = new Map<Ip, Millis>()
  #isTold = false
  #askedAt = -Infinity

  /** Since when a host is silent, if that is to be said. */
  told(host: Ip): Millis | undefined {
    return this.#isTold ? this.#silent.get(host) : undefined
  }

  /** A host fell silent, or is not any more: gives the hosts of which something else is to be said now. `of`: how many there are. */
  note(host: Ip, silentSince: Millis | undefined, of: number): ReadonlyArray<Ip> {
    const wasTold = this.#isTold
    if (silentSince === undefined) this.#silent.delete(host)
    else this.#silent.set(host, silentSince)
    const { size } = this.#silent
    const crowd = Math.max(2, of * share)
    // It ends below half of that, so that it does not come and go; the loss of packets as usual must not keep it going.
    this.#isTold = wasTold ? size >= crowd / 2 : size >= crowd
    if (this.#isTold !== wasTold) return [...new Set([...this.#silent.keys(), host])]
    return this.#isTold ? [host] : []
  }

  /** Whether the others are to be asked now: at most twice in an interval. */
  asks(of: number, interval: Millis, now: Millis): boolean {
    if (this.#silent.size < Math.max(1, of * share) || now - this.#askedAt < interval / 2) return false
    this.#askedAt = now
    return true
  }
}
