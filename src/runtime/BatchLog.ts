import type { Millis } from "../domain/Health.ts"
import { count } from "./commands/Lines.ts"

/** Writes that were decided while others were still to be done. */
interface Batch {
  readonly since: Millis
  decided: number
  done: number
  failed: number
  saidAt: Millis
}

const took = (millis: Millis): string =>
  millis < 1_000 ? `${Math.round(millis)} ms` : `${(millis / 1_000).toFixed(1)} s`

/** How often a batch that lasts is spoken of. */
const repeatEvery: Millis = 60_000

/**
 * Sums up what became of the writes that were decided: a line when none is left, and one a minute until then. A write that
 * was neither done nor failed was superseded by a newer decision. Not shared between fibers.
 */
export class BatchLog {
  #batch: Batch | undefined

  decided(writes: number, at: Millis): void {
    if (writes === 0) return
    this.#batch ??= { since: at, decided: 0, done: 0, failed: 0, saidAt: at }
    this.#batch.decided += writes
  }

  done(): void {
    if (this.#batch !== undefined) this.#batch.done++
  }

  failed(): void {
    if (this.#batch !== undefined) this.#batch.failed++
  }

  /** A line for the log, if there is something to say. `isIdle`: no write is left to be done. */
  said(isIdle: boolean, at: Millis): string | undefined {
    const batch = this.#batch
    if (batch === undefined) return undefined
    const { decided, done, failed, saidAt, since } = batch
    if (!isIdle) {
      if (at - saidAt < repeatEvery) return undefined
      batch.saidAt = at
      return `${done} of ${count(decided, "write")} done so far, in ${Math.round((at - since) / 1000)} s`
    }
    this.#batch = undefined
    const superseded = Math.max(0, decided - done - failed)
    // Each failure was said.
    if (done === 0 && superseded === 0) return undefined
    const some = done === decided ? count(done, "write") : `${done} of ${count(decided, "write")}`
    const rest = [failed > 0 ? `, ${failed} failed` : "", superseded > 0 ? `, ${superseded} superseded` : ""]
    return `${some} done in ${took(at - since)}${rest.join("")}`
  }
}
