import type { Millis } from "../../../src/domain/Health.ts"
import type { InsufficientData } from "../../../src/domain/AlarmVerdict.ts"
import type { Vpc } from "../../../src/domain/Vpc.ts"
import type { Ec2Error } from "../../../src/services/ec2/Ec2.ts"
import type { Call } from "./Cloud.ts"
import { Ears, isSurelySilent, surelySilent } from "./Ears.ts"
import { LetGo } from "./LetGo.ts"
import { AlarmHearing, type Hearing, type InstancesOf, slack, StatusHearing } from "./Hearing.ts"
import type { Witness } from "./Network.ts"
import type { Wanted } from "./Scene.ts"

/** So long a host must have been in every spec until its sources are bound to have asked for it. */
const watchedFor: Millis = 20_000

/** A spec that may be in force, from when it could be until when it certainly is not any more. */
export interface Claim {
  readonly wanted: Wanted
  readonly from: Millis
  until: Millis
  /** It was said to be in force. */
  isCertain: boolean
  /** It came from the state file alone. */
  readonly isRestored: boolean
}

/** What EC2 told this daemon. */
export interface Reading {
  readonly readAt: Millis
  readonly at: Millis
  readonly vpc: Vpc
}

export const keyOf = ({ cidr, table }: { readonly cidr: string; readonly table: string }): string => `${table} ${cidr}`

/** Everything that reached one daemon, written down by bystanders: what it had reason to know. Not its own view. */
export class Evidence {
  readonly startedAt: Millis
  readonly bound: Millis
  readonly readings: Array<Reading> = []
  readonly claims: Array<Claim> = []
  readonly inFlight = new Map<string, Call>()
  /** The last write to each cell that EC2 confirmed, or may have done. */
  readonly written = new Map<string, { readonly interfaceId: string | undefined; readonly at: Millis }>()
  /** When EC2 last answered a write to a cell with a fault of its own, so that it may have been done. */
  readonly doubted = new Map<string, Millis>()
  readonly refused = new Map<string, Millis>()
  /** Deletions that were done and that nobody had confirmed. */
  readonly deleted: Array<{ readonly cidr: string; readonly at: Millis }> = []
  /** How many owned routes the readings of the last hour showed. */
  readonly owned: Array<{ readonly at: Millis; readonly count: number }> = []
  /** The failures that the operator let go. */
  readonly letGo = new LetGo(
    (host) => this.wellAt(host),
    (host) => this.heardAt(host),
  )
  /** Hosts that lost routes because they failed, since when they were silent then, and when that was. */
  readonly failedOver = new Map<string, { readonly from: Millis; readonly at: Millis }>()
  /** When the operator last set silent anchors aside. */
  anchorsAsideAt = -Infinity
  /** Drained hosts: from when it may be so, from when it is, and until when it is. */
  readonly drains = new Map<string, { mayBeFrom: Millis; from: Millis; until: Millis }>()
  readonly #ears: Array<Ears> = []
  readonly #hearings: Array<Hearing> = []
  #stoodUntil = -Infinity
  /** The instances that hosts were found at, as readings showed them; the last one last. */
  readonly #instances = new Map<string, Array<{ readonly id: string | undefined; readonly at: Millis }>>()

  constructor(startedAt: Millis, bound: Millis) {
    this.startedAt = startedAt
    this.bound = bound
  }

  /** What deletions are measured against is kept over a restart; a mark may be forgotten ten minutes sooner. */
  remembers({ deleted, owned }: Evidence): void {
    const sooner = 600_000
    const lastAt = owned.at(-1)?.at ?? -Infinity
    for (const { cidr, at } of deleted) this.deleted.push({ cidr, at: at - sooner })
    // The last readings may have met a process that stood still.
    for (const { count, at } of owned) if (at < lastAt - 60_000) this.owned.push({ count, at: at - sooner })
  }

  /** Beside a further health source. */
  listen(now: () => Millis): Witness {
    const ears = new Ears(now)
    this.#ears.push(ears)
    return ears
  }

  /** Beside a health source that watches alarms. */
  hearAlarms(now: () => Millis, insufficientData: InsufficientData): AlarmHearing {
    const hearing = new AlarmHearing(now, this.#instancesOf, insufficientData)
    this.#hearings.push(hearing)
    return hearing
  }

  /** Beside a health source that asks for the state and the checks of instances. */
  hearStatuses(now: () => Millis): StatusHearing {
    const hearing = new StatusHearing(now, this.#instancesOf)
    this.#hearings.push(hearing)
    return hearing
  }

  readonly #instancesOf: InstancesOf = (host, now) => {
    const known = this.#instances.get(host) ?? []
    const before = known.at(-2)
    const last = known.at(-1)
    return [
      ...(last?.id === undefined ? [] : [last.id]),
      ...(before?.id === undefined || last === undefined || now - last.at > slack ? [] : [before.id]),
    ]
  }

  #noteInstances(vpc: Vpc, at: Millis): void {
    for (const { addresses, instanceId } of vpc.interfaces.values())
      for (const host of addresses) {
        const known = this.#instances.get(host) ?? []
        if (known.length > 0 && known.at(-1)?.id === instanceId) continue
        this.#instances.set(host, [...known.slice(-1), { id: instanceId, at }])
      }
  }

  /** The process stood still: what came meanwhile says nothing, and nobody had the time to fail. */
  stood(from: Millis, until: Millis): void {
    this.#stoodUntil = Math.max(this.#stoodUntil, until)
    for (const ears of this.#ears)
      for (const ear of ears.values()) if (ear.heardAt > from - this.bound) ear.heardAt = Math.max(ear.heardAt, until)
  }

  /** Some source heard it lately, or may yet do. */
  mayLive(host: string, now: Millis): boolean {
    return (
      this.#ears.some((ears) => now - (ears.get(host)?.heardAt ?? -Infinity) <= this.bound + slack) ||
      this.#hearings.some((hearing) => hearing.mayLive(host, now))
    )
  }

  /** Some source that does not only guess holds it for failed. */
  surelyFailed(host: string, now: Millis): boolean {
    // What a source knew of a host it forgets when no spec has the host any more.
    const isWatched = this.claims
      .filter(({ from, until }) => from <= now && until >= now - watchedFor)
      .every(({ wanted }) => Object.values(wanted).some((hosts) => hosts.includes(host)))
    // At which instance it is was news a moment ago.
    const isFound = now - (this.#instances.get(host)?.at(-1)?.at ?? -Infinity) > slack
    return isWatched && isFound && this.#hearings.some((hearing) => hearing.surelyFailed(host, now))
  }

  /** Some source may hold it for failed, or did a moment ago. */
  mayHaveFailed(host: string, now: Millis): boolean {
    if (this.#hearings.some((hearing) => hearing.mayHaveFailed(host, now))) return true
    return this.#ears.some((ears) => {
      const ear = ears.get(host)
      return (
        ear === undefined || ear.failedSince !== undefined || now - ear.risenAt <= slack || ear.heardAt === -Infinity
      )
    })
  }

  /** Neither the process nor a source of its was in trouble since then. */
  isUndisturbed(since: Millis): boolean {
    return this.#stoodUntil < since && this.#ears.every(({ downAt }) => downAt < since)
  }

  /** When some source heard it last while it was healthy for sure. */
  wellAt(host: string): Millis {
    return Math.max(-Infinity, ...this.#ears.map((ears) => ears.get(host)?.wellAt ?? -Infinity))
  }

  heardAt(host: string): Millis {
    return Math.max(-Infinity, ...this.#ears.map((ears) => ears.get(host)?.heardAt ?? -Infinity))
  }

  /** Since when no source hears it, if that has been long enough for all to know; whether it was well to all of them until then. */
  silence(host: string, now: Millis): { readonly from: Millis; readonly wasWell: boolean } | undefined {
    let from = -Infinity
    let wasWell = true
    for (const ears of this.#ears) {
      const ear = ears.get(host)
      if (ear === undefined || !isSurelySilent(ear, now)) return undefined
      from = Math.max(from, ear.silentFrom)
      wasWell &&= ear.wasWell
    }
    return from === -Infinity ? undefined : { from, wasWell }
  }

  /** Whether a source that hears it now, or not, found it silent, or could have, for a while that began in this time. */
  fellSilentIn(host: string, from: Millis, until: Millis): boolean {
    const isIn = (at: Millis): boolean => at >= from && at <= until - surelySilent
    return this.#ears.every((ears) => {
      const ear = ears.get(host)
      return ear !== undefined && (isIn(ear.silentFrom) || isIn(ear.lastSilentFrom))
    })
  }

  /** Since when all of these addresses that ever answered are silent; undefined: some are heard, or nothing was. */
  allSilentSince(addresses: ReadonlyArray<string>, now: Millis): Millis | undefined {
    let since = -Infinity
    for (const ears of this.#ears)
      for (const address of addresses) {
        const ear = ears.get(address)
        // Where the source could tell nothing for a while, an anchor is to answer anew before it says that nobody does.
        if (ear === undefined || ear.heardAt <= ears.downAt) continue
        if (!isSurelySilent(ear, now)) return undefined
        since = Math.max(since, ear.silentFrom)
      }
    return since === -Infinity ? undefined : since
  }

  /** Puts a claim down that may be in force from now on. */
  claim(wanted: Wanted, from: Millis, isRestored = false): Claim {
    const claim = { wanted, from, until: Infinity, isCertain: isRestored, isRestored }
    this.claims.push(claim)
    if (this.claims.length > 40) this.claims.shift()
    return claim
  }

  /** The specs that may be in force now. */
  specs(now: Millis): ReadonlyArray<Claim> {
    return this.claims.filter(({ from, until }) => from <= now && now <= until + slack)
  }

  /** Whether it was in every spec that may have been in force since then: a host that comes back is judged anew. */
  isWantedSince(host: string, since: Millis, now: Millis): boolean {
    return this.claims
      .filter(({ from, until }) => from <= now && until + slack >= since)
      .every(({ wanted }) => Object.values(wanted).some((hosts) => hosts.includes(host)))
  }

  mayBeDrained(host: string, now: Millis): boolean {
    const drain = this.drains.get(host)
    return drain !== undefined && now <= drain.until + slack
  }

  isDrained(host: string, now: Millis): boolean {
    const drain = this.drains.get(host)
    return drain !== undefined && drain.from + slack < now && drain.until === Infinity
  }

  /** The readings that may be in use now: the last one, and the one before for a moment. */
  readingsAt(now: Millis): ReadonlyArray<Reading> {
    const [before, last] = this.readings.slice(-2)
    if (last === undefined) return before === undefined ? [] : [before]
    return before !== undefined && now - last.at <= slack ? [last, before] : [last]
  }

  reading(readAt: Millis, at: Millis, vpc: Vpc): void {
    this.readings.push({ readAt, at, vpc })
    this.#noteInstances(vpc, at)
    if (this.readings.length > 3) this.readings.shift()
  }

  /** The cells that hold one of these, as the last reading and what was written since would have it. */
  cellsNow(cells: Iterable<string>, readAt: Millis): ReadonlySet<string> {
    const now = new Set(cells)
    for (const [key, { at, interfaceId }] of this.written)
      if (at < readAt) continue
      else if (interfaceId === undefined) now.delete(key)
      else now.add(key)
    return now
  }

  answered(call: Call, error: Ec2Error | undefined, at: Millis): void {
    this.inFlight.delete(keyOf(call))
    const isDone = error === undefined
    if (isDone || error.code === "TimeoutError") this.written.set(keyOf(call), { interfaceId: call.interfaceId, at })
    if (error?.disposition === "transient") this.doubted.set(keyOf(call), at)
    if (error?.code === "InvalidNetworkInterfaceID.NotFound" && call.interfaceId !== undefined)
      this.refused.set(call.interfaceId, at)
  }
}
