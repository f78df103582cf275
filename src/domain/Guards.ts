import { HashMap, Option } from "effect"
import { type Anchors, type CutOff, cutOffAfter } from "./Anchors.ts"
import { type Confirmations, confirmationsLeft, isConfirmed } from "./Confirmed.ts"
import { dampedUntil, type Flaps, flapsLeft } from "./Damping.ts"
import { defaultGuards, massWindow } from "./GuardPolicy.ts"
import type { Millis } from "./Health.ts"
import { HoldReason, holdWords } from "./Hold.ts"
import { type Hush, hushAfter } from "./Hush.ts"
import type { Ip } from "./Ip.ts"
import { type MassFailure, massAfter, massEndsAt, type Witness } from "./MassFailure.ts"
import { noVelocity, type Velocity } from "./Velocity.ts"
import type { World } from "./World.ts"

/** A failure that is new, or held. */
export interface Failure {
  readonly since: Millis
  readonly silentSince: Millis | undefined
  /** From when it counts: `since`, or when what held it ended. */
  readonly at: Millis
}

/** What holds a host's failure, and until when, if that is known. */
export interface Withheld {
  readonly reason: HoldReason
  readonly until?: Millis | undefined
}

/** All hosts failed, several of them together: nobody is heard. Since when the first of them failed. */
type Dark = { readonly from: Millis }

/** The time after a cut, the dark or a hush in which hosts may answer before failures from that time count. */
interface Settling {
  readonly from: Millis
  readonly heardAt: Millis
  readonly until: Millis
}

/** What the guards know, and what follows from it as of the last decision. */
export interface Guards {
  readonly anchors: Anchors
  readonly cutOff: CutOff | undefined
  readonly settling: Settling | undefined
  readonly dark: Dark | undefined
  readonly hush: Hush | undefined
  readonly mass: MassFailure | undefined
  /** Failed hosts whose failure is new or held. */
  readonly failing: ReadonlyMap<Ip, Failure>
  /** Failures that the operator confirmed: no guard holds them any more. */
  readonly confirmed: Confirmations
  readonly flaps: Flaps
  readonly velocity: Velocity
  /** Failed hosts that are treated as if nothing were known of them. */
  readonly withheld: ReadonlyMap<Ip, Withheld>
  /** Hosts that are chosen after all others, and until when. */
  readonly damped: ReadonlyMap<Ip, Millis>
}

export const noGuards: Guards = {
  anchors: new Map(),
  cutOff: undefined,
  settling: undefined,
  dark: undefined,
  hush: undefined,
  mass: undefined,
  failing: new Map(),
  confirmed: new Map(),
  flaps: new Map(),
  velocity: noVelocity,
  withheld: new Map(),
  damped: new Map(),
}

/** A lost probe to the last anchor that answers is asked again within this time; a cut that is no longer was none. */
const oneLostProbe: Millis = 250

/** Whether no host answers of those that did a short while ago, two or more, and all have failed. */
const darkAfter = ({ cidrsOf, guards, health }: World, now: Millis): Dark | undefined => {
  let from = guards.dark?.from ?? Infinity
  let together = 0
  if (guards.failing.size === 0 && guards.dark === undefined) return undefined
  for (const [host, verdict] of health) {
    if (verdict._tag === "Healthy") return undefined
    const failure = guards.failing.get(host)
    if (failure === undefined || !cidrsOf.has(host) || now - failure.since >= massWindow) continue
    together++
    from = Math.min(from, failure.since)
  }
  return guards.dark ?? (together >= 2 ? { from } : undefined)
}

/** Whether a cut ends now, and was one: the operator may have set the anchors aside, so that none counts any more. */
const endsCut = ({ anchors, cutOff: before }: Guards, cutOff: CutOff | undefined, now: Millis): boolean =>
  before !== undefined &&
  cutOff === undefined &&
  now - before.since > oneLostProbe &&
  [...anchors.values()].some(({ counts }) => counts)

/** What nobody, or hardly anybody, was heard in. */
type Silence = Pick<Guards, "cutOff" | "dark" | "hush">

const settlingAfter = (
  { guards, policy }: World,
  now: Millis,
  { cutOff, dark, hush }: Silence,
): Settling | undefined => {
  if (cutOff !== undefined) return undefined
  const present = guards.settling !== undefined && now < guards.settling.until ? guards.settling : undefined
  const ended = [
    ...(guards.cutOff !== undefined && endsCut(guards, cutOff, now) ? [guards.cutOff.since] : []),
    ...(guards.dark !== undefined && dark === undefined ? [guards.dark.from] : []),
    ...(guards.hush !== undefined && hush === undefined ? [guards.hush.from] : []),
  ]
  if (ended.length === 0) return present
  const from = Math.min(...ended, present?.from ?? Infinity)
  return { from, heardAt: now, until: now + (policy.guards ?? defaultGuards).settle }
}

/** Whether the cut holds this failure: it was reached since the cut began, and by probes from before its end. */
const isOfCut = ({ since, silentSince = since }: Failure, cutOff: CutOff | undefined, settling: Settling | undefined) =>
  cutOff !== undefined
    ? since >= cutOff.since
    : settling !== undefined && since >= settling.from && silentSince < settling.heardAt

/** What the cut, or the time after it, holds failures by. */
const cutHold = (cutOff: CutOff | undefined, settling: Settling | undefined): Withheld | undefined => {
  if (cutOff !== undefined) return { reason: HoldReason.MonitorCutOff({ hash: cutOff.hash, anchors: cutOff.anchors }) }
  return settling === undefined ? undefined : { reason: HoldReason.AfterCutOff(), until: settling.until }
}

/** Where a host's interface is. */
export const zoneOf = ({ reading }: World, host: Ip): string | undefined => {
  const interfaceId = reading?.index.interfaceOf.get(host)
  return interfaceId === undefined ? undefined : reading?.index.vpc.interfaces.get(interfaceId)?.zone
}

/** Every host that failed a short while ago, is silent or answers. What the operator confirmed bears on nothing any more. */
const witnessesOf = (
  world: World,
  cutOff: CutOff | undefined,
  failing: ReadonlyMap<Ip, Failure>,
  held: ReadonlyMap<Ip, unknown>,
  now: Millis,
) => {
  const { confirmed, mass } = world.guards
  const witnesses: Array<Witness> = []
  const add = (host: Ip, state: Witness["state"], since: Millis) =>
    witnesses.push({ host, zone: zoneOf(world, host), state, since })
  for (const [host, verdict] of world.health) {
    if (verdict._tag === "Healthy") add(host, verdict.silentSince === undefined ? "answering" : "silent", verdict.since)
    const failure = failing.get(host)
    if (failure === undefined || isConfirmed(confirmed, host, failure.since)) continue
    // The time after the dark comes on top of the hold that the dark brought about: it must not be forgotten meanwhile. Nor during a
    // cut what was held before it: the cut holds only what fails in it.
    const isOfMass = mass?.hosts.get(host) === failure.since && (cutOff === undefined || !held.has(host))
    if (isOfMass || (!held.has(host) && now - failure.at < massWindow)) add(host, "failed", failure.since)
    // Who has a moment to answer does not answer: others that are lost meanwhile are lost with it.
    else if (held.has(host) && cutOff === undefined) add(host, "silent", failure.since)
  }
  return witnesses
}

/**
 * Whether so many may be lost at all, by numbers at hand: if even all that failed of late and all that are silent are
 * few, nobody need be looked at. A host's failure must not cost work for all other hosts.
 */
const mayBeMany = ({ census }: World, failing: number, share: number): boolean => {
  const lost = failing + census.silent
  return lost > share * (lost + census.answering)
}

/**
 * While the monitor is cut off no hush ends: it hears nobody. The time after a cut is the time after the hush, too. A single host
 * that misses probes begins none.
 */
const hushOf = (world: World, cutOff: CutOff | undefined, share: number, now: Millis): Hush | undefined => {
  const { failing, hush } = world.guards
  if (hush === undefined && world.census.silent < 2) return undefined
  if (endsCut(world.guards, cutOff, now)) return undefined
  const present = mayBeMany(world, failing.size, share)
    ? hushAfter(hush, witnessesOf(world, cutOff, failing, new Map(), now), share, now)
    : undefined
  return present ?? (cutOff === undefined ? undefined : hush)
}

/** What holds failures already, if it is the same: then nothing has changed for these hosts. */
const asBefore = (withheld: Guards["withheld"], now: Withheld | undefined): Withheld | undefined => {
  for (const before of withheld.values())
    if (before.reason._tag === now?.reason._tag)
      return before.until === now.until && holdWords(before.reason) === holdWords(now.reason) ? before : now
  return now
}

function* changedKeys<A>(before: ReadonlyMap<Ip, A>, after: ReadonlyMap<Ip, A>): Generator<Ip> {
  for (const host of before.keys()) if (!after.has(host)) yield host
  for (const [host, value] of after) if (before.get(host) !== value) yield host
}

const dampedAt = ({ cidrsOf, guards: { flaps }, policy }: World, now: Millis): ReadonlyMap<Ip, Millis> => {
  const first = (policy.guards ?? defaultGuards).damping
  const damped = new Map<Ip, Millis>()
  if (first === undefined) return damped
  for (const [host, flap] of flaps) {
    const until = dampedUntil(flap, first)
    if (until !== undefined && now < until && cidrsOf.has(host)) damped.set(host, until)
  }
  return damped
}

/** The world as its guards see it at `now`, and the hosts whose standing that may change. The same again changes nothing. */
export const guarded = (world: World, now: Millis): readonly [World, ReadonlySet<Ip>] => {
  const { guards } = world
  const policy = world.policy.guards ?? defaultGuards
  // All is not more than all: nothing is ever held for being many.
  const share = policy.massFailure ?? 1
  const cutOff = cutOffAfter(guards.cutOff, guards.anchors)
  const dark = darkAfter(world, now)
  const hush = hushOf(world, cutOff, share, now)
  const settling = settlingAfter(world, now, { cutOff, dark, hush })
  const failing = new Map<Ip, Failure>()
  const withheld = new Map<Ip, Withheld>()
  const ofCut = asBefore(guards.withheld, cutHold(cutOff, settling))
  for (const [host, failure] of guards.failing) {
    if (!world.cidrsOf.has(host)) continue
    const isHeld = !isConfirmed(guards.confirmed, host, failure.since) && isOfCut(failure, cutOff, settling)
    const wasHeld = guards.withheld.get(host)?.reason._tag
    const isLetGo = !isHeld && (wasHeld === "MonitorCutOff" || wasHeld === "AfterCutOff")
    if (isHeld && ofCut !== undefined) withheld.set(host, ofCut)
    failing.set(host, isLetGo ? { ...failure, at: now } : failure)
  }
  const mass =
    guards.mass !== undefined || mayBeMany(world, failing.size, share)
      ? massAfter(guards.mass, witnessesOf(world, cutOff, failing, withheld, now), share, policy.settle, now)
      : undefined
  if (mass !== undefined) {
    const reason = HoldReason.MassFailure({ hash: mass.hash, failed: mass.failed, of: mass.of })
    const ofMass = asBefore(guards.withheld, { reason, until: massEndsAt(mass) })
    if (ofMass !== undefined) for (const host of mass.hosts.keys()) withheld.set(host, ofMass)
  }
  for (const [host, { at }] of failing)
    if (!withheld.has(host) && dark === undefined && now - at >= massWindow) failing.delete(host)
  const damped = dampedAt(world, now)
  const changed = new Set([...changedKeys(guards.withheld, withheld), ...changedKeys(guards.damped, damped)])
  return [{ ...world, guards: { ...guards, cutOff, settling, dark, hush, mass, failing, withheld, damped } }, changed]
}

/** Until when a host that has just recovered is chosen after all others, since it relapsed. */
export const relapsedUntil = ({ guards: { flaps }, policy }: World, host: Ip): Millis | undefined => {
  const first = (policy.guards ?? defaultGuards).damping
  const flap = flaps.get(host)
  return first === undefined || flap === undefined ? undefined : dampedUntil(flap, first)
}

/** When the guards are to be looked at again, although nothing happens. */
export const guardsNextAt = ({ damped, mass, settling, velocity }: Guards, now: Millis): Millis | undefined => {
  const times = [settling?.until, velocity.until, mass === undefined ? undefined : massEndsAt(mass), ...damped.values()]
  const due = times.filter((time) => time !== undefined && time > now)
  return due.reduce<Millis | undefined>(
    (first, time) => (first === undefined || (time ?? 0) < first ? time : first),
    undefined,
  )
}

/** The world without what its guards need not remember any more. */
export const guardsLeft = (world: World, now: Millis): Guards => {
  const { guards, policy } = world
  const failedSince = (host: Ip): Millis | undefined => {
    const verdict = Option.getOrUndefined(HashMap.get(world.health, host))
    return verdict?._tag === "Failed" ? verdict.since : undefined
  }
  return {
    ...guards,
    confirmed: confirmationsLeft(guards.confirmed, failedSince, now),
    flaps: flapsLeft(guards.flaps, now, (policy.guards ?? defaultGuards).damping ?? 1),
  }
}
