// What each host carries, as far as the topology shows it.

/** @import { OverviewJson, OverviewRowJson } from "../OverviewJson.ts" */
/** @import { CellStanding } from "../../../domain/CellStanding.ts" */

/**
 * @typedef {object} Carried
 * @property {number} routes
 * @property {number} moving routes of these that a write leads elsewhere
 * @property {ReadonlyArray<OverviewRowJson>} rows
 */

/** @type {Carried} */
const nothing = { routes: 0, moving: 0, rows: [] }

/** Routes that are not ours, or are on nobody's list, are no matter of the host's. @type {ReadonlySet<CellStanding>} */
const uncounted = new Set(/** @type {const} */ (["foreign", "unlisted"]))

/** Whether the topology shows all there is. @param {OverviewJson} overview */
export const isWhole = ({ rows, tables }) => rows.left_out + tables.left_out === 0

/** @param {OverviewJson} overview @returns {(host: string) => Carried} */
export const carriedBy = ({ rows }) => {
  /** @type {Map<string, { routes: number, moving: number, rows: Array<OverviewRowJson> }>} */
  const carried = new Map()
  for (const row of rows.shown)
    for (const [standing, host, , to] of row.cells) {
      if (host === null || uncounted.has(standing)) continue
      const found = carried.get(host) ?? { routes: 0, moving: 0, rows: [] }
      found.routes++
      if (to !== null) found.moving++
      if (found.rows.at(-1) !== row) found.rows.push(row)
      carried.set(host, found)
    }
  return (host) => carried.get(host) ?? nothing
}
