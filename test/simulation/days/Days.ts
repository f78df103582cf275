import type { Cell } from "../../../src/domain/Action.ts"
import { ip } from "../../../src/domain/Ip.ts"
import type { Vpc } from "../../../src/domain/Vpc.ts"
import { Effect, Result } from "effect"
import { RouteTableId } from "../../../src/domain/Ids.ts"
import type * as SimulatedHosts from "../../../src/services/ec2/SimulatedHosts.ts"
import type { Refusal } from "../../../src/services/ec2/SimulatedRoutes.ts"
import { deleteByHand } from "../../../src/services/ec2/SimulatedRoutes.ts"
import { interfaceOf, type SimulatedTable, type SimulatedVpc } from "../../../src/services/ec2/SimulatedVpc.ts"
import { type Call, Cloud } from "./Cloud.ts"
import { CloudWatch } from "./CloudWatch.ts"
import { Daemon } from "./Daemon.ts"
import { Dice } from "./Dice.ts"
import { Disk } from "./Disk.ts"
import { keyOf } from "./Evidence.ts"
import { specFile } from "./Instance.ts"
import { isExcluded, isOurs } from "./Judge.ts"
import { fairWeather, type Weather } from "./Network.ts"
import { drawScene, drawSize, readSpec, type Scene, type Size, type Wanted } from "./Scene.ts"
import type { Trace } from "./Trace.ts"
import { type Lane, VirtualTime } from "./VirtualTime.ts"

/** A promise that was broken. */
export interface Broken {
  readonly promise: string
  readonly words: string
  readonly at: number
}

/** The least time between two looks at the spec file. */
const betweenLooks = 199

/** One simulation: the world outside of the daemons, and whatever can be done to it. */
export class Days {
  readonly dice: Dice
  readonly scene: Scene
  readonly time: VirtualTime
  readonly cloud: Cloud
  readonly disk: Disk
  /** Until when the disk may lack what a daemon has in force from its file, as it could not be written. */
  diskBehindUntil = -Infinity
  /** Where alarms watch. */
  readonly alarms: CloudWatch | undefined
  readonly trace: Trace
  /** What the operator wants at present. */
  wanted: Wanted
  readonly everNamed = new Set<string>()
  readonly coverage = new Map<string, number>()
  writes = 0
  failure: Broken | undefined
  readonly #world: Lane
  #daemons: Array<Daemon> = []
  #started = 0
  /** Cells that hold a route which is not ours, and since when. */
  readonly #foreign = new Map<string, number>()
  #fileWrites = 0
  /** When each text was put into the spec file, that of long ago forgotten. */
  readonly #filedAt = new Map<string, number>()

  constructor(seed: string, trace: Trace, size?: Size) {
    this.dice = new Dice(seed)
    this.trace = trace
    this.time = new VirtualTime(this.dice)
    this.#world = this.time.lane("world", this.dice.named("world"))
    this.scene = drawScene(this.dice.named("scene"), size ?? drawSize(this.dice.named("size")))
    this.cloud = new Cloud(this.time.lane("EC2", this.dice.named("EC2")), this.dice, this.scene.topology)
    this.disk = new Disk(this.dice)
    this.alarms =
      this.scene.alarms &&
      new CloudWatch(this.#world, this.dice, this.scene.alarms.period, () => this.#simulated(instancesIn))
    this.#coverScene()
    this.wanted = this.scene.spec
    this.#noteForeign()
    this.#named(this.wanted)
    if (this.scene.mode === "configfile") this.#put(JSON.stringify(this.wanted))
  }

  // The record

  say(who: string, words: string): void {
    this.trace.add(this.time.now, who, words)
  }

  cover(what: string, times = 1): void {
    this.coverage.set(what, (this.coverage.get(what) ?? 0) + times)
  }

  broken(promise: string, words: string): void {
    if (this.failure !== undefined) return
    this.failure = { promise, words, at: this.time.now }
    this.say("JUDGE", `broken: ${promise}: ${words}`)
  }

  #coverScene(): void {
    const { alarms, asksForStatus, healthPolicy, isDual, sources } = this.scene
    const probes = sources > 1 ? "two probes" : sources > 0 ? "a probe" : undefined
    const watched = [probes, alarms && "alarms", asksForStatus ? "status checks" : undefined].filter(Boolean)
    this.cover(`watched by ${watched.join(", ")}${watched.length > 1 ? ` (${healthPolicy})` : ""}`)
    if (alarms !== undefined) this.cover(`alarms ${alarms.withQueue ? "with" : "without"} a queue`)
    if (isDual) this.cover("hosts and destinations of both families")
  }

  // The VPC

  change(event: SimulatedHosts.HostEvent): boolean {
    return this.cloud.attempt(this.cloud.simulation.change(event))
  }

  hostsOfZone(zone: string): ReadonlyArray<string> {
    const hosts = this.cloud.now(this.cloud.simulation.hosts)
    return this.scene.hosts.filter((host) => hosts.some((one) => one.zone === zone && one.addresses.includes(ip(host))))
  }

  /** The interface that holds an address in truth. */
  interfaceOf(host: string) {
    return this.#simulated((vpc) => interfaceOf(vpc, ip(host))?.id)
  }

  instanceOf(host: string) {
    return this.#simulated((vpc) => interfaceOf(vpc, ip(host))?.attachment?.instanceId)
  }

  /** The tables that there are, but for those of gateways. */
  tables(): ReadonlyArray<string> {
    return [...this.cloud.truth.tables.values()].filter(({ edge }) => !edge).map(({ id }) => id)
  }

  /** The cells with routes of ours. */
  ownedIn(vpc: Vpc): ReadonlyArray<string> {
    return [...vpc.tables.values()]
      .filter(({ edge }) => !edge)
      .flatMap(({ id, routes }) =>
        routes
          .filter((route) => isOurs(vpc, route) && !isExcluded(this, route.destination))
          .map(({ destination }) => `${id} ${destination}`),
      )
  }

  edit(
    cell: Cell,
    kind: "deleted" | "foreign" | "ours",
    event: (vpc: SimulatedVpc) => Result.Result<SimulatedVpc, Refusal>,
  ): boolean {
    // Somebody else's routes are nobody's to try.
    const key = keyOf(cell)
    if (this.#foreign.has(key) || !this.cloud.attempt(this.cloud.simulation.change(event))) return false
    if (kind === "foreign") this.#foreign.set(key, this.time.now)
    return true
  }

  /** Whoever led it elsewhere takes that back: deletes it. */
  editBack(cell: Cell): void {
    if (this.#foreign.delete(keyOf(cell))) this.cloud.attempt(this.cloud.simulation.change(deleteByHand(cell)))
  }

  /** A table is deleted; in the end somebody makes one of the same id, without a route of ours. */
  loseTable(id: string): (() => void) | undefined {
    const lost = this.#simulated((vpc) => vpc.tables.get(RouteTableId(id)))
    if (lost === undefined || lost.main) return undefined
    this.#changeTables((tables) => tables.delete(lost.id))
    for (const key of this.#foreign.keys()) if (key.startsWith(`${id} `)) this.#foreign.delete(key)
    return () => {
      const routes = new Map([...lost.routes].filter(([, { origin }]) => origin === "CreateRouteTable"))
      this.#changeTables((tables) => tables.set(lost.id, { ...lost, routes }))
      this.#noteForeign()
    }
  }

  #changeTables(change: (tables: Map<RouteTableId, SimulatedTable>) => unknown): void {
    this.cloud.attempt(
      this.cloud.simulation.change((vpc) => {
        const tables = new Map(vpc.tables)
        change(tables)
        return Result.succeed({ ...vpc, tables })
      }),
    )
  }

  /** Looks at the VPC as it is kept. */
  #simulated<A>(look: (vpc: SimulatedVpc) => A): A {
    let seen: { readonly value: A } | undefined
    this.cloud.now(
      Effect.ignore(
        this.cloud.simulation.change((vpc) => {
          seen = { value: look(vpc) }
          return Result.fail("only looking")
        }),
      ),
    )
    if (seen === undefined) throw new Error("the simulated VPC was not seen")
    return seen.value
  }

  #noteForeign(): void {
    const { truth } = this.cloud
    for (const table of truth.tables.values())
      for (const route of table.routes) {
        const key = `${table.id} ${route.destination}`
        if (route.origin !== "EnableVgwRoutePropagation" && !isOurs(truth, route) && !this.#foreign.has(key))
          this.#foreign.set(key, this.time.now)
      }
  }

  /** A write of a daemon was carried out. */
  committed(call: Call): void {
    const since = this.#foreign.get(keyOf(call))
    // One that came lately no reading may have shown.
    if (since !== undefined && this.time.now - since > 20 * 60_000 && this.scene.recheckInterval > 0)
      this.broken("own routes only", `${call.tag} ${keyOf(call)} struck a route of somebody else`)
    if (since !== undefined && call.tag !== "CreateRoute") this.#foreign.delete(keyOf(call))
    this.cover(`done: ${call.tag}`)
  }

  // The network

  network(change: (weather: Weather) => void): void {
    for (const daemon of this.alive) for (const weather of daemon.weather) change(weather)
  }

  /** The weather of one health source of one daemon. */
  weatherOf(dice: Dice): Weather {
    const all = this.alive.flatMap(({ weather }) => weather)
    return all.length === 0 ? fairWeather() : dice.one(all)
  }

  // Processes

  get alive(): ReadonlyArray<Daemon> {
    return this.#daemons.filter(({ isAlive }) => isAlive)
  }

  victim(dice: Dice): Daemon | undefined {
    return this.alive.length === 0 ? undefined : dice.one(this.alive)
  }

  later(millis: number, run: () => void): void {
    this.#world.in(millis, run)
  }

  startDaemon(): Daemon {
    const daemon = new Daemon(`daemon-${++this.#started}`, this)
    const { evidence } = daemon
    const isSole = this.alive.length === 0 && this.#daemons.length === 1
    if (this.scene.keepsState) {
      const { now } = this.time
      const [last, ...others] = this.#daemons
      if (last !== undefined && others.length === 0 && !last.isAlive && now > this.diskBehindUntil)
        evidence.remembers(last.evidence)
      for (const before of this.#daemons) {
        const { evidence: known } = before
        const isKept = isSole && now > this.diskBehindUntil
        const stands = (host: string, since: number): boolean =>
          known.isUndisturbed(since) && known.isWantedSince(host, since, now)
        evidence.letGo.inherit(known.letGo, now, isKept, stands)
        const mayBeKept = now <= this.diskBehindUntil ? known.claims : known.specs(now)
        for (const { wanted } of mayBeKept) evidence.claim(wanted, now, true)
        for (const [host, drain] of before.evidence.drains) {
          const known = evidence.drains.get(host)
          const until = Math.max(drain.until, known?.until ?? -Infinity)
          // Two daemons write over each other's state: then it is not known whether it is kept. Nor is what was not answered.
          const isKept = drain.from < Infinity && isSole
          const from = isKept ? now : Infinity
          if (until > now) evidence.drains.set(host, { from, mayBeFrom: now, until })
        }
        for (const key of before.confirmed) daemon.confirmed.add(key)
      }
    }
    if (this.scene.keepsState && isSole && this.scene.mode === "http") this.#willRemember(daemon)
    this.#daemons.push(daemon)
    this.say(daemon.name, "starts")
    if (this.scene.mode === "configfile") this.#claimFile(daemon)
    else this.later(2_000, () => void (daemon.isRunning && this.dice.hits(0.8) && this.#post(daemon, this.wanted)))
    return daemon
  }

  /** Looks whether it has a spec in force that its predecessor had, when it has come up. */
  #willRemember(daemon: Daemon): void {
    const before = this.#daemons[0]?.evidence.specs(this.time.now) ?? []
    if (before.length === 0 || before.some(({ isCertain }) => !isCertain)) return
    const look = () =>
      daemon.isRunning ? this.later(20, () => daemon.remembers()) : daemon.isAlive ? this.later(100, look) : undefined
    this.later(100, look)
  }

  startLater(millis: number): void {
    this.later(millis, () => {
      if (this.alive.length === 0) this.startDaemon()
    })
  }

  /** A daemon accepted a spec: what those that are gone had in force is of no matter any more. */
  accepted(by: Daemon): void {
    if (this.alive.some((one) => one !== by)) return
    this.#daemons = [by]
  }

  // What operators do

  #named(wanted: Wanted): void {
    for (const range of Object.keys(wanted)) this.everNamed.add(range)
  }

  /** Another spec is wanted: posted, or written to the file in one of the ways in which people do. */
  want(next: Wanted, dice: Dice): void {
    this.wanted = next
    this.#named(next)
    if (this.scene.mode === "http") {
      const all = dice.hits(0.8) ? this.alive : this.alive.slice(0, 1)
      for (const daemon of all) this.#post(daemon, next)
      return
    }
    const text = JSON.stringify(next)
    if (dice.hits(0.5)) return this.#put(text)
    this.#put("")
    const part = text.slice(0, dice.below(text.length))
    const write = ++this.#fileWrites
    const ifLast = (run: () => void) => () => void (write === this.#fileWrites && run())
    this.later(
      dice.whole(1, 700),
      ifLast(() => {
        this.disk.put(specFile, part)
        this.later(
          dice.whole(1, 700),
          ifLast(() => this.#put(text)),
        )
      }),
    )
  }

  #post(daemon: Daemon, wanted: Wanted): void {
    daemon.post(JSON.stringify(wanted), wanted)
  }

  /** What is no spec is written, or posted. */
  spoil(text: string): void {
    if (this.scene.mode === "http") for (const daemon of this.alive) daemon.post(text, undefined)
    else this.#put(text)
  }

  #put(text: string): void {
    const isSame = text === this.disk.text(specFile)
    this.disk.put(specFile, text)
    // What is written once more goes on standing there: it may come into force as if it had not been.
    if (isSame) return
    this.#fileWrites++
    const { now } = this.time
    for (const [before, at] of this.#filedAt) if (now - at > 5_000) this.#filedAt.delete(before)
    // What stood there lately, too, two looks may find that saw nothing of what was there between them.
    const since = this.#filedAt.get(text) ?? now
    this.#filedAt.set(text, since)
    const wait = Math.max(0, since + betweenLooks - now)
    for (const daemon of this.alive) this.#claimFile(daemon, wait)
  }

  /** What stands in the file for so long that two looks may find it may come into force. */
  #claimFile(daemon: Daemon, wait = betweenLooks): void {
    const write = this.#fileWrites
    const wanted = readSpec(this.disk.text(specFile))
    if (wanted === undefined) return
    this.later(wait, () => {
      if (write !== this.#fileWrites || !daemon.isAlive) return
      const claim = daemon.evidence.claim(wanted, this.time.now)
      this.#closeClaims(daemon, claim.from)
    })
  }

  /** What stood in the file before is out of force when all has been well for long enough. */
  #closeClaims(daemon: Daemon, before: number): void {
    const { now } = this.time
    this.later(12_000, () => {
      if (!daemon.isAlive) return
      if (this.disk.trouble !== "none" || daemon.standsUntil > now || !daemon.isRunning)
        return this.#closeClaims(daemon, before)
      for (const one of daemon.evidence.claims) if (one.from < before) one.until = Math.min(one.until, this.time.now)
      this.accepted(daemon)
    })
  }

  drain(host: string, isDrained: boolean): void {
    for (const daemon of this.alive) daemon.drain(host, isDrained)
  }

  confirmHolds(): void {
    for (const daemon of this.alive) daemon.confirmHolds()
  }
}

/** Whether instances answer their status checks; undefined: they have none. */
const instancesIn = (vpc: SimulatedVpc): ReadonlyMap<string, boolean | undefined> => {
  const found = new Map<string, boolean | undefined>()
  for (const [id, state] of vpc.instances) found.set(id, state === "running" ? true : undefined)
  for (const { answers, attachment } of vpc.interfaces.values()) {
    const id = attachment?.instanceId
    if (id !== undefined && !answers && found.get(id) === true) found.set(id, false)
  }
  return found
}
