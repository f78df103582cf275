import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cidr } from "../../src/domain/Cidr.ts"
import { InterfaceId, RouteTableId } from "../../src/domain/Ids.ts"
import { ip } from "../../src/domain/Ip.ts"
import { TableScope, TableSelector } from "../../src/domain/Policy.ts"
import { Reconciler } from "../../src/runtime/Reconciler.ts"
import { Simulation } from "../../src/services/ec2/Simulation.ts"
import { denyTable } from "../../src/services/ec2/SimulatedFaults.ts"
import { createRoute, replaceRoute } from "../../src/services/ec2/SimulatedRoutes.ts"
import { carriers, daemon, pass, Specs } from "../support/runtime/SimulatedDaemon.ts"

const range = "10.66.17.0/24"
const two = { [range]: ["10.33.20.93", "10.33.30.22"] }
const interfaceOf: Record<string, string> = { "10.33.20.93": "eni-0a20093", "10.33.30.22": "eni-0b30022" }
const hosts = Object.keys(interfaceOf)
const hostAt = (carrier: string): string => hosts.find((host) => interfaceOf[host] === carrier) ?? "nobody"
const everywhere = (carrier: string) => ({ "rtb-00main": carrier, "rtb-0a20": carrier, "rtb-0b30": carrier })

const placed = Effect.gen(function* () {
  const { accept } = yield* Specs
  yield* pass(200)
  yield* accept(two)
  yield* pass(2_000)
  const before = yield* carriers(range)
  const carrier = before["rtb-00main"] ?? "none"
  assert.deepStrictEqual(before, everywhere(carrier))
  return { carrier, host: hostAt(carrier), other: hosts.find((host) => host !== hostAt(carrier)) ?? "nobody" }
})

describe("the reconcile loop on the simulated VPC", () => {
  it.effect("a spec brings one route in every table to one of its hosts", () =>
    Effect.gen(function* () {
      const { host } = yield* placed
      assert.include(hosts, host)
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("a failed host's routes move to the other within 2 s, and stay when it returns", () =>
    Effect.gen(function* () {
      const { fail, heal } = yield* Simulation
      const { host, other } = yield* placed
      yield* fail(ip(host))
      yield* pass(2_000)
      assert.deepStrictEqual(yield* carriers(range), everywhere(interfaceOf[other] ?? ""))
      yield* heal(ip(host))
      yield* pass(60_000, 50)
      assert.deepStrictEqual(yield* carriers(range), everywhere(interfaceOf[other] ?? ""))
      const { failovers } = yield* (yield* Reconciler).status
      assert.strictEqual(failovers.length, 1)
      assert.strictEqual(failovers[0]?.host, host)
      assert.strictEqual(failovers[0]?.moved, 3)
    }).pipe(Effect.provide(daemon())),
  )

  it.effect(
    "a spec that comes while routes are moved to a host moves them on to no other, if it names that one, too",
    () =>
      Effect.gen(function* () {
        const { calls } = yield* Simulation
        const { accept } = yield* Specs
        const [from = "", to = "", another = ""] = ["10.33.20.93", "10.33.30.22", "10.33.40.11"]
        // Nine writes: repairs leave the rest of the bucket to failovers.
        const ranges = Array.from({ length: 3 }, (_, n) => `10.66.${n}.0/24`)
        const all = { [range]: [from, to, another] }
        const spec = (...some: ReadonlyArray<string>) => ({
          ...all,
          ...Object.fromEntries(ranges.map((one) => [one, some])),
        })
        yield* pass(200)
        yield* accept(spec(from))
        yield* pass(3_000)
        const before = (yield* calls).get("ReplaceRoute") ?? 0
        yield* accept(spec(to))
        yield* pass(20)
        for (const one of ranges) assert.deepStrictEqual(yield* carriers(one), everywhere(interfaceOf[from] ?? ""))
        // For about half of these the other host is the one to choose where none is the current one.
        yield* accept(spec(to, another))
        yield* pass(3_000)
        for (const one of ranges) assert.deepStrictEqual(yield* carriers(one), everywhere(interfaceOf[to] ?? ""))
        assert.strictEqual(((yield* calls).get("ReplaceRoute") ?? 0) - before, 3 * ranges.length)
      }).pipe(Effect.provide(daemon())),
  )

  it.effect("when all hosts fail, the routes stay where they are and the reason is shown", () =>
    Effect.gen(function* () {
      const { fail } = yield* Simulation
      const { carrier } = yield* placed
      for (const host of hosts) yield* fail(ip(host))
      yield* pass(10_000, 50)
      // The first to be found dead may hand over to the second before that is found dead, too: then nothing moves.
      const after = yield* carriers(range)
      yield* pass(60_000, 100)
      assert.deepStrictEqual(yield* carriers(range), after)
      assert.notStrictEqual(after["rtb-00main"], "none")
      assert.isDefined(carrier)
      const { held } = yield* (yield* Reconciler).status
      assert.deepStrictEqual(
        held.map(({ reason }) => reason._tag),
        ["NoHealthyHost"],
      )
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("a route that somebody changes by hand is repaired at the next reading", () =>
    Effect.gen(function* () {
      const { change } = yield* Simulation
      const { carrier } = yield* placed
      const cell = { table: RouteTableId("rtb-0a20"), cidr: cidr(range) }
      yield* change((vpc) => replaceRoute(vpc, cell, InterfaceId("eni-0c40011")))
      yield* pass(32_000, 50)
      assert.deepStrictEqual(yield* carriers(range), everywhere(carrier))
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("without a spec nothing is written, whatever stands in the tables", () =>
    Effect.gen(function* () {
      const { change, calls } = yield* Simulation
      const cell = { table: RouteTableId("rtb-0a20"), cidr: cidr("10.99.0.0/16") }
      yield* change((vpc) => createRoute(vpc, cell, InterfaceId("eni-0c40011")))
      yield* pass(120_000, 500)
      const made = yield* calls
      assert.strictEqual(
        (made.get("DeleteRoute") ?? 0) + (made.get("ReplaceRoute") ?? 0) + (made.get("CreateRoute") ?? 0),
        0,
      )
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("an owned route that the spec does not name is deleted; an empty list withdraws a route", () =>
    Effect.gen(function* () {
      const { change } = yield* Simulation
      const { accept } = yield* Specs
      const stray = { table: RouteTableId("rtb-0a20"), cidr: cidr("10.99.0.0/16") }
      yield* change((vpc) => createRoute(vpc, stray, InterfaceId("eni-0c40011")))
      yield* placed
      assert.deepStrictEqual(yield* carriers("10.99.0.0/16"), everywhere("none"))
      yield* accept({ [range]: [] })
      yield* pass(2_000)
      assert.deepStrictEqual(yield* carriers(range), everywhere("none"))
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("an empty spec deletes nothing until exactly that plan is confirmed", () =>
    Effect.gen(function* () {
      const { accept } = yield* Specs
      const reconciler = yield* Reconciler
      const { carrier } = yield* placed
      yield* accept({})
      yield* pass(60_000, 100)
      assert.deepStrictEqual(yield* carriers(range), everywhere(carrier))
      const { brake } = yield* reconciler.status
      assert.isFalse(yield* reconciler.confirm("0000000000000000"))
      yield* pass(1_000)
      assert.deepStrictEqual(yield* carriers(range), everywhere(carrier))
      assert.isTrue(yield* reconciler.confirm(brake?.hash ?? ""))
      yield* pass(2_000)
      assert.deepStrictEqual(yield* carriers(range), everywhere("none"))
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("a spec that swaps all CIDRs for as many others deletes nothing unconfirmed, whatever it creates", () =>
    Effect.gen(function* () {
      const { accept } = yield* Specs
      const shape = (second: number) =>
        Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`10.${second}.${n}.0/24`, hosts]))
      yield* pass(200)
      yield* accept(shape(66))
      yield* pass(3_000)
      yield* accept(shape(99))
      yield* pass(120_000, 100)
      for (const [range] of Object.entries({ ...shape(66), ...shape(99) }))
        assert.notStrictEqual((yield* carriers(range))["rtb-00main"], "none", range)
      const { brake } = yield* (yield* Reconciler).status
      assert.isTrue(yield* (yield* Reconciler).confirm(brake?.hash ?? ""))
      yield* pass(5_000)
      assert.strictEqual((yield* carriers("10.66.0.0/24"))["rtb-00main"], "none")
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("a table that IAM denies is reported and does not delay the others", () =>
    Effect.gen(function* () {
      const { addFault } = yield* Simulation
      const { accept } = yield* Specs
      yield* addFault(denyTable(RouteTableId("rtb-00main")))
      yield* pass(200)
      yield* accept(two)
      yield* pass(2_000)
      const after = yield* carriers(range)
      assert.strictEqual(after["rtb-00main"], "none")
      assert.strictEqual(after["rtb-0a20"], after["rtb-0b30"])
      assert.notStrictEqual(after["rtb-0a20"], "none")
      const { held } = yield* (yield* Reconciler).status
      const reasons = held.flatMap(({ reason }) => (reason._tag === "WriteFailed" ? [reason.code] : []))
      assert.deepStrictEqual(reasons, ["UnauthorizedOperation"])
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("a write that timed out after it was done is found out by reading, not written again", () =>
    Effect.gen(function* () {
      const { addFault, calls } = yield* Simulation
      const { accept } = yield* Specs
      yield* addFault({ operation: "CreateRoute", code: "TimeoutError", times: Infinity, committed: true })
      yield* pass(200)
      yield* accept(two)
      yield* pass(30_000, 50)
      const after = yield* carriers(range)
      assert.deepStrictEqual(after, everywhere(after["rtb-00main"] ?? "none"))
      const { held, pending } = yield* (yield* Reconciler).status
      assert.deepStrictEqual([held, pending], [[], []])
      assert.isAtMost((yield* calls).get("CreateRoute") ?? 0, 12)
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("readings that are a minute old undo nothing", () =>
    Effect.gen(function* () {
      const { fail, heal, setReadLag } = yield* Simulation
      const { host, other } = yield* placed
      yield* pass(120_000, 200)
      yield* setReadLag(60_000)
      yield* fail(ip(host))
      yield* pass(3_000)
      yield* heal(ip(host))
      const expected = everywhere(interfaceOf[other] ?? "")
      for (let i = 0; i < 120; i++) {
        yield* pass(1_000, 100)
        assert.deepStrictEqual(yield* carriers(range), expected)
      }
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("a table that --tables names and the VPC does not have is a condition, not silence", () =>
    Effect.gen(function* () {
      yield* pass(500)
      const { conditions } = yield* (yield* Reconciler).status
      assert.deepStrictEqual(
        [...conditions.values()].map(({ words }) => words),
        [
          "no route table of vpc-350d6a51 is in scope: nothing is managed",
          "--tables rtb-typo matches no route table of vpc-350d6a51",
        ],
      )
    }).pipe(
      Effect.provide(
        daemon({
          policy: { tables: TableScope.Named({ selectors: [TableSelector.Id({ id: RouteTableId("rtb-typo") })] }) },
        }),
      ),
    ),
  )

  it.effect("a reading that takes longer than 30 s is a condition, from then until it is whole", () =>
    Effect.gen(function* () {
      const { setLatency } = yield* Simulation
      const reconciler = yield* Reconciler
      const words = Effect.map(reconciler.status, ({ conditions }) => [...conditions.values()].map((one) => one.words))
      yield* pass(500)
      yield* setLatency(40_000)
      // The next reading begins 30 s after the first one, which was at once.
      yield* pass(59_500, 100)
      assert.deepStrictEqual(yield* words, [])
      yield* pass(1_000, 100)
      assert.deepStrictEqual(yield* words, [
        "a reading of EC2 takes longer than 30 s; until it is whole the last one stands",
      ])
      yield* pass(10_000, 100)
      assert.deepStrictEqual(yield* words, [])
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("a dry run writes nothing and shows what it would write", () =>
    Effect.gen(function* () {
      const { accept } = yield* Specs
      yield* pass(200)
      yield* accept(two)
      yield* pass(5_000, 50)
      assert.deepStrictEqual(yield* carriers(range), everywhere("none"))
      const { pending, queue } = yield* (yield* Reconciler).status
      assert.strictEqual(pending.length, 3)
      assert.deepStrictEqual(queue.queued, pending)
    }).pipe(Effect.provide(daemon({ dryRun: true }))),
  )
})
