import { ip } from "../../../src/domain/Ip.ts"
import type { Daemon, Status } from "./Daemon.ts"
import type { Days } from "./Days.ts"
import { interfaceIn, isExcluded, isOurs, routeIn } from "./Judge.ts"
import { isDefaultRoute } from "./Scene.ts"

/** These pass by themselves, and something is written then. */
const passing: ReadonlySet<string> = new Set([
  "AfterCutOff",
  "Contended",
  "FailoverLimit",
  "FirstAnswer",
  "MonitorCutOff",
  "Unanswered",
  "WriteFailed",
])

/** What keeps the tables from being as they should be, by the truth of the VPC; `status` only where a hold must have its name. */
export const unsettled = (days: Days, daemon: Daemon, status: Status): ReadonlyArray<string> => {
  const { cloud, scene, wanted } = days
  const { truth } = cloud
  const { now } = days.time
  const faults = status.held
    .filter(({ reason }) => passing.has(reason._tag))
    .map(({ cidr, reason, table }) => `${cidr} in ${table ?? "all tables"} is held: ${reason._tag}`)
  const isHeld = (table: string, range: string, ...reasons: ReadonlyArray<string>): boolean =>
    status.held.some((one) => one.cidr === range && (one.table ?? table) === table && reasons.includes(one.reason._tag))
  const all = new Set(Object.values(wanted).flat())
  const isUp = (host: string): boolean => cloud.simulation.answersUnsafe(ip(host))
  const isMass = [...all].filter((host) => !isUp(host)).length > all.size / 3
  const interfaceFor = (host: string): string | undefined =>
    [...truth.interfaces.values()].find(({ addresses }) => addresses.some((address) => address === host))?.id
  const tables = [...truth.tables.values()].filter(({ edge }) => !edge)
  for (const [range, hosts] of Object.entries(wanted)) {
    if (isExcluded(days, range) || hosts.length === 0) continue
    const eligible = hosts.filter((host) => isUp(host) && !daemon.evidence.mayBeDrained(host, now))
    // After two daemons wrote over each other's state nobody knows whether a host is drained: then it may carry, and need not.
    const able = hosts.filter((host) => isUp(host) && !daemon.evidence.isDrained(host, now))
    const ends = new Set<string>()
    for (const { id } of tables) {
      const route = routeIn(truth, { table: id, cidr: range })
      const carrier = interfaceIn(route)
      if (route !== undefined && !isOurs(truth, route)) continue
      if (isDefaultRoute(range) && scene.policy.tables._tag === "Every" && route === undefined) continue
      if (eligible.length === 0) continue
      if (carrier !== undefined && route?.state === "active" && able.some((host) => interfaceFor(host) === carrier)) {
        ends.add(carrier)
        continue
      }
      if (isMass && isHeld(id, range, "MassFailure")) continue
      faults.push(`${range} in ${id} leads to ${carrier ?? "nothing"}, and ${eligible.join(", ")} could carry it`)
    }
    if (ends.size > 1) faults.push(`${range} leads to ${[...ends].sort().join(" and ")}`)
  }
  for (const { id, routes } of tables)
    for (const route of routes) {
      const range = route.destination
      if ((wanted[range] ?? []).length > 0 || isExcluded(days, range) || !isOurs(truth, route)) continue
      if (isHeld(id, range, "DeletionBrake")) continue
      if (isDefaultRoute(range) && isHeld(id, range, "Protected")) continue
      faults.push(`${range} in ${id} is not in the spec and still there`)
    }
  return faults
}
