import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { ip } from "../../src/domain/Ip.ts"
import { RouteTableId } from "../../src/domain/Ids.ts"
import { entryOf } from "../../src/runtime/LogFormat.ts"
import { Reconciler } from "../../src/runtime/Reconciler.ts"
import { SpecNews } from "../../src/services/config/ConfigSource.ts"
import { denyTable } from "../../src/services/ec2/SimulatedFaults.ts"
import { Simulation } from "../../src/services/ec2/Simulation.ts"
import { carriers, daemon, type DaemonOptions, pass, Specs } from "../support/runtime/SimulatedDaemon.ts"

const range = "10.66.17.0/24"
const hosts = ["10.33.20.93", "10.33.30.22"]
const two = { [range]: hosts }

/** The daemon, and its log from `info` on. */
const logging = (options?: DaemonOptions) => {
  const lines: Array<string> = []
  const collect = Logger.make((logged) => {
    const { level, message } = entryOf(logged)
    if (level !== "Debug" && level !== "Trace") lines.push(`${message}`)
  })
  const matching = (pattern: RegExp): ReadonlyArray<string> => lines.filter((line) => pattern.test(line))
  return { matching, layer: daemon(options).pipe(Layer.provideMerge(Layer.fresh(Logger.layer([collect])))) }
}

const posted = (shape: Record<string, ReadonlyArray<string>> = two) =>
  Effect.gen(function* () {
    yield* pass(200)
    yield* (yield* Specs).accept(shape)
    yield* pass(3_000)
  })

const carrier = Effect.gen(function* () {
  const at = (yield* carriers(range))["rtb-00main"]
  return at === "eni-0a20093" ? "10.33.20.93" : "10.33.30.22"
})

describe("the log", () => {
  it.effect("has a line for each decision, with its reason, and one that says what became of them all", () => {
    const { layer, matching } = logging()
    return Effect.gen(function* () {
      yield* posted()
      assert.lengthOf(matching(/^create .*: the route is missing$/), 3)
      assert.lengthOf(matching(/^3 writes done in \d+ ms$/), 1)
      yield* pass(60_000, 50)
      assert.lengthOf(matching(/writes? done/), 1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("counts what was superseded before it was sent, and says what failed", () => {
    const { layer, matching } = logging()
    return Effect.gen(function* () {
      const { addFault } = yield* Simulation
      yield* addFault(denyTable(RouteTableId("rtb-00main")))
      yield* posted()
      assert.lengthOf(matching(/^not done: create .* in rtb-00main .*UnauthorizedOperation/), 1)
      assert.lengthOf(matching(/^2 of 3 writes done in \d+ ms, 1 failed$/), 1)
      const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`10.70.${n}.0/24`, hosts]))
      yield* (yield* Specs).accept({ ...two, ...many })
      yield* (yield* Specs).accept(two)
      yield* pass(20_000, 50)
      assert.lengthOf(matching(/^\d+ of \d+ writes done in .*, \d+ superseded/), 1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("says once a minute how far a long batch is", () => {
    const { layer, matching } = logging()
    return Effect.gen(function* () {
      yield* posted(Object.fromEntries(Array.from({ length: 220 }, (_, n) => [`10.70.${n}.0/24`, hosts])))
      yield* pass(130_000, 50)
      assert.lengthOf(matching(/^\d+ of 660 writes done so far, in \d+ s$/), 2)
      yield* pass(20_000, 50)
      assert.lengthOf(matching(/^660 writes done in 12\d\.\d s$/), 1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("sums up nothing in a dry run", () => {
    const { layer, matching } = logging({ dryRun: true })
    return Effect.gen(function* () {
      yield* posted()
      yield* pass(70_000, 100)
      assert.lengthOf(matching(/^dry run: would create/), 3)
      assert.deepStrictEqual(matching(/writes? done/), [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("says once that a failover is complete, and not before its last route is moved", () => {
    const { layer, matching } = logging()
    return Effect.gen(function* () {
      const { addFault, clearFaults, fail } = yield* Simulation
      yield* posted()
      yield* addFault(denyTable(RouteTableId("rtb-00main")))
      const dead = yield* carrier
      yield* fail(ip(dead))
      yield* pass(10_000, 20)
      assert.deepStrictEqual(matching(/complete/), [])
      yield* clearFaults
      yield* pass(60_000, 50)
      assert.lengthOf(
        matching(new RegExp(`^failover of ${dead} complete: 3 routes moved, \\d+ ms after the verdict`)),
        1,
      )
      assert.lengthOf(matching(/complete/), 1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("speaks of one route as one", () => {
    const { layer, matching } = logging()
    return Effect.gen(function* () {
      yield* posted()
      const { addFault, fail } = yield* Simulation
      for (const table of ["rtb-0a20", "rtb-0b30"]) yield* addFault(denyTable(RouteTableId(table)))
      yield* fail(ip(yield* carrier))
      yield* pass(5_000, 20)
      assert.lengthOf(matching(/^1 of 3 writes done/), 1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("does not speak of the last good spec where there was none", () => {
    const { layer, matching } = logging()
    return Effect.gen(function* () {
      const { tell } = yield* Specs
      const rejected = SpecNews.Rejected({ problems: [{ path: "$", message: "expected JSON" }] })
      yield* pass(200)
      yield* tell(rejected)
      yield* tell(SpecNews.Unreadable({ why: "no such file" }))
      yield* pass(100)
      assert.deepStrictEqual(matching(/last good/), [])
      assert.lengthOf(matching(/nothing is protected until one is/), 2)
      const trouble = () =>
        Effect.map(
          Effect.flatMap(Reconciler, ({ status }) => status),
          ({ config }) => config.trouble,
        )
      assert.isFalse((yield* trouble())?.isSpecInForce)
      yield* posted()
      yield* tell(rejected)
      yield* pass(100)
      assert.lengthOf(matching(/the last good one stays/), 1)
      assert.isTrue((yield* trouble())?.isSpecInForce)
    }).pipe(Effect.provide(layer))
  })
})

describe("a failover", () => {
  it.effect("is verified within seconds of its last write, by one reading", () =>
    Effect.gen(function* () {
      const { calls, fail } = yield* Simulation
      yield* posted()
      yield* pass(10_000, 50)
      const readings = Effect.map(calls, (made) => made.get("DescribeRouteTables") ?? 0)
      const before = yield* readings
      yield* fail(ip(yield* carrier))
      yield* pass(4_000)
      const [failover] = (yield* (yield* Reconciler).status).failovers
      const { lastWriteAt = 0, verifiedAt = Infinity } = failover ?? {}
      assert.isAtMost(verifiedAt - lastWriteAt, 2_000)
      assert.strictEqual((yield* readings) - before, 1)
    }).pipe(Effect.provide(daemon({ recheckInterval: 3_600_000 }))),
  )

  it.effect("asks for no reading where rereading is turned off", () =>
    Effect.gen(function* () {
      const { calls, fail } = yield* Simulation
      yield* posted()
      yield* pass(10_000, 50)
      const before = (yield* calls).get("DescribeRouteTables")
      yield* fail(ip(yield* carrier))
      yield* pass(10_000, 50)
      assert.isDefined((yield* (yield* Reconciler).status).failovers[0]?.lastWriteAt)
      assert.strictEqual((yield* calls).get("DescribeRouteTables"), before)
    }).pipe(Effect.provide(daemon({ recheckInterval: 0 }))),
  )

  it.effect("is verified by a later reading, when the first ones are stale; then nothing is read but as usual", () =>
    Effect.gen(function* () {
      const { calls, fail, setReadLag } = yield* Simulation
      yield* posted()
      yield* pass(10_000, 50)
      const readings = Effect.map(calls, (made) => made.get("DescribeRouteTables") ?? 0)
      const before = yield* readings
      yield* setReadLag(4_000)
      yield* fail(ip(yield* carrier))
      yield* pass(10_000)
      const [failover] = (yield* (yield* Reconciler).status).failovers
      assert.isDefined(failover?.verifiedAt)
      yield* pass(300_000, 500)
      assert.strictEqual((yield* readings) - before, 2)
    }).pipe(Effect.provide(daemon({ recheckInterval: 3_600_000 }))),
  )
})
