import { Data } from "effect"
import { type Action, compareText, targetWords } from "./Action.ts"
import type { Cidr } from "./Cidr.ts"
import type { RouteTableId } from "./Ids.ts"
import type { Millis } from "./Health.ts"
import type { Ip } from "./Ip.ts"
import type { RouteTarget } from "./Vpc.ts"
import type { Disposition } from "./WriteFailure.ts"

/** A host that cannot take a route at present, and why. */
export interface Unable {
  readonly host: Ip
  readonly why: string
}

/** Why deletions wait for the operator: the spec is empty, or too many routes would be gone. */
export type BrakeCause = "EmptySpec" | "TooMany"

export const causeWords: Readonly<Record<BrakeCause, string>> = {
  EmptySpec: "the spec is empty",
  TooMany: "over half of the last hour's routes would be gone",
}

/** Why something that the spec asks for is not done. */
export type HoldReason = Data.TaggedEnum<{
  /** At least one host failed, and none can take the routes. Existing routes stay. */
  NoHealthyHost: { readonly hosts: ReadonlyArray<Unable> }
  /** No host failed, but none is known to be healthy yet. */
  HealthUnknown: { readonly hosts: ReadonlyArray<Unable> }
  /** The route's own host is neither proven nor failed: it neither gains nor loses routes. */
  Unproven: Unable
  /** A host that ranks higher has been watched for a moment only; routes are not created before it could answer. */
  FirstAnswer: { readonly host: Ip }
  /** A route of another kind stands on a CIDR of the spec. */
  Conflict: { readonly target: RouteTarget }
  /** EC2 shows a blackhole at the very interface that should carry the route: writing it again would change nothing. */
  Blackhole: { readonly host: Ip }
  /** Default routes are created only in tables that `--tables` names. */
  DefaultRoute: {}
  /** The CIDR lies in `--ignore-routes`. */
  Ignored: {}
  /** The CIDR lies outside `--own`. */
  NotOwned: {}
  /** Deleting it could open a path around a firewall; no accepted spec ever named it, nor does `--own`. */
  Protected: { readonly what: "default route" | "inside the VPC" }
  /** The spec in force was restored at the start; deletions wait until a spec is accepted anew. */
  Restored: {}
  /** The route is active, but its interface is not in the reading: the reading is not whole. */
  InterfaceUnseen: { readonly target: RouteTarget }
  /** A write of ours may have been done or not; the next reading tells where the route leads. */
  Unanswered: {}
  /** Somebody else keeps changing the route back. */
  Contended: { readonly times: number }
  /** EC2 did not do it. */
  WriteFailed: {
    readonly disposition: Disposition
    readonly code: string
    readonly message: string
    readonly attempts: number
  }
  /** Too much would be deleted; confirm the plan by its hash. */
  DeletionBrake: { readonly hash: string; readonly cause: BrakeCause }
  /** None of the anchors that ever answered does: it is this monitor that is cut off. */
  MonitorCutOff: { readonly hash: string; readonly anchors: number }
  /** The host failed while no anchor, or no other host, was heard; and a moment ago one was. */
  AfterCutOff: {}
  /** So many hosts failed together that it is more likely the way to them. */
  MassFailure: { readonly hash: string; readonly failed: number; readonly of: number }
  /** As many hosts as are failed over in a minute have been: these wait. */
  FailoverLimit: { readonly hash: string; readonly hosts: ReadonlyArray<Ip>; readonly limit: number }
}>
export const HoldReason = Data.taggedEnum<HoldReason>()

/** Something that is not done, with its reason. Without `table` it concerns the CIDR in every table. */
export interface Held {
  readonly cidr: Cidr
  readonly table?: RouteTableId | undefined
  /** The write that waits, if there is one. */
  readonly action?: Action | undefined
  readonly reason: HoldReason
  /** When it is looked at again by itself. */
  readonly until?: Millis | undefined
}

const list = (hosts: ReadonlyArray<Unable>): string => hosts.map(({ host, why }) => `${host} ${why}`).join(", ")

/** Hosts that one line names at most. */
const mostNamed = 8

/** The first of these hosts, and how many more there are. */
export const namedHosts = (hosts: ReadonlyArray<Ip>): string =>
  hosts.length > mostNamed
    ? `${hosts.slice(0, mostNamed).join(", ")} and ${hosts.length - mostNamed} more`
    : hosts.join(", ")

const itOrThem = ({ length }: ReadonlyArray<Ip>): string => (length === 1 ? "it" : "them")

/** What is said of all failures that are held since nobody was heard. */
export const afterCutOffWords = (hosts: ReadonlyArray<Ip>, hash: string): string =>
  `${namedHosts(hosts)} failed while nobody was heard, and ${hosts.length === 1 ? "has" : "have"} a moment to answer; confirm ${hash} to fail ${itOrThem(hosts)} over at once`

const reasonWords = HoldReason.$match({
  NoHealthyHost: ({ hosts }) => `no healthy host: ${list(hosts)}`,
  HealthUnknown: ({ hosts }) => `no host is known to be healthy yet: ${list(hosts)}`,
  Unproven: ({ host, why }) => `its host ${host} is not proven: ${why}`,
  FirstAnswer: ({ host }) => `waiting a moment for the first answer of ${host}`,
  Conflict: ({ target }) => `a route of another kind stands here (${targetWords(target)})`,
  Blackhole: ({ host }) => `EC2 shows a blackhole although ${host} owns the interface and answers`,
  DefaultRoute: () => "default routes are created only in tables that --tables names",
  Ignored: () => "--ignore-routes covers it",
  NotOwned: () => "--own does not cover it",
  Protected: ({ what }) => `not deleted (${what}): no accepted spec named it and --own does not cover it`,
  Restored: () => "not deleted by a spec that was restored at the start; it waits until a spec is accepted",
  InterfaceUnseen: ({ target }) => `${targetWords(target)} is not in the last reading of EC2`,
  Unanswered: () => "EC2 did not say whether the last write was done; the next reading tells",
  Contended: ({ times }) => `somebody changed it back ${times} times`,
  WriteFailed: ({ code, message, attempts }) => `${code}: ${message} (${attempts} ${attempts === 1 ? "try" : "tries"})`,
  DeletionBrake: ({ cause, hash }) => `not deleted (${causeWords[cause]}): confirm the plan ${hash} to go on`,
  MonitorCutOff: ({ anchors, hash }) =>
    `this monitor is cut off: ${anchors === 1 ? "its anchor is" : `all ${anchors} anchors are`} silent; confirm ${hash} to act all the same`,
  AfterCutOff: () => "its host failed while nobody was heard, and has a moment to answer, too",
  MassFailure: ({ failed, hash, of }) =>
    `${failed} of ${of} hosts failed together: more likely the way to them than the hosts; confirm ${hash} to fail them over`,
  FailoverLimit: ({ hash, hosts, limit }) =>
    `${namedHosts(hosts)} ${hosts.length === 1 ? "waits" : "wait"}: ${limit} ${limit === 1 ? "host was" : "hosts were"} failed over within a minute; confirm ${hash} to fail ${itOrThem(hosts)} over at once`,
})

/** The reason in words. */
export const holdWords = (reason: HoldReason): string => reasonWords(reason)

/** What tells one hold from another over time. */
export const holdKey = (held: Held): string => `${held.cidr} ${held.table ?? "*"} ${held.reason._tag}`

/** By CIDR, then table, then kind. */
export const compareHeld = (a: Held, b: Held): number =>
  compareText(a.cidr, b.cidr) || compareText(a.table ?? "", b.table ?? "") || compareText(a.reason._tag, b.reason._tag)
