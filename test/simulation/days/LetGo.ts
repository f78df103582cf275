import type { Millis } from "../../../src/domain/Health.ts"
import { slack } from "./Hearing.ts"

/** A failure that the operator asked to be let go. */
interface Word {
  readonly askedAt: Millis
  /** When the daemon said that it is let go. */
  doneAt: Millis | undefined
  /** It was said before a restart. */
  readonly isOld: boolean
}

/** So long it stands for a host that was not seen since a restart: `docs/guards.md`. */
const standsFor: Millis = 15 * 60_000
/** For clocks, and disks that are slow. */
const leeway: Millis = 60_000
/** What is forgotten is so on disk after this time, if the disk is well. */
const forgottenWithin: Millis = 10_000

/** What the operator let go of the failures that guards held, by host, as bystanders wrote it down. */
export class LetGo {
  readonly #words = new Map<string, Word>()
  /** When the host was heard last while it was healthy for sure: its next failure is another one. */
  readonly #wellAt: (host: string) => Millis
  /** When it was heard last, be it that it was not well. */
  readonly #heardAt: (host: string) => Millis

  constructor(wellAt: (host: string) => Millis, heardAt: (host: string) => Millis) {
    this.#wellAt = wellAt
    this.#heardAt = heardAt
  }

  asked(hosts: Iterable<string>, now: Millis): void {
    for (const host of hosts) this.#words.set(host, { askedAt: now, doneAt: undefined, isOld: false })
  }

  done(hosts: Iterable<string>, now: Millis): void {
    for (const host of hosts) {
      const word = this.#words.get(host)
      if (word !== undefined) word.doneAt = now
    }
  }

  /** Whether a failure of this host that began no sooner than `silentFrom` may have been let go. */
  mayBe(host: string, silentFrom: Millis): boolean {
    const word = this.#words.get(host)
    if (word === undefined) return false
    if (word.isOld) return this.#wellAt(host) === -Infinity && silentFrom - word.askedAt < standsFor + leeway
    return word.doneAt === undefined || this.#wellAt(host) <= word.doneAt + slack
  }

  /** When the operator let the failure of this host go, if it is let go for sure and nobody has heard the host since. */
  surelySince(host: string, now: Millis): Millis | undefined {
    const word = this.#words.get(host)
    if (word?.doneAt === undefined || this.#heardAt(host) >= word.askedAt - slack) return undefined
    if (word.isOld && now - word.askedAt > standsFor - leeway) return undefined
    return word.askedAt
  }

  /** Whether it was said before a restart. */
  isOld(host: string): boolean {
    return this.#words.get(host)?.isOld === true
  }

  /**
   * What a daemon that begins now may know of this. `isKept`: the disk has it for sure. `stands`: nothing but the host itself can
   * have ended what was said of it before then.
   */
  inherit(before: LetGo, now: Millis, isKept: boolean, stands: (host: string, since: Millis) => boolean): void {
    for (const [host, word] of before.#words) {
      const wellAt = before.#wellAt(host)
      if (isKept && word.doneAt !== undefined && wellAt > word.doneAt + slack && now - wellAt > forgottenWithin)
        continue
      if (word.isOld && isKept && wellAt > -Infinity && now - wellAt > forgottenWithin) continue
      const isSure = isKept && before.surelySince(host, now) !== undefined && stands(host, word.askedAt)
      const known = this.#words.get(host)
      if (known !== undefined && known.askedAt > word.askedAt) continue
      this.#words.set(host, { askedAt: word.askedAt, doneAt: isSure ? word.doneAt : undefined, isOld: true })
    }
  }
}
