import { type Held, holdWords } from "../../../domain/Hold.ts"
import { count } from "../Lines.ts"
import { countsOf, type PlanReport } from "../PlanReport.ts"
import { fail, type Finding, ok, warn } from "./Finding.ts"

const place = ({ cidr, table }: Held): string => (table === undefined ? cidr : `${cidr} in ${table}`)

const heldFinding = (held: Held): Finding => {
  const isBlocking = held.reason._tag === "NoHealthyHost" || held.reason._tag === "HealthUnknown"
  return (isBlocking ? fail : warn)(
    place(held),
    `${held.action === undefined ? "" : "held: "}${holdWords(held.reason)}`,
  )
}

/** What of the spec could not be done, and what else the first pass would do to the tables. */
export const routeFindings = (report: PlanReport): ReadonlyArray<Finding> => {
  const { brake, held } = report
  const counts = countsOf(report)
  const deletions = count(counts.delete, "route")
  return [
    ...held.map(heldFinding),
    ...(counts.delete === 0
      ? []
      : [
          warn(
            "deletions",
            brake === undefined
              ? `${deletions} that the spec does not ask for would be deleted: vpc-router plan shows which`
              : `the deletion of ${deletions} would be held until it is confirmed: vpc-router plan shows which`,
          ),
        ]),
    ...(held.length === 0
      ? [
          ok(
            "routes",
            `every CIDR of the spec can be carried; ${counts.create} to create, ${counts.replace} to replace`,
          ),
        ]
      : []),
  ]
}
