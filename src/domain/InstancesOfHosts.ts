import { compareText } from "./Action.ts"
import type { InstanceId } from "./Ids.ts"
import type { Ip } from "./Ip.ts"
import type { VpcIndex } from "./VpcIndex.ts"

/**
 * The instance behind each host, sorted by host. An address that a reading does not show keeps the instance that had it
 * `before`: the reading may be a stale one, and of a terminated instance EC2 still says so for about an hour, while its
 * interface is gone at once. One at an interface that is attached to nothing has none.
 */
export const instancesOfHosts = (
  hosts: Iterable<Ip>,
  { interfaceOf, vpc }: VpcIndex,
  before: ReadonlyMap<Ip, InstanceId>,
): ReadonlyMap<Ip, InstanceId> => {
  const instances = new Map<Ip, InstanceId>()
  for (const host of [...hosts].sort(compareText)) {
    const interfaceId = interfaceOf.get(host)
    const instance = interfaceId === undefined ? before.get(host) : vpc.interfaces.get(interfaceId)?.instanceId
    if (instance !== undefined) instances.set(host, instance)
  }
  return instances
}
