import type { AlarmState } from "./AlarmState.ts"
import type { InstanceId } from "./Ids.ts"

/** What an alarm is, whatever its state. */
export interface AlarmIdentity {
  /** Tells it from alarms of the same name in other regions and accounts. */
  readonly arn: string
  readonly name: string
  readonly kind: "metric" | "composite"
  /** The instances that its metric's `InstanceId` dimensions name; none for composite alarms. Sorted. */
  readonly instances: ReadonlyArray<InstanceId>
  /** It watches one of EC2's status checks: `StatusCheckFailed` and its kin, in `AWS/EC2`. */
  readonly isStatusCheck: boolean
}

/** A CloudWatch alarm as a poll shows it. */
export interface Alarm extends AlarmIdentity {
  readonly state: AlarmState
}

/** The metrics of EC2's status checks ("Status checks for your instances", EC2 user guide) all begin with this. */
const statusCheck = "StatusCheckFailed"

/** Whether a metric is the outcome of one of EC2's status checks. */
export const isStatusCheckMetric = (namespace: string | undefined, metric: string | undefined): boolean =>
  namespace === "AWS/EC2" && metric?.startsWith(statusCheck) === true
