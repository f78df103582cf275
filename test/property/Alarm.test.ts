import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Alarm } from "../../src/domain/Alarm.ts"
import { type AlarmBook, afterPoll, afterState, emptyBook, type KnownAlarm } from "../../src/domain/AlarmBook.ts"
import { type AlarmScope, coverage, idleNames, isOfInterest, statusChecksOnly } from "../../src/domain/AlarmScope.ts"
import { type AlarmMemory, type AlarmState, type AlarmValue, merged, remember } from "../../src/domain/AlarmState.ts"
import { alarmVerdict, insufficientData, type InsufficientData } from "../../src/domain/AlarmVerdict.ts"
import { InstanceId } from "../../src/domain/Ids.ts"
import { type Ip, ip } from "../../src/domain/Ip.ts"
import { runs } from "../support/domain/Runs.ts"

const values = ["OK", "ALARM", "INSUFFICIENT_DATA"] as const satisfies ReadonlyArray<AlarmValue>

/** Few instants and reasons, so that states tie. */
const aState: fc.Arbitrary<AlarmState> = fc.record({
  value: fc.constantFrom(...values),
  at: fc.integer({ min: 0, max: 5 }),
  reason: fc.constantFrom("", "a", "b"),
})

const instances = ["i-1", "i-2", "i-3"].map(InstanceId)
const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map(ip)

const anAlarm: fc.Arbitrary<Alarm> = fc
  .record({
    name: fc.constantFrom("router-1", "router-2", "cpu", "all of zone b", "router-3"),
    kind: fc.constantFrom("metric" as const, "composite" as const),
    instances: fc.subarray(instances),
    isStatusCheck: fc.boolean(),
    state: aState,
  })
  .map((alarm) => ({ ...alarm, arn: `arn:aws:cloudwatch:us-east-1:123456789012:alarm:${alarm.name}` }))

const alarms = fc.uniqueArray(anAlarm, { selector: ({ arn }) => arn, maxLength: 5 })

const aScope: fc.Arbitrary<AlarmScope> = fc.record({
  prefixes: fc.subarray(["router", "all", "x"]),
  names: fc.subarray(["cpu", "router-2", "not there"]).map((names) => new Set(names)),
  hostsOf: fc
    .dictionary(fc.constantFrom("all of zone b", "router-3", "gone"), fc.subarray(hosts))
    .map((given): ReadonlyMap<string, ReadonlyArray<Ip>> => new Map(Object.entries(given))),
})

const heard = (states: ReadonlyArray<AlarmState>): AlarmMemory | undefined =>
  states
    .map(remember)
    .reduce<AlarmMemory | undefined>((one, other) => (one === undefined ? other : merged(one, other)), undefined)

const known = (state: AlarmState, earlier: ReadonlyArray<AlarmState> = [], name = "a"): KnownAlarm => ({
  arn: `arn:aws:cloudwatch:us-east-1:123456789012:alarm:${name}`,
  name,
  kind: "metric",
  instances: [],
  isStatusCheck: true,
  state,
  memory: heard([...earlier, state]) ?? remember(state),
})

describe("what alarms said", () => {
  it("does not depend on the order in which it is heard, nor on how often", () => {
    const heardOften = fc
      .array(aState, { minLength: 1, maxLength: 8 })
      .chain((states) =>
        fc.tuple(fc.constant(states), fc.shuffledSubarray([...states, ...states], { minLength: 2 * states.length })),
      )
    fc.assert(
      fc.property(heardOften, ([states, again]) => {
        assert.deepStrictEqual(heard(again), heard(states))
      }),
      runs(500),
    )
  })

  it("is never overridden by what is older", () => {
    fc.assert(
      fc.property(aState, aState, (one, other) => {
        const { latest } = merged(remember(one), remember(other))
        assert.isAtLeast(latest.at, Math.max(one.at, other.at))
        if (one.at !== other.at) assert.strictEqual(latest, one.at > other.at ? one : other)
      }),
      runs(300),
    )
  })

  it("of one instant, the worst counts", () => {
    const at = 1
    const states = values.map((value) => ({ value, at, reason: "" }))
    assert.strictEqual(heard(states)?.latest.value, "ALARM")
    assert.strictEqual(heard(states.toReversed())?.latest.value, "ALARM")
  })

  it("remembers the last that was certain through a lack of data", () => {
    fc.assert(
      fc.property(fc.array(aState, { minLength: 1, maxLength: 8 }), (states) => {
        const certain = states.filter(({ value }) => value !== "INSUFFICIENT_DATA")
        const last = Math.max(...certain.map(({ at }) => at))
        assert.strictEqual(heard(states)?.conclusive?.at, certain.length === 0 ? undefined : last)
      }),
      runs(300),
    )
  })
})

describe("polls and events", () => {
  /** All in the order of their times: what a listener would know that misses nothing. */
  const inOrder = (alarm: Alarm, states: ReadonlyArray<AlarmState>): AlarmBook =>
    states.reduce((book, state) => afterState(book, alarm.arn, state) ?? book, afterPoll(emptyBook, [alarm]))

  it("events that are lost, doubled, late or out of order leave nothing behind once a poll has shown the alarm", () => {
    const story = fc
      .record({
        alarm: anAlarm,
        states: fc.uniqueArray(aState, { selector: ({ at }) => at, minLength: 1, maxLength: 6 }),
      })
      .chain(({ alarm, states }) =>
        fc.record({
          alarm: fc.constant(alarm),
          states: fc.constant(states),
          early: fc.shuffledSubarray([...states, ...states]),
          late: fc.shuffledSubarray([...states, ...states]),
        }),
      )
    fc.assert(
      fc.property(story, ({ alarm, early, late, states }) => {
        const final = [...states, alarm.state].reduce((last, state) => (state.at > last.at ? state : last), alarm.state)
        const before = inOrder(alarm, early)
        const polled = afterPoll(before, [{ ...alarm, state: final }])
        const after = late.reduce((book, state) => afterState(book, alarm.arn, state) ?? book, polled)
        assert.strictEqual(after.get(alarm.arn)?.memory.latest.at, final.at)
      }),
      runs(500),
    )
  })

  it("a poll's alarms are all that are known; events of others make none known", () => {
    fc.assert(
      fc.property(alarms, alarms, aState, (first, second, state) => {
        const book = afterPoll(afterPoll(emptyBook, first), second)
        assert.deepStrictEqual([...book.keys()], second.map(({ arn }) => arn).sort())
        for (const { arn } of first) if (!book.has(arn)) assert.isUndefined(afterState(book, arn, state))
      }),
      runs(300),
    )
  })

  it("an alarm that watches another instance by now is a new one", () => {
    const old = { ...known({ value: "ALARM", at: 9, reason: "" }), instances: [InstanceId("i-1")] }
    const fresh = {
      ...old,
      instances: [InstanceId("i-2")],
      state: { value: "INSUFFICIENT_DATA", at: 3, reason: "" } as const,
    }
    const book = afterPoll(afterPoll(emptyBook, [old]), [fresh])
    assert.deepStrictEqual(book.get(old.arn)?.memory, { latest: fresh.state, conclusive: undefined })
  })
})

describe("the verdict from alarms", () => {
  const ok = { value: "OK", at: 1, reason: "" } as const
  const alarm = { value: "ALARM", at: 1, reason: "it broke" } as const
  const silent = { value: "INSUFFICIENT_DATA", at: 2, reason: "no data" } as const

  /** Everything that an alarm can have said, and what it means by each policy: F, H, or nothing. */
  const rows: ReadonlyArray<readonly [KnownAlarm, Readonly<Record<InsufficientData, "F" | "H" | "-">>]> = [
    [known(ok), { keep: "H", failed: "H", healthy: "H" }],
    [known(alarm), { keep: "F", failed: "F", healthy: "F" }],
    [known(silent), { keep: "-", failed: "F", healthy: "H" }],
    [known(silent, [ok]), { keep: "H", failed: "F", healthy: "H" }],
    [known(silent, [alarm]), { keep: "F", failed: "F", healthy: "H" }],
  ]

  it("is that of the table, for every choice of three alarms and every policy", () => {
    const choices = [undefined, ...rows]
    let count = 0
    for (const policy of insufficientData)
      for (const one of choices)
        for (const two of choices)
          for (const three of choices) {
            const chosen = [one, two, three].flatMap((row) => (row === undefined ? [] : [row]))
            const meanings = chosen.map(([, meaning]) => meaning[policy])
            const expected = meanings.includes("F") ? "Failed" : meanings.includes("H") ? "Healthy" : "Unknown"
            assert.strictEqual(
              alarmVerdict(
                chosen.map(([one]) => one),
                policy,
              )._tag,
              expected,
            )
            count++
          }
    assert.strictEqual(count, 3 * 6 ** 3)
  })

  it("names the alarm and its reason, on one line of bounded length, whatever they hold", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.string({ unit: "binary", minLength: 1 }), fc.string({ unit: "binary", maxLength: 2_000 })),
          { minLength: 1, maxLength: 9 },
        ),
        (said) => {
          const verdict = alarmVerdict(
            said.map(([name, reason]) => known({ value: "ALARM", at: 1, reason }, [], name)),
            "keep",
          )
          assert.strictEqual(verdict._tag, "Failed")
          if (verdict._tag !== "Failed") return
          assert.notMatch(verdict.reason, /[\p{Cc}\p{Zl}\p{Zp}]/u)
          assert.isBelow(verdict.reason.length, 800)
          assert.isTrue(verdict.reason.startsWith("alarm "))
        },
      ),
      runs(100),
    )
    const verdict = alarmVerdict([known(alarm, [], "router-a is down")], "keep")
    assert.deepStrictEqual(verdict, { _tag: "Failed", reason: "alarm router-a is down: it broke" })
  })
})

describe("which alarms count for a host", () => {
  it("those that name its instance and are status checks, or asked for; and those that are mapped to it", () => {
    const places = fc.dictionary(fc.constantFrom(...hosts), fc.constantFrom(...instances))
    fc.assert(
      fc.property(aScope, alarms, fc.subarray(hosts), places, (scope, given, wanted, at) => {
        const found = coverage(
          scope,
          given,
          new Set(wanted),
          new Map(Object.entries(at).map(([host, id]) => [ip(host), id])),
        )
        for (const host of hosts) {
          const expected = given.filter(({ instances: named, isStatusCheck, name }) => {
            const asked =
              isStatusCheck || scope.names.has(name) || scope.prefixes.some((prefix) => name.startsWith(prefix))
            const instance = at[host]
            return (
              wanted.includes(host) &&
              ((asked && instance !== undefined && named.includes(instance)) ||
                (scope.hostsOf.get(name) ?? []).includes(host))
            )
          })
          assert.deepStrictEqual(found.get(host) ?? [], expected.map(({ arn }) => arn).sort())
        }
      }),
      runs(500),
    )
  })

  it("every alarm that counts for some host is of interest, so that polls keep it", () => {
    fc.assert(
      fc.property(aScope, alarms, (scope, given) => {
        const all = coverage(
          scope,
          given,
          new Set(hosts),
          new Map(hosts.map((host, index) => [host, instances[index % 3] ?? InstanceId("i-1")])),
        )
        const counting = given.filter(({ arn }) => [...all.values()].some((arns) => arns.includes(arn)))
        assert.deepStrictEqual(
          counting.filter((alarm) => !isOfInterest(scope, alarm)),
          [],
        )
      }),
      runs(300),
    )
  })

  it("a busy router is a healthy one: an alarm on its load does not count unless it is asked for", () => {
    const cpu = {
      ...known({ value: "ALARM", at: 1, reason: "" }, [], "cpu"),
      instances: [InstanceId("i-1")],
      isStatusCheck: false,
    }
    const at = new Map([[ip("10.0.0.1"), InstanceId("i-1")]])
    const covered = (scope: AlarmScope) => coverage(scope, [cpu], new Set(hosts), at).size
    assert.strictEqual(covered(statusChecksOnly), 0)
    assert.strictEqual(covered({ ...statusChecksOnly, names: new Set(["cpu"]) }), 1)
    assert.strictEqual(covered({ ...statusChecksOnly, prefixes: ["c"] }), 1)
  })

  it("names that were given and cover nobody are told, each with the reason", () => {
    const scope = {
      prefixes: [],
      names: new Set(["gone", "zone b", "cpu"]),
      hostsOf: new Map([["mapped", [ip("10.0.0.1")]]]),
    }
    const shown = [
      { ...known({ value: "OK", at: 1, reason: "" }, [], "zone b"), kind: "composite" as const },
      { ...known({ value: "OK", at: 1, reason: "" }, [], "cpu"), instances: [InstanceId("i-1")] },
    ]
    assert.deepStrictEqual(idleNames(scope, shown), [
      { name: "gone", why: "there is no such alarm" },
      { name: "mapped", why: "there is no such alarm" },
      { name: "zone b", why: "it names no instance: --alarm-map says which host it is for" },
    ])
  })
})
