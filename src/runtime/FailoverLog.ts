import { Effect } from "effect"
import type { Action } from "../domain/Action.ts"
import { begin, complete, type Failovers, isUnderWay, isUnverified, verify, wrote } from "../domain/Failover.ts"
import type { HostVerdict, Millis } from "../domain/Health.ts"
import { ask, completed, notVerifying, type Verification } from "../domain/Verification.ts"
import type { World } from "../domain/World.ts"
import { now } from "../services/Now.ts"
import { count } from "./commands/Lines.ts"
import { counted } from "./metrics/LoopMetrics.ts"

/** Follows the failovers through their stages: remembers, measures and says them. Not shared between fibers. */
export class FailoverLog {
  #failovers: Failovers = []
  #verification: Verification = notVerifying

  /** The latest ones, newest first. */
  get latest(): Failovers {
    return this.#failovers
  }

  readonly verdict = Effect.fnUntraced({ self: this }, function* (reached: HostVerdict) {
    const before = this.#failovers
    this.#failovers = begin(before, reached)
    const [begun] = this.#failovers
    if (begun !== undefined && begun.failedAt === reached.verdict.since && !before.includes(begun))
      yield* counted.failoverBegan(begun)
  })

  wrote(action: Action, at: Millis): void {
    this.#failovers = wrote(this.#failovers, action, at)
  }

  /**
   * Says how long a failover took, once no write of it is left; of what comes later, as when somebody changes a route
   * back, the writes tell. `left`: those that are decided and not done, be it that they are tried again.
   */
  readonly decided = Effect.fnUntraced({ self: this }, function* (at: Millis, left: () => ReadonlyArray<Action>) {
    if (!isUnderWay(this.#failovers)) return
    const [after, done] = complete(this.#failovers, left())
    this.#failovers = after
    if (done.length > 0) this.#verification = completed(this.#verification, at)
    for (const failover of done) {
      const { completions, failedAt, host, lastWriteAt = failedAt, moved } = failover
      yield* counted.failoverCompleted(failover)
      const words = `${count(moved, "route")} moved, ${Math.round(lastWriteAt - failedAt)} ms after the verdict`
      if (completions === 1) yield* Effect.logInfo(`failover of ${host} complete: ${words}`)
      else yield* Effect.logDebug(`failover of ${host} complete once more: ${words}`)
    }
  })

  /** When {@link asksForReading} is to be asked next. */
  get readingDueAt(): Millis | undefined {
    return this.#verification.dueAt
  }

  /** Whether EC2 is to be read, so that completed failovers are verified. `took`: how long the last reading took. */
  asksForReading(at: Millis, took: Millis): boolean {
    const [after, isAsked] = ask(this.#verification, { at, took, isNeeded: isUnverified(this.#failovers) })
    this.#verification = after
    return isAsked
  }

  /** A reading shows whether the writes of failovers stand. */
  readonly read = Effect.fnUntraced({ self: this }, function* ({ reading }: World) {
    if (reading === undefined) return
    const [after, verified] = verify(this.#failovers, reading.index, reading.readAt, yield* now)
    this.#failovers = after
    for (const failover of verified) {
      yield* counted.failoverVerified(failover)
      yield* Effect.logDebug(`failover of ${failover.host} verified: EC2 shows its routes`)
    }
  })
}
