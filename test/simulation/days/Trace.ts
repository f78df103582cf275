import { createHash } from "node:crypto"
import { beginning } from "./VirtualTime.ts"

/** Virtual time as people read it: `day 2 03:04:05.678`. */
export const clockWords = (at: number): string => {
  const [date = "", time = ""] = new Date(at).toISOString().split("T")
  const day = Math.round((Date.parse(date) - beginning) / 86_400_000) + 1
  return `day ${day} ${time.slice(0, -1)}`
}

/** A line, and its number from the first one on. */
interface Line {
  readonly at: number
  readonly number: number
  readonly who: string
  readonly words: string
}

const inWords = ({ at, who, words }: Line): string => `${clockWords(at)}  ${who.padEnd(9)} ${words}`

/** The last lines of those that were added, at most `most`. */
class Tail {
  readonly #most: number
  #lines: Array<Line> = []

  constructor(most: number) {
    this.#most = most
  }

  add(line: Line): void {
    this.#lines.push(line)
    if (this.#lines.length >= 2 * this.#most) this.#lines = this.#lines.slice(-this.#most)
  }

  get lines(): ReadonlyArray<Line> {
    return this.#lines.slice(-this.#most)
  }
}

/** What happened, line by line, and a hash of all of it. Of many lines only the last are kept, and the last faults before them. */
export class Trace {
  readonly #hash = createHash("sha256")
  readonly #print: ((line: string) => void) | undefined
  readonly #tail: Tail
  readonly #faults: Tail
  #count = 0

  constructor(options: { readonly keep?: number; readonly print?: ((line: string) => void) | undefined } = {}) {
    const keep = options.keep ?? 200
    this.#tail = new Tail(keep)
    this.#faults = new Tail(keep)
    this.#print = options.print
  }

  add(at: number, who: string, words: string): void {
    this.#hash.update(`${at} ${who} ${words}\n`)
    const line = { at, number: this.#count++, who, words }
    if (this.#print !== undefined) this.#print(inWords(line))
    this.#tail.add(line)
    if (who === "FAULT") this.#faults.add(line)
  }

  /** The last lines, oldest first, after the faults that came before them. */
  get last(): ReadonlyArray<string> {
    const { lines } = this.#tail
    const first = lines[0]?.number ?? 0
    const earlier = this.#faults.lines.filter(({ number }) => number < first)
    const left = first - earlier.length
    return [
      ...earlier.map(inWords),
      ...(left > 0 ? [`… of ${first} lines before these, only faults are shown`] : []),
      ...lines.map(inWords),
    ]
  }

  digest(): string {
    return this.#hash.copy().digest("hex").slice(0, 16)
  }
}
