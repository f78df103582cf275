import { Clock, Effect, Result, type Scope } from "effect"
import { describes, routeWrites } from "../src/domain/TokenBucket.ts"
import { type Operation, operations } from "../src/services/ec2/SimulatedFaults.ts"
import { Simulation } from "../src/services/ec2/Simulation.ts"
import { decodeTopology, type Topology } from "../src/services/ec2/Topology.ts"
import { serveEc2 } from "../test/support/ec2/Ec2Wire.ts"

/** In the VPC of the world below; the victim carries every cell that is to be moved, the others carry the rest. */
export const hostRange = "10.214.0.0/16"
export const hosts = Array.from({ length: 10 }, (_, n) => `10.214.0.${n + 1}`)
export const [victim = "", heir = ""] = hosts
export const vpcId = "vpc-0123456789abcdef0"
const interfaceOf = (host: string): string => `eni-${host.split(".").at(-1)}`

const tables = Array.from({ length: 10 }, (_, n) => `rtb-${n}`)
/** Destinations that the victim does not carry, in every table. */
const others = Array.from({ length: 5 }, (_, n) => ({ destination: `10.99.${n}.0/24`, host: hosts[n + 2] ?? heir }))

/** What a call takes. Of EC2 it is not known. */
const latencyMillis = 100

/** The destinations that the victim carries, so that it has so many cells in all tables together. */
const carried = (cells: number) => Array.from({ length: cells / tables.length }, (_, n) => `10.66.${n}.0/24`)

export const spec = (cells: number): Readonly<Record<string, ReadonlyArray<string>>> =>
  Object.fromEntries([...carried(cells), ...others.map(({ destination }) => destination)].map((one) => [one, hosts]))

/** The writes that a failover of the victim takes, as parameters of ReplaceRoute. */
export const moves = (cells: number) =>
  tables.flatMap((RouteTableId) =>
    carried(cells).map((DestinationCidrBlock) => ({
      RouteTableId,
      DestinationCidrBlock,
      NetworkInterfaceId: interfaceOf(heir),
    })),
  )

const topology = (cells: number): Topology =>
  Result.getOrThrow(
    decodeTopology({
      vpc: { id: vpcId, cidrs: [hostRange] },
      subnets: [{ id: "subnet-1", zone: "us-east-1a", cidrs: [hostRange] }],
      hosts: hosts.map((host, n) => ({ interface: interfaceOf(host), instance: `i-${n + 1}`, addresses: [host] })),
      tables: tables.map((id, n) => ({
        id,
        main: n === 0,
        routes: [
          ...carried(cells).map((destination) => ({ destination, target: interfaceOf(victim) })),
          ...others.map(({ destination, host }) => ({ destination, target: interfaceOf(host) })),
        ],
      })),
      latencyMillis,
    }),
  )

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
export const floorWorld = (cells: number): Effect.Effect<FloorWorld, never, Scope.Scope> =>
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
    const left = Effect.map(
      simulation.truth,
      (vpc) =>
        [...vpc.tables.values()]
          .flatMap(({ routes }) => routes)
          .filter(({ target }) => target._tag === "Interface" && target.interfaceId === interfaceOf(victim)).length,
    )
    return { endpoint, seen, left }
  }).pipe(Effect.provide(Simulation.layer(topology(cells)), { local: true }))

/** The seconds that EC2's bucket takes for so many writes. */
export const floorSeconds = (writes: number): number =>
  Math.max(0, (writes - routeWrites.capacity) / routeWrites.refillPerSecond)

/** What flows into the bucket of one kind of reading call in a second. */
export const readsPerSecond = describes.refillPerSecond
