import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Metric, Schedule, Schema } from "effect"
import * as AuditFile from "../../../src/services/audit/AuditFile.ts"
import { AuditLog } from "../../../src/services/audit/AuditLog.ts"
import { AuditRecord } from "../../../src/services/audit/AuditRecord.ts"
import { withFolder } from "../../support/TemporaryFolder.ts"

const at = (n: number) => `2026-03-01T12:00:00.${String(n % 1000).padStart(3, "0")}Z`
const drain = (host: string, n = 0): AuditRecord => ({ time: at(n), kind: "drain", host, peer: null })

/** Runs what writes to the audit log in `file`; it is closed then. Gives the lines of the daemon's log and the metrics. */
const logging = <A, E>(file: string, use: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const said: Array<string> = []
    const logger = Logger.make(({ message }) => void said.push(String(message)))
    const registry = new Map()
    const layer = AuditFile.layer(file).pipe(
      Layer.provide([NodeFileSystem.layer, Logger.layer([logger]), Layer.succeed(Metric.MetricRegistry, registry)]),
    )
    const metrics = Layer.succeed(Metric.MetricRegistry, registry)
    yield* use.pipe(Effect.provide(Layer.merge(layer, metrics), { local: true }))
    return said
  })

const record = (...records: ReadonlyArray<AuditRecord>) =>
  Effect.gen(function* () {
    const log = yield* AuditLog
    for (const one of records) yield* log.record(one)
  })

const metric = (name: string, result?: string) =>
  Effect.map(Metric.snapshot, (all) => {
    const found = all.find(
      ({ attributes, id }) => id === name && (result === undefined || attributes?.["result"] === result),
    )
    if (found?.type === "Counter") return Number(found.state.count)
    return found?.type === "Gauge" ? Number(found.state.value) : undefined
  })

const until = (what: string, holds: Effect.Effect<boolean>) =>
  Effect.flatMap(holds, (isSo) => (isSo ? Effect.void : Effect.fail(`not seen: ${what}`))).pipe(
    Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 500 }),
  )

const linesOf = (file: string): ReadonlyArray<string> =>
  existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : []
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(AuditRecord))
const hostsIn = (file: string) =>
  linesOf(file).map((line) => {
    const one = decode(line)
    return one.kind === "drain" ? one.host : one.kind
  })
const hasLines = (file: string, count: number) =>
  until(
    `${count} lines`,
    Effect.sync(() => linesOf(file).filter((line) => line !== "").length >= count),
  )

describe("an audit log in a file", () => {
  it.live("has one JSON object a line, in their order, behind what was there, and others may not read it", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "audit.log")
        yield* logging(file, record(drain("10.0.0.1"), drain("10.0.0.2")))
        yield* logging(file, record(drain("10.0.0.3")))
        assert.deepStrictEqual(hostsIn(file), ["10.0.0.1", "10.0.0.2", "10.0.0.3"])
        assert.strictEqual(statSync(file).mode & 0o007, 0)
      }),
    ),
  )

  it.live("begins a line of its own after one that a crash cut off", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const file = join(folder, "audit.log")
        appendFileSync(file, '{"time":"2026-')
        yield* logging(file, record(drain("10.0.0.1")))
        assert.deepStrictEqual(linesOf(file), ['{"time":"2026-', JSON.stringify(drain("10.0.0.1"))])
      }),
    ),
  )

  it.live("goes on in a new file at SIGHUP, after a rotation", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const [file, old] = [join(folder, "audit.log"), join(folder, "audit.log.1")]
        yield* logging(
          file,
          Effect.gen(function* () {
            yield* record(drain("10.0.0.1"))
            yield* hasLines(file, 1)
            renameSync(file, old)
            yield* record(drain("10.0.0.2"))
            yield* hasLines(old, 2)
            process.emit("SIGHUP")
            yield* until(
              "the new file",
              Effect.sync(() => statSync(file, { throwIfNoEntry: false }) !== undefined),
            )
            yield* record(drain("10.0.0.3"))
          }),
        )
        assert.deepStrictEqual(hostsIn(old), ["10.0.0.1", "10.0.0.2"])
        assert.deepStrictEqual(hostsIn(file), ["10.0.0.3"])
      }),
    ),
  )

  it.live("that cannot be opened stops the start with a reason", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const nowhere = join(folder, "nowhere", "audit.log")
        const missing = yield* Effect.flip(logging(nowhere, Effect.void))
        assert.match(missing.why, /nowhere\/audit\.log/)
        mkdirSync(join(folder, "directory"))
        const directory = yield* Effect.flip(logging(join(folder, "directory"), Effect.void))
        assert.match(directory.why, /directory/)
      }),
    ),
  )

  it.live("that fills its disk is said once, stops nothing, and loses nothing once there is room again", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const [file, real] = [join(folder, "audit.log"), join(folder, "real")]
        symlinkSync("/dev/full", file)
        const said = yield* logging(
          file,
          Effect.gen(function* () {
            yield* record(drain("10.0.0.1"))
            yield* until(
              "that it fails",
              Effect.map(metric("vpc_router_audit_failing"), (value) => value === 1),
            )
            yield* record(drain("10.0.0.2"))
            process.emit("SIGHUP")
            yield* Effect.sleep("50 millis")
            rmSync(file)
            symlinkSync(real, file)
            process.emit("SIGHUP")
            yield* until(
              "that it works",
              Effect.map(metric("vpc_router_audit_failing"), (value) => value === 0),
            )
            assert.strictEqual(yield* metric("vpc_router_audit_records_total", "written"), 2)
            assert.strictEqual(yield* metric("vpc_router_audit_records_total", "lost"), 0)
          }),
        )
        assert.deepStrictEqual(hostsIn(real), ["10.0.0.1", "10.0.0.2"])
        assert.strictEqual(said.filter((line) => line.includes("cannot be written")).length, 1)
        assert.match(said[0] ?? "", /no space left/)
        assert.strictEqual(said.filter((line) => line.includes("can be written again")).length, 1)
      }),
    ),
  )

  it.live("that cannot be written for long keeps a bounded number of records, and counts and tells those it lost", () =>
    withFolder((folder) =>
      Effect.gen(function* () {
        const [file, real] = [join(folder, "audit.log"), join(folder, "real")]
        symlinkSync("/dev/full", file)
        const length = JSON.stringify(drain("10.0.0.1")).length
        const attempted = Math.ceil((4.5 * 1024 * 1024) / length)
        yield* logging(
          file,
          Effect.gen(function* () {
            for (let n = 0; n < attempted; n++) yield* record(drain("10.0.0.1", n))
            const lost = (yield* metric("vpc_router_audit_records_total", "lost")) ?? 0
            assert.strictEqual(lost, attempted - Math.floor((4 * 1024 * 1024) / length))
            rmSync(file)
            symlinkSync(real, file)
            process.emit("SIGHUP")
            yield* hasLines(real, attempted - lost + 1)
            assert.strictEqual(linesOf(real).length, attempted - lost + 1)
            const last = decode(linesOf(real).at(-1) ?? "")
            assert.deepInclude(last, { kind: "lost", records: lost })
          }),
        )
      }),
    ),
  )
})
