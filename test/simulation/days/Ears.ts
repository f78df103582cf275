import type { Millis } from "../../../src/domain/Health.ts"
import { slack } from "./Hearing.ts"
import type { Witness } from "./Network.ts"

/** What one probing source of one daemon could know of one address. */
export interface Ear {
  readonly unanswered: Array<Millis>
  heardAt: Millis
  /** Since the host may be failed by the detector's rules. */
  failedSince: Millis | undefined
  goods: number
  /** When it may have risen again. */
  risenAt: Millis
  /** When it was heard last while it was healthy for sure. */
  wellAt: Millis
  /** When the first probe was sent of those that are not answered yet; `Infinity`: there is none. */
  silentFrom: Millis
  /** It was healthy for sure until then. */
  wasWell: boolean
  /** The same of the last silence that ended and was long enough for a probe to count as missed. */
  lastSilentFrom: Millis
}

/** The least that makes a host failed, and the most that it takes to rise: `docs/health.md`. */
const fall = 3
const rise = 2
const replyTimeout = 150
const replyWindow = 450

/** So long a silence takes to be known, at least. */
export const surelySilent: Millis = replyTimeout + slack

/** Whether it must be known that nobody answers there: another probe has asked, as it does at once when one was missed. */
export const isSurelySilent = ({ silentFrom, unanswered }: Ear, now: Millis): boolean =>
  now - silentFrom >= surelySilent && now - (unanswered[1] ?? Infinity) >= slack

/** Beside one probing source. */
export class Ears implements Witness {
  #downAt: Millis = -Infinity
  #isDown = false
  readonly #ears = new Map<string, Ear>()
  readonly #now: () => Millis

  constructor(now: () => Millis) {
    this.#now = now
  }

  /** When the source was last unable to send; it is until it sends again. */
  get downAt(): Millis {
    return this.#isDown ? this.#now() : this.#downAt
  }

  get(host: string): Ear | undefined {
    return this.#ears.get(host)
  }

  values(): Iterable<Ear> {
    return this.#ears.values()
  }

  sent(host: string): void {
    const at = this.#now()
    if (this.#isDown) this.#downAt = at
    this.#isDown = false
    let ear = this.#ears.get(host)
    if (ear === undefined) this.#ears.set(host, (ear = fresh()))
    if (ear.silentFrom === Infinity) {
      ear.silentFrom = at
      ear.wasWell = ear.failedSince === undefined && ear.heardAt > -Infinity
    }
    ear.unanswered.push(at)
    if (ear.unanswered.length > 64) ear.unanswered.shift()
    if (ear.unanswered.length < fall) return
    ear.failedSince = at
    ear.goods = 0
  }

  heard(host: string, sentAt: Millis, at: Millis): void {
    const ear = this.#ears.get(host)
    if (ear === undefined || at - sentAt > replyWindow) return
    ear.heardAt = at
    // In the order in which they were sent: those up to this one are answered for.
    const { unanswered } = ear
    for (let first = unanswered[0]; first !== undefined && first <= sentAt; first = unanswered[0]) {
      if (first < sentAt) ear.goods = 0
      unanswered.shift()
    }
    if (at - ear.silentFrom >= surelySilent) ear.lastSilentFrom = ear.silentFrom
    ear.silentFrom = unanswered[0] ?? Infinity
    this.#rise(ear, sentAt, at)
    ear.wasWell = ear.failedSince === undefined
    if (ear.wasWell) ear.wellAt = at
  }

  #rise(ear: Ear, sentAt: Millis, at: Millis): void {
    // A probe from before the verdict says nothing against it.
    if (ear.failedSince === undefined || sentAt < ear.failedSince + replyTimeout) return
    ear.goods = ear.unanswered.some((one) => at - one >= replyTimeout) ? 0 : ear.goods + 1
    if (ear.goods < rise) return
    ear.failedSince = undefined
    ear.goods = 0
    ear.risenAt = at
  }

  down(): void {
    this.#isDown = true
  }
}

const fresh = (): Ear => ({
  unanswered: [],
  heardAt: -Infinity,
  failedSince: undefined,
  goods: 0,
  risenAt: -Infinity,
  wellAt: -Infinity,
  silentFrom: Infinity,
  wasWell: false,
  lastSilentFrom: -Infinity,
})
