import { assert } from "@effect/vitest"
import { Effect, Result, type Scope } from "effect"
import { cidr } from "../../../src/domain/Cidr.ts"
import { RouteTableId } from "../../../src/domain/Ids.ts"
import { targetWords } from "../../../src/domain/Action.ts"
import type { ReconcilerStatus } from "../../../src/runtime/ReconcilerStatus.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { decodeTopology } from "../../../src/services/ec2/Topology.ts"
import { serveEc2 } from "../../support/ec2/Ec2Wire.ts"
import type { Fault } from "../../support/ec2/Fault.ts"
import { type FaultProxyHandle, startFaultProxy } from "../../support/ec2/FaultProxy.ts"
import { type AwsDaemon, startAwsDaemon } from "../../support/runtime/AwsDaemon.ts"

/** The hosts, and the interfaces that carry. */
export const [a, b, c] = ["10.33.1.1", "10.33.1.2", "10.33.1.3"] as const
const interfaceOf: Readonly<Record<string, string>> = { [a]: "eni-a", [b]: "eni-b", [c]: "eni-c" }

/** The table that the faults are in, and the others. */
export const faulty = "rtb-faulty"
export const others = ["rtb-main", "rtb-other"] as const
export const tables = [...others, faulty] as const

/** A destination for each kind of write, one that stays as it is, and some of other people. */
export const failedOver = "10.66.1.0/24"
export const repaired = "10.66.2.0/24"
export const created = "10.66.3.0/24"
export const deleted = "10.66.4.0/24"
export const kept = "10.66.5.0/24"
export const changing = [failedOver, repaired, created, deleted] as const

const foreign = [
  { destination: "0.0.0.0/0", target: "nat-1" },
  { destination: "172.20.0.0/16", target: "pcx-1" },
]

const routes = [
  ...foreign,
  { destination: failedOver, target: "eni-a" },
  { destination: repaired, target: "eni-b" },
  { destination: deleted, target: "eni-c" },
  { destination: kept, target: "eni-c" },
]

const topology = (spareRoutes?: number) =>
  Result.getOrThrow(
    decodeTopology({
      vpc: { id: "vpc-1", cidrs: ["10.33.0.0/16"] },
      subnets: [{ id: "subnet-1", zone: "us-east-1a", cidrs: ["10.33.1.0/24"] }],
      hosts: [a, b, c].map((host, n) => ({
        interface: interfaceOf[host],
        instance: `i-${n + 1}`,
        addresses: [host],
        zone: `us-east-1${"abc"[n]}`,
      })),
      tables: tables.map((id) => ({ id, main: id === "rtb-main", routes })),
      ...(spareRoutes === undefined ? {} : { quotas: { routesPerTable: routes.length + 1 + spareRoutes } }),
    }),
  )

const before = { [failedOver]: [a, b], [repaired]: [b], [deleted]: [c], [kept]: [c] }
const after = { [failedOver]: [a, b], [repaired]: [c], [created]: [b], [kept]: [c] }

/** What each table holds, by destination: interfaces and other targets. */
export type Contents = Readonly<Record<string, string>>

/** Where every table ends. */
export const rightContents: Contents = {
  "10.33.0.0/16": "local",
  ...Object.fromEntries(foreign.map(({ destination, target }) => [destination, target])),
  [failedOver]: "eni-b",
  [repaired]: "eni-c",
  [created]: "eni-b",
  [kept]: "eni-c",
}

/** The only writes that lead there. */
export const rightWrites: ReadonlySet<string> = new Set([
  `ReplaceRoute ${failedOver} eni-b`,
  `ReplaceRoute ${repaired} eni-c`,
  `CreateRoute ${created} eni-b`,
  `DeleteRoute ${deleted}`,
])

/** A write that came in, and what it was answered with. */
interface WriteRequest {
  readonly table: string
  readonly cidr: string
  readonly words: string
  readonly status: number | undefined
}

export interface MatrixStand extends AwsDaemon {
  readonly proxy: FaultProxyHandle
  readonly simulation: Simulation["Service"]
  /** The writes that came to the proxy. */
  readonly writes: Effect.Effect<ReadonlyArray<WriteRequest>>
  readonly contents: (table: string) => Effect.Effect<Contents>
  /** All that asks for writes at once: another spec, and a host that fails. */
  readonly trigger: Effect.Effect<void>
}

export interface StandOptions {
  readonly recheckInterval?: number
  readonly largestPage?: number
  /** How many more routes than it has a table takes. */
  readonly spareRoutes?: number
}

export const writeActions: ReadonlyArray<string> = ["CreateRoute", "ReplaceRoute", "DeleteRoute"]

/** What a proxy on the way may answer in place of EC2. */
export const foreignPage = "<html><body>Welcome</body></html>"

const writesOf = (proxy: FaultProxyHandle): Effect.Effect<ReadonlyArray<WriteRequest>> =>
  Effect.map(proxy.requests, (requests) =>
    requests.flatMap(({ action, form, status }) => {
      if (!writeActions.includes(action)) return []
      const destination = form.get("DestinationCidrBlock") ?? ""
      const target = form.get("NetworkInterfaceId")
      const words = `${action} ${destination}${target === undefined ? "" : ` ${target}`}`
      return [{ table: form.get("RouteTableId") ?? "", cidr: destination, words, status }]
    }),
  )

/** Whether nothing is left to be done, and nothing is held. */
export const isSettled = ({ held, pending, queue }: ReconcilerStatus): boolean =>
  held.length === 0 && pending.length === 0 && queue.queued.length + queue.inFlight.length === 0

/** A daemon in front of a VPC that is as its spec wants it, on the wire behind a proxy. */
const makeStand = Effect.fnUntraced(function* (options: StandOptions) {
  const simulation = yield* Simulation
  const wire = yield* serveEc2(options.largestPage === undefined ? {} : { largestPage: options.largestPage })
  const proxy = yield* startFaultProxy(wire.endpoint)
  const { vpc } = topology()
  const recheckInterval = options.recheckInterval ?? 15_000
  const daemon = yield* startAwsDaemon({ endpoint: proxy.endpoint, vpcId: vpc.id, recheckInterval })
  yield* daemon.accept(before)
  yield* daemon.say("healthy", a, b, c)
  yield* daemon.until("the first reading", (status) => status.readAt !== undefined && isSettled(status))
  const stand: MatrixStand = {
    ...daemon,
    proxy,
    simulation,
    writes: writesOf(proxy),
    contents: (table) =>
      Effect.map(simulation.truth, (truth) =>
        Object.fromEntries(
          (truth.tables.get(RouteTableId(table))?.routes ?? []).map((route) => [
            cidr(route.destination),
            targetWords(route.target),
          ]),
        ),
      ),
    trigger: Effect.andThen(daemon.accept(after), daemon.say("failed", a)),
  }
  assert.deepStrictEqual(yield* stand.writes, [])
  return stand
})

/** Runs a row of the matrix on a stand of its own. */
export const onStand = <E>(
  use: (stand: MatrixStand) => Effect.Effect<void, E, Scope.Scope>,
  options: StandOptions = {},
): Effect.Effect<void> =>
  Effect.flatMap(makeStand(options), use).pipe(
    Effect.scoped,
    Effect.provide(Simulation.layer({ ...topology(options.spareRoutes), latencyMillis: 0 })),
    Effect.orDie,
  )

/** Every table is right in the end, and nothing but the right writes was ever asked for. */
export const endsRight = Effect.fnUntraced(function* (stand: MatrixStand) {
  const { contents, until, writes } = stand
  yield* until("everything in order", isSettled)
  for (const table of tables) assert.deepStrictEqual(yield* contents(table), rightContents, table)
  const wrong = (yield* writes).filter(({ words }) => !rightWrites.has(words))
  assert.deepStrictEqual(wrong, [], "writes that nobody asked for")
})

/** The tables without a fault: each write once, and done, whatever becomes of the other table. */
export const othersAreDone = Effect.fnUntraced(function* ({ contents, writes }: MatrixStand) {
  for (const table of others) {
    assert.deepStrictEqual(yield* contents(table), rightContents, table)
    const requests = (yield* writes).filter((one) => one.table === table)
    assert.sameMembers(
      requests.map(({ words }) => words),
      [...rightWrites],
      table,
    )
    assert.isTrue(requests.every(({ status }) => status === 200))
  }
})

/** How often each of the faulty table's cells was written or tried to be. */
export const triesInFaulty = ({ writes }: MatrixStand): Effect.Effect<ReadonlyArray<number>> =>
  Effect.map(writes, (requests) =>
    changing.map((range) => requests.filter(({ cidr, table }) => table === faulty && cidr === range).length),
  )

/** An answer of EC2 in the faulty table only. */
export const inFaulty = (proxy: FaultProxyHandle, fault: Fault, timesPerCell?: number): Effect.Effect<void> =>
  timesPerCell === undefined
    ? proxy.addRule({ action: "any", containing: faulty, fault })
    : Effect.forEach(
        changing,
        (range) => proxy.addRule({ action: "any", containing: [faulty, range], times: timesPerCell, fault }),
        { discard: true },
      )
