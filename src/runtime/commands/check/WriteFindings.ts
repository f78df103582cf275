import { Effect } from "effect"
import type { Cell } from "../../../domain/Action.ts"
import { type Cidr, cidr } from "../../../domain/Cidr.ts"
import type { InterfaceId } from "../../../domain/Ids.ts"
import type { RouteTable } from "../../../domain/Vpc.ts"
import { Preflight, type TrialWrite, trialWrites, type WriteTrial } from "../../../services/ec2/Preflight.ts"
import type { PlanReport } from "../PlanReport.ts"
import { deniedWords } from "./Denied.ts"
import { fail, type Finding, ok, skip, warn } from "./Finding.ts"

/** For documentation (RFC 5737): nobody's network, so that no real route is named where none would be written. */
const nobodys = cidr("192.0.2.0/24")

/** Dry runs take from the same buckets as the writes of a daemon that runs: 50, and 5 a second each. */
const burst = 20
const pace = "500 millis"

/** The write that the plan would make, or one like it. */
const cellFor = ({ actions }: PlanReport, table: RouteTable, operation: TrialWrite): Cell => {
  const planned = actions.find((action) => action._tag === operation && action.table === table.id)
  const standing = table.routes.find(({ origin, target }) => origin === "CreateRoute" && target._tag !== "Other")
  const range: Cidr = planned?.cidr ?? (operation === "CreateRoute" ? nobodys : (standing?.destination ?? nobodys))
  return { table: table.id, cidr: range }
}

const finding = (table: RouteTable, operation: TrialWrite, trial: WriteTrial): ReadonlyArray<Finding> => {
  switch (trial._tag) {
    case "Allowed":
      return []
    case "Denied":
      return [fail(table.id, deniedWords(trial.error, `route-table/${table.id}`))]
    case "Unclear":
      return [warn(table.id, `the dry run of ${operation} says neither yes nor no: ${trial.why}`)]
  }
}

/** Tries each write on each table, by a dry run, a few at once and then slowly. */
export const writeFindings = Effect.fnUntraced(function* (
  report: PlanReport,
  interfaceId: InterfaceId | undefined,
  untried: string | undefined,
): Effect.fn.Return<ReadonlyArray<Finding>, never, Preflight> {
  const { tables } = report
  if (tables.length === 0) return []
  if (untried !== undefined) return [skip("writing", `skipped: ${untried}`)]
  if (interfaceId === undefined)
    return [skip("writing", "skipped: the VPC has no interface that a route could lead to")]
  const { tryWrite } = yield* Preflight
  const findings: Array<Finding> = []
  let allowed = 0
  for (const [at, table] of tables.entries()) {
    if (at >= burst) yield* Effect.sleep(pace)
    const trials = yield* Effect.forEach(
      trialWrites,
      (operation) =>
        Effect.map(tryWrite(operation, cellFor(report, table, operation), interfaceId), (trial) =>
          finding(table, operation, trial),
        ),
      { concurrency: "unbounded" },
    )
    const found = trials.flat()
    if (found.length === 0) allowed++
    findings.push(...found)
  }
  const all = trialWrites.join(", ")
  return allowed === 0
    ? findings
    : [...findings, ok("writing", `allowed by dry runs in ${allowed} of ${tables.length} tables: ${all}`)]
})
