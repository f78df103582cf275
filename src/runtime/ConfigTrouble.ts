import type { Millis } from "../domain/Health.ts"
import type { SpecProblem } from "../domain/RouteSpec.ts"

/** What the config source last said, where that was no spec. */
export type ConfigTrouble = {
  readonly since: Millis
  /** A spec was accepted or restored before, and stays. */
  readonly isSpecInForce: boolean
} & (
  | { readonly _tag: "Rejected"; readonly problems: ReadonlyArray<SpecProblem> }
  | { readonly _tag: "Unreadable"; readonly why: string }
  | { readonly _tag: "Ended"; readonly why: string }
)

/** What goes on meanwhile. */
export const meanwhile = ({ isSpecInForce }: Pick<ConfigTrouble, "isSpecInForce">): string =>
  isSpecInForce ? "the last good one stays" : "nothing is protected until one is"
