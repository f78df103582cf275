import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Cell } from "../../../src/domain/Action.ts"
import { type Cidr, cidr } from "../../../src/domain/Cidr.ts"
import {
  type AccountId,
  type InstanceId,
  InterfaceId,
  RouteTableId,
  type SubnetId,
  type VpcId,
} from "../../../src/domain/Ids.ts"
import type { Ip } from "../../../src/domain/Ip.ts"
import type { Route } from "../../../src/domain/Vpc.ts"
import type { Ec2, Ec2Error } from "../../../src/services/ec2/Ec2.ts"

export interface StandHost {
  /** Primary address first. */
  readonly addresses: ReadonlyArray<Ip>
  readonly interfaceId: InterfaceId
  readonly instanceId: InstanceId
}

/** The same VPC on every implementation; only ids and the IPv6 range are its own. */
export interface Stand {
  readonly vpcId: VpcId
  readonly ownerId: AccountId
  readonly ranges: ReadonlyArray<Cidr>
  readonly main: RouteTableId
  /** Associated with the subnet of zone a. */
  readonly tableA: RouteTableId
  readonly subnetA: SubnetId
  readonly tableB: RouteTableId
  /** `10.33.20.93` and `.94`, and an IPv6 address, in zone a. */
  readonly a: StandHost
  /** `10.33.30.22`, and an IPv6 address, in zone b. */
  readonly b: StandHost
  /** `10.33.40.101`, in zone c: its source/destination check is on. */
  readonly checked: StandHost
  readonly internetGateway: string
  readonly natGateway: string
  readonly stop: (host: StandHost) => Effect.Effect<void>
  readonly terminate: (host: StandHost) => Effect.Effect<void>
}

/** An implementation of the port, and how to set the stand up behind it. */
export interface Subject {
  readonly ec2: Ec2["Service"]
  readonly stand: Stand
}

/** A promise of the port. */
export type ContractCase = (subject: Subject) => Effect.Effect<void, Ec2Error>

/** What the cases write. */
export const destination = cidr("10.66.17.0/24")
const destination6 = cidr("2001:db8:17::/48")

export const routeAt = Effect.fnUntraced(function* ({ ec2 }: Subject, cell: Cell) {
  const vpc = yield* ec2.snapshot
  const table = vpc.tables.get(cell.table)
  assert.isDefined(table, `${cell.table} is in the snapshot`)
  const found = table.routes.filter((route) => route.destination === cell.cidr)
  assert.isAtMost(found.length, 1, `one route to ${cell.cidr}`)
  return found[0]
})

/** The error of a call that must not succeed. */
export const refusal = <A>(call: Effect.Effect<A, Ec2Error>): Effect.Effect<Ec2Error> =>
  Effect.flip(call).pipe(Effect.catch(() => Effect.die(new Error("the call was accepted"))))

/** The interface that a route leads to. */
export const interfaceOf = (route: Route | undefined): InterfaceId | undefined =>
  route?.target._tag === "Interface" ? route.target.interfaceId : undefined

const cases: Readonly<Record<string, ContractCase>> = {
  "the snapshot shows the VPC's own ranges, IPv4 and IPv6, and its owner": Effect.fnUntraced(function* (subject) {
    const vpc = yield* subject.ec2.snapshot
    assert.strictEqual(vpc.id, subject.stand.vpcId)
    assert.strictEqual(vpc.ownerId, subject.stand.ownerId)
    assert.sameMembers([...vpc.cidrs], [...subject.stand.ranges])
  }),

  "the snapshot shows every table: the main one, associated subnets and tags": Effect.fnUntraced(function* (subject) {
    const { stand } = subject
    const { tables } = yield* subject.ec2.snapshot
    assert.sameMembers([...tables.keys()], [stand.main, stand.tableA, stand.tableB])
    assert.deepStrictEqual(
      [...tables.values()].filter(({ main }) => main).map(({ id }) => id),
      [stand.main],
    )
    assert.deepStrictEqual(tables.get(stand.tableA)?.subnets, [stand.subnetA])
    assert.isTrue(tables.get(stand.tableA)?.tags.has("Name"))
    assert.isFalse([...tables.values()].some(({ edge }) => edge))
  }),

  "the snapshot shows local and gateway routes as what they are": Effect.fnUntraced(function* (subject) {
    const { stand } = subject
    for (const range of stand.ranges) {
      const local = yield* routeAt(subject, { table: stand.tableA, cidr: range })
      assert.deepInclude(local?.target, { _tag: "Other", kind: "GatewayId", id: "local" })
      assert.strictEqual(local?.origin, "CreateRouteTable")
    }
    const igw = yield* routeAt(subject, { table: stand.tableA, cidr: cidr("0.0.0.0/0") })
    assert.deepInclude(igw?.target, { _tag: "Other", kind: "GatewayId", id: stand.internetGateway })
    const nat = yield* routeAt(subject, { table: stand.main, cidr: cidr("0.0.0.0/0") })
    assert.deepInclude(nat?.target, { _tag: "Other", kind: "NatGatewayId", id: stand.natGateway })
    assert.strictEqual(nat?.origin, "CreateRoute")
  }),

  "the snapshot shows interfaces with all addresses, instance, zone and source/destination check": Effect.fnUntraced(
    function* (subject) {
      const { stand } = subject
      const vpc = yield* subject.ec2.snapshot
      const a = vpc.interfaces.get(stand.a.interfaceId)
      assert.isDefined(a)
      assert.deepStrictEqual(a.addresses, stand.a.addresses)
      assert.lengthOf(a.addresses, 3)
      assert.strictEqual(a.instanceId, stand.a.instanceId)
      assert.strictEqual(a.zone, "us-east-1a")
      assert.strictEqual(a.ownerId, stand.ownerId)
      assert.isFalse(a.sourceDestCheck)
      assert.isFalse(a.requesterManaged)
      assert.isTrue(vpc.interfaces.get(stand.checked.interfaceId)?.sourceDestCheck)
      for (const { instanceId } of [stand.a, stand.b]) assert.strictEqual(vpc.instances.get(instanceId), "running")
    },
  ),

  "a created route is there, active, and leads to the interface": Effect.fnUntraced(function* (subject) {
    const { ec2, stand } = subject
    const cell = { table: stand.tableA, cidr: destination }
    yield* ec2.createRoute(cell, stand.a.interfaceId)
    const route = yield* routeAt(subject, cell)
    assert.strictEqual(interfaceOf(route), stand.a.interfaceId)
    assert.strictEqual(route?.state, "active")
    assert.strictEqual(route?.origin, "CreateRoute")
    assert.isUndefined(yield* routeAt(subject, { table: stand.tableB, cidr: destination }))
  }),

  "a route to an interface also names its instance and owner": Effect.fnUntraced(function* (subject) {
    const { ec2, stand } = subject
    const cell = { table: stand.tableA, cidr: destination }
    yield* ec2.createRoute(cell, stand.a.interfaceId)
    assert.deepInclude((yield* routeAt(subject, cell))?.target, {
      interfaceId: stand.a.interfaceId,
      instanceId: stand.a.instanceId,
      ownerId: stand.ownerId,
    })
  }),

  "a replaced route leads to the other interface, and nothing else has changed": Effect.fnUntraced(function* (subject) {
    const { ec2, stand } = subject
    const cell = { table: stand.tableA, cidr: destination }
    yield* ec2.createRoute(cell, stand.a.interfaceId)
    const before = yield* ec2.snapshot
    yield* ec2.replaceRoute(cell, stand.b.interfaceId)
    const after = yield* ec2.snapshot
    assert.strictEqual(interfaceOf(yield* routeAt(subject, cell)), stand.b.interfaceId)
    const others = (tables: typeof before.tables) =>
      [...tables.values()].flatMap(({ id, routes }) =>
        routes.filter((route) => id !== cell.table || route.destination !== cell.cidr),
      )
    assert.deepStrictEqual(others(after.tables), others(before.tables))
  }),

  "a deleted route is gone": Effect.fnUntraced(function* (subject) {
    const { ec2, stand } = subject
    const cell = { table: stand.tableA, cidr: destination }
    yield* ec2.createRoute(cell, stand.a.interfaceId)
    yield* ec2.deleteRoute(cell)
    assert.isUndefined(yield* routeAt(subject, cell))
  }),

  "IPv6 routes are created, replaced and deleted like IPv4 ones": Effect.fnUntraced(function* (subject) {
    const { ec2, stand } = subject
    const cell = { table: stand.tableA, cidr: destination6 }
    yield* ec2.createRoute(cell, stand.a.interfaceId)
    assert.strictEqual(interfaceOf(yield* routeAt(subject, cell)), stand.a.interfaceId)
    yield* ec2.replaceRoute(cell, stand.b.interfaceId)
    assert.strictEqual(interfaceOf(yield* routeAt(subject, cell)), stand.b.interfaceId)
    yield* ec2.deleteRoute(cell)
    assert.isUndefined(yield* routeAt(subject, cell))
  }),

  "creating a route that is there is refused, asks for a new reading, and changes nothing": Effect.fnUntraced(
    function* (subject) {
      const { ec2, stand } = subject
      const cell = { table: stand.tableA, cidr: destination }
      yield* ec2.createRoute(cell, stand.a.interfaceId)
      const error = yield* refusal(ec2.createRoute(cell, stand.b.interfaceId))
      assert.strictEqual(error.code, "RouteAlreadyExists")
      assert.strictEqual(error.disposition, "refresh")
      assert.strictEqual(interfaceOf(yield* routeAt(subject, cell)), stand.a.interfaceId)
    },
  ),

  "replacing a route that is gone asks for a new reading": Effect.fnUntraced(function* ({ ec2, stand }) {
    const error = yield* refusal(ec2.replaceRoute({ table: stand.tableA, cidr: destination }, stand.a.interfaceId))
    assert.strictEqual(error.operation, "ReplaceRoute")
    assert.strictEqual(error.disposition, "refresh")
  }),

  "deleting a route that is gone asks for a new reading": Effect.fnUntraced(function* ({ ec2, stand }) {
    const error = yield* refusal(ec2.deleteRoute({ table: stand.tableA, cidr: destination }))
    assert.strictEqual(error.code, "InvalidRoute.NotFound")
    assert.strictEqual(error.disposition, "refresh")
  }),

  "writing into a table that is gone asks for a new reading": Effect.fnUntraced(function* ({ ec2, stand }) {
    const cell = { table: RouteTableId("rtb-0123456789abcdef0"), cidr: destination }
    for (const write of [
      ec2.createRoute(cell, stand.a.interfaceId),
      ec2.replaceRoute(cell, stand.a.interfaceId),
      ec2.deleteRoute(cell),
    ]) {
      const error = yield* refusal(write)
      assert.strictEqual(error.code, "InvalidRouteTableID.NotFound")
      assert.strictEqual(error.disposition, "refresh")
    }
  }),

  "a route cannot be created to an interface that is gone": Effect.fnUntraced(function* (subject) {
    const cell = { table: subject.stand.tableA, cidr: destination }
    const error = yield* refusal(subject.ec2.createRoute(cell, InterfaceId("eni-0123456789abcdef0")))
    assert.strictEqual(error.code, "InvalidNetworkInterfaceID.NotFound")
    assert.strictEqual(error.disposition, "refresh")
    assert.isUndefined(yield* routeAt(subject, cell))
  }),

  "a replace that is refused leaves the route as it was": Effect.fnUntraced(function* (subject) {
    const { ec2, stand } = subject
    const cell = { table: stand.tableA, cidr: destination }
    yield* ec2.createRoute(cell, stand.a.interfaceId)
    const error = yield* refusal(ec2.replaceRoute(cell, InterfaceId("eni-0123456789abcdef0")))
    assert.strictEqual(error.code, "InvalidNetworkInterfaceID.NotFound")
    assert.strictEqual(interfaceOf(yield* routeAt(subject, cell)), stand.a.interfaceId)
  }),

  "a destination inside the VPC that is no whole subnet is refused": Effect.fnUntraced(function* (subject) {
    const { ec2, stand } = subject
    const error = yield* refusal(
      ec2.createRoute({ table: stand.tableA, cidr: cidr("10.33.20.0/25") }, stand.a.interfaceId),
    )
    assert.strictEqual(error.code, "InvalidParameterValue")
    assert.strictEqual(error.disposition, "refused")
    const subnet = { table: stand.tableA, cidr: cidr("10.33.30.0/24") }
    yield* ec2.createRoute(subnet, stand.a.interfaceId)
    assert.strictEqual(interfaceOf(yield* routeAt(subject, subnet)), stand.a.interfaceId)
  }),

  "a destination that EC2 keeps for itself is refused": Effect.fnUntraced(function* ({ ec2, stand }) {
    for (const text of ["169.254.169.254/32", "169.254.168.0/22", "fd00:ec2::254/128"]) {
      const error = yield* refusal(ec2.createRoute({ table: stand.tableA, cidr: cidr(text) }, stand.a.interfaceId))
      assert.strictEqual(error.disposition, "refused", text)
    }
  }),

  "a local route can neither be created again nor deleted": Effect.fnUntraced(function* (subject) {
    const { ec2, stand } = subject
    const cell = { table: stand.tableA, cidr: cidr("10.33.0.0/16") }
    assert.strictEqual((yield* refusal(ec2.createRoute(cell, stand.a.interfaceId))).code, "RouteAlreadyExists")
    assert.strictEqual((yield* refusal(ec2.deleteRoute(cell))).code, "InvalidParameterValue")
    assert.deepInclude((yield* routeAt(subject, cell))?.target, { id: "local" })
  }),

  "a stopped instance's route is a blackhole": Effect.fnUntraced(function* (subject) {
    const { ec2, stand } = subject
    const cell = { table: stand.tableA, cidr: destination }
    yield* ec2.createRoute(cell, stand.a.interfaceId)
    yield* stand.stop(stand.a)
    assert.strictEqual((yield* ec2.snapshot).instances.get(stand.a.instanceId), "stopped")
    const route = yield* routeAt(subject, cell)
    assert.strictEqual(route?.state, "blackhole")
    assert.strictEqual(interfaceOf(route), stand.a.interfaceId)
  }),

  "a terminated instance's route is a blackhole and its interface is gone": Effect.fnUntraced(function* (subject) {
    const { ec2, stand } = subject
    const cell = { table: stand.tableA, cidr: destination }
    yield* ec2.createRoute(cell, stand.a.interfaceId)
    yield* stand.terminate(stand.a)
    const vpc = yield* ec2.snapshot
    assert.strictEqual(vpc.instances.get(stand.a.instanceId), "terminated")
    assert.isFalse(vpc.interfaces.has(stand.a.interfaceId))
    assert.strictEqual((yield* routeAt(subject, cell))?.state, "blackhole")
    yield* ec2.replaceRoute(cell, stand.b.interfaceId)
    assert.strictEqual((yield* routeAt(subject, cell))?.state, "active")
  }),

  "writes are throttled after a burst, each kind by itself": Effect.fnUntraced(function* ({ ec2, stand }) {
    const fill = Array.from({ length: 60 }, (_, n) =>
      ec2.createRoute({ table: stand.tableA, cidr: cidr(`10.66.${n}.0/24`) }, stand.a.interfaceId),
    )
    const error = yield* refusal(Effect.all(fill))
    assert.strictEqual(error.code, "RequestLimitExceeded")
    assert.strictEqual(error.disposition, "throttled")
    yield* ec2.replaceRoute({ table: stand.tableA, cidr: cidr("10.66.0.0/24") }, stand.b.interfaceId)
  }),
}

/** Every promise by its name, in order. */
export const contract: ReadonlyArray<readonly [string, ContractCase]> = Object.entries(cases)
