/** Characters that may wait for a file that cannot be written: some 10,000 writes. */
const mostWaiting = 4 * 1024 * 1024
/** Characters of one write. */
const mostAtOnce = 256 * 1024

/** Lines on their way to a file. What no longer fits is left out and counted. Not shared between fibers. */
export class Backlog {
  readonly #lines: Array<string> = []
  #size = 0
  #lost = 0
  /** What the last batch holds. */
  #batch = { lines: 0, lost: 0 }

  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#lost === 0
  }

  /** Takes a line, without its end. False: there was no room for it. */
  add(line: string): boolean {
    if (this.#size + line.length > mostWaiting) {
      this.#lost++
      return false
    }
    this.#lines.push(line)
    this.#size += line.length
    return true
  }

  /** The next lines to be written. If some were lost, `lost` words the line that says so, which comes after all others. */
  batch(lost: (count: number) => string): ReadonlyArray<string> {
    const batch: Array<string> = []
    let size = 0
    for (const line of this.#lines) {
      if (size > 0 && size + line.length > mostAtOnce) break
      batch.push(line)
      size += line.length
    }
    const isAll = batch.length === this.#lines.length
    this.#batch = { lines: batch.length, lost: isAll ? this.#lost : 0 }
    return this.#batch.lost === 0 ? batch : [...batch, lost(this.#batch.lost)]
  }

  /** The first `count` lines of the last batch are in the file, and no others. */
  written(count: number): void {
    if (count > this.#batch.lines) this.#lost -= this.#batch.lost
    for (const line of this.#lines.splice(0, Math.min(count, this.#batch.lines))) this.#size -= line.length
    this.#batch = { lines: 0, lost: 0 }
  }
}
