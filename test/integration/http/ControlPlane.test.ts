import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Option, Schema } from "effect"
import { RouteTableId } from "../../../src/domain/Ids.ts"
import { ip } from "../../../src/domain/Ip.ts"
import { defaultPolicy } from "../../../src/domain/Policy.ts"
import * as HttpControlPlane from "../../../src/runtime/HttpControlPlane.ts"
import * as Metrics from "../../../src/runtime/metrics/Metrics.ts"
import * as Reconciler from "../../../src/runtime/Reconciler.ts"
import * as HttpConfig from "../../../src/services/config/HttpConfig.ts"
import { defaultTopology } from "../../../src/services/ec2/DefaultTopology.ts"
import * as StateStore from "../../../src/services/state/StateStore.ts"
import * as Executor from "../../../src/services/ec2/Executor.ts"
import * as SimulatedEc2 from "../../../src/services/ec2/SimulatedEc2.ts"
import { denyTable } from "../../../src/services/ec2/SimulatedFaults.ts"
import { terminate } from "../../../src/services/ec2/SimulatedHosts.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { HealthSource } from "../../../src/services/health/HealthSource.ts"
import * as HostInstances from "../../../src/services/health/HostInstances.ts"
import * as Prober from "../../../src/services/health/Prober.ts"
import * as SimulatedProbe from "../../../src/services/health/SimulatedProbe.ts"
import { ControlPlane } from "../../../src/services/http/ControlPlane.ts"
import { jsonPieces } from "../../../src/services/http/LazyJson.ts"
import { StatusJson } from "../../../src/services/http/StatusJson.ts"
import { pass } from "../../support/runtime/SimulatedDaemon.ts"

const health = Layer.effect(
  HealthSource,
  Effect.gen(function* () {
    const { answersUnsafe } = yield* Simulation
    return yield* Prober.make(SimulatedProbe.make({ answers: answersUnsafe, roundTrip: 2 }))
  }),
)

/**
 * The daemon's own control plane, over the real loop in mode http, on a simulated VPC in virtual time; `before` happens before
 * the loop starts.
 */
const steeredAfter = (before: Effect.Effect<void, never, Simulation>) =>
  HttpControlPlane.layer({ version: "1.2.3", vpc: "vpc-350d6a51", dryRun: false }).pipe(
    Layer.provide(Metrics.layer({ version: "1.2.3", dryRun: false, updateEvery: undefined })),
    Layer.provideMerge(Reconciler.layer({ policy: defaultPolicy, recheckInterval: 30_000, dryRun: false })),
    Layer.provideMerge(
      Layer.mergeAll(HttpConfig.layer, health, HostInstances.layer, Executor.layer, StateStore.layerNone),
    ),
    Layer.provideMerge(Layer.provideMerge(Layer.effectDiscard(before), SimulatedEc2.layer(defaultTopology))),
    Layer.provideMerge(Logger.layer([])),
  )
const steered = steeredAfter(Effect.void)

const cannotRead = Effect.flatMap(Simulation, ({ addFault }) =>
  addFault({ operation: "DescribeRouteTables", code: "UnauthorizedOperation", message: "not you", times: 5 }),
)

const post = Effect.fnUntraced(function* (spec: Record<string, ReadonlyArray<string>>) {
  const control = yield* ControlPlane
  return yield* Option.getOrThrow(control.post)(JSON.stringify(spec))
})

const written = (json: unknown): string => [...jsonPieces(json)].join("")

/** The status as it is written, which must be what the schema says, and nothing besides. */
const statusNow = Effect.gen(function* () {
  const text = written(yield* Effect.flatMap(ControlPlane, ({ status }) => status))
  const decoded = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(StatusJson))(text)
  assert.deepStrictEqual(JSON.parse(text), decoded)
  return decoded
})

const spec = {
  "10.66.17.0/24": ["10.33.20.93", "10.33.30.22"],
  "10.66.18.0/24": ["10.33.20.93", "10.33.30.22"],
  "172.20.0.0/16": ["10.33.30.22"],
}
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const eniOf: Record<string, string> = { "10.33.20.93": "eni-0a20093", "10.33.30.22": "eni-0b30022" }

describe("the status of a running daemon", () => {
  it.effect("before any spec and any reading it is whole, and says that it is not ready", () =>
    Effect.gen(function* () {
      const control = yield* ControlPlane
      assert.include(Option.getOrThrow(yield* control.unready), "EC2 has not been read yet")
      const status = yield* statusNow
      assert.deepStrictEqual(status.route_spec, {})
      assert.deepStrictEqual(status.routes, {})
      assert.isNull(status.last_refresh.at)
      yield* pass(200)
      assert.isTrue(Option.isNone(yield* control.unready))
      assert.strictEqual(written(yield* control.routeSpec), "{}")
      assert.match((yield* statusNow).last_refresh.at ?? "", time)
    }).pipe(Effect.provide(steered)),
  )

  it.effect("why EC2 cannot be read is said in readiness and in the last refresh", () =>
    Effect.gen(function* () {
      const control = yield* ControlPlane
      yield* pass(200)
      assert.include(Option.getOrThrow(yield* control.unready), "UnauthorizedOperation: not you")
      const { error } = (yield* statusNow).last_refresh
      assert.strictEqual(error?.code, "UnauthorizedOperation")
      assert.match(error?.since ?? "", time)
    }).pipe(Effect.provide(steeredAfter(cannotRead))),
  )

  it.effect("routes, hosts, conflicts and the failover of a host, with the milliseconds it took", () =>
    Effect.gen(function* () {
      const { fail } = yield* Simulation
      yield* post(spec)
      yield* pass(2_000)
      const settled = yield* statusNow
      assert.deepStrictEqual(settled.route_spec, spec)
      assert.strictEqual(settled.mode, "http")
      assert.strictEqual(settled.version, "1.2.3")
      assert.isTrue(settled.simulated)
      assert.deepStrictEqual(Object.keys(settled.routes), Object.keys(spec))
      for (const [host, instance, networkInterface] of Object.values(settled.routes)) {
        assert.strictEqual(networkInterface, eniOf[host ?? ""])
        assert.strictEqual(instance, networkInterface?.replace("eni-", "i-"))
      }
      assert.deepStrictEqual(
        settled.tables.map(({ id, main }) => [id, main]),
        [
          ["rtb-00main", true],
          ["rtb-0a20", false],
          ["rtb-0b30", false],
        ],
      )
      const peering = settled.tables[2]?.cells.find((cell) => cell.cidr === "172.20.0.0/16")
      assert.include(peering, { target: "pcx-0172", owned: false, in_spec: true, state: "active", ip: null })
      assert.include(settled.counts, { cidrs: 3, hosts: 2, failed_hosts: 0, conflicts: 1, held: 1, pending: 0 })
      assert.include(settled.held[0], { cidr: "172.20.0.0/16", table: "rtb-0b30", reason: "conflict", hash: null })
      assert.match(settled.held[0]?.since ?? "", time)
      assert.deepStrictEqual(
        settled.hosts.map(({ able, ip, verdict }) => ({ able, ip, verdict })),
        [
          { able: true, ip: "10.33.20.93", verdict: "healthy" },
          { able: true, ip: "10.33.30.22", verdict: "healthy" },
        ],
      )
      assert.deepStrictEqual(settled.failed_ips, [])

      yield* fail(ip("10.33.30.22"))
      yield* pass(3_000)
      const moved = yield* statusNow
      assert.deepStrictEqual(moved.failed_ips, ["10.33.30.22"])
      assert.strictEqual(moved.failed_hosts[0]?.ip, "10.33.30.22")
      assert.match(moved.failed_hosts[0]?.since ?? "", time)
      assert.include(moved.failed_hosts[0]?.reason, "no reply")
      assert.deepStrictEqual(moved.routes["10.66.17.0/24"], ["10.33.20.93", "i-0a20093", "eni-0a20093"])
      const [failover] = moved.failovers
      assert.strictEqual(failover?.host, "10.33.30.22")
      const wasThere = Object.entries(settled.routes).filter(
        ([range, [host]]) => range !== "172.20.0.0/16" && host === "10.33.30.22",
      )
      assert.strictEqual(failover?.moved, wasThere.length * 3)
      if (wasThere.length > 0) {
        assert.isAtLeast(failover?.first_write_ms ?? -1, 0)
        assert.isAtMost(failover?.last_write_ms ?? Infinity, 1_000)
      }
      assert.deepStrictEqual(
        moved.held.filter(({ reason }) => reason === "no_healthy_host").map(({ cidr }) => cidr),
        ["172.20.0.0/16"],
      )
    }).pipe(Effect.provide(steered)),
  )

  it.effect("a blackhole carries nothing: it is in the tables, but not among the routes", () =>
    Effect.gen(function* () {
      const { change } = yield* Simulation
      yield* post({ "10.66.17.0/24": ["10.33.20.93"] })
      yield* pass(2_000)
      assert.deepStrictEqual(Object.keys((yield* statusNow).routes), ["10.66.17.0/24"])
      yield* change(terminate(ip("10.33.20.93")))
      yield* pass(35_000, 50)
      const { routes, tables } = yield* statusNow
      assert.deepStrictEqual(routes, {})
      const cells = tables.flatMap(({ cells }) => cells.filter((cell) => cell.cidr === "10.66.17.0/24"))
      assert.deepStrictEqual(
        cells.map(({ state, target }) => [state, target]),
        tables.map(() => ["blackhole", "eni-0a20093"]),
      )
    }).pipe(Effect.provide(steered)),
  )

  it.effect("held deletions are in the brake with their words, and its hash confirms them", () =>
    Effect.gen(function* () {
      const control = yield* ControlPlane
      yield* post(spec)
      yield* pass(2_000)
      assert.deepStrictEqual(yield* control.decided, { decided: true, held: null })
      yield* post({})
      const told = yield* control.decided
      yield* pass(200)
      const { brake, counts, held, routes } = yield* statusNow
      assert.deepStrictEqual(routes, {})
      assert.isNotNull(brake)
      assert.strictEqual(brake?.deletions.length, 8)
      const hash = brake?.hash ?? ""
      const why = "the spec is empty"
      assert.strictEqual(brake?.why, why)
      const confirm = `POST /held/${hash}/confirm`
      assert.deepStrictEqual(told, { decided: true, held: { hash, why, deletions: 8, confirm } })
      assert.match(brake?.deletions[0] ?? "", /^delete 10\.66\.17\.0\/24 in rtb-00main /)
      assert.isTrue(
        held.every(
          ({ hash, reason, waiting }) => hash === brake?.hash && reason === "deletion_brake" && waiting !== null,
        ),
      )
      assert.strictEqual(counts.held, 8)
      assert.isFalse(yield* control.confirm("0000000000000000"))
      assert.isTrue(yield* control.confirm(brake?.hash ?? ""))
      yield* pass(2_000)
      const after = yield* statusNow
      assert.isNull(after.brake)
      assert.strictEqual(after.counts.held, 0)
      assert.isFalse(after.tables.some(({ cells }) => cells.some(({ owned }) => owned)))
    }).pipe(Effect.provide(steered)),
  )

  it.effect("a write that EC2 denies is listed with its code, its tries and when it is tried again", () =>
    Effect.gen(function* () {
      const { addFault } = yield* Simulation
      yield* addFault(denyTable(RouteTableId("rtb-0a20")))
      yield* post({ "10.66.17.0/24": ["10.33.20.93"] })
      yield* pass(3_000)
      const { counts, failed_writes, held } = yield* statusNow
      assert.strictEqual(counts.failed_writes, 1)
      assert.include(failed_writes[0], {
        cidr: "10.66.17.0/24",
        table: "rtb-0a20",
        write: "create",
        disposition: "denied",
        code: "UnauthorizedOperation",
      })
      assert.match(failed_writes[0]?.retry_at ?? "", time)
      assert.match(failed_writes[0]?.words ?? "", /^create 10\.66\.17\.0\/24 in rtb-0a20 to 10\.33\.20\.93 /)
      assert.include(held[0], { reason: "write_failed", waiting: failed_writes[0]?.words ?? "" })
    }).pipe(Effect.provide(steered)),
  )

  it.effect("equal states are equal texts, but for the clock", () =>
    Effect.gen(function* () {
      yield* post(spec)
      yield* pass(2_000)
      const one = yield* statusNow
      yield* pass(100)
      const two = yield* statusNow
      const still = ({ last_refresh, now, ...rest }: StatusJson) =>
        JSON.stringify({ ...rest, at: last_refresh.at, now: now.length })
      assert.strictEqual(still(one), still(two))
      assert.notStrictEqual(one.now, two.now)
    }).pipe(Effect.provide(steered)),
  )
})
