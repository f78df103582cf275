import {
  AssignPrivateIpAddressesCommand,
  DeleteNetworkInterfaceCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { allHealthy, carried, isSettled } from "../../support/daemon/Look.ts"
import { a, b, c, checked, everywhere, secondOfA, stand, tableNames } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"

const net = "10.66.17.0/24"
const http = ["-m", "http", "--health", "tcp"] as const
const often = ["--route-recheck-interval", "1"] as const

describe.concurrent("what the daemon writes", () => {
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

    it.effect("what somebody removed or changed is put right at the next recheck", () =>
      Effect.gen(function* () {
        const { carriers, daemonOnA, proxy, put, remove, writes } = yield* stand
        const daemon = yield* daemonOnA(net, ...http, ...often)
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
        // As many of each; two rechecks, and what was under way before and after.
        for (const count of calls.values()) assert.isTrue(count >= 2 && count <= 8, `${count} calls`)
      }),
    )
  })
})
