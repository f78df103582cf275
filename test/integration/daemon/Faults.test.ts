import { assert, describe, layer } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import type { StatusJson } from "../../../src/services/http/StatusJson.ts"
import type { RunningDaemon } from "../../support/daemon/Daemon.ts"
import { allHealthy, carried, carrierOf, isSettled, withdrawn } from "../../support/daemon/Look.ts"
import { a, b, c, everywhere, makeStand, stand, tableNames } from "../../support/daemon/Stand.ts"
import { Moto, startMoto } from "../../support/ec2/Moto.ts"

const net = "10.66.17.0/24"
const http = ["-m", "http", "-H", "tcp"] as const
const often = ["--route-recheck-interval", "1"] as const
const range = (n: number) => `10.66.${n}.0/24`
const ranges = (count: number) => Array.from({ length: count }, (_, n) => range(n))
const spec = (nets: ReadonlyArray<string>, ...hosts: ReadonlyArray<string>) =>
  Object.fromEntries(nets.map((net) => [net, hosts]))

const denied = {
  _tag: "Error",
  status: 403,
  code: "UnauthorizedOperation",
  message: "You are not authorized to perform this operation.",
} as const

/** Does the write, and never answers. */
const lost = { _tag: "CommitThenTimeout" } as const

/** Waits until nothing is held, failed or left to do, and that has outlasted a recheck. */
const inOrder = Effect.fnUntraced(function* (daemon: RunningDaemon) {
  const holds = (status: StatusJson) => isSettled(status) && status.held.length === 0
  yield* daemon.until("all in order", holds)
  yield* daemon.rechecks(1)
  assert.isTrue(holds(yield* daemon.status))
})

describe.concurrent("an EC2 that fails", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("throttling: every route is written in the end, and every failover after it", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island, proxy, writes } = yield* stand
        const daemon = yield* start(...http)
        const nets = ranges(5)
        yield* proxy.throttle({ capacity: 4, refillPerSecond: 5 })
        yield* daemon.post("/route_spec", spec(nets, a, b))
        yield* Effect.forEach(nets, (net) => carried(daemon, net))
        assert.isAbove((yield* writes).length, 20)
        yield* allHealthy(daemon)
        yield* island.fail(a)
        for (const net of nets) {
          yield* carried(daemon, net, b)
          assert.deepStrictEqual(yield* carriers(net), everywhere(b))
        }
        assert.deepStrictEqual((yield* daemon.status).failed_writes, [])
      }),
    )

    it.effect("internal errors: a write is tried again until it succeeds", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy, writes } = yield* stand
        const daemon = yield* start(...http)
        const html = "<html><body>Internal Server Error</body></html>"
        yield* proxy.addRule({
          action: "CreateRoute",
          times: 4,
          fault: { _tag: "Error", status: 500, code: "InternalError" },
        })
        yield* proxy.addRule({
          action: "CreateRoute",
          times: 4,
          fault: { _tag: "Answer", status: 500, contentType: "text/html", body: html },
        })
        yield* proxy.addRule({ action: "CreateRoute", times: 2, fault: { _tag: "Cut" } })
        yield* daemon.post("/route_spec", { [net]: [a] })
        yield* carried(daemon, net, a)
        assert.deepStrictEqual(yield* carriers(net), everywhere(a))
        assert.lengthOf(yield* writes, 14)
      }),
    )

    it.effect("a table that may not be written is reported by name and delays no other, failovers included", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, island, proxy, vpc } = yield* stand
        const refused = vpc.table("b")
        const daemon = yield* start(...http)
        yield* proxy.addRule({ action: "CreateRoute", containing: refused, fault: denied })
        yield* proxy.addRule({ action: "ReplaceRoute", containing: refused, fault: denied })
        const nets = ranges(4)
        yield* daemon.post("/route_spec", spec(nets, a, c))
        yield* daemon.until(
          "twelve routes, and four refusals",
          (status) => isSettled(status) && status.counts.failed_writes === 4 && Object.keys(status.routes).length === 4,
        )
        yield* allHealthy(daemon)
        const before = yield* Effect.forEach(nets, carriers)
        const dead = before[0]?.main === a ? a : c
        const alive = dead === a ? c : a
        yield* island.fail(dead)
        const { failed_writes, failovers } = yield* daemon.until(
          "the failover",
          (status) => isSettled(status) && Object.values(status.routes).every(([ip]) => ip === alive),
        )
        for (const net of nets) assert.deepStrictEqual(yield* carriers(net), { ...everywhere(alive), b: undefined })
        assert.isBelow(failovers[0]?.last_write_ms ?? Infinity, 15_000)
        assert.strictEqual(failed_writes.length, 4)
        for (const write of failed_writes)
          assert.deepInclude(write, {
            table: refused,
            write: "create",
            disposition: "denied",
            code: "UnauthorizedOperation",
            message: denied.message,
          })
        yield* daemon.logged(`held: ${range(0)} in ${refused}: UnauthorizedOperation`)
      }),
    )

    it.effect("a table whose writes hang delays no other", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy, vpc } = yield* stand
        const daemon = yield* start(...http)
        yield* proxy.addRule({ action: "CreateRoute", containing: vpc.table("a"), times: 60, fault: { _tag: "Hang" } })
        const nets = ranges(10)
        const from = performance.now()
        yield* daemon.post("/route_spec", spec(nets, b))
        yield* daemon.until("the other tables' routes", ({ tables }) => {
          const done = tables.filter(({ cells }) => nets.every((net) => cells.some(({ cidr }) => cidr === net)))
          return done.length === tableNames.length - 1
        })
        assert.isBelow(performance.now() - from, 20_000)
        for (const net of nets) assert.deepStrictEqual(yield* carriers(net), { ...everywhere(b), a: undefined })
        yield* proxy.clearRules
        for (const net of nets) yield* carried(daemon, net, b)
      }),
    )

    it.effect("a full table is reported, and the others are written", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy, vpc } = yield* stand
        const daemon = yield* start(...http, ...often)
        yield* proxy.addRule({
          action: "CreateRoute",
          containing: vpc.table("main"),
          fault: { _tag: "Error", status: 400, code: "RouteLimitExceeded", message: "The maximum number of routes" },
        })
        yield* daemon.post("/route_spec", { [net]: [a] })
        const { failed_writes } = yield* daemon.until(
          "the refusal",
          (status) => isSettled(status) && status.counts.failed_writes === 1,
        )
        assert.deepInclude(failed_writes[0], { table: vpc.table("main"), disposition: "full", cidr: net })
        assert.deepStrictEqual(yield* carriers(net), { ...everywhere(a), main: undefined })
        yield* daemon.rechecks(2)
        const calls = yield* proxy.calls
        assert.strictEqual(calls.get("CreateRoute"), 4)
      }),
    )

    // moto would do a write twice where EC2 refuses the second one.
    it.effect("creations that EC2 did and never answered are found done, and count as no failure", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy } = yield* stand
        const daemon = yield* start(...http, ...often)
        yield* proxy.addRule({ action: "CreateRoute", times: 4, fault: lost })
        yield* proxy.addRule({
          action: "CreateRoute",
          fault: { _tag: "Error", status: 400, code: "RouteAlreadyExists" },
        })
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const host = yield* carried(daemon, net)
        yield* inOrder(daemon)
        assert.deepStrictEqual(yield* carriers(net), everywhere(host))
      }),
    )

    it.effect("a failover that EC2 did and never answered is found done", () =>
      Effect.gen(function* () {
        const { carriers, daemonOnA, island, proxy } = yield* stand
        const daemon = yield* daemonOnA(net, ...http, ...often)
        yield* proxy.addRule({ action: "ReplaceRoute", times: 4, fault: lost })
        yield* island.fail(a)
        yield* carried(daemon, net, b)
        yield* inOrder(daemon)
        assert.deepStrictEqual(yield* carriers(net), everywhere(b))
      }),
    )

    it.effect("deletions that EC2 did and never answered are found done, and count as no failure", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy, put } = yield* stand
        for (const table of tableNames) yield* put(table, net, a)
        const daemon = yield* start(...http, ...often)
        yield* proxy.addRule({ action: "DeleteRoute", times: 4, fault: lost })
        yield* proxy.addRule({
          action: "DeleteRoute",
          fault: { _tag: "Error", status: 400, code: "InvalidRoute.NotFound" },
        })
        yield* daemon.post("/route_spec", { [net]: [] })
        yield* withdrawn(daemon, net)
        yield* inOrder(daemon)
        assert.deepStrictEqual(yield* carriers(net), everywhere(undefined))
      }),
    )

    it.effect("errors of deletions end nothing: the routes go as soon as EC2 lets them", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy } = yield* stand
        const daemon = yield* start(...http)
        yield* daemon.post("/route_spec", { [net]: [a], [range(1)]: [b] })
        yield* carried(daemon, net, a)
        yield* carried(daemon, range(1), b)
        yield* proxy.addRule({ action: "DeleteRoute", fault: { _tag: "Error", status: 503, code: "Unavailable" } })
        yield* daemon.post("/route_spec", { [range(1)]: [b], [range(2)]: [c] })
        yield* daemon.until("the new routes", (status) => carrierOf(status, range(2)) === c)
        yield* daemon.until("failed deletions", ({ counts }) => counts.failed_writes === 4)
        assert.deepStrictEqual(yield* carriers(net), everywhere(a))
        assert.strictEqual((yield* daemon.get("/healthz")).status, 200)
        yield* proxy.clearRules
        yield* withdrawn(daemon, net)
        assert.deepStrictEqual(yield* carriers(net), everywhere(undefined))
      }),
    )

    it.effect("a route that is gone when it is to be replaced is created", () =>
      Effect.gen(function* () {
        const { carriers, daemonOnA, island, remove } = yield* stand
        const daemon = yield* daemonOnA(net, ...http)
        yield* remove("main", net)
        yield* island.fail(a)
        yield* carried(daemon, net, b)
        assert.deepStrictEqual(yield* carriers(net), everywhere(b))
      }),
    )

    it.effect("while EC2 cannot be read nothing but failovers is written, and the status says since when and why", () =>
      Effect.gen(function* () {
        const { carriers, daemonOnA, island, proxy, put, remove, writes } = yield* stand
        const daemon = yield* daemonOnA(net, ...http, ...often)
        yield* proxy.addRule({
          action: "DescribeNetworkInterfaces",
          fault: { _tag: "Error", status: 503, code: "Unavailable", message: "try later" },
        })
        yield* remove("spare", net)
        const { last_refresh } = yield* daemon.until(
          "two failed readings",
          ({ last_refresh: { error } }) => (error?.attempts ?? 0) >= 2,
        )
        assert.deepInclude(last_refresh.error, {
          operation: "DescribeNetworkInterfaces",
          code: "Unavailable",
          message: "try later",
        })
        const line = yield* daemon.logged("EC2 cannot be read: DescribeNetworkInterfaces: Unavailable: try later")
        assert.strictEqual(line.level, "warn")
        assert.deepStrictEqual(yield* writes, [])
        for (const path of ["/healthz", "/readyz"]) assert.strictEqual((yield* daemon.get(path)).status, 200)

        yield* put("spare", net, a)
        yield* island.fail(a)
        yield* carried(daemon, net, b)
        assert.deepStrictEqual(yield* carriers(net), everywhere(b))
        assert.isNotNull((yield* daemon.status).last_refresh.error)

        yield* proxy.clearRules
        yield* daemon.until("readings again", ({ last_refresh: { error } }) => error === null)
        yield* daemon.logged(/^over after .*EC2 cannot be read/)
      }),
    )

    it.effect("a failover does not wait for a reading that hangs", () =>
      Effect.gen(function* () {
        const { carriers, daemonOnA, island, proxy } = yield* stand
        const daemon = yield* daemonOnA(net, ...http, ...often)
        const hanging = yield* Effect.forkChild(proxy.nextRequest("DescribeRouteTables"), { startImmediately: true })
        yield* proxy.addRule({ action: "DescribeRouteTables", fault: { _tag: "Hang" } })
        yield* Fiber.join(hanging)
        const { at } = (yield* daemon.status).last_refresh
        yield* island.fail(a)
        yield* carried(daemon, net, b)
        const { failovers, last_refresh } = yield* daemon.status
        assert.isBelow(failovers[0]?.last_write_ms ?? Infinity, 15_000)
        assert.strictEqual(last_refresh.at, at)
        assert.deepStrictEqual(yield* carriers(net), everywhere(b))
      }),
    )

    it.effect("while EC2 was never read it lives, is not ready, takes specs, and begins when EC2 answers", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, proxy } = yield* stand
        yield* proxy.addRule({ action: "DescribeVpcs", fault: denied })
        const daemon = yield* start(...http)
        yield* daemon.until("a failed reading", ({ last_refresh: { error } }) => error !== null)
        const unready = yield* daemon.get("/readyz")
        assert.strictEqual(unready.status, 503)
        assert.include(unready.text, "UnauthorizedOperation")
        assert.strictEqual((yield* daemon.get("/healthz")).status, 200)
        assert.strictEqual((yield* daemon.post("/route_spec", { [net]: [a] })).status, 200)
        assert.strictEqual((yield* proxy.calls).get("CreateRoute") ?? 0, 0)
        yield* proxy.clearRules
        yield* carried(daemon, net, a)
        assert.deepStrictEqual(yield* carriers(net), everywhere(a))
        assert.strictEqual((yield* daemon.get("/readyz")).status, 200)
      }),
    )

    it.effect("an EC2 that goes away and comes back without its routes gets them anew", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const first = yield* Scope.provide(startMoto, scope)
        const before = yield* makeStand(first, { seed: 17 })
        for (const table of tableNames) yield* before.put(table, net, b)
        const daemon = yield* before.daemon(...http, ...often)
        yield* daemon.post("/route_spec", { [net]: [b] })
        yield* carried(daemon, net, b)
        assert.deepStrictEqual(yield* before.writes, [])

        yield* Scope.close(scope, Exit.void)
        yield* daemon.until("no EC2", ({ last_refresh: { error } }) => error !== null)
        const second = yield* startMoto
        const after = yield* makeStand(second, { seed: 17, onIsland: before.island })
        assert.strictEqual(after.vpc.id, before.vpc.id)
        yield* daemon.until("EC2 again", ({ last_refresh: { error } }) => error === null)
        yield* daemon.until("four routes", isSettled)
        yield* carried(daemon, net, b)
        assert.deepStrictEqual(yield* after.carriers(net), everywhere(b))
      }),
    )
  })
})
