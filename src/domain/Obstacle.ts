import type { Action } from "./Action.ts"
import type { Millis } from "./Health.ts"
import type { Disposition } from "./WriteFailure.ts"

/** A write that EC2 did not do. It stands in the way of the same write to the same cell until `until`. */
export interface Obstacle {
  /** The write, as {@link fingerprint}; another write to the cell is not in the way. */
  readonly write: string
  readonly disposition: Disposition
  readonly code: string
  readonly message: string
  /** Failed submissions in a row (each of which may have been retried by the executor). */
  readonly attempts: number
  readonly at: Millis
  readonly until: Millis
}

/** Which write it is, apart from its reason. */
export const fingerprint = (action: Action): string =>
  action._tag === "DeleteRoute" ? "delete" : `${action._tag} ${action.interfaceId}`

const first: Readonly<Record<Disposition, Millis>> = {
  throttled: 1_000,
  transient: 1_000,
  refresh: 1_000,
  denied: 30_000,
  full: 5 * 60_000,
  refused: 60 * 60_000,
}
const longest: Readonly<Record<Disposition, Millis>> = {
  throttled: 60_000,
  transient: 60_000,
  refresh: 60_000,
  denied: 5 * 60_000,
  full: 5 * 60_000,
  refused: 60 * 60_000,
}
/** A failover is worth a call more often: traffic is being lost. */
const longestForFailover: Millis = 5_000

/** The obstacle after one more failure of `action`. */
export const obstacle = (
  before: Obstacle | undefined,
  action: Action,
  failure: { readonly disposition: Disposition; readonly code: string; readonly message: string },
  at: Millis,
): Obstacle => {
  const write = fingerprint(action)
  const attempts = before?.write === write && before.disposition === failure.disposition ? before.attempts + 1 : 1
  const { disposition } = failure
  const cap =
    action.urgency === "failover" &&
    (disposition === "throttled" || disposition === "transient" || disposition === "refresh")
      ? longestForFailover
      : longest[disposition]
  const wait = Math.min(cap, first[disposition] * 2 ** Math.min(attempts - 1, 10))
  return { write, disposition, code: failure.code, message: failure.message, attempts, at, until: at + wait }
}

/** Whether the obstacle stands in the way of `action` at `now`. */
export const blocks = (stands: Obstacle | undefined, action: Action, now: Millis): stands is Obstacle =>
  stands !== undefined && stands.write === fingerprint(action) && now < stands.until
