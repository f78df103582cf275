import type { Millis } from "./Health.ts"
import type { InstanceState } from "./Vpc.ts"

/** The result of one of EC2's status checks. What EC2 may call it besides counts as `insufficient-data`. */
export const checkResults = ["ok", "impaired", "initializing", "insufficient-data", "not-applicable"] as const
export type CheckResult = (typeof checkResults)[number]

/** The checks that EC2 runs every minute ("Status checks for Amazon EC2 instances", EC2 user guide). */
export const statusChecks = ["system", "instance", "ebs"] as const
export type StatusCheck = (typeof statusChecks)[number]

/** Something that EC2 is going to do to an instance. */
export interface ScheduledEvent {
  readonly id: string
  /** `instance-reboot`, `system-reboot`, `system-maintenance`, `instance-retirement` or `instance-stop`. */
  readonly code: string
  readonly description: string
  /** The earliest time, in milliseconds of Unix time. */
  readonly notBefore: Millis | undefined
}

/** One instance as EC2's DescribeInstanceStatus shows it. */
export interface InstanceStatus {
  readonly state: InstanceState
  readonly checks: Readonly<Record<StatusCheck, CheckResult>>
  /** Those that are still to come, by id. */
  readonly events: ReadonlyArray<ScheduledEvent>
}
