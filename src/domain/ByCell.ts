import { HashMap, Option } from "effect"
import type { Cell } from "./Action.ts"
import type { Cidr } from "./Cidr.ts"
import type { RouteTableId } from "./Ids.ts"

/** Something for each of some cells, by CIDR and then by table. A value: a change costs one CIDR's row. */
export type ByCell<A> = HashMap.HashMap<Cidr, ReadonlyMap<RouteTableId, A>>

export const empty = <A>(): ByCell<A> => HashMap.empty()

/** All that is there for one CIDR. */
export const row = <A>(cells: ByCell<A>, range: Cidr): ReadonlyMap<RouteTableId, A> | undefined =>
  Option.getOrUndefined(HashMap.get(cells, range))

export const get = <A>(cells: ByCell<A>, { table, cidr }: Cell): A | undefined => row(cells, cidr)?.get(table)

/** Sets one cell, or clears it with `undefined`. */
export const set = <A>(cells: ByCell<A>, { table, cidr }: Cell, value: A | undefined): ByCell<A> => {
  const changed = new Map(row(cells, cidr))
  if (value === undefined) changed.delete(table)
  else changed.set(table, value)
  return withRow(cells, cidr, changed)
}

/** Maps every cell; `undefined` clears it. */
export const filterMap = <A, B>(cells: ByCell<A>, f: (value: A, cell: Cell) => B | undefined): ByCell<B> => {
  let after = empty<B>()
  for (const [range, values] of cells) {
    const kept = new Map<RouteTableId, B>()
    for (const [table, value] of values) {
      const next = f(value, { table, cidr: range })
      if (next !== undefined) kept.set(table, next)
    }
    after = withRow(after, range, kept)
  }
  return after
}

const withRow = <A>(cells: ByCell<A>, range: Cidr, values: ReadonlyMap<RouteTableId, A>): ByCell<A> =>
  values.size === 0 ? HashMap.remove(cells, range) : HashMap.set(cells, range, values)
