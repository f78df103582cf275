import type { StatusJson } from "../../services/http/StatusJson.ts"
import { type Alarm, alarmsOf } from "./Alarms.ts"
import { count } from "./Lines.ts"

/** What has been told of a daemon so far. */
export interface Told {
  readonly alarms: ReadonlyMap<string, Alarm>
  readonly failovers: ReadonlySet<string>
}

/** The news since `before` (undefined: everything is news), each a line, and what has been told then. */
export const statusChanges = (
  before: Told | undefined,
  status: StatusJson,
): readonly [told: Told, lines: ReadonlyArray<string>] => {
  const alarms = new Map(alarmsOf(status).map((alarm) => [alarm.key, alarm]))
  // One that still goes on is told when its last route is written.
  const ended = status.counts.pending > 0 ? [] : status.failovers.filter(({ moved }) => moved > 0)
  const failovers = new Map(
    ended.map(({ failed_at, host, last_write_ms, moved }) => [
      `${host} ${failed_at}`,
      `failover of ${host}: ${count(moved, "route")} moved, the last ${Math.round(last_write_ms ?? 0)} ms after the verdict`,
    ]),
  )
  const began = [...alarms.values()].filter(({ key }) => before?.alarms.has(key) !== true)
  const over = [...(before?.alarms.values() ?? [])].filter(({ key }) => !alarms.has(key))
  const moved = [...failovers]
    .toReversed()
    .flatMap(([key, words]) => (before?.failovers.has(key) === false ? [words] : []))
  const lines = [...began.map(({ words }) => words), ...moved, ...over.map(({ words }) => `over: ${words}`)]
  const isWell = alarms.size === 0 && (before === undefined || before.alarms.size > 0)
  const { counts } = status
  const well = `all is well: ${count(counts.cidrs, "CIDR")}, ${count(counts.hosts, "host")}`
  return [
    { alarms, failovers: new Set([...(before?.failovers ?? []), ...failovers.keys()]) },
    isWell ? [...lines, well] : lines,
  ]
}
