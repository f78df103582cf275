import { Context, type Effect, Schema } from "effect"
import type { Cell } from "../../domain/Action.ts"
import type { InterfaceId } from "../../domain/Ids.ts"
import type { Vpc } from "../../domain/Vpc.ts"
import type { Disposition } from "../../domain/WriteFailure.ts"

export const dispositions = [
  "throttled",
  "transient",
  "refresh",
  "full",
  "refused",
  "denied",
] as const satisfies ReadonlyArray<Disposition>

/** A failed EC2 call. `code` and `message` are EC2's own; `disposition` says what the caller does next. */
export class Ec2Error extends Schema.TaggedError<Ec2Error>()("Ec2Error", {
  operation: Schema.String,
  code: Schema.String,
  message: Schema.String,
  disposition: Schema.Literals(dispositions),
  requestId: Schema.optional(Schema.String),
}) {}

/** EC2's answer to a write that was done. */
export interface WriteReceipt {
  readonly requestId: string | undefined
}

/** The little of EC2 that routing needs: one whole reading of the VPC, and three writes. No call retries by itself. */
export class Ec2 extends Context.Service<
  Ec2,
  {
    /** Tables with every kind of route, interfaces with all addresses, instance states: all pages, or an error. */
    readonly snapshot: Effect.Effect<Vpc, Ec2Error>
    readonly createRoute: (cell: Cell, interfaceId: InterfaceId) => Effect.Effect<WriteReceipt, Ec2Error>
    readonly replaceRoute: (cell: Cell, interfaceId: InterfaceId) => Effect.Effect<WriteReceipt, Ec2Error>
    readonly deleteRoute: (cell: Cell) => Effect.Effect<WriteReceipt, Ec2Error>
  }
>()("vpc-router/services/ec2/Ec2") {}
