import type { Daemon, Status } from "./Daemon.ts"
import { type Broken, Days } from "./Days.ts"
import { Dice } from "./Dice.ts"
import { day, minute, planFaults, type Planned, second } from "./Faults.ts"
import { judgeHolds } from "./JudgeGuards.ts"
import { withoutEscape } from "./NoEscape.ts"
import type { Size } from "./Scene.ts"
import { unsettled } from "./Settled.ts"
import { Trace } from "./Trace.ts"

/** How a seed is played. Times in milliseconds. */
export interface Play {
  readonly days: number
  /** How long faults go on until they stop and the tables have to settle; then the next round begins. */
  readonly round: number
  /** 1: as many faults as `Faults.ts` says. */
  readonly intensity: number
  readonly size?: Size | undefined
  /** Only these faults happen. */
  readonly only?: ReadonlySet<string> | undefined
  readonly trace?: Trace | undefined
}

export const longPlay: Play = { days: 1, round: 100 * minute, intensity: 1 }
export const shortPlay: Play = { days: 0.02, round: 20 * minute, intensity: 4 }

export interface Result {
  readonly seed: number
  readonly hash: string
  readonly failure: Broken | undefined
  /** What happened, and how often. */
  readonly coverage: ReadonlyMap<string, number>
  /** The faults that happened, in their order. */
  readonly happened: ReadonlyArray<string>
  readonly simulated: number
  readonly steps: number
  readonly writes: number
  readonly size: Size
  /** How long the tables took to settle, at most. */
  readonly settledIn: number
  readonly trace: Trace
}

/** Within this time the tables settle once faults stop. */
export const settleBound = 20 * minute
/** So long after two daemons wrote one of them may find what the other one did, and repair it. */
const untangling = 6 * minute
/** And then nothing is written for so long. */
const quiet = 2 * minute

class Stopped extends Error {}

/** Plays one seed. The same seed and play give the same trace. */
export const simulate = (seed: number, play: Play): Result => {
  const trace = play.trace ?? new Trace()
  return withoutEscape(() => new Player(seed, play, trace).play())
}

class Player {
  readonly #seed: number
  readonly #play: Play
  readonly #trace: Trace
  readonly #days: Days
  readonly #happened: Array<string> = []
  readonly #ends = new Map<string, (isCalm: boolean) => void>()
  #settledIn = 0
  /** When two daemons were last seen at once. */
  #doubledAt = -Infinity

  constructor(seed: number, play: Play, trace: Trace) {
    this.#seed = seed
    this.#play = play
    this.#trace = trace
    this.#days = new Days(`seed ${seed}`, trace, play.size)
  }

  play(): Result {
    const days = this.#days
    const begun = days.time.now
    try {
      days.startDaemon()
      this.#pass(10 * second)
      do {
        this.#turbulence()
        this.#calm()
      } while (days.time.now - begun < this.#play.days * day)
    } catch (stopped) {
      if (!(stopped instanceof Stopped)) throw stopped
    }
    for (const struck of [days.cloud.struck, days.alarms?.struck ?? []])
      for (const [fault, times] of struck) days.cover(fault, times)
    return {
      seed: this.#seed,
      hash: this.#trace.digest(),
      failure: days.failure,
      coverage: days.coverage,
      happened: this.#happened,
      simulated: days.time.now - begun,
      steps: days.time.steps,
      writes: days.writes,
      size: days.scene.size,
      settledIn: this.#settledIn,
      trace: this.#trace,
    }
  }

  #pass(millis: number): void {
    const { time } = this.#days
    time.run(time.now + millis, () => {
      if (this.#days.failure !== undefined) throw new Stopped()
    })
  }

  #turbulence(): void {
    const days = this.#days
    const from = days.time.now
    const end = from + this.#play.round
    const dice = new Dice(`seed ${this.#seed} faults from ${Math.round(from / this.#play.round)}`)
    for (const planned of planFaults(dice, from, this.#play.round, this.#play.intensity))
      if (this.#play.only?.has(planned.id) !== false) days.later(planned.at - from, () => this.#begin(planned, end))
    for (let at = from; at < end; at += minute) {
      this.#pass(minute - 1)
      this.#seeWhoLives()
      const status = this.#status()?.status
      for (const tag of new Set(status?.held.map(({ reason }) => reason._tag))) days.cover(`held at times: ${tag}`)
      for (const tag of new Set(status?.failed.map(({ verdict }) => verdict._tag))) days.cover(`hosts at times: ${tag}`)
    }
  }

  #begin({ at, dice, fault, id, until }: Planned, end: number): void {
    const days = this.#days
    const done = fault.begin(days, dice)
    if (done === undefined) return
    this.#happened.push(id)
    days.cover(`fault: ${fault.name}`)
    days.say("FAULT", `${fault.name}: ${done.words}`)
    const over = done.end
    if (over === undefined) return
    const stays = fault.mayStay === true && dice.hits(0.8)
    this.#ends.set(id, (isCalm) => {
      // What stays down ends with the next round's faults.
      if (isCalm && stays && at > end - this.#play.round) return
      this.#ends.delete(id)
      days.say("FAULT", `over: ${fault.name}: ${done.words}`)
      over()
    })
    if (until < end) days.later(until - at, () => this.#ends.get(id)?.(false))
  }

  #seeWhoLives(): void {
    const { alive, time } = this.#days
    if (alive.length > 1) this.#doubledAt = time.now
  }

  /** All faults stop; the tables settle, and stay as they are. */
  #calm(): void {
    const days = this.#days
    this.#seeWhoLives()
    this.#ends.forEach((end) => end(true))
    days.say("FAULT", this.#ends.size === 0 ? "all is well from now on" : "the rest is well from now on")
    const [first, ...more] = days.alive
    for (const one of more) one.kill()
    if (first === undefined) days.startDaemon()
    const from = days.time.now
    let settledAt = from
    let faults: ReadonlyArray<string> = ["no status"]
    const dice = new Dice("calm")
    days.want(days.wanted, dice)
    for (let tries = 0; faults.length > 0; tries++) {
      this.#pass(5 * second)
      // A post may have come before the daemon could take it.
      if (tries % 6 === 5) days.want(days.wanted, dice)
      faults = this.#unsettled()
      settledAt = days.time.now
      // A reading may yet tell of something that was changed back.
      if (faults.length === 0) {
        this.#pass(Math.max(days.scene.recheckInterval + 30 * second, this.#doubledAt + untangling - days.time.now))
        faults = this.#unsettled()
      }
      if (days.time.now - from > settleBound) {
        this.#sayHolds()
        days.broken("settles once faults stop", `after ${settleBound / minute} min: ${faults.join("; ")}`)
        throw new Stopped()
      }
    }
    this.#settledIn = Math.max(this.#settledIn, settledAt - from)
    const { writes } = days
    this.#pass(quiet)
    const late = this.#unsettled()
    if (late.length > 0) days.broken("stays settled", late.join("; "))
    if (days.writes > writes) days.broken("stays settled", `${days.writes - writes} writes although all is well`)
    if (days.failure !== undefined) throw new Stopped()
    days.cover("settled")
    days.say("JUDGE", "settled")
  }

  #unsettled(): ReadonlyArray<string> {
    const status = this.#status()
    return status === undefined ? ["no status"] : unsettled(this.#days, status.daemon, status.status)
  }

  #status(): { readonly daemon: Daemon; readonly status: Status } | undefined {
    const [daemon] = this.#days.alive
    let found: Status | undefined
    daemon?.status((status) => (found = status))
    this.#pass(1)
    if (daemon === undefined || found === undefined) return undefined
    judgeHolds(this.#days, daemon, found)
    return { daemon, status: found }
  }

  #sayHolds(): void {
    const status = this.#status()?.status
    for (const { cidr, reason, table } of status?.held ?? [])
      this.#days.say("status", `held: ${cidr} in ${table ?? "all"}: ${JSON.stringify(reason)}`)
    for (const host of status?.hosts ?? [])
      this.#days.say("status", `host ${host.host}: ${host.verdict._tag} ${host.why ?? "able"}`)
  }
}
