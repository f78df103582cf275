import { Effect } from "effect"
import type { Alarm } from "../../../src/domain/Alarm.ts"
import type { AlarmState, AlarmValue } from "../../../src/domain/AlarmState.ts"
import type { Millis } from "../../../src/domain/Health.ts"
import { InstanceId } from "../../../src/domain/Ids.ts"
import { AlarmFailure } from "../../../src/services/health/cloudwatch/AlarmFailure.ts"
import type { AlarmQueue, QueuedMessage } from "../../../src/services/health/cloudwatch/AlarmQueue.ts"
import type { Alarms } from "../../../src/services/health/cloudwatch/Alarms.ts"
import { arnOf, stateChange } from "../../support/cloudwatch/StateChange.ts"
import type { Dice } from "./Dice.ts"
import type { Lane } from "./VirtualTime.ts"

/** What goes wrong between alarms and daemons at present. Shares are of calls, or of messages. */
export interface AlarmWeather {
  pollsFail: number
  isDenied: boolean
  /** Polls show the past, as much as so long ago. */
  lag: Millis
  /** Messages take longer, up to so much, each another time: then they come out of order. */
  late: Millis
  doubled: number
  lost: number
  receivesFail: number
  /** Messages that cannot be removed, and so come again. */
  sticky: number
  /** Instances whose alarm says so, whatever the truth. */
  readonly wrong: Map<string, AlarmValue>
}

const calmAlarms = (): AlarmWeather => ({
  pollsFail: 0,
  isDenied: false,
  lag: 0,
  late: 0,
  doubled: 0,
  lost: 0,
  receivesFail: 0,
  sticky: 0,
  wrong: new Map(),
})

/** What a daemon was told of alarms, for somebody who stands beside it. */
export interface AlarmWitness {
  /** All alarms there are, as a poll shows them; undefined: it failed. */
  readonly polled: (alarms: ReadonlyArray<Alarm> | undefined) => void
  readonly event: (arn: string, state: AlarmState) => void
}

/** An instance as CloudWatch sees it; undefined: it has no data. */
export type Look = () => ReadonlyMap<string, boolean | undefined>

interface Message extends QueuedMessage {
  /** What is in it, if it is the change of an alarm. */
  readonly change: { readonly arn: string; readonly state: AlarmState } | undefined
  /** Who took it may remove it until then. */
  hiddenUntil: Millis
}

/** A message that was taken and not removed shows again after so long. */
const visibility: Millis = 30_000

/** An alarm on the status check of every instance, as they are in truth, and the queue that their changes are put on. */
export class CloudWatch {
  readonly weather = calmAlarms()
  /** How often which fault struck. */
  readonly struck = new Map<string, number>()
  readonly #lane: Lane
  readonly #dice: Dice
  readonly #look: Look
  /** What each alarm said, oldest first. */
  readonly #said = new Map<string, Array<AlarmState>>()
  readonly #heardAt = new Map<string, Millis>()
  #queue: Array<Message> = []
  #waiting: Array<() => void> = []
  #messages = 0

  constructor(lane: Lane, dice: Dice, period: Millis, look: Look) {
    this.#lane = lane
    this.#dice = dice.named("alarms")
    this.#look = look
    const evaluate = (): void => {
      this.#evaluate()
      lane.in(period, evaluate)
    }
    evaluate()
  }

  #strikes(share: number, fault: string): boolean {
    if (share <= 0 || !this.#dice.hits(share)) return false
    this.#count(fault)
    return true
  }

  #count(fault: string): void {
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1)
  }

  #evaluate(): void {
    const found = this.#look()
    for (const [instance, isWell] of found) {
      const truth: AlarmValue = isWell === undefined ? "INSUFFICIENT_DATA" : isWell ? "OK" : "ALARM"
      this.#set(instance, this.weather.wrong.get(instance) ?? truth)
    }
    for (const instance of this.#said.keys()) if (!found.has(instance)) this.#set(instance, "INSUFFICIENT_DATA")
  }

  #set(instance: string, value: AlarmValue): void {
    let said = this.#said.get(instance)
    const at = this.#lane.time.now
    // An alarm is made without data.
    if (said === undefined) this.#said.set(instance, (said = [{ value: "INSUFFICIENT_DATA", at, reason: "new" }]))
    else if (said.at(-1)?.value !== value) {
      const state: AlarmState = { value, at, reason: `${value} of ${instance}` }
      said.push(state)
      if (said.length > 50) said.shift()
      this.#publish(instance, state)
    }
  }

  #publish(instance: string, state: AlarmState): void {
    const { doubled, late, lost } = this.weather
    if (this.#strikes(lost, "alarm events lost")) return
    const arn = arnOf(instance)
    const body = JSON.stringify(stateChange({ name: instance, instance, ...state }))
    for (let copies = this.#strikes(doubled, "alarm events doubled") ? 2 : 1; copies > 0; copies--)
      this.#lane.in(Math.ceil(this.#dice.between(100, 1_500) + this.#dice.between(0, late)), () => {
        const newest = this.#heardAt.get(arn) ?? -Infinity
        if (state.at < newest) this.#count("alarm events out of order")
        this.#heardAt.set(arn, Math.max(newest, state.at))
        this.#put(body, { arn, state })
      })
  }

  /** Puts what is no event of an alarm on the queue. */
  spoil(body: string): void {
    this.#put(body, undefined)
  }

  #put(body: string, change: Message["change"]): void {
    this.#queue.push({ body, change, receipt: `${++this.#messages}`, hiddenUntil: -Infinity })
    this.#queue = this.#queue.slice(-1_000)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #poll(lane: Lane): ReadonlyArray<Alarm> {
    const lag = this.weather.lag > 0 ? this.#dice.between(0, this.weather.lag) : 0
    const asOf = lane.time.now - lag
    return [...this.#said].flatMap(([instance, said]) => {
      const state = said.findLast(({ at }) => at <= asOf)
      return state === undefined
        ? []
        : [
            {
              arn: arnOf(instance),
              name: instance,
              kind: "metric" as const,
              instances: [InstanceId(instance)],
              isStatusCheck: true,
              state,
            },
          ]
    })
  }

  /** The ports as a daemon on `lane` has them. */
  portsFor(
    lane: Lane,
    witness: AlarmWitness,
  ): { readonly alarms: Alarms["Service"]; readonly queue: AlarmQueue["Service"] } {
    const { weather } = this
    const failed = (why: string, kind: AlarmFailure["kind"] = "unreachable") => new AlarmFailure({ kind, why })
    const poll = Effect.gen({ self: this }, function* () {
      yield* Effect.sleep(this.#dice.whole(10, 300))
      if (weather.isDenied) return yield* failed("cloudwatch:DescribeAlarms is not allowed", "denied")
      if (this.#strikes(weather.pollsFail, "polls of alarms that failed")) return yield* failed("no answer")
      if (weather.lag > 0) this.#count("stale polls of alarms")
      return this.#poll(lane)
    }).pipe(
      Effect.tap((alarms) => Effect.sync(() => witness.polled(alarms))),
      Effect.tapError(() => Effect.sync(() => witness.polled(undefined))),
    )
    const arrival = Effect.callback<void>((resume) => {
      this.#waiting.push(() => lane.soon(() => resume(Effect.void)))
    })
    const take = Effect.sync(() => {
      const { now } = lane.time
      const taken = this.#queue.filter(({ hiddenUntil }) => hiddenUntil <= now).slice(0, 10)
      for (const message of taken) {
        message.hiddenUntil = now + visibility
        if (message.change !== undefined) witness.event(message.change.arn, message.change.state)
      }
      return taken
    })
    const receive = Effect.fnUntraced({ self: this }, function* (seconds: number) {
      if (weather.isDenied) return yield* failed("sqs:ReceiveMessage is not allowed", "denied")
      if (this.#strikes(weather.receivesFail, "receives from the alarm queue that failed"))
        return yield* failed("no answer")
      const taken = yield* take
      if (taken.length > 0) return taken
      yield* Effect.timeoutOption(arrival, seconds * 1_000)
      return yield* take
    })
    const remove = Effect.fnUntraced({ self: this }, function* (messages: ReadonlyArray<QueuedMessage>) {
      if (this.#strikes(weather.sticky, "alarm events that came again")) return yield* failed("not removed")
      const gone = new Set(messages.map(({ receipt }) => receipt))
      this.#queue = this.#queue.filter(({ receipt }) => !gone.has(receipt))
    })
    return { alarms: { poll }, queue: { receive, remove } }
  }
}
