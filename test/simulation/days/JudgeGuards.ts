import type { Millis } from "../../../src/domain/Health.ts"
import type { Call } from "./Cloud.ts"
import type { Daemon, Status } from "./Daemon.ts"
import type { Days } from "./Days.ts"
import type { Evidence } from "./Evidence.ts"
import { slack } from "./Hearing.ts"

// The promises of docs/guards.md, by what bystanders heard. Work in proportion to the hosts, once a write.

const second: Millis = 1_000
const minute: Millis = 60_000

/** So long it takes at most until all know that nobody answers. */
const surelyKnown: Millis = second
/** Those that fall silent within this time are told to be a crowd before any of them has failed. */
const atOnce: Millis = 200
/** Hosts fail together within this time; here half of it, as failures are found at different moments. */
const together: Millis = 5 * second
/** Who failed so long ago bears on nothing. */
const longAgo: Millis = minute
/** After a time in which nobody was heard, hosts have so long to answer. */
const settle: Millis = 3_500

/** Only these are surely failed by their probes alone, and by all of them. */
const isJudged = ({ scene }: Days): boolean => scene.sources > 0 && scene.alarms === undefined && !scene.asksForStatus

/** The hosts that were in every spec that may have been in force since then, and those that were in any. */
const hostsSince = (evidence: Evidence, since: Millis, now: Millis) => {
  const claims = evidence.claims.filter(({ from, until }) => from <= now && until + slack >= since)
  const sets = claims.map(({ wanted }) => new Set(Object.values(wanted).flat()))
  const any = new Set(sets.flatMap((set) => [...set]))
  return { any, always: [...any].filter((host) => sets.every((set) => set.has(host))), sets }
}

/** Nothing at all is written while the monitor is cut off, unless the operator set its anchors aside. */
export const judgeCutOff = (days: Days, { evidence, name }: Daemon, call: Call): void => {
  const { anchors } = days.scene
  if (anchors.length === 0) return
  const { now } = days.time
  const since = evidence.allSilentSince(anchors, now)
  if (since === undefined || now - since < surelyKnown || !evidence.isUndisturbed(since - second)) return
  // One that had failed counts again when it is healthy, not by a single answer.
  if (anchors.every((anchor) => evidence.wellAt(anchor) <= evidence.anchorsAsideAt + slack)) return
  const lasted = `no anchor has answered for ${now - since} ms`
  days.broken("nothing is written while cut off", `${name}, ${call.tag} ${call.cidr} in ${call.table}: ${lasted}`)
}

/** A route is moved off a host, for which nothing but its failure can be the reason. */
export const judgeFailover = (days: Days, daemon: Daemon, call: Call, host: string): void => {
  if (!isJudged(days)) return
  const { now } = days.time
  const { evidence, name } = daemon
  const silence = evidence.silence(host, now)
  if (silence === undefined) return
  const broken = (promise: string, words: string): void =>
    days.broken(promise, `${name}, ${call.tag} ${call.cidr} in ${call.table} off ${host}: ${words}`)
  if (!evidence.isUndisturbed(silence.from - 15 * second)) return
  if (evidence.letGo.mayBe(host, silence.from))
    return days.cover(`moved as it was let go${evidence.letGo.isOld(host) ? " before a restart" : ""}`)
  const mass = massOf(days, evidence, host, silence)
  const gap = gapOf(days, daemon, silence)
  const crowd = crowdOf(days, evidence, host, silence.from)
  if (mass !== undefined) broken("hosts that fail together keep their routes", mass)
  if (gap !== undefined) broken("hosts have a moment to answer after a gap", gap)
  if (crowd !== undefined) broken("the failover limit", crowd)
}

type Silence = NonNullable<ReturnType<Evidence["silence"]>>

/** Whether more than two thirds fell silent together, in more than one zone, and none of them was let go. */
const massOf = (days: Days, evidence: Evidence, host: string, { from, wasWell }: Silence): string | undefined => {
  const { now } = days.time
  const { zoneOf } = days.scene
  const { always, any } = hostsSince(evidence, from - 15 * second, now)
  const silent = new Map<string, Millis>()
  for (const one of always) {
    const silence = evidence.silence(one, now)
    if (silence === undefined || Math.abs(silence.from - from) > together) continue
    // Who was never heard fails for another reason, at another time.
    if (silence.wasWell !== wasWell || (!wasWell && evidence.heardAt(one) > -Infinity)) continue
    if (one === host || !evidence.letGo.mayBe(one, silence.from)) silent.set(one, silence.from)
  }
  // That a single one misses probes is nobody's business before it has failed.
  const isKnown = (one: string, at: Millis): boolean =>
    now - at >= surelyKnown || [...silent].some(([other, then]) => other !== one && Math.abs(then - at) <= atOnce)
  const lost = [...silent].flatMap(([one, at]) => (isKnown(one, at) ? [one] : []))
  if (!lost.includes(host)) return undefined
  const others = [...any].filter((one) => !lost.includes(one) && evidence.heardAt(one) > from - longAgo)
  const of = lost.length + others.length
  if (of < 3 || lost.length * 3 <= of * 2 || new Set(lost.map((one) => zoneOf.get(one))).size < 2) return undefined
  return `${lost.length} of ${of} hosts fell silent together, and nobody let that go`
}

/** Whether the network was gone when it fell silent, for all, and came back a moment ago. */
const gapOf = (
  days: Days,
  { evidence, weather: [weather, another] }: Daemon,
  { from }: Silence,
): string | undefined => {
  if (weather === undefined || another !== undefined || weather.isCutOff) return undefined
  const { now } = days.time
  const { cutFrom, cutUntil } = weather
  if (from < cutFrom || from > cutUntil || now > cutUntil + settle - slack) return undefined
  const { always, any } = hostsSince(evidence, cutFrom - 15 * second, now)
  const bearing = [...any].filter((one) => evidence.heardAt(one) > cutFrom - longAgo)
  const lost = always.filter((one) => evidence.fellSilentIn(one, cutFrom, cutUntil))
  if (lost.length < 2 || bearing.some((one) => !lost.includes(one))) return undefined
  return `the network was gone for ${cutUntil - cutFrom} ms, and is back for ${now - cutUntil} ms`
}

/** A route is moved off a host that may have failed, and perhaps for that: one that fails once more within the minute is not counted. */
export const noteFailover = ({ failedOver }: Evidence, host: string, now: Millis): void => {
  const known = failedOver.get(host)
  if (known === undefined || now - known.at > minute - slack) failedOver.set(host, { from: -Infinity, at: now })
}

/** Whether more hosts were failed over within a minute than the limit `auto` allows. */
const crowdOf = (days: Days, evidence: Evidence, host: string, from: Millis): string | undefined => {
  const { now } = days.time
  if (evidence.failedOver.get(host)?.at === now) evidence.failedOver.set(host, { from, at: now })
  // All of these failed, and were let go, within this minute.
  const moved = [...evidence.failedOver.values()].filter((one) => one.from > now - minute + slack).length
  const limit = Math.max(3, ...hostsSince(evidence, now - minute, now).sets.map((hosts) => limitOf(days, hosts)))
  return moved <= limit ? undefined : `${moved} hosts were failed over within a minute, and ${limit} may be`
}

/** Half of the hosts, or all of the fullest zone. */
const limitOf = ({ scene: { zoneOf } }: Days, hosts: ReadonlySet<string>): number => {
  const zones = new Map<string | undefined, number>()
  for (const host of hosts) zones.set(zoneOf.get(host), (zones.get(zoneOf.get(host)) ?? 0) + 1)
  return Math.max(Math.ceil(hosts.size / 2), ...zones.values())
}

/** What the operator let go is held by no guard again, until its host is healthy. */
export const judgeHolds = (days: Days, { evidence, name }: Daemon, { holds }: Status): void => {
  if (!isJudged(days)) return
  const { now } = days.time
  for (const { hosts, kind } of holds)
    for (const host of kind === "MassFailure" || kind === "FailoverLimit" ? hosts : []) {
      const since = evidence.letGo.surelySince(host, now)
      if (since === undefined || !evidence.isUndisturbed(since - second)) continue
      const from = evidence.silence(host, now)?.from
      // It left the spec meanwhile, or began to be watched only now.
      if (from === undefined || !hostsSince(evidence, since, now).always.includes(host)) continue
      if (!evidence.letGo.isOld(host) && from > since) continue
      days.broken("what was let go stays let go", `${name} holds ${host} by ${kind}, let go ${now - since} ms ago`)
    }
}
