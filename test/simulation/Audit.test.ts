import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { ip } from "../../src/domain/Ip.ts"
import { Reconciler } from "../../src/runtime/Reconciler.ts"
import { AuditLog } from "../../src/services/audit/AuditLog.ts"
import { AuditRecord } from "../../src/services/audit/AuditRecord.ts"
import { CurrentOperator } from "../../src/services/CurrentOperator.ts"
import { denyTable } from "../../src/services/ec2/SimulatedFaults.ts"
import { Simulation } from "../../src/services/ec2/Simulation.ts"
import { RouteTableId } from "../../src/domain/Ids.ts"
import * as StateStore from "../../src/services/state/StateStore.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { daemon, type DaemonOptions, pass, spec, Specs } from "../support/runtime/SimulatedDaemon.ts"

const range = "10.66.17.0/24"
const [first, second] = ["10.33.20.93", "10.33.30.22"]
const eni: Record<string, string> = { [first]: "eni-0a20093", [second]: "eni-0b30022" }

const wholeRecord = Schema.decodeUnknownSync(Schema.fromJsonString(AuditRecord), { onExcessProperty: "error" })

/** Runs a daemon and gives what it wrote down, each record as it survives JSON. */
const audited = <A, E>(
  run: Effect.Effect<A, E, Reconciler | Specs | Simulation>,
  options: DaemonOptions = {},
): Effect.Effect<ReadonlyArray<AuditRecord>, E> =>
  Effect.gen(function* () {
    const records: Array<AuditRecord> = []
    const log = Layer.succeed(AuditLog, {
      record: (record) => Effect.sync(() => void records.push(wholeRecord(JSON.stringify(record)))),
    })
    yield* run.pipe(Effect.provide(daemon(options).pipe(Layer.provide(log))))
    return records
  })

const of = <Kind extends AuditRecord["kind"]>(records: ReadonlyArray<AuditRecord>, kind: Kind) =>
  records.filter((record): record is Extract<AuditRecord, { kind: Kind }> => record.kind === kind)

const accepted = (shape: Record<string, ReadonlyArray<string>>) =>
  Effect.gen(function* () {
    yield* pass(200)
    yield* (yield* Specs).accept(shape)
    yield* pass(3_000)
  })

const asking = (peer: string) => Effect.provideService(CurrentOperator, { peer })

describe("the audit log", () => {
  it.effect("tells every write: what, where, from what to what, why, on whose spec, and what EC2 answered", () =>
    Effect.gen(function* () {
      const records = of(yield* audited(accepted({ [range]: [first] })), "write")
      assert.strictEqual(records.length, 3)
      assert.deepInclude(records[0], {
        kind: "write",
        action: "create",
        urgency: "creation",
        table: "rtb-00main",
        cidr: range,
        before: null,
        after: { host: first, interface: eni[first] ?? "" },
        reason: "missing",
        why: "the route is missing",
        operator: null,
        outcome: "done",
        attempts: 1,
        error: null,
      })
      assert.match(records[0]?.request_id ?? "", /^simulated-\d+$/)
      assert.strictEqual(new Set(records.map(({ request_id }) => request_id)).size, 3)
      assert.deepInclude(records[0]?.spec, { source: "test", peer: null })
    }),
  )

  it.effect("tells a failover by the host and how it was found to have failed", () =>
    Effect.gen(function* () {
      const records = yield* audited(
        Effect.gen(function* () {
          yield* accepted({ [range]: [first, second] })
          const { tables } = yield* (yield* Reconciler).status
          const host = [...(tables[0]?.cells ?? [])].find(({ cidr }) => cidr === range)?.host ?? first
          yield* (yield* Simulation).fail(ip(host))
          yield* pass(3_000)
        }),
      )
      const moved = of(records, "write").filter(({ reason }) => reason === "host_failed")
      assert.strictEqual(moved.length, 3)
      for (const { action, after, before, urgency, why } of moved) {
        assert.deepStrictEqual([action, urgency], ["replace", "failover"])
        assert.match(why, /^host .* failed: no reply to 3 probes/)
        assert.sameMembers([before, after?.interface ?? null], Object.values(eni))
      }
    }),
  )

  it.effect("tells a write that failed with EC2's own words, and how often it was tried", () =>
    Effect.gen(function* () {
      const records = yield* audited(
        Effect.gen(function* () {
          yield* (yield* Simulation).addFault(denyTable(RouteTableId("rtb-0a20")))
          yield* accepted({ [range]: [first] })
        }),
      )
      const failed = of(records, "write").filter(({ outcome }) => outcome === "failed")
      assert.strictEqual(failed.length, 1)
      assert.deepInclude(failed[0], { table: "rtb-0a20", attempts: 1 })
      assert.deepInclude(failed[0]?.error, { code: "UnauthorizedOperation", disposition: "denied" })
      assert.match(failed[0]?.request_id ?? "", /^simulated-/)
    }),
  )

  it.effect("tells what a spec changed, and lists at most 100 changes", () =>
    Effect.gen(function* () {
      const many = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`10.70.${n}.0/24`, [first]]))
      const records = yield* audited(
        Effect.gen(function* () {
          yield* accepted({ [range]: [first], "10.66.18.0/24": [first] })
          yield* accepted({ [range]: [first, second], "10.66.19.0/24": [second] })
          yield* accepted(many)
        }),
      )
      const [begun, changed, replaced] = of(records, "spec")
      assert.deepInclude(begun, { source: "test", peer: null, cidrs: 2, hosts: 1, more: 0 })
      assert.deepStrictEqual(changed?.changes, [
        { cidr: range, before: [first], after: [first, second] },
        { cidr: "10.66.18.0/24", before: [first], after: null },
        { cidr: "10.66.19.0/24", before: null, after: [second] },
      ])
      assert.strictEqual(replaced?.changes.length, 100)
      assert.strictEqual(replaced?.more, 52)
    }),
  )

  it.effect("names who drained a host, at the drain and at each write that it led to", () =>
    Effect.gen(function* () {
      const records = yield* audited(
        Effect.gen(function* () {
          yield* accepted({ [range]: [first, second] })
          const { drain, status } = yield* Reconciler
          const { tables } = yield* status
          const host = ip([...(tables[0]?.cells ?? [])].find(({ cidr }) => cidr === range)?.host ?? first)
          yield* Effect.forkChild(drain(host, true).pipe(asking("10.9.8.7")))
          yield* pass(3_000)
          yield* Effect.forkChild(drain(host, false).pipe(asking("10.9.8.6")))
          yield* pass(100)
        }),
      )
      assert.deepInclude(
        records.find(({ kind }) => kind === "drain"),
        { peer: "10.9.8.7" },
      )
      assert.deepInclude(
        records.find(({ kind }) => kind === "undrain"),
        { peer: "10.9.8.6" },
      )
      const moved = of(records, "write").filter(({ reason }) => reason === "host_drained")
      assert.strictEqual(moved.length, 3)
      for (const { operator } of moved) assert.deepInclude(operator, { action: "drain", peer: "10.9.8.7" })
    }),
  )

  it.effect("names who confirmed deletions, at the confirmation and at each deletion", () =>
    Effect.gen(function* () {
      const records = yield* audited(
        Effect.gen(function* () {
          yield* accepted({ "10.70.1.0/24": [first], "10.70.2.0/24": [first], "10.70.3.0/24": [first] })
          yield* accepted({})
          const { confirm, status } = yield* Reconciler
          const { brake } = yield* status
          yield* Effect.forkChild(confirm(brake?.hash ?? "none").pipe(asking("127.0.0.1")))
          yield* pass(3_000)
        }),
      )
      const [confirmed] = of(records, "confirm")
      assert.strictEqual(confirmed?.peer, "127.0.0.1")
      assert.strictEqual(confirmed?.deletions.length, 9)
      const deleted = of(records, "write").filter(({ action }) => action === "delete")
      assert.strictEqual(deleted.length, 9)
      for (const { after, before, operator } of deleted) {
        assert.deepInclude(operator, { action: "confirm", peer: "127.0.0.1" })
        assert.deepStrictEqual([before, after], [eni[first], null])
      }
    }),
  )

  it.effect("names nobody for deletions that came after those that were confirmed, of the same routes", () =>
    Effect.gen(function* () {
      const range = "10.70.1.0/24"
      const records = yield* audited(
        Effect.gen(function* () {
          yield* accepted({ [range]: [first] })
          yield* accepted({})
          const { confirm, status } = yield* Reconciler
          const { brake } = yield* status
          yield* Effect.forkChild(confirm(brake?.hash ?? "none").pipe(asking("127.0.0.1")))
          yield* pass(3_000)
          yield* accepted({ [range]: [first] })
          yield* accepted({ [range]: [] })
        }),
      )
      const deleted = of(records, "write").filter(({ action }) => action === "delete")
      assert.deepStrictEqual(
        deleted.map(({ operator }) => operator?.action ?? "nobody"),
        ["confirm", "confirm", "confirm", "nobody", "nobody", "nobody"],
      )
    }),
  )

  it.effect("says after a restart that the spec is the one that was kept", () =>
    Effect.gen(function* () {
      const drained = new Set([ip(second)])
      const restored = {
        spec: spec({ [range]: [first, second] }),
        named: new Set([cidr(range)]),
        drained,
        confirmed: [],
        letGo: new Map(),
        brake: undefined,
        hour: [],
      }
      const store = Layer.succeed(StateStore.StateStore, { restored, keep: () => Effect.void })
      const records = yield* audited(pass(13_000, 100), { store })
      assert.deepInclude(records[0], { kind: "restored", cidrs: 1, hosts: 2, drained: [second] })
      for (const write of of(records, "write")) assert.deepInclude(write.spec, { source: "state-file", peer: null })
      assert.isNotEmpty(of(records, "write"))
    }),
  )

  it.effect("says that the outcome is not known of a write that EC2 had not answered when the daemon ended", () =>
    Effect.gen(function* () {
      const records = yield* audited(
        Effect.gen(function* () {
          yield* pass(200)
          yield* (yield* Simulation).setLatency(60_000)
          yield* (yield* Specs).accept({ [range]: [first] })
          yield* pass(3_000)
        }),
      )
      const writes = of(records, "write")
      assert.deepStrictEqual(
        writes.map(({ attempts, outcome, table }) => [table, outcome, attempts]),
        [
          ["rtb-00main", "unknown", null],
          ["rtb-0a20", "unknown", null],
          ["rtb-0b30", "unknown", null],
        ],
      )
    }),
  )
})
