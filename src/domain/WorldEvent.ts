import { Data } from "effect"
import type { Action } from "./Action.ts"
import type { AnchorVerdict } from "./Anchors.ts"
import type { Durable } from "./Durable.ts"
import type { GuardHold } from "./GuardHold.ts"
import type { HostVerdict, Millis } from "./Health.ts"
import type { Ip } from "./Ip.ts"
import type { Operator } from "./Operator.ts"
import type { RouteSpec } from "./RouteSpec.ts"
import type { Vpc } from "./Vpc.ts"
import type { Disposition } from "./WriteFailure.ts"

/** Everything that can change a decision. */
export type WorldEvent = Data.TaggedEnum<{
  /** At a start: what was kept over the restart. It protects at once, and deletes nothing until a spec is accepted. */
  Restored: { readonly durable: Durable; readonly at: Millis }
  SpecAccepted: { readonly spec: RouteSpec; readonly at: Millis; readonly by?: Operator | undefined }
  VerdictsReached: { readonly verdicts: ReadonlyArray<HostVerdict> }
  AnchorsHeard: { readonly verdicts: ReadonlyArray<AnchorVerdict> }
  /** A whole reading of the VPC that began at `readAt`. */
  VpcRead: { readonly vpc: Vpc; readonly readAt: Millis }
  /** A try of a write got no answer that tells whether it was done; it is made again, or {@link WriteFailed} follows. */
  WriteUnanswered: { readonly action: Action; readonly at: Millis }
  WriteDone: { readonly action: Action; readonly at: Millis }
  WriteFailed: {
    readonly action: Action
    readonly disposition: Disposition
    readonly code: string
    readonly message: string
    readonly at: Millis
  }
  HostDrained: { readonly host: Ip; readonly by?: Operator | undefined }
  HostUndrained: { readonly host: Ip; readonly by?: Operator | undefined }
  /** The operator lets the held deletions with this hash happen; any other hash changes nothing. */
  DeletionsConfirmed: { readonly hash: string; readonly by?: Operator | undefined }
  /**
   * The operator lets go what the guard with this hash holds; any other hash changes nothing. `hold`: what the hash stood for at
   * `at`, since by now it may be another one.
   */
  HoldConfirmed: {
    readonly hash: string
    readonly hold?: Pick<GuardHold, "kind" | "hosts"> | undefined
    readonly at: Millis
    readonly by?: Operator | undefined
  }
  /** Time has come for what was to be looked at again at or before `at`. */
  TimeCame: { readonly at: Millis }
}>
export const WorldEvent = Data.taggedEnum<WorldEvent>()
