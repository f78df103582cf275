import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { cidr, type Cidr, familyOf } from "../../src/domain/Cidr.ts"
import { InterfaceId, RouteTableId } from "../../src/domain/Ids.ts"
import { ip, type Ip } from "../../src/domain/Ip.ts"
import { RouteTarget, type Vpc } from "../../src/domain/Vpc.ts"
import { defaultTopology } from "../../src/services/ec2/DefaultTopology.ts"
import * as SimulatedHosts from "../../src/services/ec2/SimulatedHosts.ts"
import { createRoute, deleteRoute, putByHand, replaceRoute } from "../../src/services/ec2/SimulatedRoutes.ts"
import { type SimulatedVpc, view } from "../../src/services/ec2/SimulatedVpc.ts"

/** A small quota, so that tables fill up. */
const start: SimulatedVpc = { ...defaultTopology.vpc, routesPerTable: 6 }

const tables = [...start.tables.keys(), RouteTableId("rtb-gone")]
const destinations: ReadonlyArray<Cidr> = [
  "0.0.0.0/0",
  "10.33.0.0/16",
  "10.33.20.0/24",
  "10.33.20.0/25",
  "10.66.1.0/24",
  "10.66.2.0/24",
  "10.66.3.0/24",
  "10.66.4.0/24",
  "169.254.170.2/32",
  "2001:db8::/32",
  "2001:db8:1::/48",
  "fd00:ec2::23/128",
].map(cidr)
const hosts: ReadonlyArray<Ip> = ["10.33.20.93", "10.33.20.94", "10.33.30.22", "10.33.40.11", "10.33.20.250"].map(ip)

const cell = fc.record({ table: fc.constantFrom(...tables), cidr: fc.constantFrom(...destinations) })
const anyInterface = fc.constantFrom(...start.interfaces.keys(), InterfaceId("eni-gone"))
const anyHost = fc.constantFrom(...hosts)

interface Step {
  readonly name: string
  readonly run: (vpc: SimulatedVpc) => Result.Result<SimulatedVpc, { readonly message: string }>
}

const write: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ at: cell, to: anyInterface }).map(({ at, to }) => ({
    name: `create ${at.cidr} in ${at.table} to ${to}`,
    run: (vpc: SimulatedVpc) => createRoute(vpc, at, to),
  })),
  fc.record({ at: cell, to: anyInterface }).map(({ at, to }) => ({
    name: `replace ${at.cidr} in ${at.table} to ${to}`,
    run: (vpc: SimulatedVpc) => replaceRoute(vpc, at, to),
  })),
  cell.map((at) => ({ name: `delete ${at.cidr} in ${at.table}`, run: (vpc: SimulatedVpc) => deleteRoute(vpc, at) })),
)

const down = {
  fail: SimulatedHosts.fail,
  stop: SimulatedHosts.stop,
  terminate: SimulatedHosts.terminate,
}
const events = {
  ...down,
  heal: SimulatedHosts.heal,
  start: SimulatedHosts.start,
  replace: SimulatedHosts.replace,
  detach: SimulatedHosts.detach,
}

const happening: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({ host: anyHost, what: fc.constantFrom(...Object.entries(events)) })
    .map(({ host, what: [name, event] }) => ({ name: `${name} ${host}`, run: event(host) })),
  fc
    .record({ host: anyHost, onto: anyHost })
    .map(({ host, onto }) => ({ name: `move ${host} onto ${onto}`, run: SimulatedHosts.moveAddress(host, onto) })),
)

const history = fc.array(fc.oneof({ weight: 3, arbitrary: write }, happening), { maxLength: 40 })

/** Histories are cheap, and the telling ones are rare. */
const runs = { numRuns: 1_000 }

const after = (steps: ReadonlyArray<Step>): SimulatedVpc =>
  steps.reduce((vpc, step) => Result.getOrElse(step.run(vpc), () => vpc), start)

const routesOf = (vpc: Vpc) =>
  [...vpc.tables.values()].flatMap((table) => table.routes.map((route) => ({ ...route, table: table.id })))

const where = ({ table, destination }: { readonly table: string; readonly destination: string }): string =>
  `${table} ${destination}`

describe("the simulated VPC, after any history of writes and events", () => {
  it("keeps every local route", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const vpc = view(after(steps))
        for (const table of vpc.tables.values()) {
          const made = table.routes.filter(({ origin }) => origin === "CreateRouteTable")
          assert.sameMembers(
            made.map(({ destination }) => destination),
            [...vpc.cidrs],
          )
        }
      }),
      runs,
    )
  })

  it("holds at most its quota of each family in a table", () => {
    fc.assert(
      fc.property(history, (steps) => {
        for (const { routes } of view(after(steps)).tables.values()) {
          for (const family of [4, 6]) {
            assert.isAtMost(routes.filter(({ destination }) => familyOf(destination) === family).length, 6)
          }
        }
      }),
      runs,
    )
  })

  it("has no route that EC2 would not take", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const bad = ["10.33.20.0/25", "169.254.170.2/32", "fd00:ec2::23/128"]
        assert.isFalse(routesOf(view(after(steps))).some(({ destination }) => bad.includes(destination)))
      }),
      runs,
    )
  })

  it("gives every address to one interface at most", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const held = [...view(after(steps)).interfaces.values()].flatMap(({ addresses }) => addresses)
        assert.strictEqual(new Set(held).size, held.length)
      }),
      runs,
    )
  })

  it("remembers the former owner of exactly those addresses that nobody holds now", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const vpc = after(steps)
        const held = new Set([...vpc.interfaces.values()].flatMap(({ addresses }) => addresses))
        for (const address of hosts) assert.notStrictEqual(held.has(address), vpc.former.has(address), address)
      }),
      runs,
    )
  })

  it("shows a route to an interface as a blackhole exactly if nothing runs behind it", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const held = after(steps)
        const vpc = view(held)
        for (const { target, state } of routesOf(vpc)) {
          if (target._tag !== "Interface") continue
          const byService = held.interfaces.get(target.interfaceId)?.attachment?.ownerId === "amazon-aws"
          const found = vpc.interfaces.get(target.interfaceId)
          const instance = found?.instanceId === undefined ? undefined : vpc.instances.get(found.instanceId)
          const reachable =
            found !== undefined &&
            (byService || (instance !== undefined && !["stopped", "terminated"].includes(instance)))
          assert.strictEqual(state, reachable ? "active" : "blackhole")
        }
      }),
      runs,
    )
  })

  it("an accepted write changes its own cell and nothing else; a refused one changes nothing", () => {
    fc.assert(
      fc.property(
        history,
        cell,
        anyInterface,
        fc.constantFrom("create", "replace", "delete"),
        (steps, at, to, kind) => {
          const before = after(steps)
          const result =
            kind === "delete"
              ? deleteRoute(before, at)
              : (kind === "create" ? createRoute : replaceRoute)(before, at, to)
          const untouched = (vpc: SimulatedVpc) =>
            routesOf(view(vpc)).filter((route) => where(route) !== `${at.table} ${at.cidr}`)
          const mine = (vpc: SimulatedVpc) =>
            routesOf(view(vpc)).find((route) => where(route) === `${at.table} ${at.cidr}`)
          if (Result.isFailure(result)) return
          assert.deepStrictEqual(untouched(result.success), untouched(before))
          const [was, is] = [mine(before), mine(result.success)]
          assert.strictEqual(was === undefined, kind === "create")
          if (kind === "delete") assert.isUndefined(is)
          else assert.isTrue(is?.target._tag === "Interface" && is.target.interfaceId === to)
        },
      ),
    )
  })

  it("never answers from a host that failed, stopped or is gone, and answers from one that was replaced", () => {
    fc.assert(
      fc.property(history, anyHost, fc.constantFrom(...Object.values(down)), (steps, host, event) => {
        const before = after(steps)
        const silent = event(host)(before)
        if (Result.isFailure(silent)) return
        assert.isFalse(SimulatedHosts.answers(silent.success, host))
        const back = Result.getOrThrow(SimulatedHosts.replace(host)(silent.success))
        assert.isTrue(SimulatedHosts.answers(back, host))
        const old = before.interfaces
        const now = [...back.interfaces.values()].find(({ addresses }) => addresses.includes(host))
        assert.isFalse(now === undefined || old.has(now.id), "a new interface holds the address")
      }),
      runs,
    )
  })
})

describe("hands other than ours on the simulated VPC", () => {
  const at = { table: RouteTableId("rtb-0a20"), cidr: cidr("10.66.1.0/24") }
  const routeAt = (vpc: SimulatedVpc) => routesOf(view(vpc)).find((route) => where(route) === `${at.table} ${at.cidr}`)

  it("may put a route of any kind", () => {
    const put = putByHand(at, RouteTarget.Other({ kind: "TransitGatewayId", id: "tgw-1" }))
    assert.strictEqual(routeAt(Result.getOrThrow(put(start)))?.target._tag, "Other")
  })

  it("may delete a gateway: its routes are blackholes", () => {
    const put = putByHand(at, RouteTarget.Other({ kind: "TransitGatewayId", id: "tgw-1" }))
    const without = Result.flatMap(put(start), SimulatedHosts.deleteGateway("tgw-1"))
    assert.strictEqual(routeAt(Result.getOrThrow(without))?.state, "blackhole")
  })

  it("a propagated route is beside a static one to the same destination, and cannot be replaced or deleted", () => {
    const vpc: SimulatedVpc = {
      ...start,
      tables: new Map(
        [...start.tables].map(([id, table]) => [
          id,
          {
            ...table,
            propagated: new Map([
              [
                at.cidr,
                {
                  destination: at.cidr,
                  target: RouteTarget.Other({ kind: "GatewayId", id: "vgw-1" }),
                  origin: "EnableVgwRoutePropagation" as const,
                },
              ],
            ]),
          },
        ]),
      ),
    }
    const to = InterfaceId("eni-0a20093")
    assert.isTrue(Result.isFailure(replaceRoute(vpc, at, to)))
    assert.isTrue(Result.isFailure(deleteRoute(vpc, at)))
    const both = Result.getOrThrow(createRoute(vpc, at, to))
    assert.lengthOf(
      routesOf(view(both)).filter((route) => where(route) === `${at.table} ${at.cidr}`),
      2,
    )
  })
})
