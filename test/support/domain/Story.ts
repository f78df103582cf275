import type { Action } from "../../../src/domain/Action.ts"
import { apply } from "../../../src/domain/Apply.ts"
import type { Cidr } from "../../../src/domain/Cidr.ts"
import { type Durable, durableOf, holdsAlike } from "../../../src/domain/Durable.ts"
import { decide, heldOf, pendingOf } from "../../../src/domain/Decide.ts"
import type { Millis } from "../../../src/domain/Health.ts"
import { Verdict } from "../../../src/domain/Health.ts"
import type { Held } from "../../../src/domain/Hold.ts"
import { empty, type World } from "../../../src/domain/World.ts"
import { WorldEvent } from "../../../src/domain/WorldEvent.ts"
import { dispositionOf } from "../../../src/domain/WriteFailure.ts"
import { carriedOver } from "../../../src/domain/BrakeMemory.ts"
import { destination, hostAt, type Letter, small, type SmallScene, smallSpec, smallVpc } from "./Small.ts"

/** `rtb-1 failover:b`: a write to the destination that small scenes are about; another destination is named. */
const inWords = (action: Action): string => {
  const what =
    action._tag === "DeleteRoute"
      ? "delete"
      : `${action._tag === "CreateRoute" ? "create" : action.urgency}:${action.interfaceId.replace("eni-", "")}`
  return `${action.cidr === destination ? "" : `${action.cidr} `}${action.table} ${what}`
}

const heldInWords = ({ cidr, table, reason }: Held): string =>
  `${cidr === destination ? "" : `${cidr} `}${table ?? "*"} ${reason._tag}`

/** A hand-written course of events, told step by step as the reconcile loop would meet them. */
export class Story {
  readonly #scene: SmallScene
  world: World
  now: Millis = 1_000_000
  nextAt: Millis | undefined
  /** What a state file would hold. */
  kept: Durable | undefined

  /** Begins with the spec, a reading and the verdicts of the scene, long after the start. */
  constructor(scene: SmallScene) {
    this.#scene = scene
    const { spec, vpc, health, policy, drained } = small(scene)
    this.world = empty(policy)
    this.take(WorldEvent.SpecAccepted({ spec, at: 0 }))
    this.take(WorldEvent.VpcRead({ vpc, readAt: this.now }))
    this.take(WorldEvent.VerdictsReached({ verdicts: [...health].map(([host, verdict]) => ({ host, verdict })) }))
    for (const host of drained) this.take(WorldEvent.HostDrained({ host }))
  }

  take(event: WorldEvent): this {
    const dirty = new Set<Cidr>()
    for (const one of [event, WorldEvent.TimeCame({ at: this.now })]) {
      const [world, changed] = apply(this.world, one)
      this.world = world
      for (const range of changed) dirty.add(range)
    }
    const decision = decide(this.world, dirty, this.now)
    this.world = decision.world
    this.nextAt = decision.nextAt
    if (event._tag === "SpecAccepted" || event._tag === "HoldConfirmed" || !holdsAlike(this.kept, this.world, this.now))
      this.kept = durableOf(this.world, this.now)
    return this
  }

  /** Begins anew with what was kept. EC2 shows these routes; the host is well. The wall clock was `set` meanwhile. */
  restart(routes: Readonly<Record<string, string>>, set: Millis = 0): this {
    const { kept, world } = this
    if (kept === undefined) throw new Error("nothing was kept")
    const { health, policy } = world
    this.world = empty(policy)
    const durable = { ...kept, hour: carriedOver(kept.hour, this.now + set, this.now) }
    this.take(WorldEvent.Restored({ durable, at: this.now }))
    this.now += 1
    this.take(WorldEvent.VpcRead({ vpc: smallVpc({ ...this.#scene, routes }), readAt: this.now }))
    return this.take(
      WorldEvent.VerdictsReached({ verdicts: [...health].map(([host, verdict]) => ({ host, verdict })) }),
    )
  }

  /** Begins anew with nothing kept, while EC2 cannot be read. */
  startUnread(): this {
    const { spec, health, policy } = small(this.#scene)
    this.world = empty(policy)
    this.take(WorldEvent.SpecAccepted({ spec, at: this.now }))
    return this.take(
      WorldEvent.VerdictsReached({ verdicts: [...health].map(([host, verdict]) => ({ host, verdict })) }),
    )
  }

  /** Time passes, and what is due is looked at. */
  wait(millis: Millis): this {
    this.now += millis
    return this.take(WorldEvent.TimeCame({ at: this.now }))
  }

  /** A reading that began `lag` ago and shows this of the destination; all else as in the scene. */
  reads(row: string, lag: Millis = 0, change: Partial<SmallScene> = {}): this {
    const scene = { ...this.#scene, ...change }
    const vpc = smallVpc({ ...scene, routes: { ...scene.routes, [destination]: row } })
    return this.take(WorldEvent.VpcRead({ vpc, readAt: this.now - lag }))
  }

  spec(spec: Readonly<Record<string, string>>): this {
    return this.take(WorldEvent.SpecAccepted({ spec: smallSpec(spec), at: this.now }))
  }

  #verdict(letter: Letter, verdict: Verdict): this {
    return this.take(WorldEvent.VerdictsReached({ verdicts: [{ host: hostAt(letter), verdict }] }))
  }

  fails(letter: Letter): this {
    return this.#verdict(letter, Verdict.Failed({ since: this.now, reason: "3 probes lost" }))
  }

  recovers(letter: Letter): this {
    return this.#verdict(letter, Verdict.Healthy({ since: this.now }))
  }

  isUnknown(letter: Letter): this {
    return this.#verdict(letter, Verdict.Unknown({ since: this.now }))
  }

  isUnwatched(letter: Letter): this {
    return this.#verdict(letter, Verdict.Unwatched({ since: this.now, why: "no alarm covers it" }))
  }

  /** EC2 did the write that is pending; the only one, unless told which. */
  done(words?: string): this {
    return this.take(WorldEvent.WriteDone({ action: this.#find(words), at: this.now }))
  }

  /** EC2 refused the write that is pending. */
  refused(code: string, words?: string): this {
    return this.fault(this.#find(words), code)
  }

  /** A write, wanted now or some time ago, came back with an error. */
  fault(action: Action, code: string, message = "as told"): this {
    const disposition = dispositionOf(code, code === "RequestTimeout" ? undefined : 400, message)
    return this.take(WorldEvent.WriteFailed({ action, disposition, code, message, at: this.now }))
  }

  /** All that is pending was done. */
  allDone(): this {
    for (const action of pendingOf(this.world)) this.take(WorldEvent.WriteDone({ action, at: this.now }))
    return this
  }

  #find(words: string | undefined): Action {
    const wanted = pendingOf(this.world)
    const found = words === undefined ? wanted : wanted.filter((action) => inWords(action) === words)
    const [action] = found
    if (action === undefined || found.length > 1)
      throw new Error(`expected one write${words === undefined ? "" : ` ${words}`}, got ${this.pending.join(", ")}`)
    return action
  }

  get actions(): ReadonlyArray<Action> {
    return pendingOf(this.world)
  }

  get pending(): ReadonlyArray<string> {
    return pendingOf(this.world).map(inWords)
  }

  get held(): ReadonlyArray<string> {
    return heldOf(this.world).map(heldInWords)
  }

  get brake(): string {
    return this.world.brake?.hash ?? "none"
  }

  confirm(hash: string): this {
    return this.take(WorldEvent.DeletionsConfirmed({ hash }))
  }
}
