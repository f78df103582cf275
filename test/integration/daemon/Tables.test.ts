import {
  AssignPrivateIpAddressesCommand,
  CreateEgressOnlyInternetGatewayCommand,
  CreateManagedPrefixListCommand,
  CreateVpcCommand,
  CreateVpcPeeringConnectionCommand,
  DeleteNetworkInterfaceCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { allHealthy, carried, heldFor, isSettled, withdrawn } from "../../support/daemon/Look.ts"
import { a, b, c, checked, everywhere, secondOfA, stand, tableNames } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"

const net = "10.66.17.0/24"
const http = ["-m", "http", "--health", "tcp"] as const
const often = ["--route-recheck-interval", "1"] as const

describe.concurrent("what is written, and what is left alone", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("one host carries a CIDR in every table: each zone's, the main one, and one that serves no subnet", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start } = yield* stand
        const daemon = yield* start(...http)
        const nets = Array.from({ length: 6 }, (_, n) => `10.66.${n}.0/24`)
        yield* daemon.post("/route_spec", Object.fromEntries(nets.map((range) => [range, [a, b, c]])))
        for (const range of nets) {
          const host = yield* carried(daemon, range)
          assert.deepStrictEqual(yield* carriers(range), everywhere(host))
        }
        const { tables } = yield* daemon.status
        assert.strictEqual(tables.length, tableNames.length)
        assert.strictEqual(tables.filter(({ main }) => main).length, 1)
      }),
    )

    it.effect("the status shows each route with its address, instance and interface, and each host", () =>
      Effect.gen(function* () {
        const { daemon: start, vpc } = yield* stand
        const daemon = yield* start(...http)
        yield* daemon.post("/route_spec", { [net]: [b] })
        yield* carried(daemon, net, b)
        const { failed_ips, hosts, routes, tables, vpc: shown } = yield* daemon.status
        const { instanceId, interfaceId } = vpc.host(b)
        assert.strictEqual(shown, vpc.id)
        assert.deepStrictEqual(routes, { [net]: [b, instanceId, interfaceId] })
        assert.deepStrictEqual(failed_ips, [])
        assert.deepInclude(hosts[0], { ip: b, verdict: "healthy", able: true, why: null, interface: interfaceId })
        for (const { cells } of tables)
          assert.deepInclude(
            cells.find(({ cidr }) => cidr === net),
            { ip: b, instance: instanceId, interface: interfaceId, state: "active", owned: true, in_spec: true },
          )
      }),
    )

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

    it.effect("a host may be named by a secondary address: its interface carries, and is not rewritten", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, put, vpc, writes } = yield* stand
        for (const table of ["main", "b"] as const) yield* put(table, net, a)
        const daemon = yield* start(...http, ...often)
        yield* daemon.post("/route_spec", { [net]: [secondOfA] })
        yield* carried(daemon, net, secondOfA)
        yield* daemon.rechecks(2)
        assert.deepStrictEqual(yield* carriers(net), everywhere(a))
        assert.deepStrictEqual((yield* writes).toSorted(), [
          `CreateRoute ${net} in a to ${a}`,
          `CreateRoute ${net} in spare to ${a}`,
        ])
        const { instanceId, interfaceId } = vpc.host(a)
        assert.deepStrictEqual((yield* daemon.status).routes[net], [secondOfA, instanceId, interfaceId])
      }),
    )

    it.effect("IPv6: destinations are carried by IPv6 hosts beside the IPv4 ones, and fail over alike", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island, vpc } = yield* stand
        const [a6 = "", b6 = ""] = [a, b].map((host) => vpc.host(host).addresses.find((one) => one.includes(":")))
        const daemon = yield* start("-m", "http")
        const posted = yield* daemon.post("/route_spec", { "2001:DB8:66:0::/48": [a6, b6], [net]: [a, b] })
        assert.strictEqual(posted.status, 200)
        const first = yield* carried(daemon, "2001:db8:66::/48")
        assert.deepStrictEqual(yield* carriers("2001:db8:66::/48"), everywhere(first === a6 ? a : b))
        const carrier4 = yield* carried(daemon, net)
        yield* allHealthy(daemon)
        yield* island.fail(first)
        yield* carried(daemon, "2001:db8:66::/48", first === a6 ? b6 : a6)
        assert.deepStrictEqual(yield* carriers("2001:db8:66::/48"), everywhere(first === a6 ? b : a))
        assert.deepStrictEqual(yield* carriers(net), everywhere(carrier4))
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

    it.effect("what somebody removed or changed is put right at the next recheck", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy, put, remove, writes } = yield* stand
        for (const table of tableNames) yield* put(table, net, a)
        const daemon = yield* start(...http, ...often)
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        yield* carried(daemon, net, a)
        yield* allHealthy(daemon)
        yield* daemon.rechecks(1)
        assert.deepStrictEqual(yield* writes, [])
        yield* remove("main", net)
        yield* put("spare", net, c)
        yield* proxy.nextRequest("ReplaceRoute")
        yield* carried(daemon, net, a)
        yield* daemon.until("all in order", (status) => isSettled(status) && status.held.length === 0)
        assert.deepStrictEqual(yield* carriers(net), everywhere(a))
        assert.deepStrictEqual((yield* writes).toSorted(), [
          `CreateRoute ${net} in main to ${a}`,
          `ReplaceRoute ${net} in spare to ${a}`,
        ])
      }),
    )

    it.effect("a route that somebody keeps changing is shown as contended, and written less and less often", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, put, writes } = yield* stand
        for (const table of tableNames) yield* put(table, net, a)
        const daemon = yield* start(...http, ...often)
        yield* daemon.post("/route_spec", { [net]: [a] })
        yield* carried(daemon, net, a)
        for (const [index, insisted] of [b, c, checked].entries()) {
          assert.lengthOf(yield* writes, index)
          yield* put("main", net, insisted)
          yield* daemon.rechecks(1)
          yield* daemon.until("what comes of it", isSettled)
        }
        const { counts, held } = yield* daemon.until("contention", (status) => status.counts.contended === 1)
        assert.strictEqual(counts.held, 1)
        assert.isNotNull(held[0]?.until)
        yield* daemon.rechecks(1)
        assert.lengthOf(yield* writes, 2)
        assert.deepStrictEqual(yield* carriers(net), { ...everywhere(a), main: checked })
      }),
    )

    it.effect("an instance that is replaced under the same address gets the route, off the blackhole", () =>
      Effect.gen(function* () {
        const { carriers, client, daemon: start, proxy, put, vpc } = yield* stand
        const before = vpc.host(a)
        for (const table of tableNames) yield* put(table, net, a)
        const daemon = yield* start(...http, ...often)
        yield* daemon.post("/route_spec", { [net]: [a] })
        yield* carried(daemon, net, a)

        // moto does not know blackholes.
        const change = (body: string) =>
          body.replace(
            new RegExp(`(<networkInterfaceId>${before.interfaceId}</networkInterfaceId>.*?<state>)active`, "gs"),
            "$1blackhole",
          )
        yield* proxy.addRule({ action: "DescribeRouteTables", fault: { _tag: "Rewrite", change } })
        const instance = { ImageId: "ami-12c6146b", MinCount: 1, MaxCount: 1, SubnetId: vpc.subnet("a") }
        const replaced = yield* Effect.promise(async () => {
          await client.send(new TerminateInstancesCommand({ InstanceIds: [before.instanceId] }))
          await client.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: before.interfaceId }))
          const { Instances } = await client.send(new RunInstancesCommand(instance))
          const NetworkInterfaceId = Instances?.[0]?.NetworkInterfaces?.[0]?.NetworkInterfaceId ?? ""
          await client.send(new AssignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: [a] }))
          return NetworkInterfaceId
        })
        yield* daemon.until("the new interface", ({ routes }) => routes[net]?.[2] === replaced)
        yield* carried(daemon, net, a)
        assert.deepStrictEqual(yield* carriers(net), everywhere(replaced))
      }),
    )

    it.effect("a host whose SourceDestCheck is on is chosen last", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island } = yield* stand
        const daemon = yield* start(...http)
        const nets = Array.from({ length: 5 }, (_, n) => `10.66.${n}.0/24`)
        yield* daemon.post("/route_spec", Object.fromEntries(nets.map((range) => [range, [checked, b]])))
        for (const range of nets) yield* carried(daemon, range, b)
        yield* allHealthy(daemon)
        yield* island.fail(b)
        for (const range of nets) {
          yield* carried(daemon, range, checked)
          assert.deepStrictEqual(yield* carriers(range), everywhere(checked))
        }
        const { hosts } = yield* daemon.status
        assert.strictEqual(hosts.find(({ ip }) => ip === checked)?.source_dest_check, true)
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

    it.effect("a recheck takes four calls and writes nothing when all is in order", () =>
      Effect.gen(function* () {
        const { daemon: start, proxy } = yield* stand
        const daemon = yield* start(...http, ...often)
        yield* daemon.post("/route_spec", { [net]: [a, b], "10.66.18.0/24": [b, c] })
        yield* carried(daemon, net)
        yield* carried(daemon, "10.66.18.0/24")
        yield* proxy.forget
        yield* daemon.rechecks(2)
        const calls = yield* proxy.calls
        assert.deepStrictEqual([...calls.keys()].toSorted(), [
          "DescribeInstances",
          "DescribeNetworkInterfaces",
          "DescribeRouteTables",
          "DescribeVpcs",
        ])
        for (const count of calls.values()) assert.oneOf(count, [3, 4])
      }),
    )
  })
})
