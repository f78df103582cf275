import type { Action } from "../../../domain/Action.ts"
import { familyOf } from "../../../domain/Cidr.ts"
import { type Policy, selectorWords, unmatchedSelectors } from "../../../domain/Policy.ts"
import type { RouteTable, Vpc } from "../../../domain/Vpc.ts"
import type { PrefixListSize } from "../../../services/ec2/Preflight.ts"
import { count } from "../Lines.ts"
import { fail, type Finding, ok, warn } from "./Finding.ts"

/** Routes that a table may hold by default since June 2025, and at most ("Amazon VPC quotas"): IPv4 and IPv6 apart. */
const defaultQuota = 500
const highestQuota = 1_000

/** Which tables are in scope, and whether each `--tables` names one. */
export const scopeFindings = (policy: Policy, vpc: Vpc, tables: ReadonlyArray<RouteTable>): ReadonlyArray<Finding> => {
  const edges = [...vpc.tables.values()].filter(({ edge }) => edge).length
  const left = edges === 0 ? "" : `; ${count(edges, "table")} of gateways left alone`
  return [
    tables.length === 0
      ? fail("tables", `none of the ${count(vpc.tables.size, "route table")} of ${vpc.id} is in scope`)
      : ok("tables", `${tables.length} of ${count(vpc.tables.size, "route table")} of ${vpc.id} in scope${left}`),
    ...unmatchedSelectors(policy, vpc.tables.values()).map((selector) =>
      fail("--tables", `${selectorWords(selector)} matches no route table of ${vpc.id}`),
    ),
  ]
}

interface Room {
  readonly table: string
  readonly family: 4 | 6
  /** Routes that count against the quota: propagated ones do not. */
  readonly used: number
  readonly creations: number
}

const roomOf = (
  { id, prefixListRoutes, routes }: RouteTable,
  family: 4 | 6,
  actions: ReadonlyArray<Action>,
  sizes: ReadonlyMap<string, PrefixListSize>,
): Room => {
  const own = routes.filter(
    ({ destination, origin }) => origin !== "EnableVgwRoutePropagation" && familyOf(destination) === family,
  )
  // A list whose size is not known takes one route at least.
  const entries = prefixListRoutes.reduce((sum, { prefixListId }) => {
    const size = sizes.get(prefixListId) ?? { family: 4, maxEntries: 1 }
    return size.family === family ? sum + size.maxEntries : sum
  }, 0)
  const creations = actions.filter(
    ({ _tag, cidr, table }) => _tag === "CreateRoute" && table === id && familyOf(cidr) === family,
  )
  return { table: id, family, used: own.length + entries, creations: creations.length }
}

const roomFinding = ({ creations, family, table, used }: Room): Finding | undefined => {
  const total = used + creations
  const words = `${used} IPv${family} routes and ${creations} to create`
  if (total > highestQuota) return fail(table, `no room: ${words}, and EC2 allows ${highestQuota} at most`)
  if (total > defaultQuota && used <= defaultQuota)
    return warn(table, `${words}: more than the default quota of ${defaultQuota}; has it been raised?`)
  return total > highestQuota * 0.9 ? warn(table, `${words}, of ${highestQuota} at most`) : undefined
}

/** Whether what is to be created fits; creations come before deletions. */
export const roomFindings = (
  tables: ReadonlyArray<RouteTable>,
  actions: ReadonlyArray<Action>,
  sizes: ReadonlyMap<string, PrefixListSize>,
): ReadonlyArray<Finding> => {
  const rooms = tables.flatMap((table) => ([4, 6] as const).map((family) => roomOf(table, family, actions, sizes)))
  const found = rooms.flatMap((room) => roomFinding(room) ?? [])
  const fullest = rooms.reduce<Room | undefined>(
    (most, room) => (most === undefined || room.used + room.creations > most.used + most.creations ? room : most),
    undefined,
  )
  const lists = tables.flatMap(({ prefixListRoutes }) => prefixListRoutes.map(({ prefixListId }) => prefixListId))
  const unknown = [...new Set(lists)].filter((id) => !sizes.has(id)).sort()
  return [
    ...(found.length > 0 || fullest === undefined
      ? found
      : [
          ok(
            "room",
            `the fullest table, ${fullest.table}, comes to ${fullest.used + fullest.creations} of ${defaultQuota} IPv${fullest.family} routes`,
          ),
        ]),
    ...(unknown.length === 0
      ? []
      : [warn("room", `not known how many routes these prefix lists take: ${unknown.join(", ")}`)]),
  ]
}
