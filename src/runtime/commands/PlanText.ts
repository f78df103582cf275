import { type Action, compareText, targetWords, words } from "../../domain/Action.ts"
import type { HostVerdict } from "../../domain/Health.ts"
import { type Held, holdWords } from "../../domain/Hold.ts"
import type { RouteTable } from "../../domain/Vpc.ts"
import { blank, count, type Line, line, span, table } from "./Lines.ts"
import { countsOf, type PlanReport } from "./PlanReport.ts"

const actionRow = (action: Action): Line => {
  const why = span(words(action.reason), "faint")
  switch (action._tag) {
    case "CreateRoute":
      return [span("+", "good"), span(action.cidr), span(`→ ${action.host} (${action.interfaceId})`, "good"), why]
    case "ReplaceRoute":
      return [
        span("~", "warn"),
        span(action.cidr),
        span(`${targetWords(action.before)} → ${action.host} (${action.interfaceId})`, "warn"),
        why,
      ]
    case "DeleteRoute":
      return [span("-", "bad"), span(action.cidr), span(targetWords(action.before), "bad"), why]
  }
}

const heldRow = ({ action, cidr, reason }: Held): Line => [
  span("!", "warn"),
  span(cidr),
  span(action === undefined ? "held" : `${action._tag === "DeleteRoute" ? "deletion" : "write"} held`, "warn"),
  span(holdWords(reason)),
]

interface Entry {
  readonly cidr: string
  readonly row: Line
}

const sorted = (entries: ReadonlyArray<Entry>): ReadonlyArray<Line> =>
  [...entries].sort((a, b) => compareText(a.cidr, b.cidr)).map(({ row }) => row)

const tableTitle = ({ id, main, tags }: RouteTable): Line => {
  const name = tags.get("Name")
  const notes = [...(main ? ["main"] : []), ...(name === undefined || name === "" ? [] : [JSON.stringify(name)])]
  return [span(id, "strong"), span(notes.length === 0 ? "" : ` (${notes.join(", ")})`)]
}

const tableRows = ({ actions, held }: PlanReport, id: string): ReadonlyArray<Line> =>
  sorted([
    ...actions.filter((one) => one.table === id).map((one) => ({ cidr: one.cidr, row: actionRow(one) })),
    ...held.filter((one) => one.table === id).map((one) => ({ cidr: one.cidr, row: heldRow(one) })),
  ])

const tableLines = (report: PlanReport): ReadonlyArray<Line> => {
  const parts = report.tables.map((one) => ({ title: tableTitle(one), rows: tableRows(report, one.id) }))
  const quiet = parts.filter(({ rows }) => rows.length === 0)
  return [
    ...parts.flatMap(({ rows, title }) => (rows.length === 0 ? [] : [blank, title, ...table(rows)])),
    ...(quiet.length === 0 || quiet.length === parts.length
      ? []
      : [
          blank,
          line(`Nothing to do in ${quiet.map(({ title }) => title.map(({ text }) => text).join("")).join(", ")}`),
        ]),
  ]
}

const section = (title: string, rows: ReadonlyArray<Line>): ReadonlyArray<Line> =>
  rows.length === 0 ? [] : [blank, line(title, "strong"), ...table(rows)]

const hostRow = ({ host, verdict }: HostVerdict): ReadonlyArray<Line> => {
  switch (verdict._tag) {
    case "Healthy":
      return []
    case "Failed":
      return [[span(host), span("failed", "bad"), span(verdict.reason)]]
    case "Unknown":
      return [[span(host), span("unknown", "warn"), span("it did not answer; one that is silent gains no route")]]
    case "Unwatched":
      return [[span(host), span("unwatched", "warn"), span(verdict.why)]]
  }
}

const head = ({ hosts, input, tables }: PlanReport): ReadonlyArray<Line> => {
  const healthy = hosts.filter(({ verdict }) => verdict._tag === "Healthy").length
  const how = input.assumesHealthy ? "taken for healthy" : `${healthy} healthy`
  const { size } = input.decoded.spec
  return [
    line(
      `${input.vpcWords}: ${count(tables.length, "route table")} in scope; the spec has ${count(size, "CIDR")} on ${count(hosts.length, "host")}${hosts.length === 0 ? "" : ` (${how})`}`,
    ),
  ]
}

const foot = (report: PlanReport): ReadonlyArray<Line> => {
  const { brake } = report
  const counts = countsOf(report)
  const held = counts.held === 0 ? "" : `; ${counts.held} held`
  const changes = `${counts.create} to create, ${counts.replace} to replace, ${counts.delete} to delete`
  return [
    blank,
    report.actions.length === 0
      ? line(`Nothing to write${held}.`, "strong")
      : line(`Plan: ${changes}${held}. Nothing was written.`, "strong"),
    ...(brake === undefined
      ? []
      : [
          line(
            `The daemon would hold ${count(brake.deletions.length, "deletion")} until confirmed: POST /held/${brake.hash}/confirm`,
            "warn",
          ),
        ]),
  ]
}

/** The plan as a diff, table by table. */
export const planText = (report: PlanReport): ReadonlyArray<Line> => [
  ...report.warnings.map(({ message, option }) => line(`warning: ${option}: ${message}`, "warn")),
  ...head(report),
  ...tableLines(report),
  ...section(
    "In every table",
    sorted(report.held.flatMap((one) => (one.table === undefined ? [{ cidr: one.cidr, row: heldRow(one) }] : []))),
  ),
  ...section("Hosts", report.hosts.flatMap(hostRow)),
  ...foot(report),
]
