import type { Millis } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"

/** One host that misses a probe is an accident; from this share of them on it may be all. */
const share = 1 / 50

/**
 * The healthy hosts that miss probes at present. While they are few that is nobody's business: one lost packet is nothing. When
 * they are a crowd, it is said of each of them, before the first of them has failed.
 */
export class Silences {
  readonly #silent = new Map<Ip, Millis>()
  #isTold = false

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

  /** A silent host failed. It is not among them any more; that they are fewer by it is no sign that the rest is well. */
  failed(host: Ip): void {
    this.#silent.delete(host)
    if (this.#silent.size === 0) this.#isTold = false
  }

  /** Whether so many are silent that it may be all. `of`: how many there are. */
  isCrowd(of: number): boolean {
    return this.#silent.size >= Math.max(1, of * share)
  }
}
