/** 32 bits from a text: FNV-1a, then mixed, so that texts alike give numbers unlike. */
const seedOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * Chance that comes from a text alone: the same text, the same throws (a 32-bit Weyl sequence through a mixing function). What
 * has its own dice is not disturbed by how often others are thrown.
 */
export class Dice {
  readonly #text: string
  #state: number

  constructor(text: string) {
    this.#text = text
    this.#state = seedOf(text)
  }

  /** Other dice, by name: throwing these changes nothing for those. */
  named(name: string): Dice {
    return new Dice(`${this.#text}/${name}`)
  }

  /** From 0 to 2³² − 1. */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }

  /** From 0 to below 1. */
  share(): number {
    return this.bits() / 0x1_0000_0000
  }

  /** A whole number from 0 to below `size`. */
  below(size: number): number {
    return Math.floor(this.share() * size)
  }

  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  between(least: number, most: number): number {
    return least + this.share() * (most - least)
  }

  /** True with this probability. */
  hits(probability: number): boolean {
    return this.share() < probability
  }

  /** One of these, of which there must be one. */
  one<A>(of: ReadonlyArray<A>): A {
    const chosen = of[this.below(of.length)]
    if (chosen === undefined) throw new Error("nothing to choose from")
    return chosen
  }

  /** The same in another order. */
  shuffled<A>(of: ReadonlyArray<A>): Array<A> {
    const left = [...of]
    for (let at = left.length - 1; at > 0; at--) {
      const other = this.below(at + 1)
      const moved = left[at]!
      left[at] = left[other]!
      left[other] = moved
    }
    return left
  }

  /** Some of these, `count` or all. */
  some<A>(of: ReadonlyArray<A>, count: number): Array<A> {
    return this.shuffled(of).slice(0, count)
  }

  /** How long until something that happens so often in `span`. */
  wait(times: number, span: number): number {
    return (-Math.log(1 - this.share()) * span) / times
  }
}
