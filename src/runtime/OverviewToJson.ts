import { type Action, describe } from "../domain/Action.ts"
import type { Excerpt } from "../domain/Excerpt.ts"
import { type Held, holdKey } from "../domain/Hold.ts"
import type { Ip } from "../domain/Ip.ts"
import type { Overview, OverviewCell, OverviewRow } from "../domain/Overview.ts"
import type { HostStatus } from "../domain/Status.ts"
import type {
  OverviewCellJson,
  OverviewHostJson,
  OverviewJson,
  OverviewRowJson,
} from "../services/http/OverviewJson.ts"
import type { HeldJson } from "../services/http/StatusJson.ts"
import { isoTime } from "../services/IsoTime.ts"
import { sinceOf } from "./ConditionLog.ts"
import { guardHoldJson } from "./GuardsToJson.ts"
import type { ReconcilerOverview } from "./ReconcilerStatus.ts"
import {
  type About,
  aboutJson,
  brakeJson,
  failoverJson,
  heldJson,
  hostJson,
  pendingJson,
  queueJson,
  refreshJson,
  sourcesJson,
} from "./StatusToJson.ts"

/** How many failovers are shown, newest first. */
const mostFailovers = 12

const excerptJson = <A, B>({ leftOut, shown }: Excerpt<A>, json: (item: A) => B) => ({
  shown: shown.map(json),
  left_out: leftOut,
})

/** Hosts of a CIDR that are named. */
const mostHosts = 8
/** Characters of a sentence: one about a CIDR with a hundred hosts names them all. */
const longest = 400

const short = (words: string): string => (words.length > longest ? `${words.slice(0, longest)} …` : words)

const destination = (action: Action): string => (action._tag === "DeleteRoute" ? "delete" : action.host)

const cellJson = ({ pending, standing, status }: OverviewCell): OverviewCellJson => [
  standing,
  status?.host ?? null,
  status?.target ?? null,
  pending === undefined ? null : destination(pending),
]

const rowJson = ({ cells, cidr, hosts }: OverviewRow): OverviewRowJson => ({
  cidr,
  hosts:
    hosts === undefined ? null : { shown: hosts.slice(0, mostHosts), left_out: Math.max(0, hosts.length - mostHosts) },
  cells: cells.map(cellJson),
})

const conditionsJson = ({ conditions }: ReconcilerOverview): OverviewJson["conditions"] => {
  const ofDaemon: Array<OverviewJson["conditions"][number]> = []
  for (const { isHold, since, words } of conditions.values())
    if (!isHold) ofDaemon.push({ words, since: isoTime(since) })
  return ofDaemon
}

const countsJson = ({ counts }: Overview): OverviewJson["counts"] => ({
  cidrs: counts.cidrs,
  hosts: counts.hosts,
  failed_hosts: counts.failedHosts,
  drained_hosts: counts.drainedHosts,
})

/**
 * The overview as `GET /events` sends it. `answers`: whether the machine of an address answers, where the VPC is simulated.
 * Equal states are equal texts: nothing in it changes by time alone.
 */
export const overviewToJson = (
  state: ReconcilerOverview,
  about: About,
  answers: (host: Ip) => boolean | undefined,
): OverviewJson => {
  const { overview } = state
  const { at, error, took_ms } = refreshJson(state)
  const hostToJson = (host: HostStatus): OverviewHostJson => ({
    ...hostJson(host, state.notes),
    since: host.verdict._tag === "Unknown" ? null : isoTime(host.verdict.since),
    answers: answers(host.host) ?? null,
  })
  const holdToJson = (held: Held): HeldJson => {
    const json = heldJson(held, sinceOf(state.conditions, holdKey(held)))
    return { ...json, words: short(json.words) }
  }
  return {
    ...aboutJson(about, state),
    protecting: overview.isProtecting,
    restored: overview.isRestored,
    counts: countsJson(overview),
    tables: excerptJson(overview.tables, ({ id, main, name }) => ({ id, main, name: name ?? null })),
    rows: excerptJson(overview.rows, rowJson),
    others: excerptJson(overview.others, rowJson),
    hosts: excerptJson(overview.hosts, hostToJson),
    held: excerptJson(overview.held, holdToJson),
    pending: excerptJson(overview.pending, pendingJson),
    brake:
      overview.brake === undefined ? null : { ...brakeJson(overview.brake), ...excerptJson(overview.brake, describe) },
    holds: overview.holds.map(guardHoldJson(state.conditions)),
    failovers: state.failovers.slice(0, mostFailovers).map(failoverJson),
    moving: [...overview.moving].sort(),
    conditions: conditionsJson(state),
    sources: sourcesJson(state),
    last_refresh: { at, took_ms, error },
    queue: queueJson(state),
  }
}
