import { type Action, describe } from "../domain/Action.ts"
import type { Brake } from "../domain/DeletionBrake.ts"
import type { Failover } from "../domain/Failover.ts"
import type { Millis, Verdict } from "../domain/Health.ts"
import { causeWords, type Held, holdKey, type HoldReason, holdWords } from "../domain/Hold.ts"
import type { RouteSpec } from "../domain/RouteSpec.ts"
import type { CellStatus, HostStatus, TableStatus } from "../domain/Status.ts"
import type { HostNotes } from "../services/health/HealthSource.ts"
import type { HeldDeletionsJson } from "../services/http/ControlPlane.ts"
import { Each, Fields, type Lazy, Members } from "../services/http/LazyJson.ts"
import type {
  AboutJson,
  CellJson,
  FailedWriteJson,
  FailoverJson,
  HeldJson,
  HostJson,
  PendingJson,
  QueueJson,
  RefreshJson,
  RouteJson,
  RouteSpecJson,
  SourcesJson,
  StatusJson,
  TableJson,
} from "../services/http/StatusJson.ts"
import { isoTime, isoTimeOrNull } from "../services/IsoTime.ts"
import { sinceOf } from "./ConditionLog.ts"
import { anchorJson, guardHoldJson } from "./GuardsToJson.ts"
import { meanwhile } from "./ConfigTrouble.ts"
import type { DaemonState, ReconcilerStatus } from "./ReconcilerStatus.ts"

/** What the status says of the process itself. */
export interface About {
  readonly version: string
  readonly mode: string
  readonly vpc: string | undefined
  readonly simulated: boolean
  readonly dryRun: boolean
}

/** The first words of status and overview. */
export const aboutJson = (about: About, { startedAt }: Pick<DaemonState, "startedAt">): AboutJson => ({
  version: about.version,
  mode: about.mode,
  vpc: about.vpc ?? null,
  simulated: about.simulated,
  dry_run: about.dryRun,
  started_at: isoTime(startedAt),
})

/** To a tenth: of milliseconds, or of a token. */
const tenth = (value: number): number => Math.round(value * 10) / 10

const cellJson = (cell: CellStatus): CellJson => ({
  cidr: cell.cidr,
  ip: cell.host ?? null,
  instance: cell.instanceId ?? null,
  interface: cell.interfaceId ?? null,
  target: cell.target,
  state: cell.state,
  owned: cell.owned,
  in_spec: cell.inSpec,
})

/** Made as it is written, item by item. */
const each = <A, B>(items: Iterable<A>, make: (item: A) => Lazy<B>): Each<B> =>
  new Each({ [Symbol.iterator]: () => Iterator.from(items).map(make) })

const tableJson = ({ id, main, cells }: TableStatus): Lazy<TableJson> =>
  new Fields<TableJson>({ id, main, cells: each(cells, cellJson) })

const routeJson = ({ cidr, host, instanceId, interfaceId }: CellStatus): readonly [string, RouteJson] => [
  cidr,
  [host ?? null, instanceId ?? null, interfaceId ?? null],
]

/** The spec as the JSON object that it is read from. */
export const routeSpecJson = (spec: RouteSpec | undefined): Lazy<RouteSpecJson> =>
  new Members<ReadonlyArray<string>>(spec ?? [])

export const verdictNames = {
  Unknown: "unknown",
  Healthy: "healthy",
  Failed: "failed",
  Unwatched: "unwatched",
} as const

const reasonOf = (verdict: Verdict): string | undefined => {
  switch (verdict._tag) {
    case "Failed":
      return verdict.reason
    case "Unwatched":
      return verdict.why
    case "Unknown":
    case "Healthy":
      return undefined
  }
}

export const hostJson = (host: HostStatus, notes: HostNotes): HostJson => ({
  ip: host.host,
  verdict: verdictNames[host.verdict._tag],
  since: isoTime(host.verdict.since),
  reason: reasonOf(host.verdict) ?? null,
  able: host.able,
  why: host.why ?? null,
  notes: notes.get(host.host) ?? [],
  drained: host.drained,
  damped_until: isoTimeOrNull(host.dampedUntil),
  interface: host.interfaceId ?? null,
  instance: host.instanceId ?? null,
  source_dest_check: host.sourceDestCheck ?? null,
})

/** The kinds of holds by the names that status and metrics give them. */
export const holdNames: Readonly<Record<HoldReason["_tag"], HeldJson["reason"]>> = {
  NoHealthyHost: "no_healthy_host",
  HealthUnknown: "health_unknown",
  Unproven: "unproven",
  FirstAnswer: "first_answer",
  Conflict: "conflict",
  Blackhole: "blackhole",
  DefaultRoute: "default_route",
  Ignored: "ignored",
  NotOwned: "not_owned",
  Protected: "protected",
  Restored: "restored",
  InterfaceUnseen: "interface_unseen",
  Unanswered: "unanswered",
  Contended: "contended",
  WriteFailed: "write_failed",
  DeletionBrake: "deletion_brake",
  MonitorCutOff: "monitor_cut_off",
  AfterCutOff: "after_cut_off",
  MassFailure: "mass_failure",
  FailoverLimit: "failover_limit",
}

export const heldJson = (held: Held, since: Millis | undefined): HeldJson => ({
  cidr: held.cidr,
  table: held.table ?? null,
  reason: holdNames[held.reason._tag],
  words: holdWords(held.reason),
  since: isoTimeOrNull(since),
  until: isoTimeOrNull(held.until),
  waiting: held.action === undefined ? null : describe(held.action),
  hash: held.reason._tag === "DeletionBrake" ? held.reason.hash : null,
})

export const writeNames = { CreateRoute: "create", ReplaceRoute: "replace", DeleteRoute: "delete" } as const

const writeJson = (action: Action): Pick<PendingJson, "cidr" | "table" | "write" | "words"> => ({
  cidr: action.cidr,
  table: action.table,
  write: writeNames[action._tag],
  words: describe(action),
})

export const pendingJson = (action: Action): PendingJson => ({
  ...writeJson(action),
  urgency: action.urgency,
  host: action._tag === "DeleteRoute" ? null : action.host,
  interface: action._tag === "DeleteRoute" ? null : action.interfaceId,
})

const failedWrites = (held: ReadonlyArray<Held>, since: (held: Held) => Millis | undefined): Array<FailedWriteJson> =>
  held.flatMap((one) => {
    const { action, reason, until } = one
    if (reason._tag !== "WriteFailed" || action === undefined) return []
    const { disposition, code, message, attempts } = reason
    const when = { since: isoTimeOrNull(since(one)), retry_at: isoTimeOrNull(until) }
    return [{ ...writeJson(action), disposition, code, message, attempts, ...when }]
  })

export const brakeJson = ({ cause, hash }: Pick<Brake, "cause" | "hash">) => ({ hash, why: causeWords[cause] })

/** As the answer to a spec tells of them. */
export const heldDeletionsJson = (brake: Brake | undefined): HeldDeletionsJson | null =>
  brake === undefined
    ? null
    : { ...brakeJson(brake), deletions: brake.deletions.length, confirm: `POST /held/${brake.hash}/confirm` }

export const failoverJson = ({
  failedAt,
  firstWriteAt,
  lastWriteAt,
  moved,
  silentSince,
  ...more
}: Failover): FailoverJson => ({
  host: more.host,
  why: more.why,
  silent_since: isoTimeOrNull(silentSince),
  failed_at: isoTime(failedAt),
  first_write_at: isoTimeOrNull(firstWriteAt),
  last_write_at: isoTimeOrNull(lastWriteAt),
  verified_at: isoTimeOrNull(more.verifiedAt),
  moved,
  silent_ms: silentSince === undefined ? null : tenth(failedAt - silentSince),
  first_write_ms: firstWriteAt === undefined ? null : tenth(firstWriteAt - failedAt),
  last_write_ms: lastWriteAt === undefined ? null : tenth(lastWriteAt - failedAt),
})

export const sourcesJson = ({ config, health }: DaemonState): SourcesJson => {
  const { trouble } = config
  const told = {
    name: config.name,
    since: isoTimeOrNull(trouble?.since),
    problems: trouble?._tag === "Rejected" ? trouble.problems.map(({ path, message }) => ({ path, message })) : [],
  }
  const down = health.state._tag === "Down" ? health.state.why : null
  return {
    config:
      trouble === undefined
        ? { ...told, state: "ok", why: null }
        : trouble._tag === "Rejected"
          ? { ...told, state: "rejected", why: `the spec was not accepted; ${meanwhile(trouble)}` }
          : { ...told, state: trouble._tag === "Ended" ? "ended" : "unreadable", why: trouble.why },
    health: {
      name: health.name,
      state: down === null ? "up" : "down",
      since: isoTime(health.state.since),
      why: down,
      policy: health.policy ?? null,
      checks: health.standings.map(({ bound, falseFailovers, heldUp, name, state }) => ({
        name,
        state: state._tag === "Up" ? "up" : "down",
        since: isoTime(state.since),
        why: state._tag === "Down" ? state.why : null,
        bound_ms: bound === undefined ? null : tenth(bound),
        false_failovers_a_day: falseFailovers === undefined ? null : Number(falseFailovers.toPrecision(2)),
        held_up:
          heldUp === undefined
            ? null
            : { times: heldUp.times, ms: tenth(heldUp.millis), last_at: isoTime(heldUp.last.to), why: heldUp.last.why },
      })),
    },
  }
}

export const refreshJson = ({ now, refresh: { last, failing } }: DaemonState): RefreshJson => ({
  at: isoTimeOrNull(last?.readAt),
  took_ms: last === undefined ? null : tenth(last.took),
  age_ms: last === undefined ? null : tenth(now - last.readAt),
  error:
    failing === undefined
      ? null
      : {
          since: isoTime(failing.since),
          attempts: failing.attempts,
          operation: failing.error.operation,
          code: failing.error.code,
          message: failing.error.message,
        },
})

export const queueJson = ({ queue: { queued, inFlight, tokens } }: DaemonState): QueueJson => ({
  queued: queued.length,
  in_flight: inFlight.length,
  tokens: {
    create: tenth(tokens.CreateRoute),
    replace: tenth(tokens.ReplaceRoute),
    delete: tenth(tokens.DeleteRoute),
  },
})

/**
 * The status as `GET /status` shows it; what may be long is made as it is written. Everything in it comes sorted from the
 * domain, newest failovers first.
 */
export const statusToJson = (status: ReconcilerStatus, about: About): Lazy<StatusJson> => {
  const since = (held: Held) => sinceOf(status.conditions, holdKey(held))
  const failures = failedWrites(status.held, since)
  const countOf = (kind: HoldReason["_tag"]): number =>
    status.held.reduce((count, { reason }) => count + (reason._tag === kind ? 1 : 0), 0)
  return new Fields<StatusJson>({
    ...aboutJson(about, status),
    now: isoTime(status.now),
    protecting: status.spec !== undefined,
    restored: status.isRestored,
    drained: status.drained,
    route_spec: routeSpecJson(status.spec),
    failed_ips: each(status.failed, ({ host }) => host),
    routes: new Members<RouteJson>({ [Symbol.iterator]: () => Iterator.from(status.carried).map(routeJson) }),
    counts: {
      cidrs: status.spec?.size ?? 0,
      hosts: status.hostCount,
      failed_hosts: status.failed.length,
      held: status.held.length,
      conflicts: countOf("Conflict"),
      contended: countOf("Contended"),
      failed_writes: failures.length,
      pending: status.pending.length,
    },
    failed_hosts: each(status.failed, ({ host, verdict }) => ({
      ip: host,
      since: isoTime(verdict.since),
      reason: verdict.reason,
    })),
    hosts: each(status.hosts, (host) => hostJson(host, status.notes)),
    tables: each(status.tables, tableJson),
    conditions: [...status.conditions.values()].flatMap(({ isHold, since, words }) =>
      isHold ? [] : [{ words, since: isoTime(since) }],
    ),
    held: each(status.held, (one) => heldJson(one, since(one))),
    brake:
      status.brake === undefined
        ? null
        : { ...brakeJson(status.brake), deletions: status.brake.deletions.map(describe) },
    holds: status.holds.map(guardHoldJson(status.conditions)),
    anchors: status.anchors.map(anchorJson),
    pending: each(status.pending, pendingJson),
    failed_writes: failures,
    failovers: status.failovers.map(failoverJson),
    sources: sourcesJson(status),
    last_refresh: refreshJson(status),
    queue: queueJson(status),
  })
}
