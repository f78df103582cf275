import { Data } from "effect"
import type { Cidr } from "./Cidr.ts"
import type { InterfaceId, RouteTableId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import type { RouteTarget } from "./Vpc.ts"

/** Most urgent first; the order of the writes. */
export const urgencies = ["failover", "repair", "creation", "deletion"] as const
export type Urgency = (typeof urgencies)[number]

/** One destination in one table: the unit of writing. At most one write per cell is in flight. */
export interface Cell {
  readonly table: RouteTableId
  readonly cidr: Cidr
}

/** `table cidr`: a cell as a map key. */
export const cellKey = (cell: Cell): string => `${cell.table} ${cell.cidr}`

/** Why a route is written. `words` turns it into the text that logs, dry runs and status share. */
export type Reason = Data.TaggedEnum<{
  HostFailed: { readonly host: Ip; readonly why: string }
  HostDrained: { readonly host: Ip }
  Blackhole: {}
  /** The route's interface owns the address of none of the CIDR's hosts (any more). */
  WrongTarget: {}
  /** Another table's route already carries this CIDR by a healthy host; one host per CIDR. */
  TablesDisagree: {}
  /** We wrote another target and somebody, or a stale read, shows the old one. */
  ChangedBack: {}
  Missing: {}
  NotInSpec: {}
  /** The spec names the CIDR with an empty host list. */
  Withdrawn: {}
}>
export const Reason = Data.taggedEnum<Reason>()

/** A write. `before` is the target that the cell has now. */
export type Action = Data.TaggedEnum<{
  CreateRoute: Cell & {
    readonly host: Ip
    readonly interfaceId: InterfaceId
    readonly reason: Reason
    readonly urgency: "creation"
  }
  ReplaceRoute: Cell & {
    readonly host: Ip
    readonly interfaceId: InterfaceId
    readonly before: RouteTarget
    readonly reason: Reason
    readonly urgency: "failover" | "repair"
  }
  DeleteRoute: Cell & {
    readonly before: RouteTarget
    readonly reason: Reason
    readonly urgency: "deletion"
  }
}>
export const Action = Data.taggedEnum<Action>()

const reasonWords = Reason.$match({
  HostFailed: ({ host, why }) => `host ${host} failed: ${why}`,
  HostDrained: ({ host }) => `host ${host} is drained`,
  Blackhole: () => "the route is a blackhole",
  WrongTarget: () => "its interface owns the address of none of the CIDR's hosts",
  TablesDisagree: () => "another table carries this CIDR by a healthy host",
  ChangedBack: () => "the route was changed back",
  Missing: () => "the route is missing",
  NotInSpec: () => "the CIDR is not in the spec",
  Withdrawn: () => "the spec lists no host for the CIDR",
})

/** The reason in words. */
export const words = (reason: Reason): string => reasonWords(reason)

/** A target in words: `eni-1`, `i-1`, `igw-1`. */
export const targetWords = (target: RouteTarget): string => {
  switch (target._tag) {
    case "Interface":
      return target.interfaceId
    case "Instance":
      return target.instanceId
    case "Other":
      return target.id
  }
}

/** One line: what is written, where, and why. */
export const describe = (action: Action): string => {
  const why = words(action.reason)
  switch (action._tag) {
    case "CreateRoute":
      return `create ${action.cidr} in ${action.table} to ${action.host} (${action.interfaceId}): ${why}`
    case "ReplaceRoute":
      return `${action.urgency} ${action.cidr} in ${action.table} from ${targetWords(action.before)} to ${action.host} (${action.interfaceId}): ${why}`
    case "DeleteRoute":
      return `delete ${action.cidr} in ${action.table} (${targetWords(action.before)}): ${why}`
  }
}

const urgencyRank: Readonly<Record<Urgency, number>> = { failover: 0, repair: 1, creation: 2, deletion: 3 }

/** Urgency, then CIDR, then table: failovers finish CIDR by CIDR, and equal input gives equal order. */
export const compareActions = (a: Action, b: Action): number =>
  urgencyRank[a.urgency] - urgencyRank[b.urgency] || compareText(a.cidr, b.cidr) || compareText(a.table, b.table)

/** Orders by UTF-16 code unit, the same on every machine. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
