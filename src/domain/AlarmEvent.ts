import { Data, Result, Schema, SchemaIssue } from "effect"
import type { AlarmState } from "./AlarmState.ts"
import { isStatusCheckMetric } from "./Alarm.ts"
import { InstanceId } from "./Ids.ts"

/** What a message on the queue turned out to be. */
export type AlarmMessage = Data.TaggedEnum<{
  /** An alarm changed its state. */
  Changed: { readonly event: AlarmEvent }
  /** An event of another kind, which a rule without a filter lets through. */
  Other: { readonly kind: string }
  /** Nothing that EventBridge sends. */
  Malformed: { readonly why: string }
}>
export const AlarmMessage = Data.taggedEnum<AlarmMessage>()

/** EventBridge's "CloudWatch Alarm State Change". */
export interface AlarmEvent {
  readonly arn: string
  readonly name: string
  /** What the alarm's metrics name, as polls show it. */
  readonly instances: ReadonlyArray<InstanceId>
  readonly isStatusCheck: boolean
  readonly state: AlarmState
}

/** SQS takes no message longer than this, in bytes; a change of state is a few thousand. */
export const maxMessageBytes = 1024 * 1024

/** How far ahead of us AWS's clock may be: farther, and the SDK could not sign. What comes from later than that is no news. */
const longestLead = 15 * 60_000

/** `2026-11-23T10:15:38.985+0000`, as alarms stamp their states; or with `Z`, or with a colon in the offset. */
const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:?\d\d)$/

const millisOf = (text: string): number => {
  const [, time, offset = ""] = stamp.exec(text) ?? []
  return time === undefined ? Number.NaN : Date.parse(`${time}${offset.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")}`)
}

const Timestamp = Schema.String.check(
  Schema.makeFilter(
    (text) => Number.isFinite(millisOf(text)) || "expected a time such as 2026-11-23T10:15:38.985+0000",
  ),
)

const Metric = Schema.Struct({
  metricStat: Schema.optionalKey(
    Schema.Struct({
      metric: Schema.Struct({
        namespace: Schema.optionalKey(Schema.String),
        name: Schema.optionalKey(Schema.String),
        dimensions: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
      }),
    }),
  ),
})

const StateChange = Schema.Struct({
  "detail-type": Schema.Literal("CloudWatch Alarm State Change"),
  source: Schema.Literal("aws.cloudwatch"),
  resources: Schema.NonEmptyArray(Schema.String.check(Schema.isStartingWith("arn:"))),
  detail: Schema.Struct({
    alarmName: Schema.NonEmptyString,
    state: Schema.Struct({
      value: Schema.Literals(["OK", "ALARM", "INSUFFICIENT_DATA"]),
      reason: Schema.optionalKey(Schema.String),
      timestamp: Timestamp,
    }),
    configuration: Schema.optionalKey(Schema.Struct({ metrics: Schema.optionalKey(Schema.Array(Metric)) })),
  }),
})

/** What every event of EventBridge has. */
const Envelope = Schema.Struct({ "detail-type": Schema.String, source: Schema.String })

const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const decodeEnvelope = Schema.decodeUnknownResult(Envelope)
const decodeChange = Schema.decodeUnknownResult(StateChange, { errors: "all" })
const inWords = SchemaIssue.makeFormatterDefault()

const eventOf = ({ detail, resources }: typeof StateChange.Type): AlarmEvent => {
  const metrics = (detail.configuration?.metrics ?? []).flatMap(({ metricStat }) => metricStat?.metric ?? [])
  const instances = metrics.flatMap(({ dimensions }) => dimensions?.["InstanceId"] ?? [])
  const { reason = "", timestamp, value } = detail.state
  return {
    arn: resources[0],
    name: detail.alarmName,
    instances: [...new Set(instances)].sort().map(InstanceId),
    isStatusCheck: metrics.length === 1 && isStatusCheckMetric(metrics[0]?.namespace, metrics[0]?.name),
    state: { value, at: millisOf(timestamp), reason },
  }
}

/** Reads the body of a message. `now` is Unix time, in milliseconds. Never fails: what is malformed says why. */
export const readAlarmMessage = (body: string, now: number): AlarmMessage => {
  if (body.length > maxMessageBytes)
    return AlarmMessage.Malformed({ why: `expected at most ${maxMessageBytes} characters, got ${body.length}` })
  const json = decodeJson(body)
  if (Result.isFailure(json)) return AlarmMessage.Malformed({ why: "expected JSON" })
  const envelope = decodeEnvelope(json.success)
  if (Result.isFailure(envelope)) return AlarmMessage.Malformed({ why: inWords(envelope.failure.issue) })
  const kind = envelope.success["detail-type"]
  if (envelope.success.source !== "aws.cloudwatch" || kind !== "CloudWatch Alarm State Change")
    return AlarmMessage.Other({ kind: `${envelope.success.source} "${kind}"` })
  const change = decodeChange(json.success)
  if (Result.isFailure(change)) return AlarmMessage.Malformed({ why: inWords(change.failure.issue) })
  const event = eventOf(change.success)
  return event.state.at > now + longestLead
    ? AlarmMessage.Malformed({ why: `it comes from the future: ${change.success.detail.state.timestamp}` })
    : AlarmMessage.Changed({ event })
}
