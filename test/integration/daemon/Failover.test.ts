import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { allHealthy, carried, failed, heldFor, isSettled } from "../../support/daemon/Look.ts"
import { a, b, c, everywhere, stand, tableNames } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"

const net = "10.66.17.0/24"
const often = ["--route-recheck-interval", "1"] as const

/** A dead host is known within 1.5 s; the rest is for a machine that has other things to do. */
const soon = 20_000

const spec = (nets: ReadonlyArray<string>, ...hosts: ReadonlyArray<string>) =>
  Object.fromEntries(nets.map((range) => [range, hosts]))

describe.concurrent("hosts that fail and return", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    for (const [health, name] of [
      ["icmpecho", "icmpecho"],
      ["tcp", "tcp"],
      ["multi", "icmpecho,tcp"],
    ] as const)
      it.effect(
        `${health}: a host that goes silent loses its routes in every table, and gets none back when it returns`,
        () =>
          Effect.gen(function* () {
            const { carriers, daemon: start, island, proxy, writes } = yield* stand
            const daemon = yield* start("-m", "http", "--health", health, ...often)
            yield* daemon.post("/route_spec", { [net]: [a, b] })
            const first = yield* carried(daemon, net)
            const second = first === a ? b : a
            assert.strictEqual((yield* allHealthy(daemon)).sources.health.name, name)
            yield* proxy.forget
            yield* island.fail(first)
            const from = performance.now()
            yield* carried(daemon, net, second)
            assert.isBelow(performance.now() - from, soon)
            assert.deepStrictEqual(yield* carriers(net), everywhere(second))
            const { failed_hosts, failed_ips, failovers } = yield* daemon.status
            assert.deepStrictEqual(failed_ips, [first])
            assert.match(failed_hosts[0]?.reason ?? "", /no reply to 3 probes/)
            assert.deepInclude(failovers[0], { host: first, moved: 4 })
            yield* daemon.logged(`failover of ${first} complete: 4 routes moved`)

            yield* island.heal(first)
            yield* allHealthy(daemon)
            yield* daemon.rechecks(1)
            assert.deepStrictEqual(yield* carriers(net), everywhere(second))
            assert.deepStrictEqual(
              (yield* writes).toSorted(),
              tableNames.map((table) => `ReplaceRoute ${net} in ${table} to ${second}`).toSorted(),
            )
          }),
      )

    it.effect("tcp: a host that refuses connections has failed, whatever pings say", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island } = yield* stand
        const daemon = yield* start("-m", "http", "-H", "tcp")
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const first = yield* carried(daemon, net)
        yield* allHealthy(daemon)
        yield* island.refuse(first)
        yield* failed(daemon, first)
        const second = yield* carried(daemon, net, first === a ? b : a)
        assert.deepStrictEqual(yield* carriers(net), everywhere(second))
      }),
    )

    it.effect("tcp: --tcp-check-port is the port that must answer", () =>
      Effect.gen(function* () {
        const { daemon: start } = yield* stand
        const daemon = yield* start("-m", "http", "-H", "tcp", "--tcp-check-port", "2222", ...often)
        yield* daemon.post("/route_spec", { [net]: [a] })
        yield* daemon.rechecks(1)
        const status = yield* daemon.status
        assert.deepStrictEqual(heldFor(status, net), ["health_unknown"])
        assert.strictEqual(status.hosts[0]?.verdict, "unknown")
      }),
    )

    it.effect("multi: a host that fails one check has failed, though it answers the other", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island } = yield* stand
        const daemon = yield* start("-m", "http", "-H", "multi")
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const first = yield* carried(daemon, net)
        yield* allHealthy(daemon)
        yield* island.refuse(first)
        const { failed_hosts } = yield* failed(daemon, first)
        assert.match(failed_hosts[0]?.reason ?? "", /^tcp: /)
        const second = yield* carried(daemon, net, first === a ? b : a)
        assert.deepStrictEqual(yield* carriers(net), everywhere(second))
      }),
    )

    it.effect("icmpecho: a lost ping now and then is not a failure", () =>
      Effect.gen(function* () {
        const { daemon: start, island, proxy, writes } = yield* stand
        const daemon = yield* start("-m", "http", "--icmp-check-interval", "0.2", ...often)
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const host = yield* carried(daemon, net)
        yield* proxy.forget
        yield* island.losePings(host)
        while ((yield* island.lostPings) < 3) yield* daemon.rechecks(1)
        const { failed_ips, hosts } = yield* daemon.status
        assert.deepStrictEqual(failed_ips, [])
        assert.strictEqual(hosts.find(({ ip }) => ip === host)?.verdict, "healthy")
        assert.isFalse(daemon.log().some(({ message }) => message.includes("failed")))
        assert.deepStrictEqual(yield* writes, [])
      }),
    )

    it.effect("a check that takes longer than its interval stops neither the others nor itself", () =>
      Effect.gen(function* () {
        const { daemon: start, island } = yield* stand
        yield* island.fail(a)
        const daemon = yield* start("-m", "http", "-H", "tcp", "--tcp-check-interval", "0.1")
        yield* daemon.post("/route_spec", { [net]: [a, b, c] })
        const first = yield* carried(daemon, net)
        assert.notStrictEqual(first, a)
        yield* island.fail(first)
        yield* carried(daemon, net, first === b ? c : b)
        yield* island.heal(a, first)
        yield* allHealthy(daemon)
      }),
    )

    it.effect("no healthy host: the route stays, a missing one is not created, and the log and the status say so", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island, proxy, writes } = yield* stand
        const daemon = yield* start("-m", "http", "-H", "tcp", ...often)
        yield* daemon.post("/route_spec", { [net]: [a] })
        yield* carried(daemon, net, a)
        yield* proxy.forget
        yield* island.fail(a)
        yield* failed(daemon, a)
        yield* daemon.post("/route_spec", { [net]: [a], "10.66.18.0/24": [a], "10.66.19.0/24": [b] })
        yield* carried(daemon, "10.66.19.0/24", b)
        yield* daemon.rechecks(2)
        const status = yield* daemon.status
        for (const range of [net, "10.66.18.0/24"]) {
          assert.deepStrictEqual(heldFor(status, range), ["no_healthy_host"])
          const line = yield* daemon.logged(`held: ${range}: no healthy host: ${a} no reply`)
          assert.strictEqual(line.level, "warn")
        }
        assert.deepStrictEqual(yield* carriers(net), everywhere(a))
        assert.deepStrictEqual(yield* carriers("10.66.18.0/24"), everywhere(undefined))
        assert.lengthOf(yield* writes, 4)
        yield* island.heal(a)
        yield* carried(daemon, "10.66.18.0/24", a)
        assert.deepStrictEqual((yield* daemon.status).held, [])
      }),
    )

    it.effect("failed hosts are remembered: neither a recheck nor a new spec routes to one", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island, proxy, remove, writes } = yield* stand
        const daemon = yield* start("-m", "http", "-H", "tcp", ...often)
        const nets = Array.from({ length: 8 }, (_, n) => `10.66.${n}.0/24`)
        yield* daemon.post("/route_spec", spec(nets.slice(0, 4), a, b))
        yield* allHealthy(daemon)
        yield* island.fail(a)
        yield* failed(daemon, a)
        for (const range of nets.slice(0, 4)) yield* carried(daemon, range, b)
        yield* proxy.forget
        yield* daemon.post("/route_spec", spec(nets, a, b))
        for (const range of nets) {
          yield* carried(daemon, range, b)
          assert.deepStrictEqual(yield* carriers(range), everywhere(b))
        }
        yield* remove("spare", nets[7] ?? "")
        yield* daemon.rechecks(3)
        assert.deepStrictEqual((yield* daemon.status).failed_ips, [a])
        assert.deepStrictEqual(
          (yield* writes).filter((write) => !write.endsWith(` to ${b}`)),
          [],
        )
      }),
    )

    it.effect("a healthy host keeps its routes, whatever hosts join the spec", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy, writes } = yield* stand
        const daemon = yield* start("-m", "http", "-H", "tcp", ...often)
        const nets = Array.from({ length: 8 }, (_, n) => `10.66.${n}.0/24`)
        yield* daemon.post("/route_spec", spec(nets, a))
        for (const range of nets) yield* carried(daemon, range, a)
        yield* proxy.forget
        yield* daemon.post("/route_spec", spec(nets, a, b, c))
        yield* allHealthy(daemon)
        yield* daemon.rechecks(1)
        for (const range of nets) assert.deepStrictEqual(yield* carriers(range), everywhere(a))
        assert.deepStrictEqual(yield* writes, [])
      }),
    )

    it.effect("--route-recheck-interval 0: EC2 is read once, and failovers go on", () =>
      Effect.gen(function* () {
        const { carriers, daemonOnA, island, proxy, put } = yield* stand
        const daemon = yield* daemonOnA(net, "-m", "http", "-H", "tcp", "--route-recheck-interval", "0")
        yield* put("spare", "10.70.0.0/16", c)
        for (const [dead, alive] of [
          [a, b],
          [b, a],
        ] as const) {
          yield* island.fail(dead)
          yield* carried(daemon, net, alive)
          assert.deepStrictEqual(yield* carriers(net), everywhere(alive))
          yield* island.heal(dead)
          yield* allHealthy(daemon)
        }
        const calls = yield* proxy.calls
        assert.strictEqual(calls.get("DescribeRouteTables"), 1)
        assert.strictEqual(calls.get("ReplaceRoute"), 8)
        assert.strictEqual((yield* carriers("10.70.0.0/16")).spare, c)
      }),
    )

    it.effect("an instance that is stopped loses its routes, although its address answers", () =>
      Effect.gen(function* () {
        const { carriers, daemonOnA, stop } = yield* stand
        const daemon = yield* daemonOnA(net, "-m", "http", "-H", "tcp", ...often)
        yield* stop(a)
        yield* carried(daemon, net, b)
        assert.deepStrictEqual(yield* carriers(net), everywhere(b))
      }),
    )

    for (const signal of ["SIGTERM", "SIGINT"] as const)
      it.effect(
        `${signal} ends it with 0 and leaves the routes as they are; the next one takes them over unchanged`,
        () =>
          Effect.gen(function* () {
            const { carriers, daemon: start, island, proxy, writes } = yield* stand
            const file = join(island.folder, "route-spec.json")
            const nets = Array.from({ length: 5 }, (_, n) => `10.66.${n}.0/24`)
            yield* Effect.promise(() => writeFile(file, JSON.stringify(spec(nets, a, b, c))))
            const args = ["-m", "configfile", "-f", file, "-H", "tcp", ...often]
            const daemon = yield* start(...args)
            yield* Effect.forEach(nets, (range) => carried(daemon, range))
            yield* allHealthy(daemon)
            yield* island.fail(b)
            yield* failed(daemon, b)
            yield* Effect.forEach(nets, (range) => carried(daemon, range))
            const before = yield* Effect.forEach(nets, carriers)
            yield* proxy.forget
            const from = performance.now()
            yield* daemon.signal(signal)
            assert.deepStrictEqual(yield* daemon.exit, { code: 0, signal: null })
            assert.isBelow(performance.now() - from, 15_000)
            yield* daemon.logged(`${signal}: ending; the routes stay as they are`)
            assert.strictEqual(daemon.errors(), "")
            assert.deepStrictEqual(yield* Effect.forEach(nets, carriers), before)

            yield* island.heal(b)
            const next = yield* start(...args)
            yield* next.until("all in order", (status) => isSettled(status) && Object.keys(status.routes).length === 5)
            yield* allHealthy(next)
            yield* next.rechecks(1)
            assert.deepStrictEqual(yield* Effect.forEach(nets, carriers), before)
            assert.deepStrictEqual(yield* writes, [])
          }),
      )
  })
})
