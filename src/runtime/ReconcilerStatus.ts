import type { Brake } from "../domain/DeletionBrake.ts"
import type { Failovers } from "../domain/Failover.ts"
import type { Millis } from "../domain/Health.ts"
import type { Overview } from "../domain/Overview.ts"
import type { WorldStatus } from "../domain/Status.ts"
import type { QueueState } from "../services/ec2/WriteQueue.ts"
import type { HostNotes, SourceStanding, SourceState } from "../services/health/HealthSource.ts"
import type { Conditions } from "./ConditionLog.ts"
import type { ConfigTrouble } from "./ConfigTrouble.ts"
import type { RefreshState } from "./Refresher.ts"

/** What the daemon says of itself, the world apart. */
export interface DaemonState {
  readonly now: Millis
  readonly startedAt: Millis
  readonly failovers: Failovers
  readonly refresh: RefreshState
  readonly config: { readonly name: string; readonly trouble: ConfigTrouble | undefined }
  readonly health: {
    readonly name: string
    readonly state: SourceState
    /** How the verdicts of several sources make one. */
    readonly policy: string | undefined
    readonly standings: ReadonlyArray<SourceStanding>
  }
  readonly queue: QueueState
  /** What the health sources note of hosts. */
  readonly notes: HostNotes
  /** What is not as it should be, by key; holds by {@link holdKey}. */
  readonly conditions: Conditions
}

/** Everything that the daemon says of itself. */
export interface ReconcilerStatus extends WorldStatus, DaemonState {
  readonly brake: Brake | undefined
}

/** The same in little room. */
export interface ReconcilerOverview extends DaemonState {
  readonly overview: Overview
}
