import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Result, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Verdict } from "../../src/domain/Health.ts"
import { InstanceId } from "../../src/domain/Ids.ts"
import { type Ip, ip } from "../../src/domain/Ip.ts"
import { defaultTopology } from "../../src/services/ec2/DefaultTopology.ts"
import * as SimulatedInstanceStatuses from "../../src/services/ec2/SimulatedInstanceStatuses.ts"
import type { FaultRule } from "../../src/services/ec2/SimulatedFaults.ts"
import { start, stop, terminate } from "../../src/services/ec2/SimulatedHosts.ts"
import { forgetTerminated, schedule, setCheck } from "../../src/services/ec2/SimulatedStatuses.ts"
import { Simulation } from "../../src/services/ec2/Simulation.ts"
import { decodeTopology, type Topology } from "../../src/services/ec2/Topology.ts"
import * as Ec2Health from "../../src/services/health/Ec2Health.ts"
import * as HostInstances from "../../src/services/health/HostInstances.ts"

const [a, b, nobody] = ["10.33.20.93", "10.33.30.22", "10.33.99.9"].map(ip) as [Ip, Ip, Ip]
const inVpc = new Map([
  [a, InstanceId("i-0a20093")],
  [b, InstanceId("i-0b30022")],
])

/** The source on the simulated VPC, watching these hosts. */
const started = Effect.fnUntraced(function* (hosts: ReadonlyArray<Ip> = [a, b], interval = 5_000) {
  const { calls, ...simulation } = yield* Simulation
  const instances = yield* HostInstances.HostInstances
  const source = yield* Ec2Health.make(SimulatedInstanceStatuses.make({ calls, ...simulation }), { interval })
  const verdicts = new Map<Ip, Verdict>()
  yield* source.verdicts.pipe(
    Stream.runForEach((batch) => Effect.sync(() => batch.forEach(({ host, verdict }) => verdicts.set(host, verdict)))),
    Effect.forkScoped,
  )
  yield* source.watch(new Set(hosts))
  return {
    ...simulation,
    source,
    instances,
    verdictOf: (host: Ip) => verdicts.get(host),
    told: (host: Ip) => {
      const verdict = verdicts.get(host)
      return verdict?._tag === "Failed" ? verdict.reason : verdict?._tag === "Unwatched" ? verdict.why : verdict?._tag
    },
    calls: Effect.map(calls, (found) => found.get("DescribeInstanceStatus") ?? 0),
    why: Effect.map(source.state, (state) => (state._tag === "Down" ? state.why : "up")),
  }
})

/** The same after its first round. */
const watching = Effect.fnUntraced(function* (hosts?: ReadonlyArray<Ip>) {
  const stand = yield* started(hosts)
  yield* stand.instances.tell(inVpc)
  yield* TestClock.adjust("100 millis")
  return stand
})

const lines: Array<string> = []
const logger = Logger.make(({ message }) => void lines.push(String(message)))

const holds = <E>(
  promise: string,
  test: Effect.Effect<void, E, Simulation | HostInstances.HostInstances | Scope.Scope>,
  topology: Topology = { ...defaultTopology, latencyMillis: 20 },
) =>
  it.effect(promise, () =>
    Effect.suspend(() => {
      lines.length = 0
      return test
    }).pipe(Effect.provide([Simulation.layer(topology), HostInstances.layer, Logger.layer([logger])])),
  )

const fault = (code: string, times: number, message = "no"): FaultRule => ({
  operation: "DescribeInstanceStatus",
  code,
  message,
  times,
})

describe("hosts whose instances EC2 tells the state of", () => {
  holds(
    "are healthy within a round of the first reading of the VPC, before which nothing is asked",
    Effect.gen(function* () {
      const { calls, instances, told, why } = yield* started()
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual([yield* calls, yield* why, told(a)], [0, "starting", "Unknown"])
      yield* instances.tell(inVpc)
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual([yield* calls, yield* why, told(a), told(b)], [1, "up", "Healthy", "Healthy"])
    }),
  )

  holds(
    "fail within the interval when somebody stops the instance, and are healthy again once it runs",
    Effect.gen(function* () {
      const { change, told } = yield* watching()
      yield* change(stop(a))
      yield* TestClock.adjust("5100 millis")
      assert.deepStrictEqual([told(a), told(b)], ["its instance i-0a20093 is stopped", "Healthy"])
      yield* change(start(a))
      yield* TestClock.adjust("5100 millis")
      assert.strictEqual(told(a), "Healthy")
    }),
  )

  holds(
    "fail when a status check does, and keep that while it has no result",
    Effect.gen(function* () {
      const { change, told } = yield* watching()
      yield* change(setCheck(b, "system", "impaired"))
      yield* TestClock.adjust("5100 millis")
      assert.strictEqual(told(b), "the system status check of its instance i-0b30022 fails")
      yield* change(setCheck(b, "system", "insufficient-data"))
      yield* TestClock.adjust("5100 millis")
      assert.strictEqual(told(b), "the system status check of its instance i-0b30022 fails")
      yield* change(setCheck(b, "system", "ok"))
      yield* TestClock.adjust("5100 millis")
      assert.strictEqual(told(b), "Healthy")
    }),
  )

  holds(
    "stay failed when EC2 forgets a terminated instance, and the others are told all the same",
    Effect.gen(function* () {
      const { change, told } = yield* watching()
      yield* change(terminate(a))
      yield* TestClock.adjust("5100 millis")
      assert.strictEqual(told(a), "its instance i-0a20093 is terminated")
      yield* change(forgetTerminated)
      yield* TestClock.adjust("5100 millis")
      assert.strictEqual(told(a), "its instance i-0a20093 is terminated")
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual([told(a), told(b)], ["EC2 does not know its instance i-0a20093 any more", "Healthy"])
    }),
  )

  holds(
    "are unwatched, with the reason, while no instance is known to have the address",
    Effect.gen(function* () {
      const { instances, told } = yield* watching([a, nobody])
      assert.deepStrictEqual(
        [told(a), told(nobody)],
        ["Healthy", "no instance of the VPC is known to have its address"],
      )
      yield* instances.tell(new Map([...inVpc, [nobody, InstanceId("i-0b30101")]]))
      yield* TestClock.adjust("1200 millis")
      assert.strictEqual(told(nobody), "Healthy")
    }),
  )

  holds(
    "are judged by the new instance from the moment that it has the address",
    Effect.gen(function* () {
      const { change, instances, told, verdictOf } = yield* watching()
      yield* change(stop(a))
      yield* TestClock.adjust("5100 millis")
      yield* instances.tell(new Map([[a, InstanceId("i-0a20101")], ...[...inVpc].slice(1)]))
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(verdictOf(a)?._tag, "Unknown")
      yield* TestClock.adjust("1200 millis")
      assert.strictEqual(told(a), "Healthy")
    }),
  )

  holds(
    "have events that EC2 schedules noted and logged once, and do not fail by them",
    Effect.gen(function* () {
      const { change, source, told } = yield* watching()
      const event = { id: "e-1", code: "instance-stop", description: "it degrades", notBefore: 1_800_000_000_000 }
      const words = "EC2 schedules instance-stop of i-0a20093 not before 2027-01-15T08:00:00.000Z: it degrades"
      yield* change(schedule(a, [event]))
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(told(a), "Healthy")
      assert.deepStrictEqual([...(yield* source.notes ?? Effect.succeed(new Map()))], [[a, [words]]])
      assert.deepStrictEqual(
        lines.filter((line) => line.includes("schedules")),
        [`host ${a}: ${words}`],
      )
      yield* change(schedule(a, []))
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual([...(yield* source.notes ?? Effect.succeed(new Map()))], [])
    }),
  )
})

describe("the source of instance states", () => {
  holds(
    "is down at the first denial, names the right that it lacks, says it once, and is up again with that right",
    Effect.gen(function* () {
      const { addFault, clearFaults, told, why } = yield* watching()
      let n = 0
      const denied = () =>
        fault("UnauthorizedOperation", 1, `You are not authorized. Encoded authorization failure message: ${n++}`)
      for (let times = 0; times < 20; times++) yield* addFault(denied())
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(
        yield* why,
        "it needs ec2:DescribeInstanceStatus: UnauthorizedOperation: You are not authorized.",
      )
      assert.deepStrictEqual([told(a), told(b)], ["Unknown", "Unknown"])
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(lines.filter((line) => line.includes("ec2 is down")).length, 1)
      yield* clearFaults
      yield* TestClock.adjust("31 seconds")
      assert.deepStrictEqual([yield* why, told(a)], ["up", "Healthy"])
    }),
  )

  holds(
    "stands two rounds that fail, and is down at the third",
    Effect.gen(function* () {
      const { addFault, told, why } = yield* watching()
      yield* addFault(fault("InternalError", 2))
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual([yield* why, told(a)], ["up", "Healthy"])
      yield* addFault(fault("InternalError", 5))
      yield* TestClock.adjust("12 seconds")
      assert.deepStrictEqual([yield* why, told(a)], ["InternalError: no", "Unknown"])
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual([yield* why, told(a)], ["up", "Healthy"])
    }),
  )

  holds(
    "asks less while it is throttled",
    Effect.gen(function* () {
      const { addFault, calls } = yield* watching()
      const before = yield* calls
      yield* addFault(fault("RequestLimitExceeded", Number.POSITIVE_INFINITY, "Request limit exceeded."))
      yield* TestClock.adjust("5 minutes")
      // Every 15 to 30 seconds, once it has waited that long.
      assert.isAtMost((yield* calls) - before, 30)
    }),
  )

  const many = 1_050
  const crowd = Array.from({ length: many }, (_, n) => ({
    interface: `eni-${n}`,
    instance: `i-${n.toString(16).padStart(8, "0")}`,
    addresses: [`10.40.${Math.floor(n / 200)}.${(n % 200) + 1}`],
  }))
  const large = Result.getOrThrow(
    decodeTopology({
      vpc: { id: "vpc-1", cidrs: ["10.40.0.0/16"] },
      hosts: crowd,
      tables: [{ id: "rtb-1", main: true }],
      latencyMillis: 50,
    }),
  )

  holds(
    "asks for a hundred instances a call, and finds the one of a thousand that is stopped, and those that are unknown",
    Effect.gen(function* () {
      const hosts = crowd.map(({ addresses: [address = ""] }) => ip(address))
      const { calls, change, instances, told } = yield* started(hosts)
      const known = new Map(crowd.map(({ instance }, n) => [hosts[n] ?? a, InstanceId(instance)] as const))
      yield* instances.tell(known)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* calls, 11)
      assert.isTrue(hosts.every((host) => told(host) === "Healthy"))
      const [gone = a, other = a, stopped = a] = [hosts[7], hosts[8], hosts[777]]
      yield* change(stop(stopped))
      yield* change(terminate(gone))
      yield* change(terminate(other))
      yield* change(forgetTerminated)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(told(stopped), `its instance ${known.get(stopped)} is stopped`)
      assert.strictEqual(told(gone), "Healthy")
      yield* TestClock.adjust("12 seconds")
      for (const host of [gone, other])
        assert.strictEqual(told(host), `EC2 does not know its instance ${known.get(host)} any more`)
      assert.strictEqual(hosts.filter((host) => told(host) !== "Healthy").length, 3)
    }),
    large,
  )
})
