import { compareText } from "./Action.ts"
import type { Able, Keeping } from "./HostStanding.ts"
import type { InterfaceId } from "./Ids.ts"
import type { Leads } from "./Lead.ts"
import type { CellContent } from "./WriteLog.ts"

/** How many tables name an interface: by an active route, by any, and by what a write without an answer may have left. */
export interface Votes {
  readonly active: number
  readonly all: number
  /** At most so many do. */
  readonly possible: number
}

export const noVotes: Votes = { active: 0, all: 0, possible: 0 }

/** What a cell may hold: what is known, and whatever writes may have left of which it is not known whether they were done. */
export const contentsOf = (cell: CellContent): ReadonlyArray<CellContent> =>
  cell.attempted === undefined
    ? [cell]
    : [cell, ...cell.attempted.map((route) => ({ present: route, believed: route }))]

/** Who has how many votes of these cells. */
export const countVotes = (cells: ReadonlyArray<CellContent>): ReadonlyMap<InterfaceId, Votes> => {
  const votes = new Map<InterfaceId, Votes>()
  for (const cell of cells) {
    const isSure = cell.attempted === undefined
    for (const { believed } of contentsOf(cell)) {
      if (believed?.owned !== true || believed.interfaceId === undefined) continue
      const { active, all, possible } = votes.get(believed.interfaceId) ?? noVotes
      votes.set(believed.interfaceId, {
        active: active + Number(isSure && !believed.blackhole),
        all: all + Number(isSure),
        possible: possible + 1,
      })
    }
  }
  return votes
}

/** The unproven host that most tables name by an active route, if they are not fewer than the `votes` of the chosen. */
export const contender = (cells: ReadonlyArray<CellContent>, leads: Leads, votes: number): Keeping | undefined => {
  const named = new Map<Keeping, number>()
  for (const cell of cells)
    for (const { believed } of contentsOf(cell)) {
      const host = believed?.owned === true && !believed.blackhole ? leads(believed) : undefined
      if (host?._tag === "Keeping") named.set(host, (named.get(host) ?? 0) + 1)
    }
  const [most] = [...named].sort(([a, m], [b, n]) => n - m || compareText(a.host, b.host))
  return most !== undefined && most[1] >= votes ? most[0] : undefined
}

/** While it is not known whether a write was done, another able host may be the one that most tables name. */
export const isInDoubt = (
  cells: ReadonlyArray<CellContent>,
  able: ReadonlyArray<Able>,
  chosen: Able,
  votes: ReadonlyMap<InterfaceId, Votes>,
  soon: number,
): boolean =>
  cells.some(({ attempted }) => attempted !== undefined) &&
  able.some(({ interfaceId }) => {
    const { possible } = votes.get(interfaceId) ?? noVotes
    return interfaceId !== chosen.interfaceId && possible > 0 && possible >= soon
  })
