import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Ref } from "effect"
import { cidr } from "../../src/domain/Cidr.ts"
import type { Durable } from "../../src/domain/Durable.ts"
import { InterfaceId, RouteTableId } from "../../src/domain/Ids.ts"
import { ip } from "../../src/domain/Ip.ts"
import { Reconciler } from "../../src/runtime/Reconciler.ts"
import { createRoute } from "../../src/services/ec2/SimulatedRoutes.ts"
import { Simulation } from "../../src/services/ec2/Simulation.ts"
import { StateNotKept, StateStore } from "../../src/services/state/StateStore.ts"
import { carriers, daemon, pass, spec, Specs } from "../support/runtime/SimulatedDaemon.ts"

const range = "10.66.17.0/24"
const shape = { [range]: ["10.33.20.93", "10.33.30.22"] }
const everywhere = (carrier: string) => ({ "rtb-00main": carrier, "rtb-0a20": carrier, "rtb-0b30": carrier })
const interfaceOf: Record<string, string> = { "10.33.20.93": "eni-0a20093", "10.33.30.22": "eni-0b30022" }

const storeOf = (restored: Durable | undefined, keep: StateStore["Service"]["keep"] = () => Effect.void) =>
  Layer.succeed(StateStore, { restored, keep })

const stray = { table: RouteTableId("rtb-0a20"), cidr: cidr("10.99.0.0/16") }
const kept: Durable = {
  spec: spec(shape),
  named: new Set([cidr(range)]),
  drained: new Set(),
  confirmed: [],
  letGo: new Map(),
  brake: undefined,
  hour: [],
}

/** The tables as the daemon left them: the CIDR at the first host everywhere, and a route that no spec names. */
const asLeft = Effect.gen(function* () {
  const { change } = yield* Simulation
  for (const table of Object.keys(everywhere("")))
    yield* change((vpc) =>
      createRoute(vpc, { table: RouteTableId(table), cidr: cidr(range) }, InterfaceId("eni-0a20093")),
    )
  yield* change((vpc) => createRoute(vpc, stray, InterfaceId("eni-0c40011")))
})

const writes = Effect.gen(function* () {
  const made = yield* (yield* Simulation).calls
  return (["CreateRoute", "ReplaceRoute", "DeleteRoute"] as const).reduce((sum, call) => sum + (made.get(call) ?? 0), 0)
})

describe("after a restart", () => {
  it.effect("a restored spec writes nothing while its hosts are healthy, and deletes nothing", () =>
    Effect.gen(function* () {
      yield* asLeft
      yield* pass(90_000, 100)
      assert.strictEqual(yield* writes, 0)
      const { held, isRestored } = yield* (yield* Reconciler).status
      assert.isTrue(isRestored)
      assert.deepStrictEqual(
        held.map(({ cidr, reason }) => [cidr, reason._tag]),
        [["10.99.0.0/16", "Restored"]],
      )
    }).pipe(Effect.provide(daemon({ store: storeOf(kept) }))),
  )

  it.effect("a restored spec fails over at once", () =>
    Effect.gen(function* () {
      const { fail } = yield* Simulation
      yield* asLeft
      yield* pass(2_000)
      yield* fail(ip("10.33.20.93"))
      yield* pass(2_000)
      assert.deepStrictEqual(yield* carriers(range), everywhere("eni-0b30022"))
    }).pipe(Effect.provide(daemon({ store: storeOf(kept) }))),
  )

  it.effect("deletions go on once a spec is accepted, also the same one", () =>
    Effect.gen(function* () {
      yield* asLeft
      yield* pass(2_000)
      yield* (yield* Specs).accept(shape)
      yield* pass(2_000)
      assert.deepStrictEqual(yield* carriers("10.99.0.0/16"), everywhere("none"))
      assert.deepStrictEqual(yield* carriers(range), everywhere("eni-0a20093"))
    }).pipe(Effect.provide(daemon({ store: storeOf(kept) }))),
  )

  it.effect("a drained host is drained still", () =>
    Effect.gen(function* () {
      yield* asLeft
      yield* pass(5_000)
      assert.deepStrictEqual(yield* carriers(range), everywhere("eni-0b30022"))
    }).pipe(Effect.provide(daemon({ store: storeOf({ ...kept, drained: new Set([ip("10.33.20.93")]) }) }))),
  )

  it.effect("without a state nothing is written before a spec comes", () =>
    Effect.gen(function* () {
      yield* asLeft
      yield* pass(90_000, 100)
      assert.strictEqual(yield* writes, 0)
    }).pipe(Effect.provide(daemon())),
  )
})

describe("draining", () => {
  it.effect("moves the routes off a healthy host, and nothing back when it ends", () =>
    Effect.gen(function* () {
      const reconciler = yield* Reconciler
      yield* pass(200)
      yield* (yield* Specs).accept(shape)
      yield* pass(2_000)
      const carrier = (yield* carriers(range))["rtb-00main"] ?? ""
      const host = Object.keys(interfaceOf).find((known) => interfaceOf[known] === carrier) ?? ""
      const other = Object.values(interfaceOf).find((known) => known !== carrier) ?? ""
      assert.strictEqual(yield* reconciler.drain(ip(host), true), "Done")
      yield* pass(2_000)
      assert.deepStrictEqual(yield* carriers(range), everywhere(other))
      assert.strictEqual(yield* reconciler.drain(ip(host), false), "Done")
      yield* pass(60_000, 100)
      assert.deepStrictEqual(yield* carriers(range), everywhere(other))
      assert.strictEqual(yield* reconciler.drain(ip("10.33.99.99"), true), "NotInSpec")
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("leaves the routes of the last healthy host where they are", () =>
    Effect.gen(function* () {
      const reconciler = yield* Reconciler
      yield* pass(200)
      yield* (yield* Specs).accept({ [range]: ["10.33.20.93"] })
      yield* pass(3_000)
      yield* reconciler.drain(ip("10.33.20.93"), true)
      yield* pass(5_000)
      assert.deepStrictEqual(yield* carriers(range), everywhere("eni-0a20093"))
      const { held } = yield* reconciler.status
      assert.deepStrictEqual(
        held.map(({ reason }) => reason._tag),
        ["NoHealthyHost"],
      )
    }).pipe(Effect.provide(daemon())),
  )
})

describe("keeping the state", () => {
  it.effect("a spec is kept before it is in force, and how many routes there are once it has made them", () =>
    Effect.gen(function* () {
      const order = yield* Ref.make<ReadonlyArray<string>>([])
      const note = (what: string) => Ref.update(order, (before) => [...before, what])
      const keep = ({ spec: given }: Durable) => note(`kept ${[...given.keys()].join()}`)
      yield* Effect.gen(function* () {
        yield* pass(200)
        yield* Effect.andThen((yield* Specs).accept(shape), note("in force"))
        yield* pass(100)
      }).pipe(Effect.provide(daemon({ store: storeOf(undefined, keep) })))
      assert.deepStrictEqual(yield* Ref.get(order), [`kept ${range}`, "in force", `kept ${range}`])
    }),
  )

  it.effect("a drain that cannot be kept is refused and changes nothing", () =>
    Effect.gen(function* () {
      const reconciler = yield* Reconciler
      yield* pass(200)
      yield* (yield* Specs).accept(shape)
      yield* pass(2_000)
      const before = yield* carriers(range)
      const error = yield* Effect.flip(reconciler.drain(ip("10.33.20.93"), true))
      assert.strictEqual(error.why, "disk full")
      yield* pass(5_000)
      assert.deepStrictEqual(yield* carriers(range), before)
    }).pipe(
      Effect.provide(daemon({ store: storeOf(undefined, () => Effect.fail(new StateNotKept({ why: "disk full" }))) })),
    ),
  )

  it.effect("what came into force while the disk was full is kept once there is room", () =>
    Effect.gen(function* () {
      const isFull = yield* Ref.make(true)
      const onDisk = yield* Ref.make<ReadonlyArray<string>>([])
      const keep = ({ spec: given }: Durable) =>
        Effect.gen(function* () {
          if (yield* Ref.get(isFull)) return yield* new StateNotKept({ why: "disk full" })
          yield* Ref.set(onDisk, [...given.keys()])
        })
      yield* Effect.gen(function* () {
        yield* pass(200)
        yield* (yield* Specs).accept(shape)
        yield* pass(30_000, 100)
        assert.deepStrictEqual(yield* carriers(range), everywhere("eni-0b30022"))
        assert.deepStrictEqual(yield* Ref.get(onDisk), [])
        yield* Ref.set(isFull, false)
        yield* pass(5_000, 100)
        assert.deepStrictEqual(yield* Ref.get(onDisk), [range])
      }).pipe(Effect.provide(daemon({ store: storeOf(undefined, keep) })))
    }),
  )
})

describe("what deletions are measured against", () => {
  const four = ["10.66.17.0/24", "10.66.18.0/24", "10.66.19.0/24", "10.66.20.0/24"]
  const naming = (some: ReadonlyArray<string>) => Object.fromEntries(some.map((one) => [one, ["10.33.20.93"]]))

  const deletions = Effect.map(
    Effect.flatMap(Simulation, ({ calls }) => calls),
    (made) => made.get("DeleteRoute") ?? 0,
  )

  /** Four destinations are created, and then two are dropped. Returns when the first deletion was made. */
  const dropTwo = Effect.gen(function* () {
    const { accept } = yield* Specs
    yield* pass(200)
    yield* Effect.forkChild(accept(naming(four)))
    yield* pass(10_000)
    yield* Effect.forkChild(accept(naming(four.slice(2))))
    for (let left = 1_000; (yield* deletions) === 0; left--) {
      if (left === 0) throw new Error("no deletion")
      yield* pass(10)
    }
  })

  it.effect("is on disk before a deletion is sent: the most routes, and what is deleted", () =>
    Effect.gen(function* () {
      const onDisk = yield* Ref.make<Durable | undefined>(undefined)
      const keep = (state: Durable) => Effect.andThen(Effect.sleep(300), Ref.set(onDisk, state))
      yield* Effect.gen(function* () {
        yield* dropTwo
        const hour = (yield* Ref.get(onDisk))?.hour ?? []
        assert.strictEqual(Math.max(...hour.map(({ owned }) => owned)), 12)
        assert.deepStrictEqual(hour.flatMap(({ deleted }) => deleted).toSorted(), four.slice(0, 2).map(cidr))
      }).pipe(Effect.provide(daemon({ store: storeOf(undefined, keep) })))
    }),
  )

  it.effect("holds what it held before, once the same spec is accepted again", () =>
    Effect.gen(function* () {
      const onDisk = yield* Ref.make<Durable | undefined>(undefined)
      const keep = (state: Durable) => Ref.set(onDisk, state)
      const held = yield* Effect.gen(function* () {
        yield* dropTwo
        yield* pass(5_000)
        yield* (yield* Specs).accept(naming(four.slice(3)))
        yield* pass(2_000)
        return (yield* (yield* Reconciler).status).brake
      }).pipe(Effect.provide(daemon({ store: storeOf(undefined, keep) })))
      assert.strictEqual(held?.deletions.length, 3)
      const state = yield* Ref.get(onDisk)
      yield* Effect.gen(function* () {
        const { change } = yield* Simulation
        for (const table of Object.keys(everywhere("")))
          for (const one of four.slice(2))
            yield* change((vpc) =>
              createRoute(vpc, { table: RouteTableId(table), cidr: cidr(one) }, InterfaceId("eni-0a20093")),
            )
        yield* pass(2_000)
        yield* (yield* Specs).accept(naming(four.slice(3)))
        yield* pass(60_000, 100)
        assert.strictEqual(yield* deletions, 0)
        assert.strictEqual((yield* (yield* Reconciler).status).brake?.hash, held?.hash)
      }).pipe(Effect.provide(daemon({ store: storeOf(state) })))
    }),
  )

  it.effect("is written no more often than once in some minutes while nothing changes", () =>
    Effect.gen(function* () {
      const kept = yield* Ref.make(0)
      yield* Effect.gen(function* () {
        yield* pass(200)
        yield* (yield* Specs).accept(naming(four))
        yield* pass(10_000, 100)
        yield* Ref.set(kept, 0)
        yield* pass(30 * 60_000, 1_000)
        const count = yield* Ref.get(kept)
        assert.isTrue(count >= 2 && count <= 4, `${count} times`)
      }).pipe(Effect.provide(daemon({ store: storeOf(undefined, () => Ref.update(kept, (n) => n + 1)) })))
    }),
  )

  for (const [disk, keep] of [
    ["is full", Effect.fail(new StateNotKept({ why: "disk full" }))],
    ["hangs", Effect.never],
  ] as const)
    it.effect(`keeps deletions waiting no longer than some seconds when the disk ${disk}`, () =>
      Effect.gen(function* () {
        const isWell = yield* Ref.make(true)
        yield* Effect.gen(function* () {
          yield* asLeft
          yield* pass(2_000)
          yield* (yield* Specs).accept(shape)
          yield* Ref.set(isWell, false)
          yield* pass(15_000)
          assert.deepStrictEqual(yield* carriers("10.99.0.0/16"), everywhere("none"))
        }).pipe(
          Effect.provide(
            daemon({
              store: storeOf(kept, () => Effect.flatMap(Ref.get(isWell), (well) => (well ? Effect.void : keep))),
            }),
          ),
        )
      }),
    )
})
