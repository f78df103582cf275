import { HashMap, Option } from "effect"
import { targetWords } from "./Action.ts"
import { writeDone, writeFailed, writeUnanswered } from "./ApplyWrite.ts"
import { type AnchorVerdict, anchorsAfter, setAside } from "./Anchors.ts"
import * as ByCell from "./ByCell.ts"
import { censusOf, recounted } from "./Census.ts"
import { merged } from "./BrakeMemory.ts"
import type { Cidr } from "./Cidr.ts"
import { type Confirmations, confirmedAfter, restoredLetGo } from "./Confirmed.ts"
import { deletionKey, type DeleteRoute, noteOwned } from "./DeletionBrake.ts"
import { type Flap, flapFailed, flapRecovered } from "./Damping.ts"
import type { Durable } from "./Durable.ts"
import { defaultGuards } from "./GuardPolicy.ts"
import { guardHoldsOf } from "./GuardHold.ts"
import { type Failure, type Guards, guardsLeft } from "./Guards.ts"
import { type HostVerdict, type Millis, Verdict } from "./Health.ts"
import type { Ip } from "./Ip.ts"
import { hostsOf, type RouteSpec } from "./RouteSpec.ts"
import type { Vpc } from "./Vpc.ts"
import { letAllGo } from "./Velocity.ts"
import { allSteps, type Steps } from "./Steps.ts"
import { indexVpcSteps } from "./VpcIndex.ts"
import { allCidrs, cellsOf, type Presence, type World } from "./World.ts"
import type { WorldEvent } from "./WorldEvent.ts"
import { afterReading } from "./WriteLog.ts"

/** Two readings at least this far apart must lack a silent host before it counts as gone. */
const goneAfter: Millis = 10_000

const none: ReadonlySet<Cidr> = new Set()

const sameHosts = (a: ReadonlyArray<Ip> | undefined, b: ReadonlyArray<Ip> | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.length === b.length && a.every((host, i) => host === b[i])

const cidrsByHost = (spec: RouteSpec): ReadonlyMap<Ip, ReadonlyArray<Cidr>> => {
  const byHost = new Map<Ip, Array<Cidr>>()
  for (const [range, hosts] of spec)
    for (const host of hosts) {
      const ranges = byHost.get(host)
      if (ranges === undefined) byHost.set(host, [range])
      else ranges.push(range)
    }
  return byHost
}

const acceptSpec = (world: World, spec: RouteSpec, at: Millis): [World, ReadonlySet<Cidr>] => {
  const before = world.spec
  if (before === undefined) {
    const next = withSpec(world, spec, at)
    return [next, allCidrs(next)]
  }
  if (world.isRestored) {
    const [next] = acceptSpec({ ...world, isRestored: false }, spec, at)
    return [next, new Set([...allCidrs(world), ...allCidrs(next)])]
  }
  const changed = [...new Set([...before.keys(), ...spec.keys()])].filter(
    (range) => !sameHosts(before.get(range), spec.get(range)),
  )
  // What the operator confirmed was confirmed for the spec that was in force.
  return changed.length === 0
    ? [world, none]
    : [{ ...withSpec(world, spec, at), confirmed: new Map() }, new Set(changed)]
}

const restore = (
  world: World,
  { spec, named, drained, confirmed, letGo, brake, hour }: Durable,
  at: Millis,
): [World, ReadonlySet<Cidr>] => {
  const restored: World = {
    ...withSpec(world, spec, at),
    isRestored: true,
    named: new Set([...world.named, ...named, ...spec.keys()]),
    drained: new Set([...world.drained, ...drained]),
    confirmed: new Map(confirmed.map((deletion) => [deletionKey(deletion), deletion])),
    highWater: merged(hour, world.highWater),
    brake,
    guards: { ...world.guards, confirmed: restoredLetGo(letGo) },
  }
  return [restored, allCidrs(restored)]
}

const withSpec = (world: World, spec: RouteSpec, at: Millis): World => {
  const cidrsOf = cidrsByHost(spec)
  const health = HashMap.fromIterable(
    [...hostsOf(spec)].map((host) => [
      host,
      Option.getOrElse(HashMap.get(world.health, host), () => Verdict.Unknown({ since: at })),
    ]),
  )
  return {
    ...world,
    spec,
    named: new Set([...world.named, ...spec.keys()]),
    cidrsOf,
    guards: {
      ...world.guards,
      // A host that comes back in a later spec is judged anew.
      confirmed: new Map([...world.guards.confirmed].filter(([host]) => cidrsOf.has(host))),
    },
    health,
    census: censusOf(HashMap.values(health)),
    sightings: sightingsAfter(world, spec, world.reading, false),
  }
}

const reachVerdicts = (world: World, verdicts: ReadonlyArray<HostVerdict>): [World, ReadonlySet<Cidr>] => {
  const dirty = new Set<Cidr>()
  let { census, health } = world
  const failing = new Map(world.guards.failing)
  const flaps = new Map(world.guards.flaps)
  const confirmed = new Map(world.guards.confirmed)
  for (const { host, verdict } of verdicts) {
    const ranges = world.cidrsOf.get(host)
    if (ranges === undefined) continue
    const before = Option.getOrUndefined(HashMap.get(health, host))
    if (verdict._tag === "Failed") noteFailure(world, failing, flaps, host, before, verdict)
    else failing.delete(host)
    const isLetGo = confirmedAfter(confirmed.get(host), verdict)
    if (isLetGo === undefined) confirmed.delete(host)
    else confirmed.set(host, isLetGo)
    // A failure that was held is not laid to the host's charge.
    const wasHeld = world.guards.withheld.has(host)
    const flap = verdict._tag === "Healthy" ? flapRecovered(flaps.get(host), verdict.since, !wasHeld) : flaps.get(host)
    if (flap === undefined) flaps.delete(host)
    else flaps.set(host, flap)
    health = HashMap.set(health, host, verdict)
    census = recounted(census, before, verdict)
    for (const range of ranges) dirty.add(range)
  }
  return [{ ...world, census, health, guards: { ...world.guards, confirmed, failing, flaps } }, dirty]
}

/** What a host's failure is to the guards, if it is a new one. */
const noteFailure = (
  { policy }: World,
  failing: Map<Ip, Failure>,
  flaps: Map<Ip, Flap>,
  host: Ip,
  before: Verdict | undefined,
  { silentSince, since }: Extract<Verdict, { readonly _tag: "Failed" }>,
): void => {
  if (before?._tag === "Failed" && before.since === since) return
  failing.set(host, { since, silentSince, at: since })
  const { damping } = policy.guards ?? defaultGuards
  if (before?._tag === "Healthy" && damping !== undefined) flaps.set(host, flapFailed(flaps.get(host), since, damping))
}

const hearAnchors = (world: World, verdicts: ReadonlyArray<AnchorVerdict>): [World, ReadonlySet<Cidr>] => [
  { ...world, guards: { ...world.guards, anchors: anchorsAfter(world.guards.anchors, verdicts) } },
  none,
]

/** The failures that the operator lets count, and what held them. {@link decide} sees to what follows. */
const confirmHold = (
  world: World,
  { at, hash, hold: meant }: Extract<WorldEvent, { readonly _tag: "HoldConfirmed" }>,
): [World, ReadonlySet<Cidr>] => {
  const { guards } = world
  const letGo = (hosts: Iterable<Ip>): Confirmations => {
    const confirmed = new Map(guards.confirmed)
    for (const host of hosts) {
      const verdict = Option.getOrUndefined(HashMap.get(world.health, host))
      // One that has recovered by now is none of them any more, nor is what began after the operator's word.
      if (verdict === undefined || verdict._tag === "Healthy" || verdict.since > at) continue
      confirmed.set(host, { failedAt: verdict._tag === "Failed" ? verdict.since : undefined, at })
    }
    return confirmed
  }
  const withGuards = (changed: Partial<Guards>): [World, ReadonlySet<Cidr>] => [
    { ...world, guards: { ...guards, ...changed } },
    none,
  ]
  const hold = guardHoldsOf(world).find((one) => one.hash === hash)
  if (hold === undefined) return meant === undefined ? [world, none] : withGuards({ confirmed: letGo(meant.hosts) })
  switch (hold.kind) {
    case "DeletionBrake":
      return [world, none]
    case "MonitorCutOff":
      return withGuards({ anchors: setAside(guards.anchors), confirmed: letGo(guards.withheld.keys()) })
    case "AfterCutOff":
    case "MassFailure":
      return withGuards({ confirmed: letGo(hold.hosts) })
    case "FailoverLimit": {
      // Their writes were decided long ago; nothing but this lets them go now.
      const moved = hold.hosts.flatMap((host) => world.cidrsOf.get(host) ?? [])
      return [
        { ...world, guards: { ...guards, confirmed: letGo(hold.hosts), velocity: letAllGo(guards.velocity) } },
        new Set(moved),
      ]
    }
  }
}

/** What a reading shows of the hosts of the spec. `isNew`: the reading has not been counted before. */
const sightingsAfter = (
  world: World,
  spec: RouteSpec,
  reading: World["reading"],
  isNew: boolean,
): ReadonlyMap<Ip, Presence> => {
  if (reading === undefined) return world.sightings
  const after = new Map<Ip, Presence>()
  for (const host of hostsOf(spec)) {
    const interfaceId = reading.index.interfaceOf.get(host)
    const before = world.sightings.get(host)
    if (interfaceId !== undefined) after.set(host, { sighting: { interfaceId, gone: false }, absentSince: undefined })
    else if (!isNew && before !== undefined) after.set(host, before)
    else {
      const absentSince = before?.absentSince ?? reading.readAt
      const gone = reading.readAt - absentSince >= goneAfter
      after.set(host, { sighting: { interfaceId: before?.sighting.interfaceId, gone }, absentSince })
    }
  }
  return after
}

function* countOwned(world: World): Steps<number> {
  let count = 0
  const index = world.reading?.index
  if (index === undefined) return 0
  const ranges = new Set(index.byCidr.keys())
  for (const range of HashMap.keys(world.writes)) ranges.add(range)
  for (const range of ranges) {
    if (ByCell.row(world.writes, range) === undefined)
      for (const { owned } of index.byCidr.get(range)?.values() ?? []) count += Number(owned)
    else {
      const cellOf = cellsOf(world, range)
      for (const table of index.tables) count += Number(cellOf(table).present?.owned === true)
    }
    yield
  }
  return count
}

/** How long a past obstacle is remembered, so that a write that fails again and again waits longer and longer. */
const obstacleMemory: Millis = 10 * 60_000

/** The world without what can bear on no decision any more, so that it stays as small as spec and tables are. */
const forgetful = (world: World, readAt: Millis): World => {
  const stands = (range: Cidr): boolean =>
    world.spec?.has(range) === true ||
    world.reading?.index.byCidr.has(range) === true ||
    HashMap.has(world.writes, range)
  const isDue = (deletion: DeleteRoute): boolean => {
    const present = cellsOf(world, deletion.cidr)(deletion.table).present
    const unchanged = present?.owned === true && targetWords(present.target) === targetWords(deletion.before)
    return unchanged || ByCell.get(world.writes, deletion) !== undefined
  }
  return {
    ...world,
    named: new Set([...world.named].filter(stands)),
    guards: guardsLeft(world, readAt),
    confirmed: new Map([...world.confirmed].filter(([, deletion]) => isDue(deletion))),
    refusedInterfaces: new Map([...world.refusedInterfaces].filter(([, until]) => until > readAt)),
  }
}

function* readVpc(world: World, vpc: Vpc, readAt: Millis): Steps<[World, ReadonlySet<Cidr>]> {
  // A reading that began before the one in hand says less.
  if (world.reading !== undefined && readAt <= world.reading.readAt) return [world, none]
  const before = world.reading?.index
  const index = before?.vpc === vpc ? before : yield* indexVpcSteps(vpc, world.policy)
  const reading = { index, readAt }
  const next: World = {
    ...world,
    reading,
    sightings: sightingsAfter(world, world.spec ?? new Map(), reading, true),
    writes: ByCell.filterMap(world.writes, (entry, { table, cidr }) =>
      index.vpc.tables.has(table) ? afterReading(entry, index.byCidr.get(cidr)?.get(table), readAt) : undefined,
    ),
    obstacles: ByCell.filterMap(world.obstacles, (stands, { table }) =>
      index.vpc.tables.has(table) && readAt < stands.until + obstacleMemory ? stands : undefined,
    ),
  }
  const owned = yield* countOwned(next)
  const counted = { ...forgetful(next, readAt), owned, highWater: noteOwned(world.highWater, owned, readAt) }
  return [counted, new Set([...allCidrs(world), ...allCidrs(counted)])]
}

const withDrained = (world: World, host: Ip, isDrained: boolean): [World, ReadonlySet<Cidr>] => {
  const drained = new Set(world.drained)
  if (isDrained) drained.add(host)
  else drained.delete(host)
  return [{ ...world, drained }, new Set(world.cidrsOf.get(host))]
}

const confirm = (world: World, hash: string): [World, ReadonlySet<Cidr>] => {
  const { brake } = world
  if (brake?.hash !== hash) return [world, none]
  const confirmed = new Map([
    ...world.confirmed,
    ...brake.deletions.map((action) => [deletionKey(action), action] as const),
  ])
  return [{ ...world, confirmed }, new Set(brake.deletions.map(({ cidr }) => cidr))]
}

const timeCame = (world: World, now: Millis): [World, ReadonlySet<Cidr>] => {
  const dirty = new Set<Cidr>()
  for (const [range, { nextAt }] of world.decisions) if (nextAt !== undefined && nextAt <= now) dirty.add(range)
  return [world, dirty]
}

/** The world after an event, and the CIDRs whose decision it may have changed. Pure. */
export const apply = (world: World, event: WorldEvent): [World, ReadonlySet<Cidr>] => {
  switch (event._tag) {
    case "Restored":
      return restore(world, event.durable, event.at)
    case "SpecAccepted":
      return acceptSpec(world, event.spec, event.at)
    case "VerdictsReached":
      return reachVerdicts(world, event.verdicts)
    case "AnchorsHeard":
      return hearAnchors(world, event.verdicts)
    case "HoldConfirmed":
      return confirmHold(world, event)
    case "VpcRead":
      return allSteps(readVpc(world, event.vpc, event.readAt))
    case "WriteUnanswered":
      return writeUnanswered(world, event.action, event.at)
    case "WriteDone":
      return writeDone(world, event.action, event.at)
    case "WriteFailed":
      return writeFailed(world, event)
    case "HostDrained":
      return withDrained(world, event.host, true)
    case "HostUndrained":
      return withDrained(world, event.host, false)
    case "DeletionsConfirmed":
      return confirm(world, event.hash)
    case "TimeCame":
      return timeCame(world, event.at)
  }
}

/** The same. What takes long, a large reading, is done in steps. */
export function* applySteps(world: World, event: WorldEvent): Steps<[World, ReadonlySet<Cidr>]> {
  return event._tag === "VpcRead" ? yield* readVpc(world, event.vpc, event.readAt) : apply(world, event)
}
