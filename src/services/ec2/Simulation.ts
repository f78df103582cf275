import { Context, Effect, Layer, Result } from "effect"
import type { Cell } from "../../domain/Action.ts"
import type { Millis } from "../../domain/Health.ts"
import type { InstanceId, InterfaceId, RouteTableId } from "../../domain/Ids.ts"
import type { Ip } from "../../domain/Ip.ts"
import * as TokenBucket from "../../domain/TokenBucket.ts"
import type { InstanceState, Vpc } from "../../domain/Vpc.ts"
import { now } from "../Now.ts"
import { type Ec2Error, type WriteReceipt } from "./Ec2.ts"
import { ec2Error } from "./Ec2Failure.ts"
import { applyFaults, type FaultRule, httpStatusOf, type Operation, type WriteOperation } from "./SimulatedFaults.ts"
import * as SimulatedHosts from "./SimulatedHosts.ts"
import type { Refusal } from "./SimulatedRoutes.ts"
import { type SimulatedVpc, view } from "./SimulatedVpc.ts"
import type { Topology } from "./Topology.ts"

/** A machine, or a service's interface, of the simulated VPC. */
export interface SimulatedHost {
  readonly addresses: ReadonlyArray<Ip>
  readonly interfaceId: InterfaceId
  readonly instanceId: InstanceId | undefined
  readonly state: InstanceState | undefined
  readonly zone: string | undefined
  readonly sourceDestCheck: boolean
  readonly requesterManaged: boolean
  readonly answers: boolean
}

type Change<E> = (vpc: SimulatedVpc) => Result.Result<SimulatedVpc, E>

/** A state that a write or an event has replaced, and when. */
interface Replaced {
  readonly until: Millis
  readonly vpc: SimulatedVpc
}

/** Reads lag by at most this many changes, so that a lag of minutes keeps no unbounded history. */
const historyLimit = 10_000

/**
 * The simulated VPC behind the `Ec2` port, and the controls over it: what happens to its hosts, and what goes wrong in
 * its API. Time is the Effect clock's.
 */
export class Simulation extends Context.Service<
  Simulation,
  {
    /** All hosts, by interface id. */
    readonly hosts: Effect.Effect<ReadonlyArray<SimulatedHost>>
    /** Whether a probe of the address would be answered now. For probes, which ask for every packet. */
    readonly answersUnsafe: (host: Ip) => boolean
    /** The machine that holds the address hangs: silent, its routes active. */
    readonly fail: (host: Ip) => Effect.Effect<void, SimulatedHosts.NoSuchHost>
    readonly heal: (host: Ip) => Effect.Effect<void, SimulatedHosts.NoSuchHost>
    /** Any event of `SimulatedHosts`, or an edit of `SimulatedRoutes`. No API call: no fault, no token, no latency. */
    readonly change: <E>(event: Change<E>) => Effect.Effect<void, E>
    /** The VPC as it truly is, whatever reads show. */
    readonly truth: Effect.Effect<Vpc>
    /** Adds a rule behind those that stand. */
    readonly addFault: (rule: FaultRule) => Effect.Effect<void>
    readonly clearFaults: Effect.Effect<void>
    /** From now on reads show the VPC as it was this long ago; 0: as it is. */
    readonly setReadLag: (lag: Millis) => Effect.Effect<void>
    /** From now on every call takes this long. */
    readonly setLatency: (latency: Millis) => Effect.Effect<void>
    /** How many calls of each operation came in, refused ones included. */
    readonly calls: Effect.Effect<ReadonlyMap<Operation, number>>
    /** An API call that reads. */
    readonly read: (operation: Operation) => Effect.Effect<SimulatedVpc, Ec2Error>
    /** An API call that writes a cell by one of the rules of `SimulatedRoutes`. */
    readonly write: (
      operation: WriteOperation,
      cell: Cell,
      change: Change<Refusal>,
    ) => Effect.Effect<WriteReceipt, Ec2Error>
  }
>()("vpc-router/services/ec2/Simulation") {
  static readonly layer = (topology: Topology): Layer.Layer<Simulation> => Layer.sync(Simulation, () => make(topology))
}

const isWrite = (operation: Operation): boolean => operation.endsWith("Route")

const make = (topology: Topology): Simulation["Service"] => {
  let present = topology.vpc
  let history: Array<Replaced> = []
  let readLag: Millis = 0
  let latency: Millis = topology.latencyMillis
  let faults: ReadonlyArray<FaultRule> = []
  let requests = 0
  const calls = new Map<Operation, number>()
  const buckets = new Map<Operation, TokenBucket.TokenBucket>()

  const commit = (vpc: SimulatedVpc, at: Millis): void => {
    if (readLag > 0) {
      history.push({ until: at, vpc: present })
      history = history.filter(({ until }) => until > at - readLag).slice(-historyLimit)
    }
    present = vpc
  }

  const seen = (at: Millis): SimulatedVpc => history.find(({ until }) => until > at - readLag)?.vpc ?? present

  const failed = (operation: Operation, refusal: Refusal, requestId: string): Ec2Error =>
    ec2Error({ operation, ...refusal, httpStatus: httpStatusOf(refusal.code), requestId })

  const change = <E>(event: Change<E>): Effect.Effect<void, E> =>
    Effect.flatMap(now, (at) => Effect.fromResult(Result.map(event(present), (vpc) => commit(vpc, at))))

  /** What every call passes first: half of the latency, its bucket, and the faults. Gives the fault to answer with. */
  const admit = Effect.fnUntraced(function* (operation: Operation, table: RouteTableId | undefined) {
    calls.set(operation, (calls.get(operation) ?? 0) + 1)
    const requestId = `simulated-${++requests}`
    if (latency > 0) yield* Effect.sleep(latency / 2)
    const at = yield* now
    const limits = limitsOf(operation)
    const taken = TokenBucket.take(buckets.get(operation) ?? TokenBucket.full(limits, at), at)
    buckets.set(operation, taken.bucket)
    if (taken.waitMillis > 0) {
      return yield* failed(operation, { code: "RequestLimitExceeded", message: "Request limit exceeded." }, requestId)
    }
    const [fault, left] = applyFaults(faults, operation, table)
    faults = left
    if (fault === undefined) return { at, requestId, after: undefined }
    const error = failed(
      operation,
      { code: fault.code, message: fault.message ?? `simulated ${fault.code}` },
      requestId,
    )
    return fault.committed === true ? { at, requestId, after: error } : yield* error
  })

  const answer = Effect.suspend(() => (latency > 0 ? Effect.sleep(latency / 2) : Effect.void))

  return {
    hosts: Effect.sync(() => hostsOf(present)),
    answersUnsafe: (host) => SimulatedHosts.answers(present, host),
    fail: (host) => change(SimulatedHosts.fail(host)),
    heal: (host) => change(SimulatedHosts.heal(host)),
    change,
    truth: Effect.sync(() => view(present)),
    addFault: (rule) => Effect.sync(() => void (faults = [...faults, rule])),
    clearFaults: Effect.sync(() => void (faults = [])),
    setReadLag: (lag) =>
      Effect.sync(() => {
        readLag = lag
        if (lag === 0) history = []
      }),
    setLatency: (millis) => Effect.sync(() => void (latency = millis)),
    calls: Effect.sync(() => new Map(calls)),
    read: Effect.fn("Simulation.read")(function* (operation) {
      const admitted = yield* admit(operation, undefined)
      const shown = seen(admitted.at)
      yield* answer
      return admitted.after === undefined ? shown : yield* admitted.after
    }),
    write: Effect.fn("Simulation.write")(function* (operation, cell, rule) {
      const admitted = yield* admit(operation, cell.table)
      const { requestId } = admitted
      const changed = rule(present)
      if (Result.isSuccess(changed)) commit(changed.success, admitted.at)
      yield* answer
      if (admitted.after !== undefined) return yield* admitted.after
      return Result.isSuccess(changed) ? { requestId } : yield* failed(operation, changed.failure, requestId)
    }),
  }
}

const limitsOf = (operation: Operation): TokenBucket.BucketLimits => {
  if (isWrite(operation)) return TokenBucket.routeWrites
  return operation === "DescribeInstanceStatus" ? TokenBucket.describesById : TokenBucket.describes
}

const hostsOf = (vpc: SimulatedVpc): ReadonlyArray<SimulatedHost> =>
  [...vpc.interfaces.values()]
    .map((found): SimulatedHost => {
      const instanceId = found.attachment?.instanceId
      return {
        addresses: found.addresses,
        interfaceId: found.id,
        instanceId,
        state: instanceId === undefined ? undefined : vpc.instances.get(instanceId),
        zone: found.zone,
        sourceDestCheck: found.sourceDestCheck,
        requesterManaged: found.requesterManaged,
        answers: found.addresses.some((address) => SimulatedHosts.answers(vpc, address)),
      }
    })
    .sort((a, b) => (a.interfaceId < b.interfaceId ? -1 : a.interfaceId > b.interfaceId ? 1 : 0))
