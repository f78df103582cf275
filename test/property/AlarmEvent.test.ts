import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { maxMessageBytes, readAlarmMessage } from "../../src/domain/AlarmEvent.ts"
import { InstanceId } from "../../src/domain/Ids.ts"
import { stateChange } from "../support/cloudwatch/StateChange.ts"
import { runs } from "../support/domain/Runs.ts"

const now = Date.UTC(2026, 10, 23, 12)
const plan = { name: "router-a is down", value: "ALARM", at: now - 800, reason: "it broke" } as const
const read = (event: unknown) => readAlarmMessage(JSON.stringify(event), now)

/** Replaces what stands at a place of a JSON value. */
const put = (value: unknown, [step, ...rest]: ReadonlyArray<string>, replacement: unknown): unknown =>
  step === undefined
    ? replacement
    : { ...(value as object), [step]: put((value as Readonly<Record<string, unknown>>)[step], rest, replacement) }

describe("a message on the alarm queue", () => {
  it("a change of an alarm is read with its time to the millisecond, and with what its metric names", () => {
    assert.deepStrictEqual(read(stateChange(plan)), {
      _tag: "Changed",
      event: {
        arn: "arn:aws:cloudwatch:us-east-1:123456789012:alarm:router-a is down",
        name: "router-a is down",
        instances: [InstanceId("i-0123456789abcdef0")],
        isStatusCheck: true,
        state: { value: "ALARM", at: now - 800, reason: "it broke" },
      },
    })
  })

  it("times may be written in each of AWS's ways", () => {
    const at = (timestamp: string) => {
      const message = read(put(stateChange(plan), ["detail", "state", "timestamp"], timestamp))
      return message._tag === "Changed" ? message.event.state.at : message._tag
    }
    const expected = Date.UTC(2026, 10, 23, 10, 15, 38, 985)
    assert.strictEqual(at("2026-11-23T10:15:38.985+0000"), expected)
    assert.strictEqual(at("2026-11-23T10:15:38.985Z"), expected)
    assert.strictEqual(at("2026-11-23T11:15:38.985+01:00"), expected)
    assert.strictEqual(at("2026-11-23T10:15:38Z"), expected - 985)
    for (const odd of ["", "soon", "2026-11-23", "2026-13-23T10:15:38Z", "2026-11-23T10:15:38"])
      assert.strictEqual(at(odd), "Malformed", odd)
  })

  it("what is from the future is no news: it would outlast everything that comes", () => {
    assert.strictEqual(read(stateChange({ ...plan, at: now + 10 * 60_000 }))._tag, "Changed")
    assert.strictEqual(read(stateChange({ ...plan, at: now + 20 * 60_000 }))._tag, "Malformed")
  })

  it("composite alarms have no metrics, and metric alarms may have several", () => {
    const composite = put(stateChange(plan), ["detail", "configuration"], { alarmRule: "ALARM(a) OR ALARM(b)" })
    const message = read(composite)
    assert.deepInclude(message._tag === "Changed" ? message.event : {}, { instances: [], isStatusCheck: false })
    const metric = (id: string) => ({
      id,
      metricStat: { metric: { namespace: "AWS/EC2", name: "StatusCheckFailed", dimensions: { InstanceId: id } } },
    })
    const several = read(
      put(
        stateChange(plan),
        ["detail", "configuration", "metrics"],
        [metric("i-2"), { id: "e", expression: "a+b" }, metric("i-1")],
      ),
    )
    assert.deepInclude(several._tag === "Changed" ? several.event : {}, {
      instances: ["i-1", "i-2"],
      isStatusCheck: false,
    })
  })

  it("events of other kinds are told from what is no event", () => {
    const other = read({ ...stateChange(plan), "detail-type": "CloudWatch Alarm Configuration Change" })
    assert.deepStrictEqual(other, { _tag: "Other", kind: `aws.cloudwatch "CloudWatch Alarm Configuration Change"` })
    for (const odd of [null, 7, "text", [], {}, { source: "aws.cloudwatch" }])
      assert.strictEqual(read(odd)._tag, "Malformed")
    assert.strictEqual(readAlarmMessage("no JSON", now)._tag, "Malformed")
    assert.strictEqual(readAlarmMessage("x".repeat(maxMessageBytes + 1), now)._tag, "Malformed")
    assert.strictEqual(readAlarmMessage("[".repeat(500_000), now)._tag, "Malformed")
  })

  it("what stands in a wrong place is malformed, and says where", () => {
    for (const place of [
      ["resources"],
      ["detail"],
      ["detail", "alarmName"],
      ["detail", "state"],
      ["detail", "state", "value"],
    ])
      for (const odd of [null, 7, "x", [], {}]) {
        if (place.at(-1) === "alarmName" && odd === "x") continue
        const message = read(put(stateChange(plan), place, odd))
        assert.strictEqual(message._tag, "Malformed", `${place.join(".")} ${JSON.stringify(odd)}`)
        if (message._tag === "Malformed") assert.include(message.why, place.at(-1) ?? "")
      }
  })

  it("nothing that may be on a queue makes it throw", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.json(),
          fc.jsonValue().map((value) => JSON.stringify(put(stateChange(plan), ["detail"], value))),
        ),
        (body) => {
          assert.include(["Changed", "Other", "Malformed"], readAlarmMessage(body, now)._tag)
        },
      ),
      runs(300),
    )
  })
})
