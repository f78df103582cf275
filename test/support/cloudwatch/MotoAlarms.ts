import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
  type StateValue,
} from "@aws-sdk/client-cloudwatch"
import { Effect, type Scope } from "effect"

const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "secret" }

/** What an alarm watches; a status check of EC2, if nothing else is said. */
export interface MotoAlarmPlan {
  readonly instance: string
  readonly namespace?: string
  readonly metric?: string
}

/** CloudWatch as an operator sees it. */
export interface MotoAlarms {
  /** Makes an alarm. moto's begin as OK. */
  readonly put: (name: string, plan: MotoAlarmPlan) => Effect.Effect<void>
  readonly set: (name: string, value: StateValue, reason?: string) => Effect.Effect<void>
  readonly remove: (name: string) => Effect.Effect<void>
}

/** Sets alarms up in the moto at `endpoint`. */
export const motoAlarms = (endpoint: string): Effect.Effect<MotoAlarms, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new CloudWatchClient({ endpoint, region: "us-east-1", credentials })),
      (client) => Effect.sync(() => client.destroy()),
    ),
    (client) => {
      const done = (call: () => Promise<unknown>) => Effect.asVoid(Effect.promise(call))
      return {
        put: (AlarmName, { instance, metric = "StatusCheckFailed", namespace = "AWS/EC2" }) =>
          done(() =>
            client.send(
              new PutMetricAlarmCommand({
                AlarmName,
                Namespace: namespace,
                MetricName: metric,
                Dimensions: [{ Name: "InstanceId", Value: instance }],
                Statistic: "Maximum",
                Period: 60,
                EvaluationPeriods: 2,
                Threshold: 1,
                ComparisonOperator: "GreaterThanOrEqualToThreshold",
                TreatMissingData: "breaching",
              }),
            ),
          ),
        set: (AlarmName, StateValue, StateReason = "set by the test") =>
          done(() => client.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason }))),
        remove: (name) => done(() => client.send(new DeleteAlarmsCommand({ AlarmNames: [name] }))),
      }
    },
  )
