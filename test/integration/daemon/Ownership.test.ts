import {
  CreateEgressOnlyInternetGatewayCommand,
  CreateManagedPrefixListCommand,
  CreateVpcCommand,
  CreateVpcPeeringConnectionCommand,
} from "@aws-sdk/client-ec2"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { carried, heldFor, isSettled, withdrawn } from "../../support/daemon/Look.ts"
import { a, b, c, everywhere, stand, tableNames } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"

const net = "10.66.17.0/24"
const http = ["-m", "http", "--health", "tcp"] as const
const often = ["--route-recheck-interval", "1"] as const

describe.concurrent("what the daemon leaves alone", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("routes to instances and interfaces that are not in the spec are removed; all other kinds stay", () =>
      Effect.gen(function* () {
        const { carriers, client, daemon: start, put, routes, vpc, writes } = yield* stand
        const peer = yield* Effect.promise(() => client.send(new CreateVpcCommand({ CidrBlock: "10.44.0.0/16" })))
        const peering = yield* Effect.promise(() =>
          client.send(new CreateVpcPeeringConnectionCommand({ VpcId: vpc.id, PeerVpcId: peer.Vpc?.VpcId })),
        )
        const list = yield* Effect.promise(() =>
          client.send(
            new CreateManagedPrefixListCommand({
              PrefixListName: "others",
              MaxEntries: 1,
              AddressFamily: "IPv4",
              Entries: [{ Cidr: "10.45.0.0/16" }],
            }),
          ),
        )
        const egress = yield* Effect.promise(() =>
          client.send(new CreateEgressOnlyInternetGatewayCommand({ VpcId: vpc.id })),
        )
        yield* put("a", "10.44.0.0/16", peering.VpcPeeringConnection?.VpcPeeringConnectionId ?? "")
        yield* put("a", list.PrefixList?.PrefixListId ?? "", vpc.internetGateway)
        yield* put("a", "::/0", egress.EgressOnlyInternetGateway?.EgressOnlyInternetGatewayId ?? "")
        yield* put("b", "10.46.0.0/16", vpc.natGateway)
        yield* put("b", "10.47.0.0/16", vpc.internetGateway)
        const others = { a: yield* routes("a"), b: yield* routes("b"), main: yield* routes("main") }
        for (const table of tableNames) yield* put(table, net, a)
        yield* put("main", "10.70.0.0/16", c)
        yield* put("a", "10.71.0.0/16", vpc.host(c).instanceId)
        yield* put("b", "2001:db8:70::/48", b)

        const daemon = yield* start(...http)
        yield* daemon.post("/route_spec", { [net]: [a] })
        for (const gone of ["10.70.0.0/16", "10.71.0.0/16", "2001:db8:70::/48"]) {
          yield* withdrawn(daemon, gone)
          assert.deepStrictEqual(yield* carriers(gone), everywhere(undefined))
        }
        assert.deepStrictEqual(yield* carriers(net), everywhere(a))
        for (const table of ["a", "b", "main"] as const)
          assert.deepStrictEqual(
            (yield* routes(table)).filter(({ DestinationCidrBlock }) => DestinationCidrBlock !== net),
            [...others[table]],
          )
        assert.deepStrictEqual((yield* writes).toSorted(), [
          "DeleteRoute 10.70.0.0/16 in main",
          "DeleteRoute 10.71.0.0/16 in a",
          "DeleteRoute 2001:db8:70::/48 in b",
        ])
        assert.deepStrictEqual((yield* daemon.status).held, [])
      }),
    )

    it.effect(
      "a route around a firewall is not opened: default routes, and routes inside the VPC, are not cleaned up",
      () =>
        Effect.gen(function* () {
          const { carriers, daemon: start, put, writes } = yield* stand
          yield* put("spare", "0.0.0.0/0", c)
          yield* put("spare", "10.33.30.0/24", c)
          const daemon = yield* start(...http, ...often)
          yield* daemon.post("/route_spec", { [net]: [a] })
          yield* carried(daemon, net, a)
          yield* daemon.rechecks(1)
          assert.strictEqual((yield* carriers("0.0.0.0/0")).spare, c)
          assert.strictEqual((yield* carriers("10.33.30.0/24")).spare, c)
          assert.lengthOf(yield* writes, 4)
          const { held } = yield* daemon.status
          assert.deepStrictEqual(
            held.map(({ cidr, reason }) => [cidr, reason]),
            [
              ["0.0.0.0/0", "protected"],
              ["10.33.30.0/24", "protected"],
            ],
          )
        }),
    )

    for (const [option, ranges] of [
      ["--ignore-routes", "10.90.0.0/16,10.91.0.7"],
      ["--own", "10.66.0.0/16"],
    ] as const)
      it.effect(`routes of other appliances are kept with ${option}`, () =>
        Effect.gen(function* () {
          const { carriers, daemon: start, put, writes } = yield* stand
          yield* put("a", "10.90.1.0/24", c)
          yield* put("main", "10.91.0.7/32", c)
          yield* put("b", "10.66.99.0/24", c)
          const daemon = yield* start(...http, ...often, option, ranges)
          yield* daemon.post("/route_spec", { [net]: [a] })
          yield* carried(daemon, net, a)
          yield* withdrawn(daemon, "10.66.99.0/24")
          yield* daemon.rechecks(1)
          assert.strictEqual((yield* carriers("10.90.1.0/24")).a, c)
          assert.strictEqual((yield* carriers("10.91.0.7/32")).main, c)
          assert.lengthOf(yield* writes, 5)
        }),
      )

    it.effect("a CIDR that is both in the spec and ignored is left alone, and said to be", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, put, writes } = yield* stand
        yield* put("a", "10.90.1.0/24", c)
        const daemon = yield* start(...http, ...often, "--ignore-routes", "10.90.0.0/16")
        yield* daemon.post("/route_spec", { [net]: [a], "10.90.1.0/24": [a], "10.90.2.0/24": [a] })
        yield* carried(daemon, net, a)
        yield* daemon.rechecks(2)
        const status = yield* daemon.status
        for (const ignored of ["10.90.1.0/24", "10.90.2.0/24"])
          assert.deepStrictEqual(heldFor(status, ignored), ["ignored"])
        assert.deepStrictEqual(yield* carriers("10.90.1.0/24"), { ...everywhere(undefined), a: c })
        assert.deepStrictEqual(yield* carriers("10.90.2.0/24"), everywhere(undefined))
        assert.lengthOf(yield* writes, 4)
        assert.deepStrictEqual(status.failed_writes, [])
      }),
    )

    it.effect("a route of another kind on a CIDR of the spec is shown as a conflict and not touched", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, put, vpc, writes } = yield* stand
        yield* put("a", net, vpc.internetGateway)
        const daemon = yield* start(...http, ...often)
        yield* daemon.post("/route_spec", { [net]: [b] })
        const status = yield* daemon.until(
          "the other tables' routes",
          (status) => isSettled(status) && status.counts.conflicts === 1,
        )
        assert.deepStrictEqual(heldFor(status, net), [`conflict ${vpc.table("a")}`])
        assert.deepStrictEqual(yield* carriers(net), { ...everywhere(b), a: vpc.internetGateway })
        yield* daemon.rechecks(1)
        assert.lengthOf(yield* writes, 3)
      }),
    )

    it.effect("deletions of most routes at once wait until exactly they are confirmed", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, writes, proxy } = yield* stand
        const daemon = yield* start(...http, ...often)
        const nets = [1, 2, 3, 4].map((n) => `10.66.${n}.0/24`)
        yield* daemon.post("/route_spec", Object.fromEntries(nets.map((range) => [range, [a]])))
        for (const range of nets) yield* carried(daemon, range, a)
        yield* proxy.forget
        yield* daemon.post("/route_spec", { "10.66.1.0/24": [a] })
        const { brake } = yield* daemon.until("the brake", (status) => status.brake !== null)
        assert.lengthOf(brake?.deletions ?? [], 12)
        assert.strictEqual((yield* daemon.post("/held/0123456789abcdef/confirm")).status, 404)
        yield* daemon.rechecks(1)
        assert.deepStrictEqual(yield* writes, [])
        assert.strictEqual((yield* daemon.status).brake?.hash, brake?.hash)
        assert.strictEqual((yield* daemon.post(`/held/${brake?.hash}/confirm`)).status, 200)
        for (const range of nets.slice(1)) {
          yield* withdrawn(daemon, range)
          assert.deepStrictEqual(yield* carriers(range), everywhere(undefined))
        }
        assert.deepStrictEqual(yield* carriers("10.66.1.0/24"), everywhere(a))
        assert.lengthOf(yield* writes, 12)
      }),
    )

    it.effect("an empty spec deletes nothing until it is confirmed", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start } = yield* stand
        const daemon = yield* start(...http, ...often)
        yield* daemon.post("/route_spec", { [net]: [a] })
        yield* carried(daemon, net, a)
        yield* daemon.post("/route_spec", {})
        const { brake } = yield* daemon.until("the brake", (status) => status.brake !== null)
        yield* daemon.rechecks(1)
        assert.deepStrictEqual(yield* carriers(net), everywhere(a))
        assert.strictEqual((yield* daemon.post(`/held/${brake?.hash}/confirm`)).status, 200)
        yield* withdrawn(daemon, net)
        assert.deepStrictEqual(yield* carriers(net), everywhere(undefined))
      }),
    )

    it.effect("--tables narrows all of it, and lets default routes be created in the tables it names", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, put, vpc } = yield* stand
        const a6 = vpc.host(a).addresses.find((one) => one.includes(":")) ?? ""
        yield* put("b", "10.70.0.0/16", c)
        const daemon = yield* start("-m", "http", "--tables", `tag:Name=a,${vpc.table("spare")}`)
        yield* daemon.post("/route_spec", { [net]: [b], "::/0": [a6] })
        yield* carried(daemon, net, b)
        yield* carried(daemon, "::/0", a6)
        assert.deepStrictEqual(yield* carriers(net), { ...everywhere(undefined), a: b, spare: b })
        assert.deepStrictEqual(yield* carriers("::/0"), { ...everywhere(undefined), a, spare: a })
        assert.strictEqual((yield* carriers("10.70.0.0/16")).b, c)
      }),
    )

    it.effect("without --tables no default route is created", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, vpc } = yield* stand
        const a6 = vpc.host(a).addresses.find((one) => one.includes(":")) ?? ""
        const daemon = yield* start("-m", "http")
        yield* daemon.post("/route_spec", { [net]: [a], "::/0": [a6] })
        yield* carried(daemon, net, a)
        const { held } = yield* daemon.until("it is held", (status) => heldFor(status, "::/0").length === 4)
        assert.deepStrictEqual(new Set(held.map(({ reason }) => reason)), new Set(["default_route"]))
        assert.deepStrictEqual(yield* carriers("::/0"), everywhere(undefined))
      }),
    )

    it.effect("a table that belongs to a gateway is never touched", () =>
      Effect.gen(function* () {
        const { associateWithGateway, carriers, daemon: start, put } = yield* stand
        yield* put("spare", "10.70.0.0/16", c)
        yield* associateWithGateway("spare")
        const daemon = yield* start(...http)
        yield* daemon.post("/route_spec", { [net]: [a] })
        yield* carried(daemon, net, a)
        assert.deepStrictEqual(yield* carriers(net), { ...everywhere(a), spare: undefined })
        assert.strictEqual((yield* carriers("10.70.0.0/16")).spare, c)
      }),
    )

    it.effect("--dry-run writes nothing and shows what would be written", () =>
      Effect.gen(function* () {
        const { daemon: start, put, writes } = yield* stand
        yield* put("a", "10.70.0.0/16", c)
        const daemon = yield* start(...http, ...often, "--dry-run")
        yield* daemon.post("/route_spec", { [net]: [a] })
        const { pending } = yield* daemon.until("five writes", ({ counts }) => counts.pending === 5)
        yield* daemon.rechecks(1)
        assert.deepStrictEqual(yield* writes, [])
        const said = daemon.log().flatMap(({ message }) => (message.startsWith("dry run: would ") ? [message] : []))
        assert.deepStrictEqual(said.toSorted(), pending.map(({ words }) => `dry run: would ${words}`).toSorted())
      }),
    )
  })
})
