import { Data } from "effect"
import { type Cidr, containedInAny } from "./Cidr.ts"
import type { GuardPolicy } from "./GuardPolicy.ts"
import type { RouteTableId } from "./Ids.ts"
import type { RouteTable } from "./Vpc.ts"

/** One `--tables` entry. */
export type TableSelector = Data.TaggedEnum<{
  Id: { readonly id: RouteTableId }
  Tag: { readonly key: string; readonly value: string }
  Main: {}
}>
export const TableSelector = Data.taggedEnum<TableSelector>()

/**
 * Which tables are in scope. `Every` is the default; `All` is the operator's own word `--tables all`: the same tables,
 * but then default routes may be created in them. Tables with edge associations are never in scope.
 */
export type TableScope = Data.TaggedEnum<{
  Every: {}
  All: {}
  Named: { readonly selectors: ReadonlyArray<TableSelector> }
}>
export const TableScope = Data.taggedEnum<TableScope>()

/** What the operator allows: `--tables`, `--own`, `--ignore-routes`. */
export interface Policy {
  readonly tables: TableScope
  /** Only destinations inside these ranges are ours; empty means all. */
  readonly own: ReadonlyArray<Cidr>
  /** Destinations inside these ranges are left alone, also from being created. */
  readonly ignore: ReadonlyArray<Cidr>
  /** When not to act. Where it is missing: the defaults. */
  readonly guards?: GuardPolicy
}

export const defaultPolicy: Policy = { tables: TableScope.Every(), own: [], ignore: [] }

const selects = (selector: TableSelector, table: RouteTable): boolean =>
  TableSelector.$match(selector, {
    Id: ({ id }) => table.id === id,
    Tag: ({ key, value }) => table.tags.get(key) === value,
    Main: () => table.main,
  })

/** Whether the table may be written at all. */
export const inScope = (policy: Policy, table: RouteTable): boolean =>
  !table.edge &&
  (policy.tables._tag !== "Named" || policy.tables.selectors.some((selector) => selects(selector, table)))

/** Whether default routes may be created: only where the operator named the tables, so that a typo opens no subnet. */
export const allowsDefaultRoutes = (policy: Policy): boolean => policy.tables._tag !== "Every"

/** Why a destination is out of our hands, if it is. */
export const exclusion = (policy: Policy, range: Cidr): "ignored" | "not-owned" | undefined =>
  containedInAny(policy.ignore, range)
    ? "ignored"
    : policy.own.length > 0 && !containedInAny(policy.own, range)
      ? "not-owned"
      : undefined

/** A selector as it is written in `--tables`. */
export const selectorWords = (selector: TableSelector): string =>
  TableSelector.$match(selector, {
    Id: ({ id }) => id,
    Tag: ({ key, value }) => `tag:${key}=${value}`,
    Main: () => "main",
  })

/** The selectors that match no table of the VPC that may be in scope: most likely typos. */
export const unmatchedSelectors = (policy: Policy, tables: Iterable<RouteTable>): ReadonlyArray<TableSelector> => {
  const all = [...tables].filter(({ edge }) => !edge)
  return policy.tables._tag === "Named"
    ? policy.tables.selectors.filter((selector) => !all.some((table) => selects(selector, table)))
    : []
}
