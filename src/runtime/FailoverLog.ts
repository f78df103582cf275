import { Effect } from "effect"
import type { Action } from "../domain/Action.ts"
import { begin, complete, type Failovers, isUnderWay, verify, wrote } from "../domain/Failover.ts"
import type { HostVerdict, Millis } from "../domain/Health.ts"
import type { World } from "../domain/World.ts"
import { now } from "../services/Now.ts"
import { counted } from "./metrics/LoopMetrics.ts"

/** Follows the failovers through their stages: remembers, measures and says them. Not shared between fibers. */
export class FailoverLog {
  #failovers: Failovers = []

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

  /** Says how long a failover took, once no write of it is left. `pending`: those that are decided and not done. */
  readonly decided = Effect.fnUntraced({ self: this }, function* (pending: () => ReadonlyArray<Action>) {
    if (!isUnderWay(this.#failovers)) return
    const [after, completed] = complete(this.#failovers, pending())
    this.#failovers = after
    for (const failover of completed) {
      const { failedAt, host, lastWriteAt = failedAt, moved } = failover
      yield* counted.failoverCompleted(failover)
      yield* Effect.logInfo(
        `failover of ${host} complete: ${moved} routes moved, ${Math.round(lastWriteAt - failedAt)} ms after the verdict`,
      )
    }
  })

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
