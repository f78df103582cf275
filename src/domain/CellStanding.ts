import type { HostStanding } from "./HostStanding.ts"
import type { CellStatus } from "./Status.ts"
import type { Ip } from "./Ip.ts"

/**
 * How a cell is, at a glance:
 *
 * - `healthy`: carried by a host of the spec that may take routes.
 * - `unproven`: carried by a host of the spec that is neither healthy nor failed.
 * - `drained`, `failed`: carried by a host of the spec that is to lose its routes.
 * - `blackhole`: EC2 shows that its target is gone.
 * - `stray`: ours and in the spec, but it leads to none of the spec's hosts.
 * - `unlisted`: ours, but not in the spec.
 * - `foreign`: somebody else's, never touched.
 * - `missing`: in the spec, and there is no route.
 * - `empty`: nothing, and nothing is asked for.
 */
export const cellStandings = [
  "healthy",
  "unproven",
  "drained",
  "failed",
  "blackhole",
  "stray",
  "unlisted",
  "foreign",
  "missing",
  "empty",
] as const
export type CellStanding = (typeof cellStandings)[number]

const ofHost = (standing: HostStanding): CellStanding => {
  switch (standing._tag) {
    case "Able":
      return "healthy"
    case "Keeping":
      return "unproven"
    case "Losing":
      return standing.reason._tag === "HostDrained" ? "drained" : "failed"
  }
}

/** The standing of a cell whose CIDR the spec gives to `hosts`; undefined: the spec does not name it, or withdraws it. */
export const cellStanding = (
  cell: CellStatus | undefined,
  hosts: ReadonlyArray<Ip> | undefined,
  standingOf: (host: Ip) => HostStanding,
): CellStanding => {
  const isAsked = hosts !== undefined && hosts.length > 0
  if (cell === undefined) return isAsked ? "missing" : "empty"
  if (!cell.owned) return "foreign"
  if (!isAsked) return "unlisted"
  if (cell.state === "blackhole") return "blackhole"
  return cell.host !== undefined && hosts.includes(cell.host) ? ofHost(standingOf(cell.host)) : "stray"
}
