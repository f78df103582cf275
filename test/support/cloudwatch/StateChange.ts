import type { AlarmValue } from "../../../src/domain/AlarmState.ts"

export interface StateChangePlan {
  readonly name: string
  readonly value: AlarmValue
  /** Unix time in milliseconds. */
  readonly at: number
  readonly reason?: string
  readonly instance?: string
  readonly arn?: string
  readonly metric?: string
  readonly namespace?: string
}

/** The ARN of an alarm, as moto and CloudWatch make it. */
export const arnOf = (name: string): string => `arn:aws:cloudwatch:us-east-1:123456789012:alarm:${name}`

/** EventBridge's event for a change of an alarm, as the CloudWatch user guide shows it ("Alarm events and EventBridge"). */
export const stateChange = ({
  arn,
  at,
  instance = "i-0123456789abcdef0",
  metric = "StatusCheckFailed",
  name,
  namespace = "AWS/EC2",
  reason = "Threshold Crossed: 1 out of the last 1 datapoints was greater than the threshold (0.0)",
  value,
}: StateChangePlan) => {
  const timestamp = new Date(at).toISOString().replace("Z", "+0000")
  return {
    version: "0",
    id: "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
    "detail-type": "CloudWatch Alarm State Change",
    source: "aws.cloudwatch",
    account: "123456789012",
    time: new Date(at).toISOString().replace(/\.\d+/, ""),
    region: "us-east-1",
    resources: [arn ?? arnOf(name)],
    detail: {
      alarmName: name,
      configuration: {
        description: "made by a test",
        metrics: [
          {
            id: "30b6c6b2-a864-43a2-4877-c09a1afc3b87",
            metricStat: {
              metric: { dimensions: { InstanceId: instance }, name: metric, namespace },
              period: 60,
              stat: "Maximum",
            },
            returnData: true,
          },
        ],
      },
      previousState: { reason: "Unchecked: Initial alarm creation", timestamp, value: "INSUFFICIENT_DATA" },
      state: { reason, reasonData: '{"version":"1.0"}', timestamp, value },
    },
  }
}
