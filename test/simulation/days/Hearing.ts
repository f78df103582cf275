import type { Alarm } from "../../../src/domain/Alarm.ts"
import type { AlarmState, AlarmValue } from "../../../src/domain/AlarmState.ts"
import type { InsufficientData } from "../../../src/domain/AlarmVerdict.ts"
import type { Millis } from "../../../src/domain/Health.ts"
import type { InstanceStatus } from "../../../src/domain/InstanceStatus.ts"
import type { AlarmWitness } from "./CloudWatch.ts"

/** What one health source of one daemon had reason to think of a host, by what it was told. */
export interface Hearing {
  /** It may hold the host for healthy, or did a moment ago. */
  readonly mayLive: (host: string, now: Millis) => boolean
  /** It may hold it for failed, or did a moment ago. */
  readonly mayHaveFailed: (host: string, now: Millis) => boolean
  /** It holds it for failed, and is in a position to say so. */
  readonly surelyFailed: (host: string, now: Millis) => boolean
}

/** Something that is so, or was until a moment ago. */
interface Flag {
  isUp: boolean
  changedAt: Millis
}

/** For what takes no time in this world but a turn, and for whole milliseconds. */
export const slack: Millis = 60

const isOrWas = (flag: Flag | undefined, now: Millis): boolean =>
  flag !== undefined && (flag.isUp || now - flag.changedAt <= slack)

const set = (flags: Map<string, Flag>, key: string, isUp: boolean, now: Millis): void => {
  if (flags.get(key)?.isUp !== isUp) flags.set(key, { isUp, changedAt: now })
}

/** The instances that a host was found at; the one before the last counts for a moment. */
export type InstancesOf = (host: string, now: Millis) => ReadonlyArray<string>

const severity: Readonly<Record<AlarmValue, number>> = { OK: 0, INSUFFICIENT_DATA: 1, ALARM: 2 }

/** Beside a source that watches alarms: the newest state counts, by CloudWatch's time, in whatever order they are told. */
export class AlarmHearing implements Hearing, AlarmWitness {
  readonly #told = new Map<string, { readonly instance: string; states: ReadonlyArray<AlarmState> }>()
  readonly #failed = new Map<string, Flag>()
  readonly #well = new Map<string, Flag>()
  readonly #now: () => Millis
  readonly #instancesOf: InstancesOf
  readonly #insufficient: InsufficientData
  #lastPoll: Flag = { isUp: false, changedAt: -Infinity }

  constructor(now: () => Millis, instancesOf: InstancesOf, insufficient: InsufficientData) {
    this.#now = now
    this.#instancesOf = instancesOf
    this.#insufficient = insufficient
  }

  polled(alarms: ReadonlyArray<Alarm> | undefined): void {
    const isUp = alarms !== undefined
    if (this.#lastPoll.isUp !== isUp) this.#lastPoll = { isUp, changedAt: this.#now() }
    if (alarms === undefined) return
    const shown = new Set(alarms.map(({ arn }) => arn))
    for (const [arn, { instance }] of this.#told)
      if (!shown.has(arn)) {
        this.#told.delete(arn)
        this.#judge(instance, undefined)
      }
    for (const { arn, instances, state } of alarms) {
      if (!this.#told.has(arn)) this.#told.set(arn, { instance: instances[0] ?? "", states: [] })
      this.event(arn, state)
    }
  }

  event(arn: string, state: AlarmState): void {
    const told = this.#told.get(arn)
    if (told === undefined) return
    told.states = [...told.states, state].toSorted((a, b) => b.at - a.at || severity[b.value] - severity[a.value])
    const counts = ({ value }: AlarmState): boolean => value !== "INSUFFICIENT_DATA" || this.#insufficient !== "keep"
    const newest = told.states.find(counts)?.value
    // Nothing older than what counts will ever count.
    told.states = told.states.slice(0, told.states.findIndex(counts) + 1 || 1)
    this.#judge(told.instance, newest)
  }

  #judge(instance: string, newest: AlarmValue | undefined): void {
    const now = this.#now()
    const says = newest === "INSUFFICIENT_DATA" ? (this.#insufficient === "failed" ? "ALARM" : "OK") : newest
    set(this.#failed, instance, says === "ALARM", now)
    set(this.#well, instance, says === "OK", now)
  }

  mayLive(host: string, now: Millis): boolean {
    return this.#instancesOf(host, now).some((instance) => isOrWas(this.#well.get(instance), now))
  }

  mayHaveFailed(host: string, now: Millis): boolean {
    return this.#instancesOf(host, now).some((instance) => isOrWas(this.#failed.get(instance), now))
  }

  surelyFailed(host: string, now: Millis): boolean {
    const instances = this.#instancesOf(host, now)
    if (!this.#lastPoll.isUp || now - this.#lastPoll.changedAt <= slack || instances.length !== 1) return false
    const flag = this.#failed.get(instances[0] ?? "")
    return flag?.isUp === true && now - flag.changedAt > slack
  }
}

const isWell = ({ checks, state }: InstanceStatus): boolean =>
  state === "running" && Object.values(checks).every((one) => one === "ok" || one === "not-applicable")

const isBad = ({ checks, state }: InstanceStatus): boolean =>
  down.has(state) || (state === "running" && Object.values(checks).includes("impaired"))

/** In these states an instance carries nothing. */
export const down: ReadonlySet<string | undefined> = new Set(["stopping", "stopped", "shutting-down", "terminated"])

/** So long after an answer the source cannot be down: three rounds must fail, the first of them 1 s later when hosts are new. */
const surelyUp: Millis = 2_500

/** Beside a source that asks EC2 for the state and the checks of instances, and proves no host healthy. */
export class StatusHearing implements Hearing {
  readonly #failed = new Map<string, Flag>()
  /** What EC2 said is down, or impaired, and when it said so last. */
  readonly #sure = new Map<string, Flag & { toldAt: Millis }>()
  readonly #now: () => Millis
  readonly #instancesOf: InstancesOf

  constructor(now: () => Millis, instancesOf: InstancesOf) {
    this.#now = now
    this.#instancesOf = instancesOf
  }

  /** Undefined: EC2 may not know some of them. */
  told(asked: ReadonlyArray<string>, found: ReadonlyMap<string, InstanceStatus> | undefined): void {
    const now = this.#now()
    for (const instance of asked) {
      const status = found?.get(instance)
      const isSure = status !== undefined && isBad(status)
      const before = this.#sure.get(instance)
      this.#sure.set(instance, {
        isUp: isSure,
        changedAt: before?.isUp === isSure ? before.changedAt : now,
        toldAt: now,
      })
      if (status === undefined || isBad(status)) set(this.#failed, instance, true, now)
      else if (isWell(status)) set(this.#failed, instance, false, now)
    }
  }

  mayLive(): boolean {
    return false
  }

  mayHaveFailed(host: string, now: Millis): boolean {
    return this.#instancesOf(host, now).some((instance) => isOrWas(this.#failed.get(instance), now))
  }

  surelyFailed(host: string, now: Millis): boolean {
    const instances = this.#instancesOf(host, now)
    const sure = this.#sure.get(instances[0] ?? "")
    if (instances.length !== 1 || sure?.isUp !== true) return false
    return now - sure.changedAt > slack && now - sure.toldAt < surelyUp
  }
}
