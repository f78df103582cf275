import type { Millis } from "../../../src/domain/Health.ts"
import type { InstanceState, Route, Vpc } from "../../../src/domain/Vpc.ts"
import type { Call } from "./Cloud.ts"
import type { Daemon } from "./Daemon.ts"
import type { Days } from "./Days.ts"
import { isDefaultRoute } from "./Scene.ts"
import { type Evidence, keyOf, type Reading } from "./Evidence.ts"
import { down, slack } from "./Hearing.ts"
import { judgeCutOff, judgeFailover, noteFailover } from "./JudgeGuards.ts"

// Simple on purpose, and without a line of src/domain: the promises, held against what happened and what a daemon was told.

const hour: Millis = 3_600_000
/** Readings are no older. */
const stalest: Millis = 5 * 60_000

/** The static route of a cell. */
export const routeIn = (
  vpc: Vpc,
  { cidr, table }: { readonly cidr: string; readonly table: string },
): Route | undefined =>
  [...vpc.tables.values()]
    .find(({ id }) => id === table)
    ?.routes.find((route) => route.destination === cidr && route.origin !== "EnableVgwRoutePropagation")

export const interfaceIn = (route: Route | undefined): string | undefined =>
  route?.target._tag === "Interface" ? route.target.interfaceId : undefined

/** The interface that holds an address. */
const homeIn = (vpc: Vpc, host: string) =>
  [...vpc.interfaces.values()].find(({ addresses }) => addresses.some((address) => address === host))

const stateIn = (vpc: Vpc, host: string): InstanceState | undefined => {
  const instanceId = homeIn(vpc, host)?.instanceId
  return instanceId === undefined ? undefined : vpc.instances.get(instanceId)
}

/** Ours to move: made by CreateRoute, to an interface that no service owns. */
export const isOurs = (vpc: Vpc, route: Route): boolean => {
  const id = interfaceIn(route)
  if (route.origin !== "CreateRoute" || id === undefined) return false
  return [...vpc.interfaces.values()].find((one) => one.id === id)?.requesterManaged !== true
}

const within = (range: string, of: string): boolean => {
  const start = { "10.0.0.0/8": "10.", "10.200.1.0/24": "10.200.1.0/24" }[of]
  return start !== undefined && range.startsWith(start)
}

/** Destinations that the policy keeps out of our hands. */
export const isExcluded = ({ scene: { policy } }: Days, range: string): boolean =>
  policy.ignore.some((of) => within(range, of)) ||
  (policy.own.length > 0 && !policy.own.some((of) => within(range, of)))

/** Which hosts of its specs a write leads to, by what the daemon was told of interfaces. */
const hostsAt = (
  readings: ReadonlyArray<Reading>,
  hosts: Iterable<string>,
  interfaceId: string,
): ReadonlyArray<string> =>
  [...hosts].filter((host) => readings.some(({ vpc }) => homeIn(vpc, host)?.id === interfaceId))

const wantedHosts = (evidence: Evidence, range: string, now: Millis): ReadonlySet<string> =>
  new Set(evidence.specs(now).flatMap(({ wanted }) => wanted[range] ?? []))

/** Every promise about one write at the moment when it is sent. */
export const judgeSent = (days: Days, daemon: Daemon, call: Call): void => {
  const { now } = days.time
  const { evidence } = daemon
  const key = keyOf(call)
  const broken = (promise: string, words: string) =>
    days.broken(promise, `${daemon.name}, ${call.tag} ${key}: ${words}`)
  if (evidence.inFlight.has(key)) broken("one write in flight per cell", "another one is not answered yet")
  const readings = evidence.readingsAt(now)
  if (readings.length === 0) return broken("no write without a reading", "EC2 was not read yet")
  judgeCutOff(days, daemon, call)
  if (isExcluded(days, call.cidr)) broken("own routes only", "the policy takes it out of our hands")
  if (call.table === "rtb-edge") broken("own routes only", "the table is associated with a gateway")
  if (call.tag === "ReplaceRoute" || call.tag === "DeleteRoute") {
    const writtenAt = evidence.written.get(key)?.at ?? -Infinity
    const isForeign = readings.every(({ readAt, vpc }) => {
      const route = routeIn(vpc, call)
      // Its own write may have been under way when that was read, and be done since.
      return route !== undefined && !isOurs(vpc, route) && writtenAt < readAt
    })
    if (isForeign) broken("own routes only", "every reading shows a route of another kind")
  }
  if (call.interfaceId !== undefined) judgeTarget(days, daemon, call, call.interfaceId, readings, broken)
  if (call.tag === "ReplaceRoute") judgeMove(days, daemon, call, readings, broken)
}

type Broken = (promise: string, words: string) => void

const judgeTarget = (
  days: Days,
  { evidence }: Daemon,
  call: Call,
  interfaceId: string,
  readings: ReadonlyArray<Reading>,
  broken: Broken,
): void => {
  const { now } = days.time
  if (evidence.specs(now).length === 0) return broken("no write without a spec", "no spec can be in force")
  const hosts = hostsAt(readings, wantedHosts(evidence, call.cidr, now), interfaceId)
  if (hosts.length === 0) return broken("only onto hosts of the spec", `${interfaceId} belongs to none of its hosts`)
  const living = hosts.filter((host) => evidence.mayLive(host, now))
  if (living.length === 0)
    return broken("never onto a failed host", `${hosts.join(", ")} has not answered for longer than detection may take`)
  if (days.scene.healthPolicy === "AnyFails" && living.every((host) => evidence.surelyFailed(host, now)))
    return broken("never onto a failed host", `alarms or status checks say that ${living.join(", ")} failed`)
  const able = living.filter((host) => readings.some(({ vpc }) => !down.has(stateIn(vpc, host))))
  if (able.length === 0) return broken("never onto a failed host", `the instance of ${living.join(", ")} is down`)
  if (able.every((host) => evidence.isDrained(host, now)))
    return broken("never onto a drained host", `${able.join(", ")} is drained`)
  const refusedAt = evidence.refused.get(interfaceId)
  const isReread = readings.some(({ readAt }) => refusedAt !== undefined && readAt > refusedAt)
  if (refusedAt !== undefined && now - refusedAt > slack && now - refusedAt < 25_000 && !isReread)
    broken("never onto a failed host", `EC2 said that it does not know ${interfaceId}`)
  if (call.tag === "CreateRoute" && isDefaultRoute(call.cidr) && days.scene.policy.tables._tag === "Every")
    broken("no default route without --tables", "a default route is created")
}

/** A move off a host that is well needs a reason. */
const judgeMove = (days: Days, daemon: Daemon, call: Call, readings: ReadonlyArray<Reading>, broken: Broken): void => {
  const { now } = days.time
  const { evidence } = daemon
  const { truth } = days.cloud
  const route = routeIn(truth, call)
  const from = interfaceIn(route)
  if (route === undefined || from === undefined || route.state === "blackhole" || from === call.interfaceId) return
  const specs = evidence.specs(now)
  const carrier = specs[0]?.wanted[call.cidr]?.find((host) => homeIn(truth, host)?.id === from)
  if (carrier === undefined) return
  if (evidence.mayHaveFailed(carrier, now)) noteFailover(evidence, carrier, now)
  // What the daemon was told must agree with the truth, else it had a reason that was no fault of its own.
  if (specs.some(({ wanted }) => wanted[call.cidr]?.includes(carrier) !== true)) return
  const agrees = (vpc: Vpc): boolean => {
    const shown = routeIn(vpc, call)
    return (
      interfaceIn(shown) === from &&
      shown?.state === "active" &&
      homeIn(vpc, carrier)?.id === from &&
      !down.has(stateIn(vpc, carrier))
    )
  }
  if (!readings.every(({ vpc }) => agrees(vpc))) return
  if (evidence.mayBeDrained(carrier, now)) return
  const written = evidence.written.get(keyOf(call))
  if (written !== undefined && now - written.at < hour && written.interfaceId !== from) return
  // Where writes may have been done, it is not known where the tables lead, until a later reading tells that is not stale.
  const tables = [...truth.tables.keys()]
  const doubtedAt = (table: string): Millis => evidence.doubted.get(keyOf({ table, cidr: call.cidr })) ?? -Infinity
  if (tables.some((table) => now - doubtedAt(table) < stalest)) return
  // Repair towards the current host: another table leads to it.
  const shown = new Set([...tables, ...readings.flatMap(({ vpc }) => [...vpc.tables.keys()])])
  const isNamed = [...shown].some((table) => {
    const other = { table, cidr: call.cidr }
    if (table === call.table) return false
    return (
      [...readings.map(({ vpc }) => vpc), truth].some((vpc) => interfaceIn(routeIn(vpc, other)) === call.interfaceId) ||
      evidence.written.get(keyOf(other))?.interfaceId === call.interfaceId
    )
  })
  if (evidence.mayHaveFailed(carrier, now)) return isNamed ? undefined : judgeFailover(days, daemon, call, carrier)
  if (!isNamed) return broken("never off a healthy host", `${carrier} is well, and nothing asks for the move`)
  const isKnown = (vpc: Vpc): boolean =>
    // A table that is lost counts until a reading lacks it.
    [...vpc.tables.keys()].every((table) => truth.tables.has(table)) &&
    tables.every((table) => {
      const cell = { table, cidr: call.cidr }
      const isBusy = [...days.alive].some((one) => one.evidence.inFlight.has(keyOf(cell)) && table !== call.table)
      const target = interfaceIn(routeIn(truth, cell))
      // A reading that speaks against its own write may be a stale one.
      const own = evidence.written.get(keyOf(cell))
      const isOwn = own === undefined || now - own.at >= hour || own.interfaceId === target
      return !isBusy && isOwn && interfaceIn(routeIn(vpc, cell)) === target
    })
  const votes = (id: string | undefined): number =>
    [...truth.tables.values()].filter(
      ({ edge, id: table }) => !edge && interfaceIn(routeIn(truth, { table, cidr: call.cidr })) === id,
    ).length
  if (written === undefined && readings.every(({ vpc }) => isKnown(vpc)) && votes(from) > votes(call.interfaceId))
    broken("never off a healthy host", `${carrier} is well, and more tables lead to it`)
}

/** The promises about deletions. */
export const judgeDelete = (days: Days, daemon: Daemon, call: Call): void => {
  const { now } = days.time
  const { confirmed, evidence } = daemon
  const key = keyOf(call)
  const broken: Broken = (promise, words) => days.broken(promise, `${daemon.name}, DeleteRoute ${key}: ${words}`)
  const promise = "no delete that an accepted spec did not ask for"
  const accepted = evidence.specs(now).filter(({ isRestored }) => !isRestored)
  const asking = accepted.filter(({ wanted }) => (wanted[call.cidr] ?? []).length === 0)
  if (accepted.length === 0) return broken(promise, "no spec was accepted since the start")
  if (asking.length === 0) return broken(promise, "the spec names it")
  if (isDefaultRoute(call.cidr) && !days.everNamed.has(call.cidr))
    broken("protected destinations", "no spec ever named the default route")
  if (confirmed.has(key)) return
  if (asking.every(({ wanted }) => Object.keys(wanted).length === 0))
    broken("the deletion brake", "the spec is empty, and nobody confirmed")
  const destinations = new Set([call.cidr])
  // What EC2 did, of what nobody had confirmed; and this.
  for (const one of evidence.deleted)
    if (now - one.at < hour - 60_000 && asking.every(({ wanted }) => (wanted[one.cidr] ?? []).length === 0))
      destinations.add(one.cidr)
  const isSingle = asking.some(({ wanted }) => wanted[call.cidr] !== undefined)
  if (isSingle || destinations.size < 3) return
  const last = evidence.readings.at(-1)
  if (last === undefined) return
  const known = evidence.cellsNow(days.ownedIn(last.vpc), last.readAt).size
  // A reading from before the routes were written says nothing of them.
  const left = Math.max(known, days.ownedIn(days.cloud.truth).length) - 1
  const most = Math.max(...evidence.owned.filter(({ at }) => now - at < hour - 60_000).map(({ count }) => count))
  // Some cells may be on their way, and readings are stale.
  if (left + 2 < most / 2)
    broken("the deletion brake", `${destinations.size} destinations are gone, and ${left} of ${most} routes are left`)
}
