import { type Action, cellKey } from "../../../src/domain/Action.ts"
import { apply } from "../../../src/domain/Apply.ts"
import type { Cidr } from "../../../src/domain/Cidr.ts"
import { decide } from "../../../src/domain/Decide.ts"
import type { Millis } from "../../../src/domain/Health.ts"
import { fingerprint } from "../../../src/domain/Obstacle.ts"
import { empty, type World } from "../../../src/domain/World.ts"
import { WorldEvent } from "../../../src/domain/WorldEvent.ts"
import { dispositionOf } from "../../../src/domain/WriteFailure.ts"
import { Ec2Model } from "./Ec2Model.ts"
import type { Scene } from "./Scenes.ts"
import type { Vpc } from "../../../src/domain/Vpc.ts"

/** What becomes of a write that is sent. */
export type Fate =
  | "done"
  | "done at once, answered late"
  | "lost"
  | "done, answer lost"
  | "done later, answer lost"
  | "throttled"

interface Flight {
  readonly action: Action
  readonly fate: Fate
  /** EC2's error code, where it has been carried out already. */
  readonly code: string | undefined
  readonly superseded: boolean
}

/** A reading on its way: what it shows was true at `shows`, and it was asked for at `readAt`. */
interface Reading {
  readonly vpc: Vpc
  readonly readAt: Millis
  readonly shows: Millis
}

/** How long EC2 may go on showing what was. */
export const staleness: Millis = 20_000

/**
 * The reconcile loop and the executor in miniature, on an EC2 that follows its own rules in its own time: readings can
 * be stale and torn, writes can be answered late, twice-lost, or done after their answer was given up.
 */
export class Daemon {
  readonly scene: Scene
  readonly ec2: Ec2Model
  now: Millis = 10_000_000
  world: World
  nextAt: Millis | undefined
  readonly queue = new Map<string, Action>()
  readonly flights = new Map<string, Flight>()
  readonly readings: Array<Reading> = []
  /** Writes that were given up and that EC2 will do all the same. */
  readonly ghosts: Array<Action> = []
  /** What EC2 held, newest last, as far back as a reading can show. */
  #past: Array<{ readonly at: Millis; readonly vpc: Vpc }> = []
  /** Since when a cell holds a route that is not ours. */
  readonly foreignSince = new Map<string, Millis>()
  readonly doneAt = new Map<string, Millis>()
  lastReading: Reading | undefined

  constructor(scene: Scene, quota: number) {
    this.scene = scene
    this.ec2 = new Ec2Model(scene.vpc, quota)
    this.world = empty(scene.policy)
    this.#changed()
    this.take(WorldEvent.SpecAccepted({ spec: scene.spec, at: this.now }))
  }

  /** Notes what EC2 holds now. */
  #changed(): void {
    const vpc = this.ec2.read()
    this.#past = [...this.#past, { at: this.now, vpc }].slice(-200)
    for (const table of vpc.tables.values()) {
      const held = new Set<string>()
      for (const { destination, target, origin } of table.routes) {
        const ends = [...vpc.interfaces.values()].filter(({ id, instanceId }) =>
          target._tag === "Interface"
            ? id === target.interfaceId
            : target._tag === "Instance" && instanceId === target.instanceId,
        )
        const end = ends.length === 1 ? ends[0] : undefined
        const isForeign =
          origin !== "CreateRoute" ||
          target._tag === "Other" ||
          [target.ownerId, end?.ownerId].some(
            (owner) => owner !== undefined && vpc.ownerId !== undefined && owner !== vpc.ownerId,
          ) ||
          end?.requesterManaged === true
        if (isForeign && origin !== "EnableVgwRoutePropagation")
          held.add(cellKey({ table: table.id, cidr: destination }))
      }
      for (const key of held) if (!this.foreignSince.has(key)) this.foreignSince.set(key, this.now)
      for (const key of this.foreignSince.keys())
        if (key.startsWith(`${table.id} `) && !held.has(key)) this.foreignSince.delete(key)
    }
  }

  /** Somebody or something changes the VPC. */
  change(how: (ec2: Ec2Model) => void): void {
    how(this.ec2)
    this.#changed()
  }

  take(event: WorldEvent): void {
    const dirty = new Set<Cidr>()
    for (const one of [event, WorldEvent.TimeCame({ at: this.now })]) {
      const [next, changed] = apply(this.world, one)
      this.world = next
      for (const range of changed) dirty.add(range)
    }
    const { world, cidrs, write, nextAt } = decide(this.world, dirty, this.now)
    this.world = world
    this.nextAt = nextAt
    this.#submit(cidrs, write)
  }

  #submit(cidrs: ReadonlySet<Cidr>, write: ReadonlyArray<Action>): void {
    for (const [key, { cidr }] of this.queue) if (cidrs.has(cidr)) this.queue.delete(key)
    const wanted = new Map(write.map((action) => [cellKey(action), action]))
    for (const [key, flight] of this.flights) {
      if (!cidrs.has(flight.action.cidr)) continue
      const action = wanted.get(key)
      const superseded = action === undefined || fingerprint(action) !== fingerprint(flight.action)
      this.flights.set(key, { ...flight, superseded })
    }
    for (const [key, action] of wanted) if (this.flights.get(key)?.superseded !== false) this.queue.set(key, action)
  }

  /** Time passes; what is due is looked at. */
  tick(millis: Millis): void {
    const until = this.now + millis
    // The loop wakes by itself, though never more often than there is something due.
    for (let wakes = 0; this.nextAt !== undefined && this.nextAt <= until; wakes++) {
      if (wakes > 1_000) throw new Error("the loop wakes without end")
      if (this.nextAt <= this.now) throw new Error("the next look lies in the past")
      this.now = this.nextAt
      this.take(WorldEvent.TimeCame({ at: this.now }))
    }
    this.now = until
  }

  /** Sends the most urgent write that is queued, if its cell is free. */
  send(fate: Fate): Action | undefined {
    for (const [key, action] of this.queue) {
      if (this.flights.has(key)) continue
      this.queue.delete(key)
      const early = fate === "done at once, answered late" || fate === "done, answer lost"
      const code = early ? this.#commit(action) : undefined
      this.flights.set(key, { action, fate, code, superseded: false })
      return action
    }
    return undefined
  }

  #commit(action: Action): string | undefined {
    const code = this.ec2.write(action)
    if (code === undefined) this.#changed()
    return code
  }

  /** The answer to a write comes in, or is given up. */
  land(choice: number): void {
    const keys = [...this.flights.keys()]
    const key = keys[choice % Math.max(1, keys.length)]
    const flight = key === undefined ? undefined : this.flights.get(key)
    if (key === undefined || flight === undefined) return
    const { action, fate } = flight
    this.flights.delete(key)
    const answer = (code: string | undefined): void => {
      if (code === undefined) {
        this.doneAt.set(key, this.now)
        this.take(WorldEvent.WriteDone({ action, at: this.now }))
      } else this.take(failed(action, code, this.now))
    }
    switch (fate) {
      case "done":
        return answer(this.#commit(action))
      case "done at once, answered late":
        return answer(flight.code)
      case "done later, answer lost":
        this.ghosts.push(action)
        return answer("RequestTimeout")
      case "lost":
      case "done, answer lost":
        return answer("RequestTimeout")
      case "throttled":
        return answer("RequestLimitExceeded")
    }
  }

  /** EC2 does a write that everybody gave up. */
  haunt(): void {
    const action = this.ghosts.shift()
    if (action !== undefined) this.#commit(action)
  }

  #shownAt(lag: Millis): { readonly at: Millis; readonly vpc: Vpc } {
    const at = this.now - lag
    const shown = this.#past.findLast((one) => one.at <= at) ?? this.#past[0]!
    return { vpc: shown.vpc, at }
  }

  /** Asks EC2 for a reading. Its tables and its interfaces may each be as old as EC2 likes. */
  ask(tablesLag: Millis, interfacesLag: Millis): void {
    const tables = this.#shownAt(tablesLag)
    const rest = this.#shownAt(interfacesLag)
    const vpc: Vpc = { ...rest.vpc, tables: tables.vpc.tables }
    this.readings.push({ vpc, readAt: this.now, shows: Math.min(tables.at, rest.at) })
  }

  /** The oldest reading that was asked for comes in. */
  receive(): void {
    const reading = this.readings.shift()
    if (reading === undefined) return
    if (reading.readAt > (this.lastReading?.readAt ?? -Infinity)) this.lastReading = reading
    this.take(WorldEvent.VpcRead({ vpc: reading.vpc, readAt: reading.readAt }))
  }
}

const failed = (action: Action, code: string, at: Millis): WorldEvent => {
  const disposition = dispositionOf(code, code === "RequestTimeout" ? undefined : 400)
  return WorldEvent.WriteFailed({ action, disposition, code, message: "as EC2 says", at })
}
