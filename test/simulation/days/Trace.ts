import { createHash } from "node:crypto"
import { beginning } from "./VirtualTime.ts"

/** Virtual time as people read it: `day 2 03:04:05.678`. */
export const clockWords = (at: number): string => {
  const [date = "", time = ""] = new Date(at).toISOString().split("T")
  const day = Math.round((Date.parse(date) - beginning) / 86_400_000) + 1
  return `day ${day} ${time.slice(0, -1)}`
}

/** What happened, line by line, and a hash of all of it. Only the last lines are kept, unless all are asked for. */
export class Trace {
  readonly #hash = createHash("sha256")
  readonly #most: number
  readonly #print: ((line: string) => void) | undefined
  #lines: Array<string> = []

  constructor(options: { readonly keep?: number; readonly print?: ((line: string) => void) | undefined } = {}) {
    this.#most = options.keep ?? 200
    this.#print = options.print
  }

  add(at: number, who: string, words: string): void {
    this.#hash.update(`${at} ${who} ${words}\n`)
    if (this.#print !== undefined) this.#print(`${clockWords(at)}  ${who.padEnd(9)} ${words}`)
    this.#lines.push(`${at} ${who} ${words}`)
    if (this.#lines.length >= 2 * this.#most) this.#lines = this.#lines.slice(-this.#most)
  }

  /** The last lines, oldest first. */
  get last(): ReadonlyArray<string> {
    return this.#lines.slice(-this.#most).map((line) => {
      const [at = "0", who = "", ...words] = line.split(" ")
      return `${clockWords(Number(at))}  ${who.padEnd(9)} ${words.join(" ")}`
    })
  }

  digest(): string {
    return this.#hash.copy().digest("hex").slice(0, 16)
  }
}
