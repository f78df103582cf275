import { HashMap, Option } from "effect"
import { type Action, type Cell, cellKey, Reason } from "./Action.ts"
import type { HostVerdict, Millis } from "./Health.ts"
import type { InterfaceId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import type { VpcIndex } from "./VpcIndex.ts"

/** A cell, and what a reading has to show in it. */
interface Expected extends Cell {
  readonly interfaceId: InterfaceId
}

/** One host's failure and what was done about it. The times are those of its stages, in this order. */
export interface Failover {
  readonly host: Ip
  readonly why: string
  /** When the first of the probes was sent that the host did not answer, if the health source tells. */
  readonly silentSince: Millis | undefined
  /** When the verdict was reached. */
  readonly failedAt: Millis
  /** Routes moved off the host so far. */
  readonly moved: number
  readonly firstWriteAt: Millis | undefined
  readonly lastWriteAt: Millis | undefined
  /** The last write, when none was left to be done. Before `lastWriteAt`: more came after that. */
  readonly completedAt: Millis | undefined
  /** How often none was left: more than once where some came late. */
  readonly completions: number
  /** When a reading that began after the last write showed all of them. */
  readonly verifiedAt: Millis | undefined
  /** When the host was heard of again. */
  readonly endedAt: Millis | undefined
  /** What that reading has to show, by cell. */
  readonly expected: HashMap.HashMap<string, Expected>
}

/** The latest failovers, newest first. */
export type Failovers = ReadonlyArray<Failover>

/** How many failovers are remembered. */
const memory = 50

/** How long a write that was under way when the host was heard of again may take to land. */
const flight: Millis = 60_000

const isAllWritten = ({ completedAt, lastWriteAt }: Failover): boolean =>
  completedAt !== undefined && completedAt === lastWriteAt

/** A verdict was reached: if it is failed a failover begins, and if not the host's last one takes no more writes. */
export const begin = (failovers: Failovers, { host, verdict }: HostVerdict): Failovers => {
  if (verdict._tag !== "Failed")
    return failovers.map((one) =>
      one.host === host && one.endedAt === undefined ? { ...one, endedAt: verdict.since } : one,
    )
  const { since: failedAt, reason: why, silentSince } = verdict
  if (failovers.some((failover) => failover.host === host && failover.failedAt === failedAt)) return failovers
  const begun: Failover = {
    host,
    why,
    silentSince,
    failedAt,
    moved: 0,
    firstWriteAt: undefined,
    lastWriteAt: undefined,
    completedAt: undefined,
    completions: 0,
    verifiedAt: undefined,
    endedAt: undefined,
    expected: HashMap.empty(),
  }
  return [begun, ...failovers].slice(0, memory)
}

/** What the cell must show from now on, for a failover that waits to be verified. */
const rewritten = (failover: Failover, action: Action): Failover => {
  const key = cellKey(action)
  if (!HashMap.has(failover.expected, key)) return failover
  return { ...failover, expected: expecting(failover.expected, action) }
}

const expecting = (expected: Failover["expected"], action: Action): Failover["expected"] => {
  if (action._tag === "DeleteRoute") return HashMap.remove(expected, cellKey(action))
  const { cidr, interfaceId, table } = action
  return HashMap.set(expected, cellKey(action), { cidr, table, interfaceId })
}

/** A write was done; if it moved a route off a failed host, it belongs to that host's latest failover. */
export const wrote = (failovers: Failovers, action: Action, at: Millis): Failovers => {
  const { reason } = action
  const owner = Reason.$is("HostFailed")(reason) ? failovers.findIndex(({ host }) => host === reason.host) : -1
  return failovers.map((failover, i) => {
    const { endedAt } = failover
    const isOver = endedAt !== undefined && (isAllWritten(failover) || at - endedAt > flight)
    if (i !== owner || isOver) return rewritten(failover, action)
    return {
      ...failover,
      moved: failover.moved + 1,
      firstWriteAt: failover.firstWriteAt ?? at,
      lastWriteAt: at,
      verifiedAt: undefined,
      expected: expecting(failover.expected, action),
    }
  })
}

/** Failovers as they are now, and those that something came true of just now, as they are now. */
export type Progress = readonly [Failovers, ReadonlyArray<Failover>]

const progress = (failovers: Failovers, change: (failover: Failover) => Failover): Progress => {
  const after = failovers.map(change)
  return [after, after.filter((failover, i) => failover !== failovers[i])]
}

/** Whether some failover waits to be told that no write of it is left. */
export const isUnderWay = (failovers: Failovers): boolean =>
  failovers.some((failover) => failover.lastWriteAt !== undefined && !isAllWritten(failover))

/** Whether some failover waits for a reading that shows its writes. */
export const isUnverified = (failovers: Failovers): boolean =>
  failovers.some((failover) => isAllWritten(failover) && failover.verifiedAt === undefined)

/** `left`: the writes that are decided and not done, be it that they are tried again. With none left it is completed. */
export const complete = (failovers: Failovers, left: ReadonlyArray<Action>): Progress => {
  const busy = new Set(left.flatMap(({ reason }) => (reason._tag === "HostFailed" ? [reason.host] : [])))
  return progress(failovers, (failover) =>
    failover.lastWriteAt === undefined || isAllWritten(failover) || busy.has(failover.host)
      ? failover
      : { ...failover, completedAt: failover.lastWriteAt, completions: failover.completions + 1 },
  )
}

const shows = ({ byCidr, vpc }: VpcIndex, { cidr, interfaceId, table }: Expected): boolean =>
  !vpc.tables.has(table) || byCidr.get(cidr)?.get(table)?.interfaceId === interfaceId

/** A reading that began at `readAt` is there at `at`: completed failovers whose writes it shows are verified. */
export const verify = (failovers: Failovers, index: VpcIndex, readAt: Millis, at: Millis): Progress =>
  progress(failovers, (failover) => {
    const { completedAt, expected, verifiedAt } = failover
    if (verifiedAt !== undefined || !isAllWritten(failover) || completedAt === undefined || readAt <= completedAt)
      return failover
    return Option.isNone(HashMap.findFirst(expected, (one) => !shows(index, one)))
      ? { ...failover, verifiedAt: at, expected: HashMap.empty() }
      : failover
  })
