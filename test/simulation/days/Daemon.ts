import { Effect, Exit } from "effect"
import { encodeRouteSpec } from "../../../src/domain/RouteSpec.ts"
import { ip } from "../../../src/domain/Ip.ts"
import { Evidence } from "./Evidence.ts"
import { fairWeather, probeOf, type Weather } from "./Network.ts"
import { boundOf, Instance } from "./Instance.ts"
import type { Claim } from "./Evidence.ts"
import type { Wiretap } from "./Cloud.ts"
import type { Days } from "./Days.ts"
import { judgeDelete, judgeSent } from "./Judge.ts"
import { isSpec, type Wanted } from "./Scene.ts"

/** A daemon in the simulation, with whoever stands beside it and writes down what it gets to know. */
export class Daemon {
  readonly name: string
  readonly evidence: Evidence
  readonly weather: ReadonlyArray<Weather>
  /** Deletions that the operator confirmed, by cell. */
  readonly confirmed = new Set<string>()
  readonly #days: Days
  readonly #instance: Instance
  #done: Array<{ readonly claim: Claim; readonly at: number }> = []

  constructor(name: string, days: Days) {
    this.name = name
    this.#days = days
    const { scene, time } = days
    const dice = days.dice.named(name)
    const lane = time.lane(name, dice)
    this.evidence = new Evidence(time.now, boundOf(scene))
    this.weather = Array.from({ length: scene.sources }, fairWeather)
    this.#instance = new Instance(lane, scene)
    const { evidence } = this
    const isAnchor: ReadonlySet<string> = new Set(scene.anchors)
    const statuses = evidence.hearStatuses(() => time.now)
    const wiretap: Wiretap = {
      sent: (call) => {
        days.say(
          name,
          `sends ${call.tag} ${call.cidr} in ${call.table}${call.interfaceId === undefined ? "" : ` to ${call.interfaceId}`}`,
        )
        days.writes++
        judgeSent(days, this, call)
        if (call.tag === "DeleteRoute") judgeDelete(days, this, call)
        evidence.inFlight.set(`${call.table} ${call.cidr}`, call)
      },
      committed: (call) => {
        days.say("EC2", `does ${call.tag} ${call.cidr} in ${call.table} of ${name}`)
        days.committed(call)
      },
      answered: (call, error) => {
        days.say(name, `is answered ${error?.code ?? "done"}: ${call.tag} ${call.cidr} in ${call.table}`)
        evidence.answered(call, error, time.now)
        if (call.tag === "DeleteRoute" && error === undefined && !this.confirmed.has(`${call.table} ${call.cidr}`))
          evidence.deleted.push({ cidr: call.cidr, at: time.now })
      },
      reading: (readAt, vpc) => {
        evidence.reading(readAt, time.now, vpc)
        evidence.owned.push({ at: time.now, count: days.ownedIn(vpc).length })
        if (evidence.owned.length > 5_000) evidence.owned.splice(0, 1_000)
      },
      statuses: (asked, found) => statuses.told(asked, found),
    }
    this.#instance.start({
      disk: days.disk,
      log: (level, words) => days.say(name, `${level === "Info" ? "" : `${level}: `}${words}`),
      ended: (why) => {
        days.say(name, `ended: ${why}`)
        if (!this.#instance.isAlive) return
        this.kill()
        days.startLater(5_000)
      },
      senses: {
        probes: this.weather.map((weather, n) =>
          probeOf({
            lane,
            weather,
            dice: dice.named(`packets ${n}`),
            answers: (host) => isAnchor.has(host) || days.cloud.simulation.answersUnsafe(host),
            witness: evidence.listen(() => time.now),
          }),
        ),
        cloudWatch:
          scene.alarms &&
          days.alarms?.portsFor(
            lane,
            evidence.hearAlarms(() => time.now, scene.alarms.insufficientData),
          ),
        statuses: days.cloud.statusesFor(lane, wiretap),
      },
      ec2: days.cloud.ec2For(lane, wiretap),
    })
  }

  get isAlive(): boolean {
    return this.#instance.isAlive
  }

  get isRunning(): boolean {
    return this.#instance.isRunning
  }

  kill(): void {
    this.#instance.kill()
    this.evidence.inFlight.clear()
  }

  /** SIGTERM, and five seconds later there is nothing left to be seen of it. */
  stop(): void {
    this.#instance.stop()
    this.#days.later(5_000, () => this.kill())
  }

  standStill(millis: number): void {
    const { lane } = this.#instance
    const from = this.#days.time.now
    lane.standsUntil = Math.max(lane.standsUntil, from + millis)
    this.evidence.stood(from, lane.standsUntil)
  }

  get standsUntil(): number {
    return this.#instance.lane.standsUntil
  }

  /** Posts what should be a spec. `done` is told whether it is in force. */
  post(body: string, wanted: Wanted | undefined, done: (isInForce: boolean) => void = () => undefined): boolean {
    const from = this.#days.time.now
    const claim = wanted === undefined || !isSpec(wanted) ? undefined : this.evidence.claim(wanted, from)
    const isAsked = this.#instance.post(body, (exit) => {
      const at = this.#days.time.now
      const isInForce = Exit.isSuccess(exit)
      this.#days.say(this.name, isInForce ? "a posted spec is in force" : "a posted spec is refused")
      if (claim !== undefined && isInForce) this.#supersede(claim, at)
      // Interrupted while it goes down: it may have come into force.
      else if (claim !== undefined && !Exit.hasInterrupts(exit)) claim.until = at
      done(isInForce)
    })
    if (!isAsked && claim !== undefined) claim.until = -Infinity
    return isAsked
  }

  /** Those that were in force before this one was posted are so no more. */
  #supersede(claim: Claim, at: number): void {
    this.#done = this.#done.filter((one) => one.claim.until === Infinity)
    for (const one of this.#done) if (one.at <= claim.from) one.claim.until = at
    for (const one of this.evidence.claims) if (one.isRestored && one.until === Infinity) one.until = at
    claim.isCertain = true
    this.#done.push({ claim, at })
    this.#days.accepted(this)
  }

  drain(host: string, isDrained: boolean): void {
    const { drains } = this.evidence
    const before = drains.get(host)
    const asked = this.#days.time.now
    // Until it is answered it may be so, or not.
    if (isDrained) drains.set(host, { from: Infinity, mayBeFrom: asked, until: Infinity })
    else if (before !== undefined) drains.set(host, { ...before, from: Infinity })
    this.#instance.ask(
      ({ reconciler }) => reconciler.drain(ip(host), isDrained),
      (exit) => {
        const isDone = Exit.isSuccess(exit) && exit.value === "Done"
        this.#days.say(this.name, `${isDrained ? "drain" : "undrain"} of ${host}: ${isDone ? "done" : "not done"}`)
        const { now } = this.#days.time
        if (isDone && isDrained) drains.set(host, { from: now, mayBeFrom: asked, until: Infinity })
        else if (isDone && before !== undefined) drains.set(host, { ...before, from: Infinity, until: now })
        else if (!isDone && isDrained && !Exit.hasInterrupts(exit)) {
          // It was refused: all is as it was.
          if (before === undefined) drains.delete(host)
          else drains.set(host, before)
        }
      },
    )
  }

  /** Confirms everything that is held now. */
  confirmHolds(): void {
    this.#instance.ask(
      ({ reconciler }) =>
        Effect.gen({ self: this }, function* () {
          const { brake, holds } = yield* reconciler.status
          for (const deletion of brake?.deletions ?? []) this.confirmed.add(`${deletion.table} ${deletion.cidr}`)
          for (const { hash, hosts, kind } of holds) {
            this.#days.say(
              this.name,
              `the operator confirms ${kind}${hosts.length === 0 ? "" : ` of ${hosts.join(", ")}`}`,
            )
            const { letGo } = this.evidence
            letGo.asked(hosts, this.#days.time.now)
            if (kind === "MonitorCutOff") this.evidence.anchorsAsideAt = Infinity
            const isDone = yield* reconciler.confirm(hash)
            const { now } = this.#days.time
            if (kind === "MonitorCutOff") this.evidence.anchorsAsideAt = now
            if (!isDone) continue
            letGo.done(hosts, now)
            this.#days.cover(`hold confirmed: ${kind}`)
          }
        }),
      () => undefined,
    )
  }

  /** What was said to be in force, and kept over a restart, is so after it. */
  remembers(): void {
    this.status(({ spec }) => {
      const { now } = this.#days.time
      const kept = JSON.stringify(spec === undefined ? undefined : encodeRouteSpec(spec))
      const claims = this.evidence.specs(now).map(({ wanted }) => JSON.stringify(sorted(wanted)))
      if (!claims.includes(kept))
        this.#days.broken("what was accepted survives", `${this.name} has ${kept} in force after a restart`)
    })
  }

  /** Asks for the status. */
  status(answered: (status: Status) => void): boolean {
    return this.#instance.ask(
      ({ reconciler }) => reconciler.status,
      (exit) => (Exit.isSuccess(exit) ? answered(exit.value) : undefined),
    )
  }
}

const sorted = (wanted: Wanted): Wanted =>
  Object.fromEntries(
    Object.entries(wanted)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([range, hosts]) => [range, hosts.toSorted()]),
  )

type Services = NonNullable<Instance["services"]>
export type Status = Effect.Success<Services["reconciler"]["status"]>
