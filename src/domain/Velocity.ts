import { compareText } from "./Action.ts"
import { velocityWindow } from "./GuardPolicy.ts"
import type { Millis } from "./Health.ts"
import type { Ip } from "./Ip.ts"
import { stableHex } from "./StableHash.ts"

/** A host whose failure asks for routes to be moved. */
export interface Mover {
  readonly host: Ip
  /** When it failed: tells one failure of a host from the next. */
  readonly failedAt: Millis
}

interface Admitted extends Mover {
  /** When it was let go; `-Infinity`: by the operator, and not counted. */
  readonly at: Millis
}

/** How fast hosts are failed over. */
export interface Velocity {
  readonly admitted: ReadonlyArray<Admitted>
  /** The hosts that wait, and since when. */
  readonly waiting: ReadonlyMap<Ip, { readonly failedAt: Millis; readonly since: Millis }>
  readonly limit: number | undefined
  /** When one more may go. */
  readonly until: Millis | undefined
  /** Stands for exactly the failures that wait. */
  readonly hash: string
}

export const noVelocity: Velocity = { admitted: [], waiting: new Map(), limit: undefined, until: undefined, hash: "" }

/**
 * The limit `auto`: as many hosts as one zone can take with it, so that its loss is not held: half of the hosts, or those of
 * the fullest zone, if there are several zones; at least two.
 */
export const autoLimit = (hosts: number, zones: ReadonlyMap<string, number>): number =>
  Math.max(2, Math.ceil(hosts / 2), ...(zones.size > 1 ? zones.values() : []))

const isSame = (one: Mover) => (other: Mover) => one.host === other.host && one.failedAt === other.failedAt

/** Lets the failures go that fit, earliest first, at most `limit` in any minute; the others wait. */
export const velocityAfter = (
  before: Velocity,
  movers: ReadonlyArray<Mover>,
  limit: number | undefined,
  now: Millis,
): Velocity => {
  const counted = (at: Millis): boolean => now - at < velocityWindow
  const kept = before.admitted.filter((one) => counted(one.at) || movers.some(isSame(one)))
  if (movers.length === 0 && kept.length === 0) return noVelocity
  const known = new Set(kept.map(({ host, failedAt }) => `${host} ${failedAt}`))
  const fresh = movers
    .filter(({ host, failedAt }) => !known.has(`${host} ${failedAt}`))
    .sort((a, b) => a.failedAt - b.failedAt || compareText(a.host, b.host))
  const room = limit === undefined ? Infinity : Math.max(0, limit - kept.filter(({ at }) => counted(at)).length)
  const admitted = [...kept, ...fresh.slice(0, room).map((one) => ({ ...one, at: now }))]
  const late = fresh.slice(room)
  const waiting = new Map(
    late
      .sort((a, b) => compareText(a.host, b.host))
      .map(({ host, failedAt }) => {
        const known = before.waiting.get(host)
        return [host, { failedAt, since: known?.failedAt === failedAt ? known.since : now }]
      }),
  )
  const oldest = admitted.reduce((first, { at }) => (counted(at) ? Math.min(first, at) : first), Infinity)
  return {
    admitted,
    waiting,
    limit,
    until: waiting.size === 0 ? undefined : oldest + velocityWindow,
    hash:
      waiting.size === 0
        ? ""
        : stableHex(`velocity ${[...waiting].map(([host, { failedAt }]) => `${host} ${failedAt}`).join(" ")}`),
  }
}

/** The operator lets go all that wait. */
export const letAllGo = (velocity: Velocity): Velocity => ({
  ...noVelocity,
  limit: velocity.limit,
  admitted: [
    ...velocity.admitted,
    ...[...velocity.waiting].map(([host, { failedAt }]) => ({ host, failedAt, at: -Infinity })),
  ],
})
