import { Schema } from "effect"
import { cellStandings } from "../../domain/CellStanding.ts"
import {
  AboutJson,
  brakeFields,
  FailoverJson,
  GuardHoldJson,
  HeldJson,
  HostJson,
  PendingJson,
  QueueJson,
  RefreshJson,
  SourcesJson,
} from "./StatusJson.ts"

const LeftOut = Schema.Int.annotate({ description: "how many there are besides" })

const excerptOf = <A, I>(item: Schema.Codec<A, I>) => Schema.Struct({ shown: Schema.Array(item), left_out: LeftOut })

/** `["healthy", "10.33.20.93", "eni-0a20093", null]`: a cell in little room. */
export const OverviewCellJson = Schema.Tuple([
  Schema.Literals(cellStandings),
  Schema.NullOr(Schema.String).annotate({ description: "the host, or the first address, that it leads to" }),
  Schema.NullOr(Schema.String).annotate({ description: "interface, instance or gateway id; null: no route" }),
  Schema.NullOr(Schema.String).annotate({ description: "where a write that waits leads; `delete` for a deletion" }),
]).annotate({ identifier: "OverviewCell" })
export type OverviewCellJson = typeof OverviewCellJson.Type

export const OverviewTableJson = Schema.Struct({
  id: Schema.String,
  main: Schema.Boolean,
  name: Schema.NullOr(Schema.String).annotate({ description: "its tag Name" }),
}).annotate({ identifier: "OverviewTable" })
export type OverviewTableJson = typeof OverviewTableJson.Type

export const OverviewRowJson = Schema.Struct({
  cidr: Schema.String,
  hosts: Schema.NullOr(excerptOf(Schema.String)).annotate({ description: "of the spec; null: not in the spec" }),
  cells: Schema.Array(OverviewCellJson).annotate({ description: "one for each table, in the order of the tables" }),
}).annotate({ identifier: "OverviewRow" })
export type OverviewRowJson = typeof OverviewRowJson.Type

export const OverviewHostJson = Schema.Struct({
  ...HostJson.fields,
  since: Schema.NullOr(Schema.String),
  answers: Schema.NullOr(Schema.Boolean).annotate({
    description: "simulated VPC: whether the machine answers; null: there is no such machine",
  }),
}).annotate({ identifier: "OverviewHost" })
export type OverviewHostJson = typeof OverviewHostJson.Type

/** What the page shows, and `GET /events` sends: the status in little room, the same size for every VPC. */
export const OverviewJson = Schema.Struct({
  ...AboutJson.fields,
  protecting: Schema.Boolean,
  restored: Schema.Boolean,
  counts: Schema.Struct({
    cidrs: Schema.Int,
    hosts: Schema.Int,
    failed_hosts: Schema.Int,
    drained_hosts: Schema.Int,
  }),
  tables: excerptOf(OverviewTableJson),
  rows: excerptOf(OverviewRowJson),
  others: excerptOf(OverviewRowJson),
  hosts: excerptOf(OverviewHostJson),
  held: excerptOf(HeldJson),
  pending: excerptOf(PendingJson),
  brake: Schema.NullOr(Schema.Struct({ ...brakeFields, shown: Schema.Array(Schema.String), left_out: LeftOut })),
  holds: Schema.Array(GuardHoldJson),
  failovers: Schema.Array(FailoverJson),
  moving: Schema.Array(Schema.String).annotate({ description: "failed hosts off which routes are still to be moved" }),
  conditions: Schema.Array(Schema.Struct({ words: Schema.String, since: Schema.String })),
  sources: SourcesJson,
  last_refresh: Schema.Struct({
    at: RefreshJson.fields.at,
    took_ms: RefreshJson.fields.took_ms,
    error: RefreshJson.fields.error,
  }),
  queue: QueueJson,
}).annotate({ identifier: "Overview" })
export type OverviewJson = typeof OverviewJson.Type

/** One event. */
export const EventJson = Schema.Struct({
  now: Schema.String.annotate({ description: "the daemon's clock" }),
  overview: OverviewJson,
}).annotate({ identifier: "Event" })
export type EventJson = typeof EventJson.Type

/** The first event of a listener, named `hello`. */
export const HelloJson = Schema.Struct({
  version: Schema.String,
  may_write: Schema.Boolean.annotate({ description: "this listener may write without a token" }),
})
export type HelloJson = typeof HelloJson.Type
