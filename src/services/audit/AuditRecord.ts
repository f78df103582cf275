import { Schema } from "effect"

const Time = Schema.String.annotate({ description: "ISO 8601 in UTC with milliseconds" })
const Ip = Schema.String
const Words = Schema.String.annotate({ description: "one line for people, the same as in the log" })
const Hosts = Schema.NullOr(Schema.Array(Ip))
const Peer = Schema.NullOr(Schema.String).annotate({ description: "the address that the request came from, if known" })
/** `more`: how many are left out, so that a line stays readable. */
const More = Schema.Int

/** Where the spec in force came from. */
export const SpecOriginJson = Schema.Struct({
  source: Schema.String.annotate({ description: "--mode; state-file after a restart" }),
  peer: Peer,
  at: Time,
})
export type SpecOriginJson = typeof SpecOriginJson.Type

const Write = Schema.Struct({
  time: Time,
  kind: Schema.Literal("write"),
  action: Schema.Literals(["create", "replace", "delete"]),
  urgency: Schema.Literals(["failover", "repair", "creation", "deletion"]),
  table: Schema.String,
  cidr: Schema.String,
  before: Schema.NullOr(Schema.String).annotate({ description: "what the route led to" }),
  after: Schema.NullOr(Schema.Struct({ host: Ip, interface: Schema.String })),
  reason: Schema.String,
  why: Words,
  spec: Schema.NullOr(SpecOriginJson).annotate({ description: "who asked for what the spec in force says" }),
  operator: Schema.NullOr(
    Schema.Struct({ action: Schema.Literals(["drain", "confirm"]), peer: Peer, at: Schema.NullOr(Time) }),
  ).annotate({ description: "what of an operator's led to the write besides" }),
  outcome: Schema.Literals(["done", "already_there", "already_gone", "failed", "unknown"]).annotate({
    description:
      "already_there: EC2 has the route, which we wrote and readings do not show; already_gone: it has none to delete; unknown: the daemon ended before EC2 answered",
  }),
  request_id: Schema.NullOr(Schema.String),
  attempts: Schema.NullOr(Schema.Int),
  error: Schema.NullOr(Schema.Struct({ code: Schema.String, message: Schema.String, disposition: Schema.String })),
})

const Accepted = Schema.Struct({
  time: Time,
  kind: Schema.Literal("spec"),
  source: Schema.String,
  peer: Peer,
  cidrs: Schema.Int,
  hosts: Schema.Int,
  changes: Schema.Array(Schema.Struct({ cidr: Schema.String, before: Hosts, after: Hosts })),
  more: More,
})

const Restored = Schema.Struct({
  time: Time,
  kind: Schema.Literal("restored"),
  cidrs: Schema.Int,
  hosts: Schema.Int,
  drained: Schema.Array(Ip),
})

const Drained = Schema.Struct({ time: Time, kind: Schema.Literals(["drain", "undrain"]), host: Ip, peer: Peer })

const Confirmed = Schema.Struct({
  time: Time,
  kind: Schema.Literal("confirm"),
  hash: Schema.String,
  peer: Peer,
  deletions: Schema.Array(Schema.Struct({ table: Schema.String, cidr: Schema.String, before: Schema.String })),
  more: More,
})

const Released = Schema.Struct({
  time: Time,
  kind: Schema.Literal("release"),
  guard: Schema.Literals(["monitor_cut_off", "after_cut_off", "mass_failure", "failover_limit"]),
  hash: Schema.String,
  peer: Peer,
  hosts: Schema.Array(Schema.String).annotate({ description: "failed hosts whose routes it kept" }),
  more: More,
})

const Started = Schema.Struct({
  time: Time,
  kind: Schema.Literal("start"),
  version: Schema.String,
  vpc: Schema.String,
  mode: Schema.String,
  dry_run: Schema.Boolean,
  pid: Schema.Int,
})

const Lost = Schema.Struct({ time: Time, kind: Schema.Literal("lost"), records: Schema.Int })

/** One line of the audit log. */
export const AuditRecord = Schema.Union([Write, Accepted, Restored, Drained, Confirmed, Released, Started, Lost])
export type AuditRecord = typeof AuditRecord.Type
export type WriteRecord = typeof Write.Type
