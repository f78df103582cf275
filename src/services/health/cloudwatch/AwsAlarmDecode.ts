import type { DescribeAlarmsOutput } from "@aws-sdk/client-cloudwatch"
import { Result, Schema, SchemaIssue } from "effect"
import { type Alarm, type AlarmIdentity, isStatusCheckMetric } from "../../../domain/Alarm.ts"
import type { AlarmState, AlarmValue } from "../../../domain/AlarmState.ts"
import { InstanceId } from "../../../domain/Ids.ts"

// The SDK hands on what it finds in an answer, whatever its own types say.

const optional = <S extends Schema.Top>(schema: S) => Schema.optional(Schema.NullOr(schema))
const listOf = <S extends Schema.Top>(schema: S) => optional(Schema.Array(schema))

const Dimension = Schema.Struct({ Name: optional(Schema.String), Value: optional(Schema.String) })

const ShownAlarm = Schema.Struct({
  AlarmArn: optional(Schema.String),
  AlarmName: optional(Schema.String),
  StateReason: optional(Schema.String),
  StateUpdatedTimestamp: optional(Schema.Date),
  StateValue: optional(Schema.String),
  Namespace: optional(Schema.String),
  MetricName: optional(Schema.String),
  Dimensions: listOf(Dimension),
  Metrics: listOf(
    Schema.Struct({
      MetricStat: optional(Schema.Struct({ Metric: optional(Schema.Struct({ Dimensions: listOf(Dimension) })) })),
    }),
  ),
})
type ShownAlarm = typeof ShownAlarm.Type

const decodeAnswer = Schema.decodeUnknownResult(
  Schema.Struct({ CompositeAlarms: listOf(ShownAlarm), MetricAlarms: listOf(ShownAlarm) }),
)
const inWords = SchemaIssue.makeFormatterDefault()

const values: ReadonlyArray<AlarmValue> = ["OK", "ALARM", "INSUFFICIENT_DATA"]

const stateOf = (alarm: ShownAlarm): Result.Result<AlarmState, string> => {
  const value = values.find((known) => known === alarm.StateValue)
  const at = alarm.StateUpdatedTimestamp?.getTime()
  if (value === undefined) return Result.fail(`the alarm ${alarm.AlarmName} in the state ${alarm.StateValue}`)
  // It stamps what it sends with milliseconds, as fractions of seconds.
  if (at === undefined || !Number.isFinite(at)) return Result.fail(`the alarm ${alarm.AlarmName} without a time`)
  return Result.succeed({ value, at, reason: alarm.StateReason ?? "" })
}

const instancesIn = (dimensions: ShownAlarm["Dimensions"]): ReadonlyArray<InstanceId> =>
  (dimensions ?? []).flatMap(({ Name, Value }) =>
    Name === "InstanceId" && Value !== undefined && Value !== null ? [InstanceId(Value)] : [],
  )

/** Every instance that the alarm's metric names, or, for an expression over several metrics, that one of these names. */
const instancesOf = ({ Dimensions, Metrics }: ShownAlarm): ReadonlyArray<InstanceId> =>
  [
    ...new Set([
      ...instancesIn(Dimensions),
      ...(Metrics ?? []).flatMap(({ MetricStat }) => instancesIn(MetricStat?.Metric?.Dimensions)),
    ]),
  ].sort()

const identityOf = (kind: AlarmIdentity["kind"], alarm: ShownAlarm): AlarmIdentity | undefined => {
  const { AlarmArn: arn, AlarmName: name } = alarm
  if (arn === undefined || arn === null || name === undefined || name === null) return undefined
  return kind === "composite"
    ? { arn, name, kind, instances: [], isStatusCheck: false }
    : {
        arn,
        name,
        kind,
        instances: instancesOf(alarm),
        isStatusCheck: isStatusCheckMetric(alarm.Namespace ?? undefined, alarm.MetricName ?? undefined),
      }
}

/** The alarms of an answer of DescribeAlarms that may count; which state and time the others have does not matter. */
export const decodeAlarms = (
  answer: Pick<DescribeAlarmsOutput, "CompositeAlarms" | "MetricAlarms">,
  mayCount: (alarm: AlarmIdentity) => boolean,
): Result.Result<ReadonlyArray<Alarm>, string> =>
  Result.gen(function* () {
    const { CompositeAlarms, MetricAlarms } = yield* Result.mapError(decodeAnswer(answer), ({ issue }) =>
      inWords(issue),
    )
    // Both are named, even where there are none: an answer without them is some proxy's.
    if (MetricAlarms === undefined && CompositeAlarms === undefined)
      return yield* Result.fail("an answer without its list")
    const shown = [
      ...(MetricAlarms ?? []).map((alarm) => [alarm, identityOf("metric", alarm)] as const),
      ...(CompositeAlarms ?? []).map((alarm) => [alarm, identityOf("composite", alarm)] as const),
    ]
    const alarms: Array<Alarm> = []
    for (const [alarm, identity] of shown)
      if (identity !== undefined && mayCount(identity)) alarms.push({ ...identity, state: yield* stateOf(alarm) })
    return alarms
  })
