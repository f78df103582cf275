import { Clock, Effect, type Scope } from "effect"
import { type Operation, operations } from "../src/services/ec2/SimulatedFaults.ts"
import { Simulation } from "../src/services/ec2/Simulation.ts"
import { type Amounts, routesTo, topologyOf, victim } from "../test/support/ec2/CarriedCells.ts"
import { serveEc2 } from "../test/support/ec2/Ec2Wire.ts"

/** What EC2 saw. */
export interface Seen {
  /** Calls of each operation, refused ones included. */
  readonly calls: ReadonlyMap<Operation, number>
  readonly throttled: number
  /** When each write that was done was answered, in milliseconds of the wall clock. */
  readonly writtenAt: ReadonlyArray<number>
}

export interface FloorWorld {
  readonly endpoint: string
  readonly seen: Seen
  /** Cells that lead to the victim. */
  readonly left: Effect.Effect<number>
}

/** A fresh world over real HTTP, its buckets full, that keeps account of what is asked of it. */
export const floorWorld = (amounts: Amounts): Effect.Effect<FloorWorld, never, Scope.Scope> =>
  Effect.gen(function* () {
    const simulation = yield* Simulation
    const clock = yield* Clock.Clock
    const calls = new Map<Operation, number>(operations.map((operation) => [operation, 0]))
    const writtenAt: Array<number> = []
    const seen = { calls, writtenAt, throttled: 0 }
    const called = (operation: Operation) => calls.set(operation, (calls.get(operation) ?? 0) + 1)
    const { endpoint } = yield* serveEc2().pipe(
      Effect.provideService(Simulation, {
        ...simulation,
        read: (operation) => Effect.suspend(() => (called(operation), simulation.read(operation))),
        write: (operation, cell, change) =>
          Effect.suspend(() => (called(operation), simulation.write(operation, cell, change))).pipe(
            Effect.tap(() => Effect.sync(() => writtenAt.push(clock.currentTimeMillisUnsafe()))),
            Effect.tapError(({ code }) => Effect.sync(() => code === "RequestLimitExceeded" && seen.throttled++)),
          ),
      }),
    )
    return { endpoint, seen, left: Effect.map(simulation.truth, (vpc) => routesTo(vpc, victim)) }
  }).pipe(Effect.provide(Simulation.layer(topologyOf(amounts)), { local: true }))
