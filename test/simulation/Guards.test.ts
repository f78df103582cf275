import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { defaultGuards } from "../../src/domain/GuardPolicy.ts"
import { Reconciler } from "../../src/runtime/Reconciler.ts"
import { pass } from "../support/runtime/SimulatedDaemon.ts"
import { addressOf, anchors, stand } from "../support/runtime/ZoneStand.ts"

const kinds = Effect.gen(function* () {
  const { holds } = yield* (yield* Reconciler).status
  return holds.map(({ kind }) => kind)
})

const failed = Effect.gen(function* () {
  const { hosts } = yield* (yield* Reconciler).status
  return [...hosts].filter(({ verdict }) => verdict._tag === "Failed").length
})

describe("a monitor that is cut off", () => {
  for (const hosts of [2, 3, 12]) {
    const { cut, layer, replaced, settled } = stand(hosts, 1, { anchors })
    it.effect(`moves nothing of ${hosts} hosts while no anchor answers, nor when they return one after another`, () =>
      Effect.gen(function* () {
        yield* settled
        cut(true)
        yield* pass(2_500)
        assert.include(yield* kinds, "MonitorCutOff")
        yield* pass(60_000, 50)
        assert.include(yield* kinds, "MonitorCutOff")
        cut(false)
        yield* pass(20_000)
        assert.strictEqual(yield* replaced, 0)
        assert.deepStrictEqual(yield* kinds, [])
        assert.strictEqual(yield* failed, 0)
      }).pipe(Effect.provide(layer)),
    )
  }

  for (const [hosts, some] of [
    [2, anchors],
    [4, anchors.slice(1)],
    [4, []],
  ] as const) {
    const { cut, layer, replaced, settled } = stand(hosts, 1, { anchors: some })
    it.effect(`moves nothing of ${hosts} hosts with ${some.length} anchors, at whatever moment it happens`, () =>
      Effect.gen(function* () {
        yield* settled
        // Meanwhile the probes of hosts and anchors come in another order each time.
        for (let times = 0; times < 12; times++) {
          yield* pass(30_000 + 170 * times, 50)
          cut(true)
          yield* pass(4_000, 10)
          cut(false)
          yield* pass(4_000, 20)
        }
        assert.strictEqual(yield* replaced, 0)
      }).pipe(Effect.provide(layer)),
    )
  }

  {
    const { addresses, cut, die, layer, replaced, settled } = stand(6, 2, { anchors })
    it.effect("fails over soon after it hears again what died meanwhile", () =>
      Effect.gen(function* () {
        yield* settled
        cut(true)
        yield* pass(30_000, 50)
        die(addresses.slice(0, 1))
        cut(false)
        yield* pass(2_000)
        assert.strictEqual(yield* replaced, 0)
        yield* pass(4_000)
        assert.isAbove(yield* replaced, 0)
        assert.strictEqual(yield* failed, 1)
      }).pipe(Effect.provide(layer)),
    )
  }

  {
    const { addresses, die, layer, replaced, settled } = stand(6, 2, { anchors: ["10.99.0.1", ...anchors] })
    it.effect("is no matter while one anchor answers: a host that dies is failed over as fast as without anchors", () =>
      Effect.gen(function* () {
        yield* settled
        die([...anchors.slice(1), ...addresses.slice(0, 1)])
        yield* pass(2_000)
        assert.strictEqual(yield* failed, 1)
        assert.isAbove(yield* replaced, 0)
        const { failovers, now } = yield* (yield* Reconciler).status
        assert.isAtMost((failovers[0]?.failedAt ?? now) - (now - 2_000), 1_460)
        assert.isAtMost((failovers[0]?.firstWriteAt ?? now) - (failovers[0]?.failedAt ?? 0), 50)
      }).pipe(Effect.provide(layer)),
    )
  }

  {
    const { addresses, die, layer, replaced, settled } = stand(6, 2, { anchors })
    it.effect("and whose anchors are gone for good acts again when the operator says so", () =>
      Effect.gen(function* () {
        const reconciler = yield* Reconciler
        yield* settled
        die([...anchors, ...addresses.slice(0, 1)])
        yield* pass(10_000)
        assert.strictEqual(yield* replaced, 0)
        const { holds } = yield* reconciler.status
        assert.isFalse(yield* reconciler.confirm("0000000000000000"))
        assert.isTrue(yield* reconciler.confirm(holds[0]?.hash ?? ""))
        yield* pass(500)
        assert.isAbove(yield* replaced, 0)
        assert.deepStrictEqual(yield* kinds, [])
      }).pipe(Effect.provide(layer)),
    )
  }

  {
    const { addresses, allCarriers, die, layer, replaced, settled } = stand(12, 3, { anchors }, 60)
    it.effect("and most hosts with it, lets all of them go at once when the operator says so", () =>
      Effect.gen(function* () {
        const reconciler = yield* Reconciler
        yield* settled
        // Until all routes are there, and as many are written at once again as EC2 allows.
        yield* pass(60_000, 50)
        die([...anchors, ...addresses.slice(0, 9)])
        yield* pass(10_000)
        assert.strictEqual(yield* replaced, 0)
        assert.include(yield* kinds, "MonitorCutOff")
        const { holds } = yield* reconciler.status
        assert.isTrue(yield* reconciler.confirm(holds.find(({ kind }) => kind === "MonitorCutOff")?.hash ?? ""))
        yield* pass(100)
        assert.deepStrictEqual(yield* kinds, [])
        yield* pass(40_000, 50)
        assert.deepStrictEqual(yield* kinds, [])
        const living = addresses.slice(9).map((_, n) => `eni-${9 + n}`)
        for (const carrier of yield* allCarriers) assert.include(living, carrier)
      }).pipe(Effect.provide(layer)),
    )
  }

  {
    const { addresses, die, layer, replaced, settled } = stand(6, 2, { anchors })
    it.effect("is not believed in by anchors that never answered; status says that they count for nothing", () =>
      Effect.gen(function* () {
        die(anchors)
        yield* settled
        yield* pass(8_000, 50)
        const { conditions } = yield* (yield* Reconciler).status
        assert.includeMembers(
          [...conditions.keys()],
          anchors.map((anchor) => `anchor ${anchor} silent`),
        )
        die(addresses.slice(0, 1))
        yield* pass(2_000)
        assert.isAbove(yield* replaced, 0)
      }).pipe(Effect.provide(layer)),
    )
  }
})

describe("an anchor that is a host of the spec", () => {
  const shared = addressOf(0, 1)
  const { layer, settled } = stand(3, 1, { anchors: [shared, "10.99.0.1"] })
  it.effect("is told as one that guards nothing, and other anchors are not", () =>
    Effect.gen(function* () {
      yield* settled
      const { conditions } = yield* (yield* Reconciler).status
      assert.deepStrictEqual([...conditions.keys()], [`anchor ${shared} host`])
    }).pipe(Effect.provide(layer)),
  )
})

describe("without anchors", () => {
  for (const hosts of [2, 3, 12, 60]) {
    const { cut, layer, replaced, settled } = stand(hosts, 1)
    it.effect(`${hosts} hosts that fall silent at once keep their routes, and when they return`, () =>
      Effect.gen(function* () {
        yield* settled
        cut(true)
        yield* pass(30_000, 20)
        assert.strictEqual(yield* failed, hosts)
        assert.strictEqual(yield* replaced, 0)
        cut(false)
        yield* pass(30_000, 20)
        assert.strictEqual(yield* failed, 0)
        assert.strictEqual(yield* replaced, 0)
        assert.deepStrictEqual(yield* kinds, [])
      }).pipe(Effect.provide(layer)),
    )
  }

  for (const some of [anchors, []]) {
    const { addresses, cut, die, layer, replaced, settled } = stand(12, 3, { anchors: some })
    it.effect(`stay held when the network is gone for a moment meanwhile, with ${some.length} anchors`, () =>
      Effect.gen(function* () {
        yield* settled
        die(addresses.slice(0, 9))
        yield* pass(15_000, 50)
        for (const gap of [400, 5_000]) {
          cut(true)
          yield* pass(gap, 10)
          cut(false)
          yield* pass(15_000, 50)
          assert.include(yield* kinds, "MassFailure")
        }
        assert.strictEqual(yield* replaced, 0)
      }).pipe(Effect.provide(layer)),
    )
  }

  {
    const { addresses, allCarriers, die, layer, replaced, settled } = stand(12, 3, {}, 60)
    it.effect("of 12 hosts in three zones 9 that fall silent together keep their routes until they are confirmed", () =>
      Effect.gen(function* () {
        const reconciler = yield* Reconciler
        yield* settled
        die(addresses.slice(0, 9))
        yield* pass(60_000, 20)
        assert.strictEqual(yield* replaced, 0)
        assert.deepStrictEqual(yield* kinds, ["MassFailure"])
        const { holds } = yield* reconciler.status
        assert.strictEqual(holds[0]?.hosts.length, 9)
        assert.isTrue(yield* reconciler.confirm(holds[0]?.hash ?? ""))
        yield* pass(100)
        // More of them than the limit: what is confirmed waits for no other guard.
        assert.deepStrictEqual(yield* kinds, [])
        yield* pass(40_000, 50)
        assert.deepStrictEqual(yield* kinds, [])
        const living = addresses.slice(9).map((_, n) => `eni-${9 + n}`)
        for (const carrier of yield* allCarriers) assert.include(living, carrier)
      }).pipe(Effect.provide(layer)),
    )
  }

  for (const [hosts, first] of [
    [4, 2],
    [12, 5],
    [30, 12],
  ] as const) {
    const { addresses, die, layer, live, replaced, settled } = stand(hosts, 3)
    it.effect(
      `of ${hosts} hosts that all fall silent, ${first} that return first take no routes of those that follow in 8 s`,
      () =>
        Effect.gen(function* () {
          yield* settled
          die(addresses)
          yield* pass(4_000)
          assert.deepStrictEqual(yield* kinds, ["MassFailure"])
          live(addresses.slice(0, first))
          yield* pass(8_000)
          live(addresses)
          yield* pass(20_000, 20)
          assert.strictEqual(yield* replaced, 0)
          assert.deepStrictEqual(yield* kinds, [])
        }).pipe(Effect.provide(layer)),
    )
  }

  {
    const { addresses, die, layer, live, replaced, settled } = stand(12, 3)
    it.effect(
      "those that return make the failures of the rest few enough: these are failed over ten seconds later",
      () =>
        Effect.gen(function* () {
          yield* settled
          die(addresses.slice(0, 9))
          yield* pass(20_000, 20)
          live(addresses.slice(0, 4))
          yield* pass(8_000, 20)
          assert.strictEqual(yield* replaced, 0)
          yield* pass(8_000, 20)
          assert.deepStrictEqual(yield* kinds, [])
          assert.isAbove(yield* replaced, 0)
        }).pipe(Effect.provide(layer)),
    )
  }
})

describe("more than two thirds of the hosts", () => {
  for (const [lost, hosts] of [
    [3, 4],
    [5, 7],
    [14, 20],
    [29, 40],
    [70, 100],
  ] as const) {
    const { addresses, die, layer, replaced, settled } = stand(hosts, 3)
    it.effect(`${lost} of ${hosts}, in several zones, lose no route from the first verdict on`, () =>
      Effect.gen(function* () {
        yield* settled
        die(addresses.slice(0, lost))
        yield* pass(5_000)
        assert.strictEqual(yield* failed, lost)
        assert.strictEqual(yield* replaced, 0)
        assert.deepStrictEqual(yield* kinds, ["MassFailure"])
      }).pipe(Effect.provide(layer)),
    )
  }
})

describe("the loss of one zone", () => {
  for (const [hosts, zones] of [
    [6, 2],
    [12, 2],
    [12, 3],
    [60, 3],
  ] as const) {
    const { allCarriers, die, inZone, layer, replaced, settled } = stand(hosts, zones)
    it.effect(`of ${zones} with ${hosts} hosts moves each of its routes once, within two seconds, and none back`, () =>
      Effect.gen(function* () {
        yield* settled
        const before = yield* allCarriers
        const lost = before.filter((carrier) => Number(carrier.slice(4)) % zones === 0).length
        assert.isAbove(lost, 0)
        die(inZone(0))
        yield* pass(2_000)
        assert.deepStrictEqual(yield* kinds, [])
        const after = yield* allCarriers
        assert.isFalse(after.some((carrier) => Number(carrier.slice(4)) % zones === 0))
        assert.strictEqual(yield* replaced, lost * (zones + 1))
        yield* pass(60_000, 50)
        assert.strictEqual(yield* replaced, lost * (zones + 1))
      }).pipe(Effect.provide(layer)),
    )
  }
})

describe("hosts that go one by one", () => {
  {
    const { addresses, die, layer, live, replaced, settled } = stand(6, 2)
    it.effect("rolling reboots of a minute each are failed over as they come, with nothing held", () =>
      Effect.gen(function* () {
        yield* settled
        for (const host of addresses) {
          die([host])
          yield* pass(2_000, 20)
          assert.deepStrictEqual(yield* kinds, [])
          yield* pass(28_000, 100)
          live([host])
          yield* pass(30_000, 100)
        }
        assert.isAbove(yield* replaced, 0)
      }).pipe(Effect.provide(layer)),
    )
  }

  {
    const { addresses, allCarriers, die, layer, live, settled } = stand(2, 2)
    const [flapping = "", steady = ""] = addresses
    it.effect("one that flaps gets nothing back; when the other dies it takes all the same, and keeps it", () =>
      Effect.gen(function* () {
        yield* settled
        for (let times = 0; times < 4; times++) {
          die([flapping])
          yield* pass(5_000, 20)
          live([flapping])
          yield* pass(10_000, 50)
        }
        assert.deepStrictEqual(new Set(yield* allCarriers), new Set(["eni-1"]))
        const { hosts } = yield* (yield* Reconciler).status
        assert.isDefined([...hosts].find(({ host }) => host === flapping)?.dampedUntil)
        die([steady])
        yield* pass(2_000)
        assert.deepStrictEqual(new Set(yield* allCarriers), new Set(["eni-0"]))
        live([steady])
        yield* pass(20_000, 50)
        assert.deepStrictEqual(new Set(yield* allCarriers), new Set(["eni-0"]))
      }).pipe(Effect.provide(layer)),
    )
  }

  {
    const { addresses, allCarriers, die, layer, live, settled } = stand(3, 3)
    const [flapping = "", second = ""] = addresses
    it.effect("one that flaps is passed over while another is healthy, and is chosen again after its time", () =>
      Effect.gen(function* () {
        yield* settled
        for (let times = 0; times < 3; times++) {
          die([flapping])
          yield* pass(5_000, 20)
          live([flapping])
          yield* pass(5_000, 20)
        }
        die([second])
        yield* pass(3_000)
        assert.deepStrictEqual(new Set(yield* allCarriers), new Set(["eni-2"]))
        live([second])
        yield* pass(120_000, 100)
        die(addresses.slice(2))
        yield* pass(3_000)
        assert.isTrue((yield* allCarriers).includes("eni-0"))
      }).pipe(Effect.provide(layer)),
    )
  }
})

describe("failovers over the limit", () => {
  const guards = { ...defaultGuards, failoverLimit: 1 }
  const { addresses, allCarriers, die, layer, replaced, settled } = stand(8, 2, { policy: { guards } }, 24)
  it.effect("go at once when the operator says so, however long they have waited", () =>
    Effect.gen(function* () {
      const reconciler = yield* Reconciler
      yield* settled
      // Those that carry the most.
      die(addresses.filter((_, n) => n === 5 || n === 7))
      yield* pass(6_000)
      assert.deepStrictEqual(yield* kinds, ["FailoverLimit"])
      const before = yield* replaced
      assert.isAbove(before, 0)
      const { holds } = yield* reconciler.status
      assert.isTrue(yield* reconciler.confirm(holds[0]?.hash ?? ""))
      yield* pass(1_000)
      assert.isAbove(yield* replaced, before)
      assert.deepStrictEqual(yield* kinds, [])
      for (const carrier of yield* allCarriers) assert.notInclude(["eni-5", "eni-7"], carrier)
    }).pipe(Effect.provide(layer)),
  )
})
