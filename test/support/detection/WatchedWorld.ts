import { apply } from "../../../src/domain/Apply.ts"
import { type Cidr, cidr } from "../../../src/domain/Cidr.ts"
import { decide } from "../../../src/domain/Decide.ts"
import { type DetectorOptions, detectorOptions } from "../../../src/domain/DetectorOptions.ts"
import { defaultGuards, type GuardPolicy } from "../../../src/domain/GuardPolicy.ts"
import type { Millis, Verdict } from "../../../src/domain/Health.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import { defaultPolicy } from "../../../src/domain/Policy.ts"
import { empty } from "../../../src/domain/World.ts"
import { WorldEvent } from "../../../src/domain/WorldEvent.ts"
import { ChangedVerdicts } from "../../../src/services/health/ChangedVerdicts.ts"
import { Watchlist } from "../../../src/services/health/Watchlist.ts"
import { routeTo, uniformVpc } from "../domain/UniformVpc.ts"

// The prober's list of hosts and the planner, one behind the other, with neither fibers nor sockets between them: so fast
// that hundreds of outages of a thousand hosts can be played.

export interface Play {
  readonly hosts: number
  readonly zones: number
  readonly seed: number
  /** When, and which hosts by their numbers, stop answering for good; host n is in zone n modulo `zones`. */
  readonly diesAt: Millis
  readonly dies: (host: number) => boolean
  /** They answer, but not well, instead of falling silent. */
  readonly answersBadly?: boolean
  /** When such a host answers again, if it ever does. */
  readonly returnsAt?: (host: number) => Millis
  readonly until: Millis
  readonly roundTrip?: Millis
  /** Whether a probe to a living host is lost. */
  readonly isLost?: (at: Millis) => boolean
  readonly detector?: DetectorOptions
  readonly guards?: GuardPolicy
  /** All routes stand at the start, each to the first host of its destination, as after a restart. */
  readonly isRestart?: boolean
}

interface Played {
  /** Failovers that were written, by when. */
  readonly failovers: ReadonlyArray<{ readonly at: Millis; readonly from: number; readonly to: number }>
  /** When the planner was told that a host failed. */
  readonly failed: ReadonlyMap<number, Millis>
  readonly probes: number
}

/** Each destination may be carried by so many of the hosts. */
const hostsOfOne = 6

/** What was said of each host last. */
export class Collected extends ChangedVerdicts {
  readonly news = new Map<Ip, Verdict>()
  override set(host: Ip, verdict: Verdict): void {
    this.news.set(host, verdict)
  }
}

const addressOf = (n: number): Ip => ip(`10.33.${n >> 8}.${n & 255}`)

const destination = (n: number): Cidr => cidr(`10.${100 + (n >> 8)}.${n & 255}.0/24`)

/** One destination for each host, each with the next hosts as its others: a zone after another. */
const specOf = (hosts: number): ReadonlyMap<Cidr, ReadonlyArray<Ip>> =>
  new Map(
    Array.from({ length: hosts }, (_, n) => [
      destination(n),
      [...new Set(Array.from({ length: hostsOfOne }, (_, k) => addressOf((n + k) % hosts)))].sort(),
    ]),
  )

/** Plays one outage. Writes are done as soon as they are decided. */
export const play = ({ dies, diesAt, hosts, seed, until, zones, ...more }: Play): Played => {
  const {
    detector = detectorOptions(),
    guards = defaultGuards,
    isLost = () => false,
    returnsAt = () => Infinity,
    roundTrip = 2,
  } = more
  const changed = new Collected()
  const list = new Watchlist(detector, changed, seed)
  const all = Array.from({ length: hosts }, (_, n) => addressOf(n))
  const vpc = uniformVpc({
    cidrs: [cidr("10.33.0.0/16")],
    tables: 1,
    routes: more.isRestart === true ? all.map((_, n) => routeTo(destination(n), n)) : [],
    hosts: all,
    zoneOf: (n) => `zone-${n % zones}`,
  })
  const numberOf = new Map(all.map((host, n) => [host, n]))
  const numbered = (host: Ip): number => numberOf.get(host) ?? -1
  const isSilent = (n: number, now: Millis): boolean => now >= diesAt && dies(n) && now < returnsAt(n)
  const spec = specOf(hosts)
  const failovers: Array<Played["failovers"][number]> = []
  const failed = new Map<number, Millis>()
  let world = empty({ ...defaultPolicy, guards })
  let nextAt: Millis | undefined
  let probes = 0

  const pass = (events: ReadonlyArray<WorldEvent>, now: Millis): void => {
    const dirty = new Set<Cidr>()
    for (const event of [...events, WorldEvent.TimeCame({ at: now })]) {
      const [next, touched] = apply(world, event)
      world = next
      for (const range of touched) dirty.add(range)
    }
    const decision = decide(world, dirty, now)
    world = decision.world
    nextAt = decision.nextAt
    for (const action of decision.write)
      if (action._tag === "ReplaceRoute" && action.reason._tag === "HostFailed")
        failovers.push({ at: now, from: numbered(action.reason.host), to: numbered(action.host) })
    if (decision.write.length > 0)
      pass(
        decision.write.map((action) => WorldEvent.WriteDone({ action, at: now })),
        now,
      )
  }
  const take = (now: Millis): void => {
    if (changed.news.size === 0 && (nextAt === undefined || nextAt > now)) return
    const verdicts = [...changed.news].map(([host, verdict]) => ({ host, verdict }))
    changed.news.clear()
    for (const { host, verdict } of verdicts)
      if (verdict._tag === "Failed" && !failed.has(numbered(host))) failed.set(numbered(host), now)
    pass([WorldEvent.VerdictsReached({ verdicts })], now)
  }

  list.watch(new Set(all), 0)
  pass([WorldEvent.SpecAccepted({ spec, at: 0 }), WorldEvent.VpcRead({ vpc, readAt: 0 })], 0)
  const replies: Array<{ readonly at: Millis; readonly host: Ip; readonly sequence: number; readonly isBad: boolean }> =
    []
  let read = 0
  for (let now = 0; now < until;) {
    const batch = list.take(now, 32)
    probes += batch.length
    for (const { host, sequence } of batch) {
      const isBad = isSilent(numbered(host), now)
      if ((!isBad || more.answersBadly === true) && !isLost(now))
        replies.push({ at: now + roundTrip, host, sequence, isBad })
    }
    take(now)
    const wakeAt = now + Math.max(1, Math.ceil(list.earliest - now))
    for (let reply = replies[read]; reply !== undefined && reply.at <= wakeAt; reply = replies[++read]) {
      if (reply.isBad) list.rejected(reply.host, reply.sequence, "answered 503", reply.at)
      else list.replied(reply.host, reply.sequence, reply.at)
      take(reply.at)
    }
    now = wakeAt
  }
  return { failovers, failed, probes }
}
