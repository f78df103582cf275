import type { CompositeAlarm, DescribeAlarmsOutput, Dimension, MetricAlarm } from "@aws-sdk/client-cloudwatch"
import { Result } from "effect"
import { type Alarm, type AlarmIdentity, isStatusCheckMetric } from "../../../domain/Alarm.ts"
import type { AlarmState, AlarmValue } from "../../../domain/AlarmState.ts"
import { InstanceId } from "../../../domain/Ids.ts"

const values: ReadonlyArray<AlarmValue> = ["OK", "ALARM", "INSUFFICIENT_DATA"]

const stateOf = (alarm: MetricAlarm | CompositeAlarm): Result.Result<AlarmState, string> => {
  const value = values.find((known) => known === alarm.StateValue)
  const at = alarm.StateUpdatedTimestamp?.getTime()
  if (value === undefined) return Result.fail(`the alarm ${alarm.AlarmName} in the state ${alarm.StateValue}`)
  // It stamps what it sends with milliseconds, as fractions of seconds.
  if (at === undefined || !Number.isFinite(at)) return Result.fail(`the alarm ${alarm.AlarmName} without a time`)
  return Result.succeed({ value, at, reason: alarm.StateReason ?? "" })
}

const instancesIn = (dimensions: ReadonlyArray<Dimension> = []): ReadonlyArray<InstanceId> =>
  dimensions.flatMap(({ Name, Value }) => (Name === "InstanceId" && Value !== undefined ? [InstanceId(Value)] : []))

/** Every instance that the alarm's metric names, or, for an expression over several metrics, that one of these names. */
const instancesOf = ({ Dimensions, Metrics = [] }: MetricAlarm): ReadonlyArray<InstanceId> =>
  [
    ...new Set([
      ...instancesIn(Dimensions),
      ...Metrics.flatMap(({ MetricStat }) => instancesIn(MetricStat?.Metric?.Dimensions)),
    ]),
  ].sort()

const metricIdentity = (alarm: MetricAlarm): AlarmIdentity | undefined =>
  alarm.AlarmArn === undefined || alarm.AlarmName === undefined
    ? undefined
    : {
        arn: alarm.AlarmArn,
        name: alarm.AlarmName,
        kind: "metric",
        instances: instancesOf(alarm),
        isStatusCheck: isStatusCheckMetric(alarm.Namespace, alarm.MetricName),
      }

const compositeIdentity = ({ AlarmArn, AlarmName }: CompositeAlarm): AlarmIdentity | undefined =>
  AlarmArn === undefined || AlarmName === undefined
    ? undefined
    : { arn: AlarmArn, name: AlarmName, kind: "composite", instances: [], isStatusCheck: false }

/** The alarms of an answer of DescribeAlarms that may count; what is odd about the others does not matter. */
export const decodeAlarms = (
  { CompositeAlarms, MetricAlarms }: Pick<DescribeAlarmsOutput, "CompositeAlarms" | "MetricAlarms">,
  mayCount: (alarm: AlarmIdentity) => boolean,
): Result.Result<ReadonlyArray<Alarm>, string> =>
  Result.gen(function* () {
    // Both are named, even where there are none: an answer without them is some proxy's.
    if (MetricAlarms === undefined && CompositeAlarms === undefined)
      return yield* Result.fail("an answer without its list")
    const shown = [
      ...(MetricAlarms ?? []).map((alarm) => [alarm, metricIdentity(alarm)] as const),
      ...(CompositeAlarms ?? []).map((alarm) => [alarm, compositeIdentity(alarm)] as const),
    ]
    const alarms: Array<Alarm> = []
    for (const [alarm, identity] of shown)
      if (identity !== undefined && mayCount(identity)) alarms.push({ ...identity, state: yield* stateOf(alarm) })
    return alarms
  })
