import { type Action, cellKey, urgencies, type Urgency } from "../../domain/Action.ts"
import type { Cidr } from "../../domain/Cidr.ts"
import type { Millis } from "../../domain/Health.ts"
import type { RouteTableId } from "../../domain/Ids.ts"
import { fingerprint } from "../../domain/Obstacle.ts"
import { answered, full, refilled, routeWrites, send, throttled, type TokenBucket } from "../../domain/TokenBucket.ts"
import type { Disposition } from "../../domain/WriteFailure.ts"

/** Writes on the wire at once, over all tables. */
const mostInFlight = 32
/** Writes on the wire at once in one table, so that a table that hangs leaves room for the others. */
const mostInTable = 8
/** The same for a table whose last write failed: one write tries whether it is better. */
const mostInFailingTable = 1
/** ReplaceRoute tokens that repairs leave for failovers: a failover of that many cells needs no refill. */
export const failoverReserve = 40

interface Entry {
  readonly action: Action
  /** Since when it is wanted. */
  readonly since: Millis
  /** Tries so far. */
  readonly attempts: number
  /** Not sent before. */
  readonly notBefore: Millis
  /** Its last try had no clear answer: it may have been done. */
  readonly isUncertain: boolean
}

/** A write that is not tried again, although it may have been done. */
export type Abandoned = Pick<Entry, "action" | "attempts">

interface Flight extends Entry {
  readonly sentAt: Millis
  /** A newer decision wants something else for the cell: this write is not tried again. */
  readonly superseded: boolean
  /** It has landed, but the planner does not know yet: until it does, it may ask for the same write once more. */
  readonly landed: boolean
}

/** A try that did not succeed. */
interface Failure {
  readonly at: Millis
  readonly disposition: Disposition
}

/** What may be sent: a write, or how long to wait until that could change by time alone. */
export type Next =
  | { readonly _tag: "Send"; readonly action: Action; readonly attempts: number }
  | { readonly _tag: "Wait"; readonly millis: Millis }

/** What is queued and under way. */
export interface QueueState {
  readonly queued: ReadonlyArray<Action>
  readonly inFlight: ReadonlyArray<Action>
  /** Tokens left per EC2 action at present. */
  readonly tokens: Readonly<Record<Action["_tag"], number>>
}

/** The same in numbers, for little work however long the queue is. */
export interface QueueLoad {
  /** Writes that wait for their turn, by urgency. */
  readonly queued: Readonly<Record<Urgency, number>>
  readonly inFlight: number
  /** Since when the oldest write that is not done is wanted. */
  readonly oldestSince: Millis | undefined
  readonly tokens: QueueState["tokens"]
}

const sameWrite = (a: Action, b: Action): boolean => fingerprint(a) === fingerprint(b) && a.urgency === b.urgency

/**
 * The writes that are to be sent, most urgent first, under EC2's rate limits. One write per cell is in flight, the newest
 * decision replaces what is queued, and a write that was superseded is never sent (again). Not shared between fibers.
 */
export class WriteQueue {
  readonly #classes: ReadonlyMap<Urgency, Map<string, Entry>> = new Map(
    urgencies.map((urgency) => [urgency, new Map()]),
  )
  readonly #keysOf = new Map<Cidr, Map<string, Urgency>>()
  readonly #flights = new Map<string, Flight>()
  #onTheWire = 0
  readonly #inTable = new Map<RouteTableId, number>()
  readonly #failing = new Set<RouteTableId>()
  readonly #buckets: Map<Action["_tag"], TokenBucket>
  #abandoned: Array<Abandoned> = []

  constructor(now: Millis) {
    const tags: ReadonlyArray<Action["_tag"]> = ["CreateRoute", "ReplaceRoute", "DeleteRoute"]
    this.#buckets = new Map(tags.map((tag) => [tag, full(routeWrites, now)]))
  }

  /**
   * Replaces whatever is queued for `cidrs` by `write`, and opens the cells of the writes of which it is `known` what became
   * of them. Returns the writes that were not queued or under way already.
   */
  submit(
    cidrs: ReadonlySet<Cidr>,
    write: ReadonlyArray<Action>,
    now: Millis,
    known: ReadonlyArray<Action> = [],
  ): ReadonlyArray<Action> {
    for (const action of known) this.#open(action)
    const before = new Map<string, Entry>()
    for (const range of cidrs) {
      for (const [key, urgency] of this.#keysOf.get(range) ?? []) {
        const entry = this.#classes.get(urgency)?.get(key)
        if (entry !== undefined) before.set(key, entry)
        this.#classes.get(urgency)?.delete(key)
      }
      this.#keysOf.delete(range)
    }
    const wanted = new Map(write.map((action) => [cellKey(action), action]))
    this.#supersede(cidrs, wanted)
    const fresh: Array<Action> = []
    for (const [key, action] of wanted) {
      const flight = this.#flights.get(key)
      if (flight !== undefined && !flight.superseded) continue
      const queued = before.get(key)
      const isKnown = queued !== undefined && sameWrite(queued.action, action)
      this.#enqueue(
        isKnown ? { ...queued, action } : { action, since: now, attempts: 0, notBefore: -Infinity, isUncertain: false },
      )
      if (!isKnown) fresh.push(action)
      else before.delete(key)
    }
    for (const entry of before.values()) if (entry.isUncertain) this.#abandoned.push(entry)
    return fresh
  }

  #supersede(cidrs: ReadonlySet<Cidr>, wanted: ReadonlyMap<string, Action>): void {
    for (const [key, flight] of this.#flights) {
      if (!cidrs.has(flight.action.cidr)) continue
      const action = wanted.get(key)
      const superseded = action === undefined || fingerprint(action) !== fingerprint(flight.action)
      this.#flights.set(key, { ...flight, superseded })
    }
  }

  #enqueue(entry: Entry): void {
    const { action } = entry
    const key = cellKey(action)
    this.#classes.get(action.urgency)?.set(key, entry)
    let keys = this.#keysOf.get(action.cidr)
    if (keys === undefined) this.#keysOf.set(action.cidr, (keys = new Map()))
    keys.set(key, action.urgency)
  }

  #dequeue(action: Action): void {
    const key = cellKey(action)
    this.#classes.get(action.urgency)?.delete(key)
    const keys = this.#keysOf.get(action.cidr)
    keys?.delete(key)
    if (keys?.size === 0) this.#keysOf.delete(action.cidr)
  }

  /** Takes the most urgent write that may be sent now, or says how long to wait. `Infinity`: until something happens. */
  next(now: Millis): Next {
    let millis = Infinity
    if (this.#onTheWire >= mostInFlight) return { _tag: "Wait", millis }
    for (const urgency of urgencies) {
      for (const entry of this.#classes.get(urgency)?.values() ?? []) {
        const { action, notBefore } = entry
        if (notBefore > now) {
          millis = Math.min(millis, notBefore - now)
          continue
        }
        if (!this.#hasRoom(action)) continue
        const bucket = this.#buckets.get(action._tag) ?? full(routeWrites, now)
        const granted = send(bucket, now, urgency === "repair" ? failoverReserve : 0)
        this.#buckets.set(action._tag, granted.bucket)
        if (granted.waitMillis > 0) {
          // All writes of one urgency are the same EC2 action: none of them has a token.
          millis = Math.min(millis, granted.waitMillis)
          break
        }
        this.#dequeue(action)
        const flight = { ...entry, attempts: entry.attempts + 1, sentAt: now, superseded: false, landed: false }
        this.#flights.set(cellKey(action), flight)
        this.#onTheWire++
        this.#inTable.set(action.table, (this.#inTable.get(action.table) ?? 0) + 1)
        return { _tag: "Send", action, attempts: entry.attempts + 1 }
      }
    }
    return { _tag: "Wait", millis }
  }

  #hasRoom(action: Action): boolean {
    const inTable = this.#inTable.get(action.table) ?? 0
    const room = this.#failing.has(action.table) ? mostInFailingTable : mostInTable
    return inTable < room && !this.#flights.has(cellKey(action))
  }

  #land(action: Action, now: Millis): Flight | undefined {
    const flight = this.#flights.get(cellKey(action))
    if (flight === undefined || flight.landed) return undefined
    this.#onTheWire--
    const bucket = this.#buckets.get(action._tag)
    if (bucket !== undefined) this.#buckets.set(action._tag, answered(bucket, now))
    const inTable = (this.#inTable.get(action.table) ?? 1) - 1
    if (inTable <= 0) this.#inTable.delete(action.table)
    else this.#inTable.set(action.table, inTable)
    return flight
  }

  #await(action: Action, now: Millis): void {
    const flight = this.#land(action, now)
    if (flight !== undefined) this.#flights.set(cellKey(action), { ...flight, landed: true })
  }

  /** The write was done. Its cell stays closed until that is known. */
  done(action: Action, now: Millis): void {
    this.#await(action, now)
    this.#failing.delete(action.table)
  }

  /** The write failed for good, or for this time. Its cell stays closed until that is known. */
  failed(action: Action, failure: Failure): void {
    this.#blame(action, failure)
    this.#await(action, failure.at)
  }

  /** Throttling says something of the account, and every other failure something of the table. */
  #blame(action: Action, { at, disposition }: Failure): void {
    if (disposition !== "throttled") return void this.#failing.add(action.table)
    const bucket = this.#buckets.get(action._tag)
    const sentAt = this.#flights.get(cellKey(action))?.sentAt ?? at
    if (bucket !== undefined) this.#buckets.set(action._tag, throttled(bucket, sentAt, at))
  }

  #open(action: Action): void {
    const key = cellKey(action)
    const flight = this.#flights.get(key)
    // What is told of a write that was given up is nothing of the one that took its place.
    if (flight?.landed === true && fingerprint(flight.action) === fingerprint(action)) this.#flights.delete(key)
  }

  /** The write failed and is to be tried again at `notBefore`, unless a newer decision has taken its place. */
  again(action: Action, failure: Failure, notBefore: Millis): void {
    this.#blame(action, failure)
    const flight = this.#land(action, failure.at)
    this.#flights.delete(cellKey(action))
    const queued = this.#keysOf.get(action.cidr)?.has(cellKey(action)) === true
    if (flight === undefined) return
    const isUncertain = flight.isUncertain || failure.disposition === "transient"
    const { action: sent, attempts, since } = flight
    if (!flight.superseded && !queued) this.#enqueue({ action: sent, since, attempts, notBefore, isUncertain })
    else if (isUncertain) this.#abandoned.push(flight)
  }

  /** The writes that were given up since this was last asked, and of which nobody knows whether they were done. */
  takeAbandoned(): ReadonlyArray<Abandoned> {
    const abandoned = this.#abandoned
    this.#abandoned = []
    return abandoned
  }

  #tokens(now: Millis): QueueState["tokens"] {
    const tokens = (tag: Action["_tag"]): number => {
      const bucket = this.#buckets.get(tag)
      if (bucket === undefined) return 0
      const { out, tokens: held } = refilled(bucket, now)
      return Math.max(0, held - out)
    }
    return {
      CreateRoute: tokens("CreateRoute"),
      ReplaceRoute: tokens("ReplaceRoute"),
      DeleteRoute: tokens("DeleteRoute"),
    }
  }

  /** No write is queued, under way, or done without the planner's knowing. */
  get isIdle(): boolean {
    return this.#keysOf.size === 0 && this.#flights.size === 0
  }

  stateAt(now: Millis): QueueState {
    return {
      queued: urgencies.flatMap((urgency) =>
        [...(this.#classes.get(urgency)?.values() ?? [])].map(({ action }) => action),
      ),
      inFlight: [...this.#flights.values()].flatMap(({ action, landed }) => (landed ? [] : [action])),
      tokens: this.#tokens(now),
    }
  }

  loadAt(now: Millis): QueueLoad {
    const queued = (urgency: Urgency): number => this.#classes.get(urgency)?.size ?? 0
    let oldestSince = Infinity
    for (const entries of this.#classes.values())
      for (const { since } of entries.values()) oldestSince = Math.min(oldestSince, since)
    for (const { landed, since } of this.#flights.values()) if (!landed) oldestSince = Math.min(oldestSince, since)
    return {
      queued: {
        failover: queued("failover"),
        repair: queued("repair"),
        creation: queued("creation"),
        deletion: queued("deletion"),
      },
      inFlight: this.#onTheWire,
      oldestSince: Number.isFinite(oldestSince) ? oldestSince : undefined,
      tokens: this.#tokens(now),
    }
  }
}
