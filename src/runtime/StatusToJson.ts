import { DateTime } from "effect"
import { type Action, compareText, describe } from "../domain/Action.ts"
import type { Failover } from "../domain/Failover.ts"
import type { Millis, Verdict } from "../domain/Health.ts"
import { type Held, holdKey, type HoldReason, holdWords } from "../domain/Hold.ts"
import { encodeRouteSpec } from "../domain/RouteSpec.ts"
import type { CellStatus, HostStatus, TableStatus } from "../domain/Status.ts"
import type { HostNotes } from "../services/health/HealthSource.ts"
import type {
  BrakeJson,
  CellJson,
  FailedWriteJson,
  FailoverJson,
  HeldJson,
  HostJson,
  PendingJson,
  QueueJson,
  RefreshJson,
  SourcesJson,
  StatusJson,
  TableJson,
} from "../services/http/StatusJson.ts"
import { sinceOf } from "./ConditionLog.ts"
import type { DaemonState, ReconcilerStatus } from "./ReconcilerStatus.ts"

/** What the status says of the process itself. */
export interface About {
  readonly version: string
  readonly mode: string
  readonly vpc: string | undefined
  readonly simulated: boolean
  readonly dryRun: boolean
}

export const time = (millis: Millis): string => DateTime.formatIso(DateTime.makeUnsafe(Math.round(millis)))
export const timeOrNull = (millis: Millis | undefined): string | null =>
  millis === undefined || !Number.isFinite(millis) ? null : time(millis)

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

const tableJson = ({ id, main, cells }: TableStatus): TableJson => ({ id, main, cells: cells.map(cellJson) })

/** The cell that stands for its CIDR: its target is what most tables name; ties by text. */
const mostNamed = (cells: ReadonlyArray<CellStatus>): CellStatus | undefined => {
  const times = new Map<string, number>()
  for (const { target } of cells) times.set(target, (times.get(target) ?? 0) + 1)
  return [...cells].sort(
    (a, b) => (times.get(b.target) ?? 0) - (times.get(a.target) ?? 0) || compareText(a.target, b.target),
  )[0]
}

const routesOf = (tables: ReadonlyArray<TableStatus>): StatusJson["routes"] => {
  const carrying = tables.flatMap(({ cells }) =>
    cells.filter(({ owned, inSpec, state }) => owned && inSpec && state === "active"),
  )
  return Object.fromEntries(
    [...Map.groupBy(carrying, ({ cidr }) => cidr)]
      .sort(([a], [b]) => compareText(a, b))
      .map(([cidr, cells]) => {
        const cell = mostNamed(cells)
        return [cidr, [cell?.host ?? null, cell?.instanceId ?? null, cell?.interfaceId ?? null] as const]
      }),
  )
}

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
  since: time(host.verdict.since),
  reason: reasonOf(host.verdict) ?? null,
  able: host.able,
  why: host.why ?? null,
  notes: notes.get(host.host) ?? [],
  drained: host.drained,
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
  Contended: "contended",
  WriteFailed: "write_failed",
  DeletionBrake: "deletion_brake",
}

export const heldJson = (held: Held, since: Millis | undefined): HeldJson => ({
  cidr: held.cidr,
  table: held.table ?? null,
  reason: holdNames[held.reason._tag],
  words: holdWords(held.reason),
  since: timeOrNull(since),
  until: timeOrNull(held.until),
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
    const when = { since: timeOrNull(since(one)), retry_at: timeOrNull(until) }
    return [{ ...writeJson(action), disposition, code, message, attempts, ...when }]
  })

const brakeJson = (hash: string | undefined, held: ReadonlyArray<Held>): BrakeJson | null =>
  hash === undefined
    ? null
    : {
        hash,
        deletions: held.flatMap(({ action, reason }) =>
          reason._tag === "DeletionBrake" && action !== undefined ? [describe(action)] : [],
        ),
      }

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
  silent_since: timeOrNull(silentSince),
  failed_at: time(failedAt),
  first_write_at: timeOrNull(firstWriteAt),
  last_write_at: timeOrNull(lastWriteAt),
  verified_at: timeOrNull(more.verifiedAt),
  moved,
  silent_ms: silentSince === undefined ? null : tenth(failedAt - silentSince),
  first_write_ms: firstWriteAt === undefined ? null : tenth(firstWriteAt - failedAt),
  last_write_ms: lastWriteAt === undefined ? null : tenth(lastWriteAt - failedAt),
})

export const sourcesJson = ({ config, health }: DaemonState): SourcesJson => {
  const { trouble } = config
  const told = {
    name: config.name,
    since: timeOrNull(trouble?.since),
    problems: trouble?._tag === "Rejected" ? trouble.problems.map(({ path, message }) => ({ path, message })) : [],
  }
  const down = health.state._tag === "Down" ? health.state.why : null
  return {
    config:
      trouble === undefined
        ? { ...told, state: "ok", why: null }
        : trouble._tag === "Rejected"
          ? { ...told, state: "rejected", why: "the spec was not accepted; the last good one stays" }
          : { ...told, state: trouble._tag === "Ended" ? "ended" : "unreadable", why: trouble.why },
    health: {
      name: health.name,
      state: down === null ? "up" : "down",
      since: time(health.state.since),
      why: down,
      policy: health.policy ?? null,
      checks: health.standings.map(({ bound, name, state }) => ({
        name,
        state: state._tag === "Up" ? "up" : "down",
        since: time(state.since),
        why: state._tag === "Down" ? state.why : null,
        bound_ms: bound === undefined ? null : tenth(bound),
      })),
    },
  }
}

export const refreshJson = ({ now, refresh: { last, failing } }: DaemonState): RefreshJson => ({
  at: timeOrNull(last?.readAt),
  took_ms: last === undefined ? null : tenth(last.took),
  age_ms: last === undefined ? null : tenth(now - last.readAt),
  error:
    failing === undefined
      ? null
      : {
          since: time(failing.since),
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

/** The status as `GET /status` shows it. Everything in it comes sorted from the domain, newest failovers first. */
export const statusToJson = (status: ReconcilerStatus, about: About): StatusJson => {
  const since = (held: Held) => sinceOf(status.conditions, holdKey(held))
  const hosts = status.hosts.map((host) => hostJson(host, status.notes))
  const failed = status.hosts.flatMap(({ host, verdict }) =>
    verdict._tag === "Failed" ? [{ ip: host, since: time(verdict.since), reason: verdict.reason }] : [],
  )
  const pending = status.pending.map(pendingJson)
  const failures = failedWrites(status.held, since)
  const held = status.held.map((one) => heldJson(one, since(one)))
  const countOf = (kind: HeldJson["reason"]): number => held.filter(({ reason }) => reason === kind).length
  return {
    version: about.version,
    mode: about.mode,
    vpc: about.vpc ?? null,
    simulated: about.simulated,
    dry_run: about.dryRun,
    started_at: time(status.startedAt),
    now: time(status.now),
    protecting: status.spec !== undefined,
    restored: status.isRestored,
    drained: status.drained,
    route_spec: encodeRouteSpec(status.spec ?? new Map()),
    failed_ips: failed.map(({ ip }) => ip),
    routes: routesOf(status.tables),
    counts: {
      cidrs: status.spec?.size ?? 0,
      hosts: hosts.length,
      failed_hosts: failed.length,
      held: held.length,
      conflicts: countOf("conflict"),
      contended: countOf("contended"),
      failed_writes: failures.length,
      pending: pending.length,
    },
    failed_hosts: failed,
    hosts,
    tables: status.tables.map(tableJson),
    conditions: [...status.conditions.values()].flatMap(({ isHold, since, words }) =>
      isHold ? [] : [{ words, since: time(since) }],
    ),
    held,
    brake: brakeJson(status.brake, status.held),
    pending,
    failed_writes: failures,
    failovers: status.failovers.map(failoverJson),
    sources: sourcesJson(status),
    last_refresh: refreshJson(status),
    queue: queueJson(status),
  }
}
