import { type Action, describe, targetWords, words } from "../../domain/Action.ts"
import type { HostVerdict } from "../../domain/Health.ts"
import { type Held, holdWords } from "../../domain/Hold.ts"
import { countsOf, type PlanReport } from "./PlanReport.ts"

/** `no_healthy_host` for `NoHealthyHost`, as the status names it. */
const named = (tag: string): string => tag.replaceAll(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase()

const writes = { CreateRoute: "create", ReplaceRoute: "replace", DeleteRoute: "delete" } as const

const changeJson = (action: Action) => ({
  write: writes[action._tag],
  table: action.table,
  cidr: action.cidr,
  urgency: action.urgency,
  before: action._tag === "CreateRoute" ? null : targetWords(action.before),
  host: action._tag === "DeleteRoute" ? null : action.host,
  interface: action._tag === "DeleteRoute" ? null : action.interfaceId,
  reason: words(action.reason),
})

const heldJson = ({ action, cidr, reason, table }: Held) => ({
  cidr,
  table: table ?? null,
  reason: named(reason._tag),
  words: holdWords(reason),
  waiting: action === undefined ? null : describe(action),
})

const hostJson = ({ host, verdict }: HostVerdict) => ({
  ip: host,
  verdict: named(verdict._tag),
  reason: verdict._tag === "Failed" ? verdict.reason : verdict._tag === "Unwatched" ? verdict.why : null,
})

/** The plan for programs. All lists have a fixed order. */
export const planJson = (report: PlanReport) => {
  const { brake, input, tables } = report
  return {
    vpc: input.vpc.id,
    simulated: input.isSimulated,
    assumed_healthy: input.assumesHealthy,
    counts: { ...countsOf(report), tables: tables.length, cidrs: input.decoded.spec.size, hosts: report.hosts.length },
    changes: report.actions.map(changeJson),
    held: report.held.map(heldJson),
    brake: brake === undefined ? null : { hash: brake.hash, deletions: brake.deletions.map(describe) },
    hosts: report.hosts.map(hostJson),
    tables: tables.map(({ id }) => id),
    warnings: report.warnings.map(({ message, option }) => ({ about: option, message })),
  }
}
