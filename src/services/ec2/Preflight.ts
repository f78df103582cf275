import { Context, Data, type Effect } from "effect"
import type { Cell } from "../../domain/Action.ts"
import type { Millis } from "../../domain/Health.ts"
import type { InterfaceId, SubnetId } from "../../domain/Ids.ts"
import type { Ip } from "../../domain/Ip.ts"
import type { Ec2Error } from "./Ec2.ts"

export const trialWrites = ["CreateRoute", "ReplaceRoute", "DeleteRoute"] as const
export type TrialWrite = (typeof trialWrites)[number]

/** A read that the daemon makes, tried; undefined: it was answered. */
export interface ReadTrial {
  readonly operation: string
  readonly error: Ec2Error | undefined
}

/** What the first calls showed. */
export interface Contact {
  readonly reads: ReadonlyArray<ReadTrial>
  /** The name that calls go to, and its addresses; undefined: there is none, or it is not known. */
  readonly endpoint: { readonly hostname: string; readonly addresses: ReadonlyArray<Ip> } | undefined
  /** Milliseconds by which EC2's clock is ahead of this machine's; undefined: it is not known. */
  readonly skew: Millis | undefined
  /** Why no write may be tried here; undefined: they may. */
  readonly untried: string | undefined
}

/** What EC2 said to a dry run. */
export type WriteTrial = Data.TaggedEnum<{
  Allowed: {}
  Denied: { readonly error: Ec2Error }
  /** It answered something that says neither. */
  Unclear: { readonly why: string }
}>
export const WriteTrial = Data.taggedEnum<WriteTrial>()

/** How many of a table's routes a prefix list takes. */
export interface PrefixListSize {
  readonly family: 4 | 6
  readonly maxEntries: number
}

/** Tries what the daemon will do, without doing it. */
export class Preflight extends Context.Service<
  Preflight,
  {
    readonly contact: Effect.Effect<Contact>
    /** Tries a write by a dry run. Nothing is sent where {@link Contact.untried} says why. */
    readonly tryWrite: (operation: TrialWrite, cell: Cell, interfaceId: InterfaceId) => Effect.Effect<WriteTrial>
    /** The sizes that are known. Needs a permission that the daemon does not. */
    readonly prefixLists: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, PrefixListSize>, Ec2Error>
    /** The address of this machine from which packets to `to` go; undefined: there is no way. */
    readonly sourceTo: (to: Ip) => Effect.Effect<Ip | undefined>
    readonly subnetOf: (interfaceId: InterfaceId) => Effect.Effect<SubnetId | undefined, Ec2Error>
  }
>()("vpc-router/services/ec2/Preflight") {}
