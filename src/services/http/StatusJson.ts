import { Schema } from "effect"

const Time = Schema.String.annotate({
  identifier: "Time",
  description: "ISO 8601 in UTC with milliseconds, such as 2026-03-01T12:00:00.000Z",
})
const Duration = Schema.Finite.annotate({ description: "milliseconds" })
const Ip = Schema.String.annotate({ description: "an IP address" })
const Cidr = Schema.String.annotate({ description: "a destination CIDR in canonical form" })
const Words = Schema.String.annotate({ description: "one line for people, the same as in the log" })
const Count = Schema.Int

/** `{"10.66.17.0/24": ["10.33.20.93", "10.33.30.22"]}`: which hosts may carry each destination CIDR. */
export const RouteSpecJson = Schema.Record(Schema.String, Schema.Array(Ip)).annotate({
  identifier: "RouteSpec",
  description: "The hosts that may carry each destination CIDR. An empty list withdraws the route.",
})
export type RouteSpecJson = typeof RouteSpecJson.Type

/** A fault in a spec, or something mended: its place, and what was expected there. */
export const SpecProblemJson = Schema.Struct({
  path: Schema.String.annotate({ description: 'the place, such as $["10.0.0.0/8"][1]' }),
  message: Schema.String.annotate({ description: "what was expected there, or what was mended" }),
}).annotate({ identifier: "SpecProblem" })
export type SpecProblemJson = typeof SpecProblemJson.Type

export const CellJson = Schema.Struct({
  cidr: Cidr,
  ip: Schema.NullOr(Ip).annotate({
    description: "the spec's host that it leads to; else its interface's first address",
  }),
  instance: Schema.NullOr(Schema.String),
  interface: Schema.NullOr(Schema.String),
  target: Schema.String.annotate({ description: "interface, instance or gateway id" }),
  state: Schema.Literals(["active", "blackhole"]),
  owned: Schema.Boolean.annotate({ description: "ours to move and to delete" }),
  in_spec: Schema.Boolean,
}).annotate({ identifier: "Cell", description: "A route as the last reading and our own writes since then show it" })
export type CellJson = typeof CellJson.Type

export const TableJson = Schema.Struct({
  id: Schema.String,
  main: Schema.Boolean,
  cells: Schema.Array(CellJson),
}).annotate({ identifier: "Table", description: "A route table in scope" })
export type TableJson = typeof TableJson.Type

export const HostJson = Schema.Struct({
  ip: Ip,
  verdict: Schema.Literals(["unknown", "healthy", "failed", "unwatched"]),
  since: Time,
  reason: Schema.NullOr(Words).annotate({ description: "why it failed, or why nothing watches it" }),
  able: Schema.Boolean.annotate({ description: "may take routes" }),
  why: Schema.NullOr(Words).annotate({ description: "why it may take no route" }),
  notes: Schema.Array(Words).annotate({
    description: "what is no failure and yet to be known, such as an event that EC2 schedules, or checks that disagree",
  }),
  drained: Schema.Boolean,
  damped_until: Schema.NullOr(Time).annotate({
    description: "it failed again soon after it had recovered: until then it is chosen after all others",
  }),
  interface: Schema.NullOr(Schema.String),
  instance: Schema.NullOr(Schema.String),
  source_dest_check: Schema.NullOr(Schema.Boolean).annotate({
    description: "on: EC2 drops what the interface forwards; the host is chosen last",
  }),
}).annotate({ identifier: "Host", description: "A host of the spec" })
export type HostJson = typeof HostJson.Type

export const FailedHostJson = Schema.Struct({ ip: Ip, since: Time, reason: Words }).annotate({
  identifier: "FailedHost",
})
export type FailedHostJson = typeof FailedHostJson.Type

/** The kinds of holds, as `HoldReason` of the domain names them. */
export const holdKinds = [
  "no_healthy_host",
  "health_unknown",
  "unproven",
  "first_answer",
  "conflict",
  "blackhole",
  "default_route",
  "ignored",
  "not_owned",
  "protected",
  "restored",
  "interface_unseen",
  "unanswered",
  "contended",
  "write_failed",
  "deletion_brake",
  "monitor_cut_off",
  "after_cut_off",
  "mass_failure",
  "failover_limit",
] as const

export const HeldJson = Schema.Struct({
  cidr: Cidr,
  table: Schema.NullOr(Schema.String).annotate({ description: "null: in every table" }),
  reason: Schema.Literals(holdKinds),
  words: Words,
  since: Schema.NullOr(Time),
  until: Schema.NullOr(Time).annotate({ description: "when it is looked at again by itself" }),
  waiting: Schema.NullOr(Words).annotate({ description: "the write that waits" }),
  hash: Schema.NullOr(Schema.String).annotate({ description: "confirms it: POST /held/{hash}/confirm" }),
}).annotate({ identifier: "Held", description: "Something that is not done, with its reason" })
export type HeldJson = typeof HeldJson.Type

/** Deletions that wait, whichever way these are told. */
export const brakeFields = {
  hash: Schema.String.annotate({ description: "confirms exactly these deletions: POST /held/{hash}/confirm" }),
  why: Words,
}

export const BrakeJson = Schema.Struct({
  ...brakeFields,
  deletions: Schema.Array(Words),
}).annotate({ identifier: "Brake", description: "Deletions that wait for the operator" })
export type BrakeJson = typeof BrakeJson.Type

/** The kinds of {@link GuardHoldJson}. */
export const guardKinds = [
  "deletion_brake",
  "monitor_cut_off",
  "after_cut_off",
  "mass_failure",
  "failover_limit",
] as const

export const GuardHoldJson = Schema.Struct({
  kind: Schema.Literals(guardKinds),
  hash: Schema.String.annotate({ description: "lets go exactly what is held: POST /held/{hash}/confirm" }),
  words: Words,
  since: Schema.NullOr(Time),
  until: Schema.NullOr(Time).annotate({ description: "when it ends, or lets one more host go, by itself" }),
  hosts: Schema.Array(Ip).annotate({ description: "failed hosts that keep their routes meanwhile" }),
}).annotate({
  identifier: "GuardHold",
  description: "Something that is held as one until its reason is gone, or it is confirmed",
})
export type GuardHoldJson = typeof GuardHoldJson.Type

export const AnchorJson = Schema.Struct({
  ip: Ip,
  source: Schema.String.annotate({ description: "the check that watches it" }),
  state: Schema.Literals(["unknown", "answering", "silent"]),
  since: Time,
  counts: Schema.Boolean.annotate({ description: "it has answered, and was not set aside by a confirmation since" }),
}).annotate({ identifier: "Anchor", description: "An address that shows whether this monitor hears anybody" })
export type AnchorJson = typeof AnchorJson.Type

const write = {
  cidr: Cidr,
  table: Schema.String,
  write: Schema.Literals(["create", "replace", "delete"]),
  words: Words,
}

export const PendingJson = Schema.Struct({
  ...write,
  urgency: Schema.Literals(["failover", "repair", "creation", "deletion"]),
  host: Schema.NullOr(Ip),
  interface: Schema.NullOr(Schema.String),
}).annotate({ identifier: "Pending", description: "A write that is decided and not yet done" })
export type PendingJson = typeof PendingJson.Type

export const FailedWriteJson = Schema.Struct({
  ...write,
  disposition: Schema.Literals(["throttled", "transient", "refresh", "full", "refused", "denied"]),
  code: Schema.String,
  message: Schema.String,
  attempts: Count,
  since: Schema.NullOr(Time),
  retry_at: Schema.NullOr(Time),
}).annotate({ identifier: "FailedWrite", description: "A write that EC2 did not do" })
export type FailedWriteJson = typeof FailedWriteJson.Type

export const FailoverJson = Schema.Struct({
  host: Ip,
  why: Words,
  silent_since: Schema.NullOr(Time).annotate({ description: "when the first probe was sent that it did not answer" }),
  failed_at: Time,
  first_write_at: Schema.NullOr(Time),
  last_write_at: Schema.NullOr(Time),
  verified_at: Schema.NullOr(Time).annotate({ description: "when a reading of EC2 showed all its writes" }),
  moved: Count.annotate({ description: "routes moved off the host so far" }),
  silent_ms: Schema.NullOr(Duration).annotate({ description: "milliseconds from the silence to the verdict" }),
  first_write_ms: Schema.NullOr(Duration).annotate({ description: "milliseconds from the verdict to the first write" }),
  last_write_ms: Schema.NullOr(Duration).annotate({ description: "milliseconds from the verdict to the last write" }),
}).annotate({ identifier: "Failover", description: "A host's failure and what was done about it" })
export type FailoverJson = typeof FailoverJson.Type

const source = { name: Schema.String, since: Schema.NullOr(Time), why: Schema.NullOr(Words) }

export const SourcesJson = Schema.Struct({
  config: Schema.Struct({
    ...source,
    state: Schema.Literals(["ok", "rejected", "unreadable", "ended"]),
    problems: Schema.Array(SpecProblemJson),
  }),
  health: Schema.Struct({
    ...source,
    state: Schema.Literals(["up", "down"]),
    policy: Schema.NullOr(Schema.String).annotate({ description: "how the verdicts of several checks make one" }),
    checks: Schema.Array(
      Schema.Struct({
        name: Schema.String.annotate({ description: "one of --health" }),
        state: Schema.Literals(["up", "down"]),
        since: Time,
        why: Schema.NullOr(Words).annotate({ description: "why it is down, and so has no say" }),
        bound_ms: Schema.NullOr(Duration).annotate({
          description: "how long it takes at most until a host that dies has failed; null: not known",
        }),
        false_failovers_a_day: Schema.NullOr(Schema.Finite).annotate({
          description: "how many living hosts it is expected to fail a day, by the loss assumed in docs/detection.md",
        }),
        held_up: Schema.NullOr(
          Schema.Struct({ times: Count, ms: Duration, last_at: Time, why: Words }).annotate({
            description: "how often and how long it could see nothing since the start, so that it judged no host",
          }),
        ),
      }),
    ),
  }),
}).annotate({ identifier: "Sources" })
export type SourcesJson = typeof SourcesJson.Type

export const RefreshJson = Schema.Struct({
  at: Schema.NullOr(Time).annotate({ description: "when the last whole reading of EC2 began" }),
  took_ms: Schema.NullOr(Duration),
  age_ms: Schema.NullOr(Duration),
  error: Schema.NullOr(
    Schema.Struct({
      since: Time,
      attempts: Count,
      operation: Schema.String,
      code: Schema.String,
      message: Schema.String,
    }),
  ).annotate({ description: "the failure since the last whole reading" }),
}).annotate({ identifier: "Refresh" })
export type RefreshJson = typeof RefreshJson.Type

export const QueueJson = Schema.Struct({
  queued: Count,
  in_flight: Count,
  tokens: Schema.Struct({ create: Schema.Finite, replace: Schema.Finite, delete: Schema.Finite }).annotate({
    description: "left of EC2's rate limit for each write",
  }),
}).annotate({ identifier: "Queue" })
export type QueueJson = typeof QueueJson.Type

/** What carries a CIDR: ip, instance and interface. */
export const RouteJson = Schema.Tuple([
  Schema.NullOr(Ip),
  Schema.NullOr(Schema.String),
  Schema.NullOr(Schema.String),
]).annotate({ identifier: "Route" })
export type RouteJson = typeof RouteJson.Type

/** Which daemon it is that speaks. */
export const AboutJson = Schema.Struct({
  version: Schema.String,
  mode: Schema.String,
  vpc: Schema.NullOr(Schema.String),
  simulated: Schema.Boolean,
  dry_run: Schema.Boolean,
  started_at: Time,
})
export type AboutJson = typeof AboutJson.Type

/** The answer of `GET /status`. All lists have a fixed order, so that equal states are equal texts. */
export const StatusJson = Schema.Struct({
  ...AboutJson.fields,
  now: Time,
  protecting: Schema.Boolean.annotate({ description: "a spec is in force, so that failing hosts are failed over" }),
  restored: Schema.Boolean.annotate({
    description: "the spec comes from before a restart; nothing is deleted until one is accepted anew",
  }),
  drained: Schema.Array(Ip).annotate({ description: "hosts that gain no routes and lose those they have" }),
  route_spec: RouteSpecJson,
  failed_ips: Schema.Array(Ip),
  routes: Schema.Record(Schema.String, RouteJson).annotate({
    description:
      "ip, instance and interface that carry each CIDR of the spec; where tables disagree, what most of them name",
  }),
  counts: Schema.Struct({
    cidrs: Count,
    hosts: Count,
    failed_hosts: Count,
    held: Count,
    conflicts: Count,
    contended: Count,
    failed_writes: Count,
    pending: Count,
  }),
  failed_hosts: Schema.Array(FailedHostJson),
  hosts: Schema.Array(HostJson),
  tables: Schema.Array(TableJson),
  conditions: Schema.Array(Schema.Struct({ words: Words, since: Time })).annotate({
    description: "what is wrong with the daemon's view as a whole, such as EC2 that cannot be read",
  }),
  held: Schema.Array(HeldJson),
  brake: Schema.NullOr(BrakeJson),
  holds: Schema.Array(GuardHoldJson),
  anchors: Schema.Array(AnchorJson),
  pending: Schema.Array(PendingJson),
  failed_writes: Schema.Array(FailedWriteJson),
  failovers: Schema.Array(FailoverJson).annotate({ description: "the latest 50, newest first" }),
  sources: SourcesJson,
  last_refresh: RefreshJson,
  queue: QueueJson,
}).annotate({ identifier: "Status" })
export type StatusJson = typeof StatusJson.Type
