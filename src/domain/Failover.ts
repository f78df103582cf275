import { Reason } from "./Action.ts"
import type { Action } from "./Action.ts"
import type { HostVerdict, Millis } from "./Health.ts"
import type { Ip } from "./Ip.ts"

/** One host's failure and what was done about it. */
export interface Failover {
  readonly host: Ip
  readonly why: string
  /** When the verdict was reached. */
  readonly failedAt: Millis
  /** Routes moved off the host so far. */
  readonly moved: number
  readonly firstWriteAt: Millis | undefined
  readonly lastWriteAt: Millis | undefined
}

/** The latest failovers, newest first. */
export type Failovers = ReadonlyArray<Failover>

/** How many failovers are remembered. */
const memory = 50

/** A host's verdict became failed: a failover begins. */
export const begin = (failovers: Failovers, { host, verdict }: HostVerdict): Failovers => {
  if (verdict._tag !== "Failed") return failovers
  const { since: failedAt, reason: why } = verdict
  const known = failovers.some((failover) => failover.host === host && failover.failedAt === failedAt)
  const begun = { host, why, failedAt, moved: 0, firstWriteAt: undefined, lastWriteAt: undefined }
  return known ? failovers : [begun, ...failovers].slice(0, memory)
}

/** A write was done; if it moved a route off a failed host, it belongs to that host's latest failover. */
export const wrote = (failovers: Failovers, action: Action, at: Millis): Failovers => {
  if (!Reason.$is("HostFailed")(action.reason)) return failovers
  const { host } = action.reason
  const index = failovers.findIndex((failover) => failover.host === host)
  return failovers.map((failover, i) =>
    i === index
      ? { ...failover, moved: failover.moved + 1, firstWriteAt: failover.firstWriteAt ?? at, lastWriteAt: at }
      : failover,
  )
}
