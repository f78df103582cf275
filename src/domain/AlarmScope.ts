import type { Alarm, AlarmIdentity } from "./Alarm.ts"
import type { InstanceId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"

/** Which alarms count. Status checks of EC2 always do, for the hosts whose instance they name. */
export interface AlarmScope {
  /** Alarms whose names begin so count as well, for the hosts whose instance they name: `--alarm-prefix`. */
  readonly prefixes: ReadonlyArray<string>
  /** Alarms of these names do, too: `--alarms`. */
  readonly names: ReadonlySet<string>
  /** Alarms by name that count for these hosts, whatever they watch: `--alarm-map`. */
  readonly hostsOf: ReadonlyMap<string, ReadonlyArray<Ip>>
}

/** Nothing but status checks. */
export const statusChecksOnly: AlarmScope = { prefixes: [], names: new Set(), hostsOf: new Map() }

/** Whether the alarm counts for the instances that its metric names. */
const countsForInstances = ({ names, prefixes }: AlarmScope, { isStatusCheck, name }: AlarmIdentity): boolean =>
  isStatusCheck || names.has(name) || prefixes.some((prefix) => name.startsWith(prefix))

/** Whether the alarm may count for some host; what else an account has is not kept. */
export const isOfInterest = (scope: AlarmScope, alarm: AlarmIdentity): boolean =>
  scope.hostsOf.has(alarm.name) || countsForInstances(scope, alarm)

/** Whether composite alarms are to be asked for: they have no dimensions, and so count by name alone. */
export const wantsComposites = ({ hostsOf, names }: AlarmScope): boolean => hostsOf.size > 0 || names.size > 0

/** The alarms that count for each of the hosts, sorted by ARN. A host without any is missing. */
export const coverage = (
  scope: AlarmScope,
  alarms: Iterable<Alarm>,
  hosts: ReadonlySet<Ip>,
  instances: ReadonlyMap<Ip, InstanceId>,
): ReadonlyMap<Ip, ReadonlyArray<string>> => {
  const hostsAt = Map.groupBy(hosts, (host) => instances.get(host))
  const covering = new Map<Ip, Set<string>>()
  const cover = (host: Ip, { arn }: Alarm): void => {
    const known = covering.get(host)
    if (known === undefined) covering.set(host, new Set([arn]))
    else known.add(arn)
  }
  for (const alarm of alarms) {
    for (const host of scope.hostsOf.get(alarm.name) ?? []) if (hosts.has(host)) cover(host, alarm)
    if (!countsForInstances(scope, alarm)) continue
    for (const instance of alarm.instances) for (const host of hostsAt.get(instance) ?? []) cover(host, alarm)
  }
  return new Map([...covering].map(([host, arns]) => [host, [...arns].sort()]))
}

/** Names that were given, and by which no host is covered: each with the reason. Sorted by name. */
export const idleNames = (
  scope: AlarmScope,
  alarms: Iterable<Alarm>,
): ReadonlyArray<{ readonly name: string; readonly why: string }> => {
  const byName = new Map([...alarms].map((alarm) => [alarm.name, alarm]))
  return [...new Set([...scope.names, ...scope.hostsOf.keys()])].sort().flatMap((name) => {
    const alarm = byName.get(name)
    if (alarm === undefined) return [{ name, why: "there is no such alarm" }]
    if (scope.hostsOf.has(name) || alarm.instances.length > 0) return []
    return [{ name, why: "it names no instance: --alarm-map says which host it is for" }]
  })
}
