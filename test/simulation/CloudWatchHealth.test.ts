import { assert, describe, it } from "@effect/vitest"
import { Effect, Latch, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Alarm } from "../../src/domain/Alarm.ts"
import { type AlarmScope, statusChecksOnly } from "../../src/domain/AlarmScope.ts"
import type { AlarmValue } from "../../src/domain/AlarmState.ts"
import type { InsufficientData } from "../../src/domain/AlarmVerdict.ts"
import { InstanceId } from "../../src/domain/Ids.ts"
import type { Verdict } from "../../src/domain/Health.ts"
import { type Ip, ip } from "../../src/domain/Ip.ts"
import { AlarmFailure } from "../../src/services/health/cloudwatch/AlarmFailure.ts"
import type { QueuedMessage } from "../../src/services/health/cloudwatch/AlarmQueue.ts"
import * as CloudWatchHealth from "../../src/services/health/cloudwatch/CloudWatchHealth.ts"
import * as HostInstances from "../../src/services/health/HostInstances.ts"
import { arnOf, stateChange, type StateChangePlan } from "../support/cloudwatch/StateChange.ts"

const [a, b] = ["10.33.20.93", "10.33.30.22"].map(ip) as [Ip, Ip]
const [ofA, ofB, another] = ["i-a", "i-b", "i-another"].map(InstanceId) as [InstanceId, InstanceId, InstanceId]
const inVpc = new Map([
  [a, ofA],
  [b, ofB],
])

const alarm = (instance: InstanceId, value: AlarmValue, at = 1, name = `of ${instance}`): Alarm => ({
  arn: arnOf(name),
  name,
  kind: "metric",
  instances: [instance],
  isStatusCheck: true,
  state: { value, at, reason: `${value} since ${at}` },
})

const failure = (kind: AlarmFailure["kind"]) => new AlarmFailure({ kind, why: `it is ${kind}` })

interface Settings {
  readonly insufficientData?: InsufficientData
  readonly scope?: AlarmScope
  readonly withQueue?: boolean
}

/** The source on alarms and a queue that a test writes down. */
const started = Effect.fnUntraced(function* ({
  insufficientData = "keep",
  scope = statusChecksOnly,
  withQueue = false,
}: Settings = {}) {
  const shown = {
    alarms: [] as ReadonlyArray<Alarm>,
    fault: undefined as AlarmFailure | undefined,
    polls: [] as Array<number>,
    poll: Effect.void as Effect.Effect<void>,
  }
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const waiting: Array<QueuedMessage> = []
  const onQueue = {
    fault: undefined as AlarmFailure | undefined,
    removed: [] as Array<string>,
    receives: 0,
    keeps: false,
    stumbles: false,
  }
  const arrived = Latch.makeUnsafe(false)
  const queue = {
    receive: (seconds: number) =>
      Effect.gen(function* () {
        onQueue.receives++
        if (onQueue.fault !== undefined) return yield* onQueue.fault
        yield* Effect.timeoutOption(arrived.await, seconds * 1_000)
        arrived.closeUnsafe()
        if (onQueue.stumbles) return yield* Effect.die(new Error("unforeseen"))
        return waiting.splice(0, 10)
      }),
    remove: (messages: ReadonlyArray<QueuedMessage>) =>
      onQueue.keeps
        ? failure("unreachable")
        : Effect.sync(() => void onQueue.removed.push(...messages.map(({ receipt }) => receipt))),
  }
  const instances = yield* HostInstances.HostInstances
  const source = yield* CloudWatchHealth.make(
    {
      poll: Effect.suspend(() => {
        shown.polls.push(clock.currentTimeMillisUnsafe())
        return shown.fault ?? Effect.as(shown.poll, shown.alarms)
      }),
    },
    { scope, insufficientData, interval: 10_000, queue: withQueue ? queue : undefined },
  )
  const verdicts = new Map<Ip, Verdict>()
  const told: Array<string> = []
  yield* Effect.forkScoped(
    Stream.runForEach(source.verdicts, (batch) =>
      Effect.sync(() => {
        for (const { host, verdict } of batch) {
          verdicts.set(host, verdict)
          told.push(`${host} ${verdict._tag}`)
        }
      }),
    ),
  )
  const send = (body: string) => {
    waiting.push({ body, receipt: `receipt ${onQueue.removed.length + waiting.length}` })
    arrived.openUnsafe()
  }
  return {
    ...source,
    shown,
    onQueue,
    instances,
    verdicts,
    told,
    send,
    event: (change: StateChangePlan) => send(JSON.stringify(stateChange(change))),
    pass: (millis: number) => TestClock.adjust(millis),
    tagOf: (host: Ip) => verdicts.get(host)?._tag,
  }
})

const test = (name: string, body: () => Effect.Effect<void, never, HostInstances.HostInstances | Scope.Scope>) =>
  it.effect(name, () => Effect.provide(Effect.scoped(body()), HostInstances.layer))

describe("hosts by CloudWatch alarms, on a virtual clock", () => {
  test("nothing is said before alarms were polled and the VPC was read", () =>
    Effect.gen(function* () {
      const { instances, pass, shown, standings, tagOf, verdicts, watch } = yield* started()
      shown.alarms = [alarm(ofA, "ALARM"), alarm(another, "OK")]
      yield* watch(new Set([a, b]))
      yield* pass(30_000)
      assert.deepStrictEqual([tagOf(a), tagOf(b)], ["Unknown", "Unknown"])
      assert.lengthOf(shown.polls, 4)
      yield* instances.tell(inVpc)
      yield* pass(0)
      assert.deepStrictEqual([tagOf(a), tagOf(b)], ["Failed", "Unwatched"])
      assert.deepInclude(verdicts.get(b), { why: `no alarm covers ${ofB}` })
      yield* instances.tell(new Map([[a, ofA]]))
      yield* pass(0)
      assert.deepInclude(verdicts.get(b), { why: "no alarm covers it: it is at no instance" })
      const unwatched = Effect.map(standings ?? Effect.succeed([]), ([first]) => first?.unwatched)
      assert.deepStrictEqual(yield* unwatched, { count: 1, first: [b] })
      yield* watch(new Set([a]))
      assert.deepStrictEqual(yield* unwatched, { count: 0, first: [] })
    }))

  test("a host that is new in the spec is never called unwatched while its alarm is known to be on", () =>
    Effect.gen(function* () {
      const { instances, pass, shown, standings, tagOf, watch } = yield* started()
      const unwatched = Effect.map(standings ?? Effect.succeed([]), ([first]) => first?.unwatched?.count)
      shown.alarms = [alarm(ofA, "OK"), alarm(ofB, "ALARM")]
      yield* instances.tell(new Map([[a, ofA]]))
      yield* watch(new Set([a]))
      yield* pass(1_000)
      // As the loop does when a spec with a new host is accepted.
      yield* instances.tell(inVpc)
      yield* watch(new Set([a, b]))
      assert.strictEqual(yield* unwatched, 0)
      yield* pass(1_000)
      assert.strictEqual(tagOf(b), "Failed")
    }))

  test("alarms are polled every interval, and no more often", () =>
    Effect.gen(function* () {
      const { pass, shown } = yield* started()
      yield* pass(60_000)
      assert.deepStrictEqual(shown.polls, [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000])
    }))

  test("two polls that fail change nothing; the third makes the source down, and all hosts unknown, until one succeeds", () =>
    Effect.gen(function* () {
      const { instances, pass, shown, state, tagOf, told, watch } = yield* started()
      yield* instances.tell(inVpc)
      shown.alarms = [alarm(ofA, "ALARM"), alarm(ofB, "OK")]
      yield* watch(new Set([a, b]))
      yield* pass(0)
      assert.deepStrictEqual([tagOf(a), tagOf(b)], ["Failed", "Healthy"])
      shown.fault = failure("throttled")
      shown.alarms = [alarm(ofA, "OK", 2), alarm(ofB, "ALARM", 2)]
      yield* pass(10_999)
      assert.strictEqual(shown.polls.length, 3)
      assert.strictEqual((yield* state)._tag, "Up")
      assert.deepStrictEqual([tagOf(a), tagOf(b)], ["Failed", "Healthy"])
      yield* pass(2_001)
      assert.deepInclude(yield* state, { _tag: "Down", why: "it is throttled" })
      assert.deepStrictEqual([tagOf(a), tagOf(b)], ["Unknown", "Unknown"])
      told.length = 0
      shown.fault = undefined
      yield* pass(40_000)
      assert.strictEqual((yield* state)._tag, "Up")
      assert.deepStrictEqual([...told].sort(), [`${a} Healthy`, `${b} Failed`])
    }))

  test("a denial makes it down at once, and it goes on asking, ever more slowly and never at one beat", () =>
    Effect.gen(function* () {
      const { pass, shown, state } = yield* started()
      yield* pass(0)
      shown.fault = failure("denied")
      shown.polls.length = 0
      yield* pass(10_000)
      assert.deepInclude(yield* state, { _tag: "Down", why: "it is denied" })
      yield* pass(3_600_000)
      const gaps = shown.polls.slice(1).map((at, index) => at - (shown.polls[index] ?? 0))
      assert.isBelow(gaps[0] ?? 0, 1_001)
      for (const gap of gaps.slice(6)) assert.isTrue(gap >= 15_000 && gap <= 30_001, `${gap}`)
      assert.isAbove(new Set(gaps.slice(6).map(Math.round)).size, 10)
      assert.isBelow(shown.polls.length, 250)
    }))

  test("a fault of our own leaves no verdict standing, is told, and ends nothing", () =>
    Effect.gen(function* () {
      const { event, instances, onQueue, pass, shown, state, tagOf, watch } = yield* started({ withQueue: true })
      yield* instances.tell(inVpc)
      shown.alarms = [alarm(ofA, "OK")]
      yield* watch(new Set([a]))
      yield* pass(0)
      assert.strictEqual(tagOf(a), "Healthy")
      const { poll } = shown
      shown.poll = Effect.die(new Error("unforeseen"))
      yield* pass(10_000)
      assert.strictEqual(tagOf(a), "Unknown")
      assert.deepInclude(yield* state, { _tag: "Down", why: "internal error: Error: unforeseen" })
      onQueue.stumbles = true
      event({ name: `of ${ofA}`, value: "ALARM", at: 5, instance: ofA })
      yield* pass(0)
      shown.poll = poll
      onQueue.stumbles = false
      event({ name: `of ${ofA}`, value: "ALARM", at: 500, instance: ofA })
      yield* pass(40_000)
      assert.strictEqual(tagOf(a), "Failed")
    }))

  test("a lack of data leaves the verdict standing, also while the source was down; or counts as it is told to", () =>
    Effect.gen(function* () {
      for (const [policy, before, after] of [
        ["keep", "OK", "Healthy"],
        ["keep", "ALARM", "Failed"],
        ["failed", "OK", "Failed"],
        ["healthy", "ALARM", "Healthy"],
      ] as const) {
        const { instances, pass, shown, tagOf, watch } = yield* started({ insufficientData: policy })
        yield* instances.tell(inVpc)
        shown.alarms = [alarm(ofA, before)]
        yield* watch(new Set([a]))
        yield* pass(0)
        shown.fault = failure("denied")
        yield* pass(10_000)
        shown.fault = undefined
        shown.alarms = [alarm(ofA, "INSUFFICIENT_DATA", 2)]
        yield* pass(30_000)
        assert.strictEqual(tagOf(a), after, `${policy} after ${before}`)
      }
      const { pass, shown, tagOf, watch } = yield* started()
      shown.alarms = [alarm(ofA, "INSUFFICIENT_DATA")]
      yield* watch(new Set([a]))
      yield* pass(0)
      assert.strictEqual(tagOf(a), "Unknown")
    }))

  test("an instance that takes over an address is watched by its own alarms", () =>
    Effect.gen(function* () {
      const { instances, pass, shown, tagOf, watch } = yield* started()
      shown.alarms = [alarm(ofA, "ALARM"), alarm(another, "OK")]
      yield* instances.tell(inVpc)
      yield* watch(new Set([a]))
      yield* pass(0)
      assert.strictEqual(tagOf(a), "Failed")
      yield* instances.tell(new Map([[a, another]]))
      yield* pass(0)
      assert.strictEqual(tagOf(a), "Healthy")
    }))

  test("a second alarm adds its reason to a verdict that goes on since the first", () =>
    Effect.gen(function* () {
      const { instances, pass, shown, verdicts, watch } = yield* started()
      yield* instances.tell(inVpc)
      shown.alarms = [alarm(ofA, "ALARM")]
      yield* watch(new Set([a]))
      yield* pass(0)
      const first = verdicts.get(a)
      shown.alarms = [alarm(ofA, "ALARM"), alarm(ofA, "ALARM", 1, "of its disk")]
      yield* pass(10_000)
      const second = verdicts.get(a)
      assert.strictEqual(second?.since, first?.since)
      assert.include(second?._tag === "Failed" ? second.reason : "", "alarm of i-a: ALARM since 1; alarm of its disk")
    }))

  test("a host that is no longer watched is not spoken of, and begins anew when it is again", () =>
    Effect.gen(function* () {
      const { instances, pass, shown, tagOf, told, verdicts, watch } = yield* started()
      yield* instances.tell(inVpc)
      shown.alarms = [alarm(ofA, "ALARM"), alarm(ofB, "OK")]
      yield* watch(new Set([a, b]))
      yield* pass(0)
      yield* watch(new Set([b]))
      told.length = 0
      shown.alarms = [alarm(ofA, "OK", 2), alarm(ofB, "OK")]
      yield* pass(10_000)
      assert.deepStrictEqual(told, [])
      verdicts.clear()
      yield* watch(new Set([a, b]))
      yield* pass(0)
      assert.strictEqual(tagOf(a), "Healthy")
    }))

  test("events count at once, whatever their order; an older one overrides nothing, neither an event's state nor a poll's", () =>
    Effect.gen(function* () {
      const { event, instances, onQueue, pass, shown, tagOf, watch } = yield* started({ withQueue: true })
      yield* instances.tell(inVpc)
      shown.alarms = [alarm(ofA, "OK", 0)]
      yield* watch(new Set([a]))
      yield* pass(1_000)
      const said = (value: AlarmValue, at: number) => event({ name: `of ${ofA}`, value, at, instance: ofA })
      said("ALARM", 500)
      yield* pass(0)
      assert.strictEqual(tagOf(a), "Failed")
      said("OK", 400)
      said("OK", 400)
      yield* pass(0)
      assert.strictEqual(tagOf(a), "Failed")
      // The poll is behind the events.
      yield* pass(20_000)
      assert.strictEqual(tagOf(a), "Failed")
      shown.alarms = [alarm(ofA, "OK", 30_000)]
      yield* pass(10_000)
      assert.strictEqual(tagOf(a), "Healthy")
      said("ALARM", 29_999)
      yield* pass(0)
      assert.strictEqual(tagOf(a), "Healthy")
      assert.lengthOf(onQueue.removed, 4)
    }))

  test("an event of an alarm that polls have not shown asks for a poll, if it may count, and says nothing by itself", () =>
    Effect.gen(function* () {
      const { event, instances, pass, shown, tagOf, watch } = yield* started({ withQueue: true })
      yield* instances.tell(inVpc)
      yield* watch(new Set([a]))
      yield* pass(2_000)
      shown.polls.length = 0
      event({ name: "cpu", metric: "CPUUtilization", value: "ALARM", at: 1, instance: ofA })
      yield* pass(1_000)
      assert.lengthOf(shown.polls, 0)
      event({ name: `of ${ofA}`, value: "ALARM", at: 1, instance: ofA })
      yield* pass(0)
      assert.lengthOf(shown.polls, 1)
      assert.strictEqual(tagOf(a), "Unwatched")
      for (let count = 0; count < 50; count++) event({ name: `of ${ofA}`, value: "ALARM", at: 1, instance: ofA })
      yield* pass(3_000)
      assert.isBelow(shown.polls.length, 5)
      shown.alarms = [alarm(ofA, "ALARM")]
      yield* pass(10_000)
      assert.strictEqual(tagOf(a), "Failed")
    }))

  test("an alarm of the same name in another region is another alarm", () =>
    Effect.gen(function* () {
      const { event, instances, pass, shown, tagOf, watch } = yield* started({ withQueue: true })
      yield* instances.tell(inVpc)
      shown.alarms = [alarm(ofA, "OK", 0)]
      yield* watch(new Set([a]))
      yield* pass(1_000)
      const arn = arnOf(`of ${ofA}`).replace("us-east-1", "eu-west-1")
      event({ name: `of ${ofA}`, arn, value: "ALARM", at: 500, instance: ofA })
      yield* pass(0)
      assert.strictEqual(tagOf(a), "Healthy")
    }))

  test("a queue that cannot be read is shown beside the source, and is asked again ever more slowly; polls go on", () =>
    Effect.gen(function* () {
      const { event, instances, onQueue, pass, shown, standings, state, tagOf, watch } = yield* started({
        withQueue: true,
      })
      yield* instances.tell(inVpc)
      onQueue.fault = failure("refused")
      shown.alarms = [alarm(ofA, "OK", 0)]
      yield* watch(new Set([a]))
      yield* pass(60_000)
      const shownNow = yield* standings ?? Effect.succeed([])
      assert.deepStrictEqual(
        shownNow.map(({ name, state: { _tag } }) => `${name} ${_tag}`),
        ["cloudwatch Up", "alarm-queue Down"],
      )
      assert.strictEqual((yield* state)._tag, "Up")
      assert.isBelow(onQueue.receives, 12)
      shown.alarms = [alarm(ofA, "ALARM", 60_000)]
      yield* pass(10_000)
      assert.strictEqual(tagOf(a), "Failed")
      onQueue.fault = undefined
      yield* pass(40_000)
      assert.strictEqual((yield* standings ?? Effect.succeed([]))[1]?.state._tag, "Up")
      event({ name: `of ${ofA}`, value: "OK", at: 110_000, instance: ofA })
      yield* pass(0)
      assert.strictEqual(tagOf(a), "Healthy")
    }))

  test("what is no event is removed; what cannot be removed comes again and does no harm", () =>
    Effect.gen(function* () {
      const { event, instances, onQueue, pass, send, shown, tagOf, watch } = yield* started({ withQueue: true })
      yield* instances.tell(inVpc)
      shown.alarms = [alarm(ofA, "OK", 0)]
      yield* watch(new Set([a]))
      yield* pass(1_000)
      for (const odd of ["", "no JSON", "{}", "[]", "null"]) send(odd)
      yield* pass(0)
      assert.lengthOf(onQueue.removed, 5)
      onQueue.keeps = true
      for (let count = 0; count < 3; count++) {
        event({ name: `of ${ofA}`, value: "ALARM", at: 500, instance: ofA })
        yield* pass(0)
      }
      assert.strictEqual(tagOf(a), "Failed")
      assert.lengthOf(onQueue.removed, 5)
    }))
})
