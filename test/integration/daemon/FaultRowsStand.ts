import { assert } from "@effect/vitest"
import { Effect, Result, type Scope } from "effect"
import { targetWords } from "../../../src/domain/Action.ts"
import { ip } from "../../../src/domain/Ip.ts"
import type { StatusJson } from "../../../src/services/http/StatusJson.ts"
import * as SimulatedHosts from "../../../src/services/ec2/SimulatedHosts.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { decodeTopology } from "../../../src/services/ec2/Topology.ts"
import { type RunningDaemon, serving, startDaemon } from "../../support/daemon/Daemon.ts"
import { island } from "../../support/daemon/Island.ts"
import { serveEc2 } from "../../support/ec2/Ec2Wire.ts"
import { type FaultProxyHandle, startFaultProxy } from "../../support/ec2/FaultProxy.ts"
import type { ToolFailed } from "../../support/netns/Tools.ts"

/** The table that faults are in, and the others. */
export const faulty = "rtb-faulty"
export const others = ["rtb-main", "rtb-one", "rtb-two"] as const
const tables = [...others, faulty] as const

/** As many rounds can be played: each has destinations and a host that fails of its own. */
const rounds = 8
const all = Array.from({ length: rounds }, (_, n) => n)

const failing = (n: number) => `10.33.1.${n + 1}`
const standby = (n: number) => `10.33.2.${n + 1}`
const [before, after] = ["10.33.3.1", "10.33.3.2"] as const
const interfaceOf = (host: string) => `eni-${host.split(".").slice(2).join("-")}`

/** The destinations of a round, one for each kind of write. */
const failedOver = (n: number) => `10.66.${n}.0/24`
const repaired = (n: number) => `10.67.${n}.0/24`
const created = (n: number) => `10.68.${n}.0/24`
const deleted = (n: number) => `10.69.${n}.0/24`

/** The destinations of a round. */
export const rangesOf = (n: number): ReadonlyArray<string> => [failedOver(n), repaired(n), created(n), deleted(n)]

/** A destination that stays as it is. */
const kept = "10.70.0.0/24"

/** What no round changes: routes of other people, and one of ours. */
const lasting = { "10.33.0.0/16": "local", "0.0.0.0/0": "nat-1", "172.20.0.0/16": "pcx-1", [kept]: interfaceOf(after) }

/** The routes of a round, in every table. */
const routesOf = (n: number, isDone: boolean): Readonly<Record<string, string>> =>
  isDone
    ? {
        [failedOver(n)]: interfaceOf(standby(n)),
        [repaired(n)]: interfaceOf(after),
        [created(n)]: interfaceOf(after),
      }
    : {
        [failedOver(n)]: interfaceOf(failing(n)),
        [repaired(n)]: interfaceOf(before),
        [deleted(n)]: interfaceOf(before),
      }

/** The only writes that lead from one to the other. */
const writesOf = (n: number): ReadonlyArray<string> => [
  `ReplaceRoute ${failedOver(n)} ${interfaceOf(standby(n))}`,
  `ReplaceRoute ${repaired(n)} ${interfaceOf(after)}`,
  `CreateRoute ${created(n)} ${interfaceOf(after)}`,
  `DeleteRoute ${deleted(n)}`,
]

/** The spec that asks for what the first `done` rounds lead to. */
const specAfter = (done: number): Readonly<Record<string, ReadonlyArray<string>>> =>
  Object.fromEntries([
    [kept, [after]] as const,
    ...all.flatMap((n): ReadonlyArray<readonly [string, ReadonlyArray<string>]> => [
      [failedOver(n), [failing(n), standby(n)]],
      [repaired(n), [n < done ? after : before]],
      n < done ? [created(n), [after]] : [deleted(n), [before]],
    ]),
  ])

const hosts = [...all.map(failing), ...all.map(standby), before, after]

const topology = Result.getOrThrow(
  decodeTopology({
    vpc: { id: "vpc-1", cidrs: ["10.33.0.0/16"] },
    subnets: [{ id: "subnet-1", zone: "us-east-1a", cidrs: ["10.33.0.0/16"] }],
    hosts: hosts.map((host, n) => ({
      interface: interfaceOf(host),
      instance: `i-${n}`,
      addresses: [host],
      zone: `us-east-1${"abc"[n % 3]}`,
    })),
    tables: tables.map((id) => ({
      id,
      main: id === "rtb-main",
      routes: Object.entries(Object.assign({}, lasting, ...all.map((n) => routesOf(n, false))))
        .filter(([, target]) => target !== "local")
        .map(([destination, target]) => ({ destination, target })),
    })),
  }),
)

/** A write that EC2 was asked for, and what it answered. */
interface WriteRequest {
  readonly table: string
  readonly words: string
  readonly status: number | undefined
}

/** Whether a round is over in a table, as `GET /status` shows it. */
const isOver = ({ pending, tables: shown }: StatusJson, n: number, table: string): boolean => {
  const cells = new Map(
    shown.flatMap(({ cells: found, id }) => (id === table ? found.map((one) => [one.cidr, one.interface]) : [])),
  )
  const right = routesOf(n, true)
  return (
    pending.every((one) => one.table !== table || !rangesOf(n).includes(one.cidr)) &&
    rangesOf(n).every((range) => cells.get(range) === right[range])
  )
}

/** The built daemon in front of a simulated VPC on EC2's wire, behind a proxy with EC2's buckets. */
export interface FaultRowsStand {
  readonly daemon: RunningDaemon
  readonly proxy: FaultProxyHandle
  /** Asks for the round's four writes in each table: another spec, and a host that hangs. */
  readonly begin: (n: number) => Effect.Effect<void, ToolFailed>
  /** The same, where the instance is terminated, and answers for a while. */
  readonly beginByTermination: (n: number) => Effect.Effect<void, ToolFailed>
  /** Waits until the round is over in these tables; nothing else was asked for in them, nor anything twice. */
  readonly overIn: (n: number, where: ReadonlyArray<string>) => Effect.Effect<void, ToolFailed>
  /**
   * Waits until the round is over in every table. All routes are as they should be, and since the round began no other
   * write was asked for, apart from those that `leftOver` rounds still want of the faulty table.
   */
  readonly over: (n: number, leftOver?: ReadonlyArray<number>) => Effect.Effect<void, ToolFailed>
  /** All routes are as they should be after the last round. */
  readonly allOver: Effect.Effect<void>
  /** The writes since the round began. */
  readonly writes: Effect.Effect<ReadonlyArray<WriteRequest>>
}

export const makeFaultRowsStand: Effect.Effect<FaultRowsStand, ToolFailed, Scope.Scope | Simulation> = Effect.gen(
  function* () {
    const simulation = yield* Simulation
    const wire = yield* serveEc2({ largestPage: 3 })
    const proxy = yield* startFaultProxy(wire.endpoint)
    const land = yield* island(["10.33.0.0/16"])
    yield* land.leadTo(Number(new URL(proxy.endpoint).port))
    const options = ["-r", "us-east-1", "-v", topology.vpc.id, "-m", "http", "-H", "tcp"]
    const daemon = yield* startDaemon(land, { args: [...options, "--route-recheck-interval", "1"] })
    yield* serving(daemon, { args: [] })
    yield* daemon.post("/route_spec", specAfter(0))
    yield* daemon.until(
      "a reading, and every host healthy",
      (status) =>
        status.tables.length === tables.length &&
        status.hosts.length === hosts.length &&
        status.hosts.every(({ verdict }) => verdict === "healthy"),
    )
    yield* proxy.throttleAsEc2

    const writes = Effect.map(proxy.requests, (requests) =>
      requests.flatMap(({ action, form, status }): ReadonlyArray<WriteRequest> => {
        if (!action.endsWith("Route")) return []
        const target = form.get("NetworkInterfaceId")
        const words = `${action} ${form.get("DestinationCidrBlock")}${target === undefined ? "" : ` ${target}`}`
        return [{ table: form.get("RouteTableId") ?? "", words, status }]
      }),
    )
    assert.deepStrictEqual(yield* writes, [])

    const contents = Effect.map(
      simulation.truth,
      (truth) =>
        new Map(
          [...truth.tables].map(([id, { routes }]) => [
            `${id}`,
            Object.fromEntries(routes.map(({ destination, target }) => [`${destination}`, targetWords(target)])),
          ]),
        ),
    )
    const beginWith = (fails: (n: number) => Effect.Effect<void, ToolFailed>) =>
      Effect.fnUntraced(function* (n: number) {
        yield* proxy.forget
        assert.strictEqual((yield* daemon.post("/route_spec", specAfter(n + 1))).status, 200)
        yield* fails(n)
      })
    const overIn: FaultRowsStand["overIn"] = Effect.fnUntraced(function* (n, where) {
      yield* daemon.until(`round ${n} in ${where.join(", ")}`, (status) =>
        where.every((table) => isOver(status, n, table)),
      )
      for (const table of where) {
        const requests = (yield* writes).filter((one) => one.table === table)
        assert.sameMembers(
          requests.filter(({ status }) => status === 200).map(({ words }) => words),
          [...writesOf(n)],
          table,
        )
      }
    })

    /** All routes are as they should be after the round, apart from those that `leftOver` rounds want of the faulty table. */
    const areRight = Effect.fnUntraced(function* (n: number, leftOver: ReadonlyArray<number>) {
      const found = yield* contents
      const right: Readonly<Record<string, string>> = Object.assign(
        {},
        lasting,
        ...all.map((one) => routesOf(one, one <= n)),
      )
      const late = leftOver.flatMap(rangesOf)
      for (const table of tables) {
        const certain = (routes: Readonly<Record<string, string>>) =>
          Object.fromEntries(Object.entries(routes).filter(([range]) => table !== faulty || !late.includes(range)))
        assert.deepStrictEqual(certain(found.get(table) ?? {}), certain(right), table)
      }
    })

    return {
      daemon,
      proxy,
      writes,
      allOver: areRight(rounds - 1, []),
      begin: beginWith((n) => land.fail(failing(n))),
      beginByTermination: beginWith((n) => Effect.orDie(simulation.change(SimulatedHosts.terminate(ip(failing(n)))))),
      overIn,
      over: Effect.fnUntraced(function* (n, leftOver = []) {
        yield* daemon.until(`round ${n}`, (status) => tables.every((table) => isOver(status, n, table)))
        yield* areRight(n, leftOver)
        const allowed = new Set(tables.flatMap((table) => writesOf(n).map((words) => `${table} ${words}`)))
        for (const late of leftOver) for (const words of writesOf(late)) allowed.add(`${faulty} ${words}`)
        const asked = (yield* writes).map(({ table, words }) => `${table} ${words}`)
        assert.deepStrictEqual(
          asked.filter((one) => !allowed.has(one)),
          [],
          "writes that nobody asked for",
        )
      }),
    }
  },
)

export const simulatedVpc = Simulation.layer({ ...topology, latencyMillis: 0 })
