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
 * the fullest zone, if there are several zones; at least three, since of few hosts many are no sign.
 */
export const autoLimit = (hosts: number, zones: ReadonlyMap<string, number>): number =>
  Math.max(3, Math.ceil(hosts / 2), ...(zones.size > 1 ? zones.values() : []))

/**
 * Lets the failures go that fit, earliest first: those of `limit` different hosts in any minute; the others wait. A host that was
 * let go within the minute is not counted again when it fails again.
 */
export const velocityAfter = (
  before: Velocity,
  movers: ReadonlyArray<Mover>,
  limit: number | undefined,
  now: Millis,
): Velocity => {
  const counted = (at: Millis): boolean => now - at < velocityWindow
  const moving = new Map(movers.map(({ host, failedAt }) => [host, failedAt]))
  const kept = new Map<Ip, Admitted>()
  for (const one of before.admitted) {
    const failedAt = moving.get(one.host)
    if (counted(one.at)) kept.set(one.host, { ...one, failedAt: failedAt ?? one.failedAt })
    else if (failedAt === one.failedAt) kept.set(one.host, one)
  }
  if (movers.length === 0 && kept.size === 0) return noVelocity
  const fresh = movers
    .filter(({ host }) => !kept.has(host))
    .sort((a, b) => a.failedAt - b.failedAt || compareText(a.host, b.host))
  const used = [...kept.values()].filter(({ at }) => counted(at)).length
  const room = limit === undefined ? Infinity : Math.max(0, limit - used)
  const admitted = [...kept.values(), ...fresh.slice(0, room).map((one) => ({ ...one, at: now }))]
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
