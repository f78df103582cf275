import { Result } from "effect"
import type { InstanceId } from "../../domain/Ids.ts"
import {
  type CheckResult,
  type InstanceStatus,
  type ScheduledEvent,
  type StatusCheck,
  statusChecks,
} from "../../domain/InstanceStatus.ts"
import type { Ip } from "../../domain/Ip.ts"
import type { InstanceState } from "../../domain/Vpc.ts"
import type { HostEvent } from "./SimulatedHosts.ts"
import type { Refusal } from "./SimulatedRoutes.ts"
import { interfaceOf, type SimulatedStatus, type SimulatedVpc } from "./SimulatedVpc.ts"

const unremarkable: SimulatedStatus = { checks: {}, events: [] }

const resultOf = ({ checks }: SimulatedStatus, state: InstanceState, check: StatusCheck): CheckResult => {
  if (state === "pending") return "initializing"
  return state === "running" ? (checks[check] ?? "ok") : "not-applicable"
}

const shown = (found: SimulatedStatus, state: InstanceState): InstanceStatus => {
  const [system, instance, ebs] = statusChecks.map((check) => resultOf(found, state, check))
  return {
    state,
    checks: { system: system ?? "ok", instance: instance ?? "ok", ebs: ebs ?? "ok" },
    events: found.events,
  }
}

/** What DescribeInstanceStatus shows of these instances; as with EC2 one that does not exist fails the whole call. */
export const statusesOf = (
  vpc: SimulatedVpc,
  instances: ReadonlyArray<InstanceId>,
): Result.Result<ReadonlyMap<InstanceId, InstanceStatus>, Refusal> => {
  const strangers = instances.filter((id) => !vpc.instances.has(id))
  if (strangers.length > 0)
    return Result.fail({
      code: "InvalidInstanceID.NotFound",
      message:
        strangers.length === 1
          ? `The instance ID '${strangers[0]}' does not exist`
          : `The instance IDs '${strangers.join(", ")}' do not exist`,
    })
  const found = new Map<InstanceId, InstanceStatus>()
  for (const id of instances) {
    const state = vpc.instances.get(id)
    if (state !== undefined) found.set(id, shown(vpc.statuses.get(id) ?? unremarkable, state))
  }
  return Result.succeed(found)
}

const withStatus =
  (host: Ip, change: (status: SimulatedStatus) => SimulatedStatus): HostEvent =>
  (vpc) => {
    const instance = interfaceOf(vpc, host)?.attachment?.instanceId
    if (instance === undefined) return Result.fail({ host, message: `no instance holds ${host}` })
    const statuses = new Map(vpc.statuses).set(instance, change(vpc.statuses.get(instance) ?? unremarkable))
    return Result.succeed({ ...vpc, statuses })
  }

/** A status check of the host's instance comes to this result, while it runs. */
export const setCheck = (host: Ip, check: StatusCheck, result: CheckResult): HostEvent =>
  withStatus(host, (status) => ({ ...status, checks: { ...status.checks, [check]: result } }))

/** The events that EC2 schedules for the host's instance are these. */
export const schedule = (host: Ip, events: ReadonlyArray<ScheduledEvent>): HostEvent =>
  withStatus(host, (status) => ({ ...status, events }))

/** EC2 forgets instances that are terminated, after about an hour. */
export const forgetTerminated = (vpc: SimulatedVpc): Result.Result<SimulatedVpc> =>
  Result.succeed({ ...vpc, instances: new Map([...vpc.instances].filter(([, state]) => state !== "terminated")) })
