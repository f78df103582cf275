import { Result } from "effect"
import { InstanceId, InterfaceId } from "../../domain/Ids.ts"
import type { Ip } from "../../domain/Ip.ts"
import type { InstanceState } from "../../domain/Vpc.ts"
import { interfaceOf, isReachable, type SimulatedInterface, type SimulatedVpc } from "./SimulatedVpc.ts"

/** No interface of the simulated VPC holds, or held, this address; or the event makes no sense for it. */
export interface NoSuchHost {
  readonly host: Ip
  readonly message: string
}

/** Something that happens to a host. */
export type HostEvent = (vpc: SimulatedVpc) => Result.Result<SimulatedVpc, NoSuchHost>

const noSuchHost = (host: Ip, message = `no interface holds ${host}`): Result.Result<never, NoSuchHost> =>
  Result.fail({ host, message })

const withHost =
  (host: Ip, change: (vpc: SimulatedVpc, found: SimulatedInterface) => ReturnType<HostEvent>): HostEvent =>
  (vpc) => {
    const found = interfaceOf(vpc, host)
    return found === undefined ? noSuchHost(host) : change(vpc, found)
  }

/** Every interface of the machine that `found` belongs to. */
const machineOf = (vpc: SimulatedVpc, found: SimulatedInterface): ReadonlyArray<SimulatedInterface> => {
  const instanceId = found.attachment?.instanceId
  return instanceId === undefined
    ? [found]
    : [...vpc.interfaces.values()].filter((other) => other.attachment?.instanceId === instanceId)
}

const withInterfaces = (vpc: SimulatedVpc, changed: Iterable<SimulatedInterface>): SimulatedVpc => {
  const interfaces = new Map(vpc.interfaces)
  for (const one of changed) interfaces.set(one.id, one)
  return { ...vpc, interfaces }
}

const setAnswers = (host: Ip, answers: boolean): HostEvent =>
  withHost(host, (vpc, found) =>
    Result.succeed(
      withInterfaces(
        vpc,
        machineOf(vpc, found).map((one) => ({ ...one, answers })),
      ),
    ),
  )

/** The machine hangs: silent on all its addresses. EC2 does not notice. */
export const fail = (host: Ip): HostEvent => setAnswers(host, false)

/** The machine answers again, on all its addresses. */
export const heal = (host: Ip): HostEvent => setAnswers(host, true)

const setState = (host: Ip, state: InstanceState): HostEvent =>
  withHost(host, (vpc, found) => {
    const instanceId = found.attachment?.instanceId
    return instanceId === undefined
      ? noSuchHost(host, `${host} belongs to no instance`)
      : Result.succeed({ ...vpc, instances: new Map(vpc.instances).set(instanceId, state) })
  })

/** The instance is stopped: silent, and its routes are blackholes until it is started. */
export const stop = (host: Ip): HostEvent => setState(host, "stopped")

/** The instance is started again. */
export const start = (host: Ip): HostEvent => setState(host, "running")

/** The instance is terminated and its interfaces are deleted with it; the addresses belong to nobody. */
export const terminate = (host: Ip): HostEvent =>
  withHost(host, (vpc, found) => {
    const instances = new Map(vpc.instances)
    const interfaces = new Map(vpc.interfaces)
    const former = new Map(vpc.former)
    if (found.attachment?.instanceId !== undefined) instances.set(found.attachment.instanceId, "terminated")
    for (const one of machineOf(vpc, found)) {
      interfaces.delete(one.id)
      for (const address of one.addresses) former.set(address, one)
    }
    return Result.succeed({ ...vpc, instances, interfaces, former })
  })

/** A new instance with a new interface takes over the addresses; the old one is terminated if it still stands. */
export const replace =
  (host: Ip): HostEvent =>
  (vpc) =>
    Result.gen(function* () {
      const cleared = interfaceOf(vpc, host) === undefined ? vpc : yield* terminate(host)(vpc)
      const old = cleared.former.get(host)
      if (old === undefined) return yield* noSuchHost(host)
      const born = cleared.born + 1
      const serial = born.toString(16).padStart(8, "0")
      const instanceId = InstanceId(`i-0000005e0${serial}`)
      const taken: SimulatedInterface = {
        ...old,
        id: InterfaceId(`eni-0000005e0${serial}`),
        attachment: { instanceId, ownerId: old.ownerId },
        answers: true,
      }
      const former = new Map(cleared.former)
      for (const address of taken.addresses) former.delete(address)
      return {
        ...withInterfaces(cleared, [taken]),
        instances: new Map(cleared.instances).set(instanceId, "running"),
        former,
        born,
      }
    })

/** The interface is detached from its instance and stays, unattached. */
export const detach = (host: Ip): HostEvent =>
  withHost(host, (vpc, found) => Result.succeed(withInterfaces(vpc, [{ ...found, attachment: undefined }])))

/** The address moves to the interface of another host, as reassigning a secondary address does. */
export const moveAddress = (host: Ip, onto: Ip): HostEvent =>
  withHost(host, (vpc, from) => {
    const to = interfaceOf(vpc, onto)
    if (to === undefined) return noSuchHost(onto)
    if (to.id === from.id) return Result.succeed(vpc)
    return Result.succeed(
      withInterfaces(vpc, [
        { ...from, addresses: from.addresses.filter((address) => address !== host) },
        { ...to, addresses: [...to.addresses, host] },
      ]),
    )
  })

/** Source/destination check on the interface that holds the address. */
export const setSourceDestCheck = (host: Ip, sourceDestCheck: boolean): HostEvent =>
  withHost(host, (vpc, found) => Result.succeed(withInterfaces(vpc, [{ ...found, sourceDestCheck }])))

/** A gateway of any kind is deleted: routes to it are blackholes. */
export const deleteGateway =
  (id: string) =>
  (vpc: SimulatedVpc): Result.Result<SimulatedVpc, never> =>
    Result.succeed({ ...vpc, gone: new Set(vpc.gone).add(id) })

/** Whether a probe of this address is answered: somebody holds it, is attached and running, and does not hang. */
export const answers = (vpc: SimulatedVpc, host: Ip): boolean => {
  const found = interfaceOf(vpc, host)
  if (found === undefined || !found.answers || !isReachable(vpc, found)) return false
  const instanceId = found.attachment?.instanceId
  return instanceId === undefined || vpc.instances.get(instanceId) === "running"
}
