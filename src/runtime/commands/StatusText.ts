import type { StatusJson } from "../../services/http/StatusJson.ts"
import { ago, spanWords } from "./Ages.ts"
import { type Alarm, alarmsOf } from "./Alarms.ts"
import { blank, count, type Line, line, span, table, type Tone } from "./Lines.ts"

/** Failovers that are shown, newest first. */
const shownFailovers = 5

const section = (title: string, rows: ReadonlyArray<Line>): ReadonlyArray<Line> =>
  rows.length === 0 ? [] : [blank, line(title, "strong"), ...table(rows)]

const header = ({ dry_run, mode, now, simulated, started_at, version, vpc }: StatusJson): Line => [
  span(`vpc-router ${version}`, "strong"),
  span(`, mode ${mode}, ${simulated ? "the simulated " : ""}${vpc ?? "no VPC"}, `),
  span(`up ${spanWords(Date.parse(now) - Date.parse(started_at))}`),
  ...(dry_run ? [span(", "), span("dry run: nothing is written", "warn")] : []),
]

const summary = ({ counts, last_refresh, now, restored, tables }: StatusJson): Line => {
  const failing = last_refresh.error
  return [
    span(
      `${count(counts.cidrs, "CIDR")}, ${count(counts.hosts, "host")}, ${count(tables.length, "route table")}; EC2 read `,
    ),
    span(ago(last_refresh.at, now), failing === null ? "plain" : "bad"),
    ...(last_refresh.took_ms === null ? [] : [span(` in ${Math.round(last_refresh.took_ms)} ms`)]),
    ...(counts.pending === 0 ? [] : [span(`; ${count(counts.pending, "write")} under way`, "warn")]),
    ...(restored ? [span("; the spec is from before a restart, so that nothing is deleted", "warn")] : []),
  ]
}

/** Hosts and holds have sections of their own. */
const verdict = (alarms: ReadonlyArray<Alarm>): ReadonlyArray<Line> => {
  if (alarms.length === 0) return [line("All is well.", "good")]
  const about = (what: Alarm["about"]) => alarms.filter((alarm) => alarm.about === what)
  const [daemon, hosts, unwatched, holds] = [about("daemon"), about("host"), about("unwatched"), about("hold")]
  const counts = [
    ...(hosts.length === 0 ? [] : [`${count(hosts.length, "host")} failed`]),
    ...(unwatched.length === 0 ? [] : [`${count(unwatched.length, "host")} unwatched`]),
    ...(holds.length === 0 ? [] : [`${holds.length} held`]),
  ]
  return [...daemon.map(({ words }) => words), ...(counts.length === 0 ? [] : [counts.join(", ")])].map((words) => [
    span("Attention: ", "bad"),
    span(words, "bad"),
  ])
}

/** How many cells of the spec lead to each host. */
const carried = ({ tables }: StatusJson): ReadonlyMap<string, number> => {
  const routes = new Map<string, number>()
  for (const { cells } of tables)
    for (const { in_spec, ip, owned } of cells)
      if (in_spec && owned && ip !== null) routes.set(ip, (routes.get(ip) ?? 0) + 1)
  return routes
}

const tones: Readonly<Record<StatusJson["hosts"][number]["verdict"], Tone>> = {
  healthy: "good",
  unknown: "warn",
  unwatched: "warn",
  failed: "bad",
}

const hostRows = (status: StatusJson): ReadonlyArray<Line> => {
  const routes = carried(status)
  return status.hosts.map(({ damped_until, drained, interface: eni, ip, notes, reason, since, verdict, why }) => [
    span(ip),
    drained ? span(`${verdict}, drained`, "warn") : span(verdict, tones[verdict]),
    span(`since ${ago(since, status.now)}`.replace(/ ago$/, "")),
    span(count(routes.get(ip) ?? 0, "route")),
    span(eni ?? "not in the VPC", eni === null ? "bad" : "faint"),
    span(
      [reason ?? why ?? [], notes, damped_until === null ? [] : ["relapsed: chosen last"]].flat().join("; "),
      "warn",
    ),
  ])
}

const policyWords = ({ sources: { health } }: StatusJson): string =>
  health.policy === null ? "" : ` (a host fails by ${health.policy})`

/** Several checks, or one that is out of order. */
const checkRows = ({ now, sources }: StatusJson): ReadonlyArray<Line> => {
  const { checks } = sources.health
  if (checks.length < 2 && checks.every(({ state }) => state === "up")) return []
  return checks.map(({ bound_ms, name, since, state, why }) => [
    span(name),
    span(state, state === "up" ? "good" : "bad"),
    span(`since ${ago(since, now)}`.replace(/ ago$/, "")),
    span(bound_ms === null ? "" : `finds a dead host within ${Math.round(bound_ms)} ms`, "faint"),
    span(why ?? "", "warn"),
  ])
}

const routeRows = ({ route_spec, routes, tables }: StatusJson): ReadonlyArray<Line> =>
  Object.entries(route_spec).map(([cidr, hosts]) => {
    const [ip, instance, eni] = routes[cidr] ?? [null, null, null]
    const cells = tables.map(({ cells }) => cells.find((cell) => cell.cidr === cidr))
    const there = cells.filter((cell) => cell?.owned === true)
    const dead = there.filter((cell) => cell?.state === "blackhole").length
    const differs = there.some((cell) => cell?.interface !== eni)
    const some = there.length === tables.length ? "every table" : `${there.length} of ${tables.length} tables`
    const notes = [dead === 0 ? [] : [count(dead, "blackhole")], differs ? ["tables differ"] : []].flat()
    const withdrawn = hosts.length === 0
    return [
      span(cidr),
      ip === null ? span(withdrawn ? "withdrawn" : "no route", withdrawn ? "faint" : "bad") : span(`→ ${ip}`),
      span([eni, instance].filter((id) => id !== null).join(" "), "faint"),
      span(ip === null ? "" : `in ${some}`, there.length === tables.length ? "plain" : "warn"),
      span(notes.join(", "), "bad"),
    ]
  })

const heldRows = ({ held, now }: StatusJson): ReadonlyArray<Line> =>
  held.map(({ cidr, since, table, words }) => [
    span(cidr),
    span(table ?? "every table"),
    span(since === null ? "" : spanWords(Date.parse(now) - Date.parse(since)), "faint"),
    span(words, "warn"),
  ])

const took = (millis: number | null): string =>
  millis === null ? "nothing written" : `last write after ${Math.round(millis)} ms`

const failoverRows = ({ failovers, now }: StatusJson): ReadonlyArray<Line> => [
  ...failovers
    .slice(0, shownFailovers)
    .map(({ failed_at, host, last_write_ms, moved, why }) => [
      span(ago(failed_at, now)),
      span(host),
      span(`${count(moved, "route")} moved`),
      span(took(last_write_ms)),
      span(why, "faint"),
    ]),
  ...(failovers.length > shownFailovers ? [line(`and ${failovers.length - shownFailovers} before`, "faint")] : []),
]

const between = (from: string, to: string): string => spanWords(Date.parse(to) - Date.parse(from))

const untilWords = (until: string | null, now: string): string =>
  until === null ? "" : `; looked at again in ${between(now, until)}`

/** What guards hold, apart from deletions. */
const guardLines = ({ holds, now }: StatusJson): ReadonlyArray<Line> =>
  holds
    .filter(({ kind }) => kind !== "deletion_brake")
    .flatMap(({ hash, since, until, words }) => [
      blank,
      line(`${words}${since === null ? "" : `, for ${between(since, now)}`}${untilWords(until, now)}`, "bad"),
      line(`POST /held/${hash}/confirm lets it go`, "warn"),
    ])

const brakeLines = ({ brake }: StatusJson): ReadonlyArray<Line> =>
  brake === null
    ? []
    : [
        blank,
        line(
          `${count(brake.deletions.length, "deletion waits", "deletions wait")} for you: POST /held/${brake.hash}/confirm`,
          "warn",
        ),
      ]

/** The status as text. What needs attention comes first. */
export const statusText = (status: StatusJson): ReadonlyArray<Line> => [
  header(status),
  summary(status),
  ...verdict(alarmsOf(status)),
  ...section("Routes", routeRows(status)),
  ...section("Hosts", hostRows(status)),
  ...section(`Checks${policyWords(status)}`, checkRows(status)),
  ...section("Held", heldRows(status)),
  ...guardLines(status),
  ...brakeLines(status),
  ...section("Failovers", failoverRows(status)),
]
