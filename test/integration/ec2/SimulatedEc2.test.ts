import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { cidr } from "../../../src/domain/Cidr.ts"
import { InterfaceId, RouteTableId } from "../../../src/domain/Ids.ts"
import { ip } from "../../../src/domain/Ip.ts"
import { defaultTopology } from "../../../src/services/ec2/DefaultTopology.ts"
import { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import { layer } from "../../../src/services/ec2/SimulatedEc2.ts"
import { denyTable } from "../../../src/services/ec2/SimulatedFaults.ts"
import * as SimulatedHosts from "../../../src/services/ec2/SimulatedHosts.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"

const topology = { ...defaultTopology, latencyMillis: 0 }
const table = RouteTableId("rtb-0a20")
const other = RouteTableId("rtb-0b30")
const host = ip("10.33.20.93")
const eni = InterfaceId("eni-0a20093")
const cell = { table, cidr: cidr("10.66.17.0/24") }

const withSimulation = <A, E>(use: Effect.Effect<A, E, Ec2 | Simulation>): Effect.Effect<A, E> =>
  use.pipe(Effect.provide(layer(topology)))

const routeIn = Effect.fnUntraced(function* (where = cell) {
  const vpc = yield* (yield* Ec2).snapshot
  return vpc.tables.get(where.table)?.routes.find(({ destination }) => destination === where.cidr)
})

describe("the simulated EC2", () => {
  it.effect("throttles each kind of write after a burst of 50 and gives 5 back a second", () =>
    withSimulation(
      Effect.gen(function* () {
        const ec2 = yield* Ec2
        const create = (n: number) => ec2.createRoute({ table, cidr: cidr(`10.66.${n}.0/24`) }, eni)
        for (let n = 0; n < 50; n++) yield* create(n)
        const throttled = yield* Effect.flip(create(50))
        assert.strictEqual(throttled.code, "RequestLimitExceeded")
        assert.strictEqual(throttled.disposition, "throttled")
        yield* ec2.deleteRoute({ table, cidr: cidr("10.66.0.0/24") })
        yield* TestClock.adjust("1 second")
        for (let n = 50; n < 55; n++) yield* create(n)
        assert.strictEqual((yield* Effect.flip(create(55))).disposition, "throttled")
      }),
    ),
  )

  it.effect("a hung host's route stays active; a terminated host's is a blackhole", () =>
    withSimulation(
      Effect.gen(function* () {
        const ec2 = yield* Ec2
        const simulation = yield* Simulation
        yield* ec2.createRoute(cell, eni)
        yield* simulation.fail(host)
        assert.isFalse(simulation.answersUnsafe(host))
        assert.strictEqual((yield* routeIn())?.state, "active")
        yield* simulation.heal(host)
        assert.isTrue(simulation.answersUnsafe(host))
        yield* simulation.change(SimulatedHosts.terminate(host))
        assert.isFalse(simulation.answersUnsafe(host))
        assert.strictEqual((yield* routeIn())?.state, "blackhole")
      }),
    ),
  )

  it.effect("failing an address that nobody holds says so", () =>
    withSimulation(
      Effect.gen(function* () {
        const error = yield* Effect.flip((yield* Simulation).fail(ip("10.33.99.99")))
        assert.strictEqual(error.message, "no interface holds 10.33.99.99")
      }),
    ),
  )

  it.effect("stale reads show the VPC as it was, and catch up", () =>
    withSimulation(
      Effect.gen(function* () {
        const ec2 = yield* Ec2
        const simulation = yield* Simulation
        yield* simulation.setReadLag(2_000)
        yield* ec2.createRoute(cell, eni)
        assert.isUndefined(yield* routeIn())
        assert.isDefined((yield* simulation.truth).tables.get(table)?.routes.find((r) => r.destination === cell.cidr))
        yield* TestClock.adjust(1_999)
        assert.isUndefined(yield* routeIn())
        yield* TestClock.adjust(1)
        assert.isDefined(yield* routeIn())
      }),
    ),
  )

  it.effect("a write that is committed but answered by a timeout is there afterwards", () =>
    withSimulation(
      Effect.gen(function* () {
        const ec2 = yield* Ec2
        const simulation = yield* Simulation
        yield* simulation.addFault({ operation: "CreateRoute", code: "TimeoutError", times: 1, committed: true })
        const error = yield* Effect.flip(ec2.createRoute(cell, eni))
        assert.strictEqual(error.disposition, "transient")
        assert.isDefined(yield* routeIn())
        assert.strictEqual((yield* Effect.flip(ec2.createRoute(cell, eni))).code, "RouteAlreadyExists")
      }),
    ),
  )

  it.effect("a denied table refuses every write and leaves other tables alone", () =>
    withSimulation(
      Effect.gen(function* () {
        const ec2 = yield* Ec2
        yield* (yield* Simulation).addFault(denyTable(table))
        for (let n = 0; n < 3; n++) {
          assert.strictEqual((yield* Effect.flip(ec2.createRoute(cell, eni))).disposition, "denied")
        }
        yield* ec2.createRoute({ ...cell, table: other }, eni)
      }),
    ),
  )

  it.effect("fails the next calls of one operation with a code, then works again", () =>
    withSimulation(
      Effect.gen(function* () {
        const ec2 = yield* Ec2
        yield* (yield* Simulation).addFault({ operation: "DescribeInstances", code: "InternalError", times: 2 })
        assert.strictEqual((yield* Effect.flip(ec2.snapshot)).operation, "DescribeInstances")
        assert.strictEqual((yield* Effect.flip(ec2.snapshot)).code, "InternalError")
        yield* ec2.snapshot
      }),
    ),
  )

  it.effect("takes its latency, and an interrupted call that has not come through changes nothing", () =>
    withSimulation(
      Effect.gen(function* () {
        const ec2 = yield* Ec2
        const simulation = yield* Simulation
        yield* simulation.setLatency(100)
        const cut = yield* Effect.forkChild(ec2.createRoute(cell, eni), { startImmediately: true })
        yield* TestClock.adjust(49)
        yield* Fiber.interrupt(cut)
        const whole = yield* Effect.forkChild(ec2.createRoute(cell, eni), { startImmediately: true })
        yield* TestClock.adjust(99)
        assert.isUndefined(whole.pollUnsafe())
        yield* TestClock.adjust(1)
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(whole)))
        assert.strictEqual((yield* simulation.calls).get("CreateRoute"), 2)
      }),
    ).pipe(Effect.timeout(Duration.seconds(10))),
  )
})
