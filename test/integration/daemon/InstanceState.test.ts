import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { RunningDaemon } from "../../support/daemon/Daemon.ts"
import { allHealthy, carried, failed } from "../../support/daemon/Look.ts"
import { a, b, everywhere, stand } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { readExposition } from "../../support/metrics/Exposition.ts"

const net = "10.66.17.0/24"
/** What the readings of the VPC would tell is left out, so that it is the check which tells. */
const http = ["-m", "http", "--route-recheck-interval", "0", "--ec2-interval", "1"] as const

const metricsOf = (daemon: RunningDaemon) =>
  Effect.map(daemon.get("/metrics"), ({ text }) => readExposition(text).values)

const checkOf = (daemon: RunningDaemon, name: string) =>
  Effect.map(daemon.status, ({ sources }) => sources.health.checks.find((check) => check.name === name))

/** The notes of a host. */
const notesOf = (daemon: RunningDaemon, host: string) =>
  Effect.map(daemon.status, ({ hosts }) => hosts.find(({ ip }) => ip === host)?.notes ?? [])

describe.concurrent("hosts watched by the state of their instances", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("an instance that is stopped loses its routes while it still answers its probes", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, stop, vpc } = yield* stand
        const daemon = yield* start(...http, "--health", "tcp,ec2")
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const first = yield* carried(daemon, net)
        const second = first === a ? b : a
        yield* allHealthy(daemon)
        yield* stop(first)
        yield* carried(daemon, net, second)
        assert.deepStrictEqual(yield* carriers(net), everywhere(second))
        const { failed_hosts, sources } = yield* failed(daemon, first)
        assert.strictEqual(failed_hosts[0]?.reason, `ec2: its instance ${vpc.host(first).instanceId} is stopped`)
        const values = yield* metricsOf(daemon)
        // A busy machine may miss an answer now and then.
        const missed = values.get('vpc_router_probes_missed_total{check="tcp"}') ?? Infinity
        assert.isBelow(missed, (values.get('vpc_router_probes_answered_total{check="tcp"}') ?? 0) / 2)
        assert.strictEqual(values.get('vpc_router_check_up{check="ec2"}'), 1)
        assert.isAbove(values.get('vpc_router_instance_status_calls_total{result="done"}') ?? 0, 1)
        assert.strictEqual(sources.health.policy, "any-fails")
        assert.deepStrictEqual(
          sources.health.checks.map(({ name, state }) => [name, state]),
          [
            ["ec2", "up"],
            ["tcp", "up"],
          ],
        )
      }),
    )

    it.effect("a right that is missing is named in log, status and metrics; the other check goes on alone", () =>
      Effect.gen(function* () {
        const { daemon: start, island, proxy } = yield* stand
        yield* proxy.addRule({
          action: "DescribeInstanceStatus",
          fault: { _tag: "Error", status: 403, code: "UnauthorizedOperation", message: "You are not authorized." },
        })
        const daemon = yield* start(...http, "--health", "tcp,ec2")
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const first = yield* carried(daemon, net)
        const why = "it needs ec2:DescribeInstanceStatus: UnauthorizedOperation: You are not authorized."
        yield* daemon.logged(`health source ec2 is down: ${why}`)
        assert.deepInclude(yield* checkOf(daemon, "ec2"), { state: "down", why })
        const condition = `the check ec2 is down and has no say: ${why}`
        yield* daemon.until("it is a condition", ({ conditions }) =>
          conditions.some(({ words }) => words === condition),
        )
        assert.strictEqual((yield* metricsOf(daemon)).get('vpc_router_check_up{check="ec2"}'), 0)
        yield* island.fail(first)
        yield* carried(daemon, net, first === a ? b : a)
        yield* proxy.clearRules
        yield* daemon.until("the check is up", ({ sources }) =>
          sources.health.checks.every(({ state }) => state === "up"),
        )
      }),
    )

    it.effect(
      "by all-fail a stopped instance that still answers keeps its routes, and the host says what ec2 finds",
      () =>
        Effect.gen(function* () {
          const { daemon: start, island, stop, vpc, writes, proxy } = yield* stand
          const daemon = yield* start(...http, "--health", "tcp,ec2", "--health-policy", "all-fail")
          yield* daemon.post("/route_spec", { [net]: [a, b] })
          const first = yield* carried(daemon, net)
          yield* allHealthy(daemon)
          yield* proxy.forget
          yield* stop(first)
          const note = `ec2 says failed: its instance ${vpc.host(first).instanceId} is stopped`
          yield* daemon.until("it is noted", ({ hosts }) => hosts.some(({ notes }) => notes.includes(note)))
          assert.deepStrictEqual(yield* notesOf(daemon, first), [note])
          assert.deepStrictEqual(yield* writes, [])
          yield* allHealthy(daemon)
          yield* island.fail(first)
          yield* carried(daemon, net, first === a ? b : a)
          const { failed_hosts } = yield* failed(daemon, first)
          assert.match(failed_hosts[0]?.reason ?? "", /^ec2: its instance .* is stopped; tcp: no reply to /)
        }),
    )

    it.effect("an address that no instance has is not watched by ec2, as log, status and metrics say", () =>
      Effect.gen(function* () {
        const { daemon: start } = yield* stand
        const stranger = "10.33.20.200"
        const daemon = yield* start(...http, "--health", "tcp,ec2")
        yield* daemon.post("/route_spec", { [net]: [a, stranger] })
        const words = "no instance of the VPC is known to have its address"
        yield* daemon.logged(`host ${stranger} is not watched by ec2: ${words}`)
        yield* carried(daemon, net, a)
        assert.deepStrictEqual(yield* notesOf(daemon, stranger), [`ec2 does not watch it: ${words}`])
        assert.deepStrictEqual(yield* notesOf(daemon, a), [])
        const values = yield* metricsOf(daemon)
        assert.strictEqual(values.get('vpc_router_check_unwatched_hosts{check="ec2"}'), 1)
      }),
    )

    it.effect("ec2 alone sends no probe, and a host that it does not watch is shown as unwatched", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, stop } = yield* stand
        const stranger = "10.33.20.200"
        const daemon = yield* start(...http, "--health", "ec2")
        yield* daemon.post("/route_spec", { [net]: [a, b, stranger] })
        const first = yield* carried(daemon, net)
        const { hosts } = yield* daemon.until("the stranger is unwatched", ({ hosts }) =>
          hosts.some(({ verdict }) => verdict === "unwatched"),
        )
        const shown = hosts.find(({ ip }) => ip === stranger)
        assert.deepInclude(shown, {
          verdict: "unwatched",
          able: false,
          reason: "no instance of the VPC is known to have its address",
        })
        yield* daemon.logged(`host ${stranger} is unwatched: no instance`)
        const values = yield* metricsOf(daemon)
        assert.strictEqual(values.get('vpc_router_hosts{verdict="unwatched"}'), 1)
        assert.isEmpty([...values.keys()].filter((name) => name.startsWith("vpc_router_probes_")))
        yield* stop(first)
        yield* carried(daemon, net, first === a ? b : a)
        assert.deepStrictEqual(yield* carriers(net), everywhere(first === a ? b : a))
      }),
    )
  })
})
