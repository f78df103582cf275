import type { Millis } from "../../domain/Health.ts"
import type { Ip } from "../../domain/Ip.ts"

/** As many are asked when one host falls silent: a third of all that are lost cannot hide from them (1 in 30,000). */
export const sampleSize = 50
/** When that many of those asked are silent, too, all are asked. */
const crowdOfSample = 1 / 10

/** Those who are asked. */
export type Asked = "some" | "all"

/** Why somebody is to be asked. Times are when a silence began; `-Infinity`: none did. */
export interface Doubt {
  /** How many hosts are watched. */
  readonly of: number
  /** Many enough hosts are silent for it to be no accident. */
  readonly isCrowd: boolean
  /** The last silence that was confirmed at least once. */
  readonly confirmed: Millis
  /** The last that made a host failed. */
  readonly failed: Millis
}

interface Call {
  readonly askedAt: Millis
  readonly asked: number
  missed: number
  readonly awaited: Set<Ip>
}

const never = (): Call => ({ askedAt: -Infinity, asked: 0, missed: 0, awaited: new Set() })

/**
 * Asks others when a host falls silent, so that a failure that many share is known as such when the first of them is told. Up to
 * {@link sampleSize} hosts all are asked at once; of more first some, and all when some of these are silent, too, or many are.
 *
 * As a rule twice an interval at most. A silence that lasts has others asked who were not asked since it began.
 *
 * To wait for the answers delays no single host's failure: all others have answered within a round trip, long before it.
 */
export class RollCall {
  #some = never()
  #all = never()
  /** When the last call began that is over. */
  #heardFrom: Millis = -Infinity
  #calls = 0
  #samples = 0

  /** Goes up whenever {@link isHeard} may have something else to say. */
  get calls(): number {
    return this.#calls
  }

  /** Who is to be asked now; undefined: nobody. */
  due({ confirmed, failed, isCrowd, of }: Doubt, interval: Millis, now: Millis): Asked | undefined {
    const [some, all] = [this.#some, this.#all]
    const isDue = (askedAt: Millis, since: Millis): boolean => askedAt < since || now - askedAt >= interval / 2
    if (of <= sampleSize) return isDue(all.askedAt, confirmed) ? "all" : undefined
    const isSeen = some.askedAt > all.askedAt && some.missed >= Math.max(1, some.asked * crowdOfSample)
    if (isSeen || (isCrowd && isDue(all.askedAt, failed))) return "all"
    return isDue(Math.max(some.askedAt, all.askedAt), confirmed) ? "some" : undefined
  }

  /** Of these, in their order, those who are asked: all, or some evenly over all of them, and others each time. */
  chosen<A>(whom: Asked, all: ReadonlyArray<A>): ReadonlyArray<A> {
    if (whom === "all") return all
    const share = sampleSize / all.length
    const first = this.#samples++
    return all.filter((_, n) => Math.floor((first + n + 1) * share) > Math.floor((first + n) * share))
  }

  /** These are asked now. */
  ask(whom: Asked, hosts: Iterable<Ip>, now: Millis): void {
    const awaited = new Set(hosts)
    const call = { askedAt: now, asked: awaited.size, missed: 0, awaited }
    if (whom === "some") this.#some = call
    else this.#all = call
    this.#calls++
    this.#end(call)
  }

  /** A host answered or missed its probe, or nothing can be told of it any more. */
  settled(host: Ip, isMissed: boolean): void {
    this.#settle(this.#some, host, isMissed)
    this.#settle(this.#all, host, isMissed)
  }

  #settle(call: Call, host: Ip, isMissed: boolean): void {
    if (!call.awaited.delete(host)) return
    if (isMissed) call.missed++
    this.#end(call)
  }

  /** Whether others had their say since this silence began. */
  isHeard(silentSince: Millis): boolean {
    return this.#heardFrom >= silentSince && (this.#all.awaited.size === 0 || this.#all.askedAt < silentSince)
  }

  /** What is awaited will not come, and what came is of the past. */
  reset(): void {
    this.#some = never()
    this.#all = never()
    this.#heardFrom = -Infinity
    this.#calls++
  }

  #end({ askedAt, awaited }: Call): void {
    if (awaited.size > 0) return
    this.#heardFrom = Math.max(this.#heardFrom, askedAt)
    this.#calls++
  }
}
