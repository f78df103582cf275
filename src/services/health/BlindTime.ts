import type { Millis } from "../../domain/Health.ts"

/** Blind windows that are no farther apart than this are told together. */
const apart: Millis = 60_000

/** The time in which a source could see nothing, so that it judged no host. Milliseconds. */
export interface HeldUp {
  /** Since the process started. */
  readonly times: number
  readonly millis: Millis
  /** The last one. */
  readonly last: { readonly from: Millis; readonly to: Millis; readonly why: string }
  /** Those that came close together and lately, if any. */
  readonly lately: { readonly since: Millis; readonly times: number; readonly millis: Millis } | undefined
}

/** Adds up blind windows. */
export class BlindTime {
  #all: { readonly times: number; readonly millis: Millis } = { times: 0, millis: 0 }
  #last: HeldUp["last"] | undefined
  #lately: HeldUp["lately"]

  get times(): number {
    return this.#all.times
  }

  get millis(): Millis {
    return this.#all.millis
  }

  add(from: Millis, to: Millis, why: string): void {
    const isNew = this.#last === undefined || to - this.#last.to > apart
    const lately = (isNew ? undefined : this.#lately) ?? { since: from, times: 0, millis: 0 }
    const plus = <A extends { readonly times: number; readonly millis: Millis }>(sum: A): A => ({
      ...sum,
      times: sum.times + 1,
      millis: sum.millis + to - from,
    })
    this.#all = plus(this.#all)
    this.#lately = plus(lately)
    this.#last = { from, to, why }
  }

  /** Undefined: it never happened. */
  heldUp(now: Millis): HeldUp | undefined {
    if (this.#last === undefined) return undefined
    return { ...this.#all, last: this.#last, lately: now - this.#last.to > apart ? undefined : this.#lately }
  }
}
