import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { cidr } from "../../src/domain/Cidr.ts"
import { InterfaceId, RouteTableId } from "../../src/domain/Ids.ts"
import { ip } from "../../src/domain/Ip.ts"
import { RouteTarget } from "../../src/domain/Vpc.ts"
import { Metrics, layer as metricsLayer } from "../../src/runtime/metrics/Metrics.ts"
import { Reconciler } from "../../src/runtime/Reconciler.ts"
import { SpecNews } from "../../src/services/config/ConfigSource.ts"
import { putByHand, replaceRoute } from "../../src/services/ec2/SimulatedRoutes.ts"
import { Simulation } from "../../src/services/ec2/Simulation.ts"
import { nameOf, readExposition } from "../support/metrics/Exposition.ts"
import { daemon, type DaemonOptions, pass, Specs } from "../support/runtime/SimulatedDaemon.ts"

const range = "10.66.17.0/24"
const [first, second] = ["10.33.20.93", "10.33.30.22"]
const two = { [range]: [first, second] }

/** A daemon with metrics, whose registry is its own. */
const watched = (options: DaemonOptions = {}) =>
  metricsLayer({ version: "1.2.3", dryRun: options.dryRun === true, updateEvery: undefined }).pipe(
    Layer.provideMerge(daemon(options)),
    Layer.provide(Layer.sync(Metric.MetricRegistry, () => new Map())),
  )

const scraped = Effect.map(
  Effect.flatMap(Metrics, ({ text }) => text),
  readExposition,
)

/** The value of a series, such as `held{reason="conflict"}`. */
const value = (series: string) =>
  Effect.map(scraped, ({ values }) => {
    const found = values.get(`vpc_router_${series}`)
    assert.isDefined(found, `no series vpc_router_${series}`)
    return found!
  })

const values = (...series: ReadonlyArray<string>) => Effect.forEach(series, value)

const accept = (shape: Record<string, ReadonlyArray<string>>, millis = 3_000) =>
  Effect.gen(function* () {
    yield* pass(200)
    yield* (yield* Specs).accept(shape)
    yield* pass(millis)
  })

const carrier = Effect.gen(function* () {
  const { tables } = yield* (yield* Reconciler).status
  return ip([...(tables[0]?.cells ?? [])].find((cell) => cell.cidr === range)?.host ?? "")
})

const many = (count: number, hosts: ReadonlyArray<string>) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`10.${70 + (n >> 8)}.${n & 255}.0/24`, hosts]))

describe("metrics", () => {
  it.effect("say what is in force, and that nothing is before a spec is", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* values("protecting", "spec_cidrs", "spec_hosts"), [0, 0, 0])
      yield* accept(two)
      assert.deepStrictEqual(
        yield* values("protecting", "restored", "spec_cidrs", "spec_hosts", "route_tables", "owned_routes"),
        [1, 0, 1, 2, 3, 3],
      )
      assert.deepStrictEqual(
        yield* values('hosts{verdict="healthy"}', 'hosts{verdict="failed"}', 'hosts{verdict="unknown"}'),
        [2, 0, 0],
      )
      assert.strictEqual(yield* value('specs_total{result="accepted"}'), 1)
      assert.strictEqual(yield* value('writes_total{action="create",result="done"}'), 3)
      assert.strictEqual(yield* value('write_duration_seconds_count{action="create"}'), 3)
    }).pipe(Effect.provide(watched())),
  )

  it.effect("measure each stage of a failover, and the whole of it", () =>
    Effect.gen(function* () {
      yield* accept(two)
      yield* (yield* Simulation).fail(yield* carrier)
      yield* pass(1_600)
      const stage = (name: string, part: string) => value(`failover_stage_seconds_${part}{stage="${name}"}`)
      for (const name of ["detected", "first_write", "all_written"]) assert.strictEqual(yield* stage(name, "count"), 1)
      assert.strictEqual(yield* stage("verified", "count"), 0)
      assert.isAbove(yield* stage("detected", "sum"), 0.3)
      assert.isBelow(yield* stage("detected", "sum"), 0.5)
      // One call to EC2, and the next ones beside it.
      assert.isAbove(yield* stage("first_write", "sum"), 0.01)
      assert.isBelow(yield* stage("first_write", "sum"), 0.2)
      const [whole, ...parts] = yield* Effect.all([
        value("failover_duration_seconds_sum"),
        stage("detected", "sum"),
        stage("first_write", "sum"),
        stage("all_written", "sum"),
      ])
      assert.closeTo(
        whole ?? 0,
        parts.reduce((sum, part) => sum + part, 0),
        0.001,
      )
      yield* pass(3_000)
      assert.strictEqual(yield* stage("verified", "count"), 1)
      assert.isAbove(yield* stage("verified", "sum"), 1)
      assert.isAtMost(yield* stage("verified", "sum"), 2)
      assert.strictEqual(yield* value('verdicts_total{verdict="failed"}'), 1)
      assert.strictEqual(yield* value('writes_total{action="replace",result="done"}'), 3)
    }).pipe(Effect.provide(watched())),
  )

  it.effect("show routes on failed hosts for as long as they lead there, and CIDRs that have nowhere to go", () =>
    Effect.gen(function* () {
      const { fail, heal } = yield* Simulation
      yield* accept({ ...two, "10.66.18.0/24": [first] })
      const lost = ["cells_on_failed_hosts", "cidrs_without_healthy_host", "cidrs_without_alternative"]
      assert.deepStrictEqual(yield* values(...lost), [0, 0, 0])
      const spared = (yield* carrier) === ip(first) ? second : first
      yield* fail(ip(spared))
      yield* pass(3_000)
      const alone = spared === first ? 1 : 0
      assert.deepStrictEqual(yield* values(...lost), [alone * 3, alone, 1])
      for (const host of [first, second]) yield* fail(ip(host))
      yield* pass(3_000)
      assert.deepStrictEqual(yield* values(...lost), [6, 2, 1])
      assert.strictEqual(yield* value('held{reason="no_healthy_host"}'), 2)
      for (const host of [first, second]) yield* heal(ip(host))
      yield* pass(5_000)
      assert.deepStrictEqual(yield* values(...lost), [0, 0, 0])
    }).pipe(Effect.provide(watched())),
  )

  it.effect("show routes of other kinds, and cells that somebody keeps changing back", () =>
    Effect.gen(function* () {
      const { change } = yield* Simulation
      const internetGateway = RouteTarget.Other({ kind: "gateway", id: "igw-1" })
      const table = RouteTableId("rtb-0a20")
      yield* change(putByHand({ table, cidr: cidr("10.66.18.0/24") }, internetGateway))
      yield* accept({ ...two, "10.66.18.0/24": [first] })
      assert.deepStrictEqual(yield* values('held{reason="conflict"}', 'held{reason="contended"}'), [1, 0])
      for (let times = 0; times < 4; times++) {
        yield* change((vpc) => replaceRoute(vpc, { table, cidr: cidr(range) }, InterfaceId("eni-0c40011")))
        yield* pass(31_000, 100)
      }
      assert.deepStrictEqual(yield* values('held{reason="conflict"}', 'held{reason="contended"}'), [1, 1])
    }).pipe(Effect.provide(watched())),
  )

  it.effect("show that EC2 cannot be read: how old the last reading is, and what EC2 said", () =>
    Effect.gen(function* () {
      const { addFault, clearFaults } = yield* Simulation
      yield* pass(1_000)
      assert.deepStrictEqual(yield* values("refresh_failing", 'refreshes_total{result="done"}'), [0, 1])
      yield* addFault({ operation: "DescribeRouteTables", code: "UnauthorizedOperation", times: Infinity })
      yield* pass(120_000, 500)
      assert.isAbove(yield* value("refresh_age_seconds"), 115)
      assert.strictEqual(yield* value("refresh_failing"), 1)
      assert.isAbove(yield* value('refreshes_total{result="denied"}'), 3)
      yield* clearFaults
      yield* pass(40_000, 500)
      assert.strictEqual(yield* value("refresh_failing"), 0)
      assert.isBelow(yield* value("refresh_age_seconds"), 31)
    }).pipe(Effect.provide(watched())),
  )

  it.effect("show a source of specs that does not work, until it does", () =>
    Effect.gen(function* () {
      const { tell } = yield* Specs
      const up = 'source_up{source="config",name="test"}'
      yield* pass(100)
      assert.deepStrictEqual(yield* values(up, 'source_up{source="health",name="simulated"}'), [1, 1])
      yield* tell(SpecNews.Rejected({ problems: [{ path: "$", message: "expected JSON" }] }))
      yield* tell(SpecNews.Unreadable({ why: "no such file" }))
      yield* pass(100)
      assert.strictEqual(yield* value(up), 0)
      assert.deepStrictEqual(
        yield* values('specs_total{result="rejected"}', 'specs_total{result="unreadable"}'),
        [1, 1],
      )
      yield* accept(two)
      assert.strictEqual(yield* value(up), 1)
    }).pipe(Effect.provide(watched())),
  )

  it.effect("show how long writes wait for EC2's rate limit, and what is left of it", () =>
    Effect.gen(function* () {
      const pending = ['queued_writes{urgency="creation"}', "oldest_pending_write_age_seconds"]
      assert.deepStrictEqual(yield* values('write_tokens{action="create"}', ...pending), [50, 0, 0])
      yield* accept(many(60, [first]), 10_000)
      const [tokens, queued, age] = yield* values('write_tokens{action="create"}', ...pending)
      assert.isBelow(tokens ?? 50, 2)
      assert.isAbove(queued ?? 0, 50)
      assert.isAbove(age ?? 0, 8)
      yield* pass(30_000, 50)
      assert.deepStrictEqual(yield* values(...pending), [0, 0])
    }).pipe(Effect.provide(watched())),
  )

  it.effect("count throttled writes by what EC2 said, and do not count them as done", () =>
    Effect.gen(function* () {
      yield* (yield* Simulation).addFault({ operation: "CreateRoute", code: "RequestLimitExceeded", times: 2 })
      yield* accept(two, 20_000)
      assert.deepStrictEqual(
        yield* values(
          'writes_total{action="create",result="throttled"}',
          'writes_total{action="create",result="done"}',
        ),
        [2, 3],
      )
    }).pipe(Effect.provide(watched())),
  )

  it.effect("count probes: those sent, answered and missed", () =>
    Effect.gen(function* () {
      const counts = ["sent", "answered", "missed", "unsent"].map((what) => `probes_${what}_total{check="simulated"}`)
      yield* accept(two, 5_500)
      assert.deepStrictEqual(yield* values(...counts), [12, 12, 0, 0])
      yield* (yield* Simulation).fail(ip(first))
      yield* pass(2_000)
      const [sent, answered, missed] = yield* values(...counts)
      // Three that make it failed, and one more; the one after that may yet be answered.
      assert.strictEqual(missed, 4)
      assert.strictEqual(sent, (answered ?? 0) + 5)
    }).pipe(Effect.provide(watched())),
  )

  it.effect("in a dry run say so, and show what would be written as pending", () =>
    Effect.gen(function* () {
      yield* accept(two)
      assert.deepStrictEqual(
        yield* values("dry_run", 'queued_writes{urgency="creation"}', 'writes_total{action="create",result="done"}'),
        [1, 3, 0],
      )
    }).pipe(Effect.provide(watched({ dryRun: true }))),
  )

  it.effect("have names by Prometheus' conventions, a type and a sentence each", () =>
    Effect.gen(function* () {
      const { families, values: all } = yield* scraped
      for (const [name, { help, type }] of families) {
        assert.match(name, /^(vpc_router|process)_[a-z_]+$/)
        assert.match(help, /\.$/, name)
        assert.strictEqual(type === "counter", name.endsWith("_total"), name)
        if (type === "histogram") assert.match(name, /_seconds$/)
      }
      for (const series of all.keys())
        assert.isTrue(families.has(nameOf(series)) || families.has(nameOf(series).replace(/_(bucket|sum|count)$/, "")))
    }).pipe(Effect.provide(watched())),
  )

  it.effect("are as many for 200 CIDRs, failed hosts and held writes as for nothing", () =>
    Effect.gen(function* () {
      const before = [...(yield* scraped).values.keys()]
      const { addFault, fail } = yield* Simulation
      yield* addFault({
        operation: "CreateRoute",
        code: "RouteLimitExceeded",
        table: RouteTableId("rtb-0a20"),
        times: Infinity,
      })
      yield* accept(many(200, [first, second, "10.33.40.11", "10.99.9.9"]), 5_000)
      yield* fail(ip(first))
      yield* pass(5_000)
      yield* accept({})
      assert.deepStrictEqual([...(yield* scraped).values.keys()], before)
    }).pipe(Effect.provide(watched())),
  )
})
