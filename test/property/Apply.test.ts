import { assert, describe, it } from "@effect/vitest"
import { HashMap } from "effect"
import { apply, applySteps } from "../../src/domain/Apply.ts"
import * as ByCell from "../../src/domain/ByCell.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { guardHoldsOf } from "../../src/domain/GuardHold.ts"
import { defaultGuards } from "../../src/domain/GuardPolicy.ts"
import { guarded } from "../../src/domain/Guards.ts"
import { deletionKey } from "../../src/domain/DeletionBrake.ts"
import { durableOf } from "../../src/domain/Durable.ts"
import { Verdict } from "../../src/domain/Health.ts"
import { ip } from "../../src/domain/Ip.ts"
import { allSteps } from "../../src/domain/Steps.ts"
import { empty, obstacleAt, type World } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import {
  destination,
  hostAt,
  interfaceAt,
  type Letter,
  small,
  smallSpec,
  smallVpc,
  tableAt,
} from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const second = 1_000
const minute = 60 * second
const other = "172.16.0.0/12"
const scene = {
  spec: { [destination]: "ab", [other]: "bc" },
  health: { a: "healthy", b: "healthy", c: "healthy" },
  routes: { [destination]: "a", [other]: "b" },
} as const
const story = (): Story => new Story(scene)

/** What a decision must be made anew of. */
const dirtyAfter = (world: World, event: WorldEvent): ReadonlyArray<string> => [...apply(world, event)[1]].sort()
const verdictOn = (letter: Letter, verdict: Verdict) =>
  WorldEvent.VerdictsReached({ verdicts: [{ host: hostAt(letter), verdict }] })
const spec = (of: Readonly<Record<string, string>>, at = 2_000_000) =>
  WorldEvent.SpecAccepted({ spec: smallSpec(of), at })
const both = [other, destination].sort()

describe("a spec", () => {
  const { world } = story()

  it("that is the same changes nothing", () => {
    const [after, dirty] = apply(world, spec(scene.spec))
    assert.strictEqual(after, world)
    assert.strictEqual(dirty.size, 0)
  })

  it("that is the first one, or another than before a restart, is decided whole", () => {
    assert.deepStrictEqual(dirtyAfter(empty(), spec(scene.spec)), both)
    const restored = apply(empty(), WorldEvent.Restored({ durable: durableOf(world, 0)!, at: 0 }))[0]
    assert.isTrue(restored.isRestored)
    const [after, dirty] = apply(restored, spec(scene.spec))
    assert.isFalse(after.isRestored)
    assert.deepStrictEqual([...dirty].sort(), both)
    assert.deepStrictEqual(dirtyAfter(restored, spec({ [other]: "b" })), both)
  })

  it("is decided where it names other hosts, or is new, or gone; nowhere else", () => {
    assert.deepStrictEqual(dirtyAfter(world, spec({ ...scene.spec, [other]: "b" })), [other])
    assert.deepStrictEqual(dirtyAfter(world, spec({ ...scene.spec, [other]: "ac" })), [other])
    assert.deepStrictEqual(dirtyAfter(world, spec({ [destination]: "ab" })), [other])
    assert.deepStrictEqual(dirtyAfter(world, spec({ ...scene.spec, "10.1.0.0/16": "a" })), ["10.1.0.0/16"])
  })

  it("takes back what was confirmed for another one, and forgets no name that one had", () => {
    const held = story().spec({})
    const key = new Map((held.world.brake?.deletions ?? []).map((one) => [deletionKey(one), one]))
    assert.strictEqual(key.size, 2)
    const [after] = apply({ ...held.world, confirmed: key }, spec({ [other]: "b" }))
    assert.strictEqual(after.confirmed.size, 0)
    assert.deepStrictEqual([...after.named].sort(), both)
  })

  it("leaves what is known of hosts that it still names, and knows nothing of new ones since then", () => {
    const [after] = apply(world, spec({ [destination]: "ad" }, 77))
    assert.deepStrictEqual(HashMap.size(after.health), 2)
    assert.strictEqual(HashMap.getUnsafe(after.health, hostAt("a"))._tag, "Healthy")
    assert.deepStrictEqual(HashMap.getUnsafe(after.health, hostAt("d")), Verdict.Unknown({ since: 77 }))
    assert.deepStrictEqual(
      after.cidrsOf,
      new Map([
        [hostAt("a"), [cidr(destination)]],
        [hostAt("d"), [cidr(destination)]],
      ]),
    )
  })
})

describe("what was kept over a restart", () => {
  it("comes on top of what is known by then", () => {
    const kept = story().take(WorldEvent.HostDrained({ host: hostAt("a") })).world
    const before = { ...empty(), drained: new Set([hostAt("b")]), named: new Set([cidr("10.1.0.0/16")]) }
    const [world, dirty] = apply(before, WorldEvent.Restored({ durable: durableOf(kept, 0)!, at: 5 }))
    assert.sameMembers([...world.drained], [hostAt("a"), hostAt("b")])
    assert.sameMembers([...world.named], [cidr("10.1.0.0/16"), cidr(destination), cidr(other)])
    assert.deepStrictEqual([...dirty].sort(), both)
    assert.deepStrictEqual(HashMap.getUnsafe(world.health, hostAt("a")), Verdict.Unknown({ since: 5 }))
  })
})

describe("a verdict", () => {
  it("is decided for every destination of its host; on a host that no spec names it is nothing", () => {
    const { now, world } = story()
    assert.deepStrictEqual(dirtyAfter(world, verdictOn("b", Verdict.Failed({ since: now, reason: "lost" }))), both)
    const [after, dirty] = apply(world, verdictOn("e", Verdict.Failed({ since: now, reason: "lost" })))
    assert.strictEqual(dirty.size, 0)
    assert.strictEqual(after.guards.failing.size, 0)
    assert.strictEqual(HashMap.size(after.health), 3)
  })

  it("that is said again is no new failure, and no second relapse", () => {
    const once = story().fails("c")
    const { guards } = once.world
    const again = once.take(verdictOn("c", Verdict.Failed({ since: once.now, reason: "still" }))).world.guards
    assert.deepStrictEqual([again.failing, again.flaps], [guards.failing, guards.flaps])
    assert.deepStrictEqual([...guards.failing.keys()], [hostAt("c")])
    once.isUnknown("c")
    assert.strictEqual(once.world.guards.failing.size, 0)
  })

  it("of a failure counts as a relapse only of a host that was healthy", () => {
    assert.strictEqual(story().fails("c").world.guards.flaps.size, 1)
    assert.strictEqual(story().isUnknown("c").fails("c").world.guards.flaps.size, 0)
    assert.strictEqual(story().isUnknown("c").recovers("c").world.guards.flaps.size, 0)
  })
})

describe("a failure", () => {
  const failedAt = (since: number) => verdictOn("c", Verdict.Failed({ since, reason: `lost at ${since}` }))

  it("that is said again counts from when it was let go, and one that began later is another one", () => {
    const one = story().fails("c")
    const { since } = one.world.guards.failing.get(hostAt("c"))!
    const letGo = { since, silentSince: undefined, at: since + 5 }
    const { world } = one
    const held = { ...world, guards: { ...world.guards, failing: new Map([[hostAt("c"), letGo]]) } }
    assert.deepStrictEqual(apply(held, failedAt(since))[0].guards.failing.get(hostAt("c")), letGo)
    const later = apply(held, failedAt(since + 9))[0].guards.failing.get(hostAt("c"))
    assert.deepStrictEqual([later?.since, later?.at], [since + 9, since + 9])
  })

  it("of a host that recovered at the same moment is one", () => {
    const one = story().recovers("c")
    assert.isTrue(apply(one.world, failedAt(one.now))[0].guards.failing.has(hostAt("c")))
  })

  it("is no relapse where flaps are not damped", () => {
    const policy = { guards: { ...defaultGuards, damping: undefined } }
    assert.strictEqual(new Story({ ...scene, policy }).fails("c").world.guards.flaps.size, 0)
  })
})

describe("a drain", () => {
  it("is decided for every destination of its host, and so is its end", () => {
    const { world } = story()
    const [drained, dirty] = apply(world, WorldEvent.HostDrained({ host: hostAt("b") }))
    assert.deepStrictEqual([...dirty].sort(), both)
    assert.deepStrictEqual([...drained.drained], [hostAt("b")])
    const [after, again] = apply(drained, WorldEvent.HostUndrained({ host: hostAt("b") }))
    assert.deepStrictEqual([[...again].sort(), after.drained.size], [both, 0])
    assert.deepStrictEqual(dirtyAfter(world, WorldEvent.HostDrained({ host: ip("10.9.9.9") })), [])
  })
})

describe("a confirmation", () => {
  it("of a hash that is not that of what is held changes nothing", () => {
    const held = story().spec({})
    for (const event of [
      WorldEvent.DeletionsConfirmed({ hash: "0123456789abcdef" }),
      WorldEvent.HoldConfirmed({ hash: "0123456789abcdef", at: held.now }),
      WorldEvent.HoldConfirmed({ hash: held.brake, at: held.now }),
    ]) {
      const [after, dirty] = apply(held.world, event)
      assert.strictEqual(after, held.world)
      assert.strictEqual(dirty.size, 0)
    }
    assert.strictEqual(apply(empty(), WorldEvent.DeletionsConfirmed({ hash: "0" }))[1].size, 0)
  })

  /** All fail together; the hold of it. */
  const together = () => {
    const one = story().fails("a").fails("b").fails("c")
    const [hold] = guardHoldsOf(one.world)
    assert.strictEqual(hold?.kind, "MassFailure")
    const confirm = (hash = hold?.hash ?? "") => WorldEvent.HoldConfirmed({ hash, at: one.now + 7 })
    return { world: one.world, now: one.now, confirm }
  }

  it("of failures lets these count, and is for no hash but theirs", () => {
    const { confirm, now, world } = together()
    assert.strictEqual(apply(world, confirm("0123456789abcdef"))[0], world)
    const { confirmed, velocity } = apply(world, confirm())[0].guards
    assert.deepStrictEqual([...confirmed.keys()].sort(), [hostAt("a"), hostAt("b"), hostAt("c")])
    assert.deepStrictEqual(confirmed.get(hostAt("a")), { failedAt: now, at: now + 7 })
    assert.strictEqual(velocity, world.guards.velocity)
  })

  it("of failures is not for a host that has recovered by then, and of one that is unknown by now it has no beginning", () => {
    const { confirm, now, world } = together()
    const [recovered] = apply(world, verdictOn("b", Verdict.Healthy({ since: now + 1 })))
    const [unknown] = apply(recovered, verdictOn("c", Verdict.Unknown({ since: now + 1 })))
    const { confirmed } = apply(unknown, confirm())[0].guards
    assert.deepStrictEqual([...confirmed.keys()].sort(), [hostAt("a"), hostAt("c")])
    assert.deepStrictEqual(confirmed.get(hostAt("c")), { failedAt: undefined, at: now + 7 })
  })

  it("of failures is for those that its hash stood for, when more have failed before it is in force, and for none that is new", () => {
    const { confirm, now, world } = together()
    const { hash } = confirm()
    const word = (hosts: ReadonlyArray<Letter>) =>
      WorldEvent.HoldConfirmed({ hash, hold: { kind: "MassFailure", hosts: hosts.map(hostAt) }, at: now + 5 })
    const more = spec({ [destination]: "ab", [other]: "bcd" })
    const grown = [more, verdictOn("d", Verdict.Failed({ since: now + 4, reason: "lost" }))].reduce(
      (before, event) => guarded(apply(before, event)[0], now + 4)[0],
      world,
    )
    assert.notStrictEqual(guardHoldsOf(grown)[0]?.hash, hash)
    assert.deepStrictEqual(
      [...apply(grown, word(["a", "b", "c"]))[0].guards.confirmed.keys()],
      ["a", "b", "c"].map((one) => hostAt(one as Letter)),
    )
    const [again] = apply(grown, verdictOn("b", Verdict.Failed({ since: now + 6, reason: "lost once more" })))
    assert.deepStrictEqual([...apply(again, word(["a", "b"]))[0].guards.confirmed.keys()], [hostAt("a")])
    assert.strictEqual(apply(grown, WorldEvent.HoldConfirmed({ hash, at: now + 5 }))[0], grown)
  })

  it("after a silence ends the wait for hosts, and of the failover limit has their destinations decided", () => {
    const after = new Story(scene)
      .fails("a")
      .fails("b")
      .fails("c")
      .wait(60 * second)
      .recovers("c")
    const wait = guardHoldsOf(after.world).find(({ kind }) => kind === "AfterCutOff")
    const confirmed = apply(after.world, WorldEvent.HoldConfirmed({ hash: wait?.hash ?? "", at: after.now }))[0]
    assert.deepStrictEqual([...confirmed.guards.confirmed.keys()].sort(), [...(wait?.hosts ?? [])].sort())
    const policy = { guards: { ...defaultGuards, massFailure: undefined, failoverLimit: 1 } }
    const limited = new Story({ ...scene, policy }).fails("a").fails("b")
    const [limit] = guardHoldsOf(limited.world)
    assert.strictEqual(limit?.kind, "FailoverLimit")
    assert.include(dirtyAfter(limited.world, WorldEvent.HoldConfirmed({ hash: limit?.hash ?? "", at: 1 })), other)
  })

  it("of deletions is not forgotten over a restart", () => {
    const held = story().spec({})
    const { world } = held.confirm(held.brake)
    const [restored] = apply(empty(), WorldEvent.Restored({ durable: durableOf(world, held.now)!, at: 0 }))
    assert.deepStrictEqual([...restored.confirmed], [...world.confirmed])
    assert.strictEqual(restored.confirmed.size, 2)
  })

  it("of a failure goes with a host that leaves the spec, and stays with one that does not", () => {
    const { confirm, world } = together()
    const after = apply(apply(world, confirm())[0], spec({ [destination]: "a" }))[0]
    assert.deepStrictEqual([...after.guards.confirmed.keys()], [hostAt("a")])
  })

  it("of deletions lets these happen, and no others", () => {
    const held = story().spec({})
    const [after, dirty] = apply(held.world, WorldEvent.DeletionsConfirmed({ hash: held.brake }))
    assert.deepStrictEqual([...dirty].sort(), both)
    assert.deepStrictEqual([...after.confirmed.keys()].sort(), held.world.brake?.deletions.map(deletionKey).sort())
  })
})

describe("time", () => {
  it("is up for what was to be looked at by then", () => {
    const { world } = story()
    const decisions = HashMap.make(
      [cidr(destination), { write: [], held: [], nextAt: 10 }],
      [cidr(other), { write: [], held: [], nextAt: 11 }],
      [cidr("10.1.0.0/16"), { write: [], held: [], nextAt: undefined }],
    )
    assert.deepStrictEqual(dirtyAfter({ ...world, decisions }, WorldEvent.TimeCame({ at: 10 })), [destination])
  })
})

describe("a reading", () => {
  const { vpc } = small(scene)
  const reads = (at: number, routes: Readonly<Record<string, string>> = scene.routes) =>
    WorldEvent.VpcRead({ vpc: smallVpc({ ...scene, routes }), readAt: at })

  it("that began no later than the one in hand says nothing", () => {
    const { now, world } = story()
    for (const at of [now, now - 1]) assert.strictEqual(apply(world, reads(at, {}))[0], world)
    assert.deepStrictEqual(dirtyAfter(world, reads(now + 1, {})), both)
  })

  it("is the same in steps", () => {
    const { now, world } = story()
    const event = reads(now + 1, { [other]: "a b" })
    assert.deepStrictEqual(allSteps(applySteps(world, event)), apply(world, event))
    const drain = WorldEvent.HostDrained({ host: hostAt("b") })
    assert.deepStrictEqual(allSteps(applySteps(world, drain)), apply(world, drain))
  })

  it("is not arranged anew if it is the same value", () => {
    const [once] = apply(empty(), WorldEvent.VpcRead({ vpc, readAt: 1 }))
    const [twice] = apply(once, WorldEvent.VpcRead({ vpc, readAt: 2 }))
    assert.strictEqual(twice.reading?.index, once.reading?.index)
    assert.strictEqual(twice.reading?.readAt, 2)
  })

  it("counts the routes that are ours, under what we wrote since", () => {
    const [world] = apply(empty(), reads(1, { [destination]: "a b -", [other]: "igw-1 c" }))
    assert.strictEqual(world.owned, 3)
    const written = new Story({ ...scene, routes: { [destination]: "- a", [other]: "b -" } }).allDone()
    assert.strictEqual(written.world.owned, 4)
    assert.strictEqual(written.wait(second).reads("- a").world.owned, 4)
    // No reading has shown this destination yet, and another table has none.
    const made = new Story({ ...scene, routes: { [destination]: "a" }, spec: { [destination]: "a", [other]: "b" } })
    const routes = { [destination]: "a" }
    assert.strictEqual(made.allDone().wait(second).reads("a", 0, { routes }).world.owned, 2)
    const gone = new Story({ ...scene, routes: { [destination]: "a a" } }).spec({ [destination]: "", [other]: "b" })
    gone.done(gone.pending.find((words) => words === "rtb-1 delete"))
    assert.strictEqual(gone.wait(second).reads("a a").world.owned, 1)
  })

  it("ends what EC2 refused ten minutes after it could have been tried again, and where a table is gone", () => {
    const where = { table: tableAt(1), cidr: cidr(destination) }
    const refused = story().fails("a").refused("UnauthorizedOperation")
    const until = obstacleAt(refused.world, where)?.until ?? 0
    const stands = (at: number, routes?: Readonly<Record<string, string>>) =>
      obstacleAt(apply(refused.world, reads(at, routes))[0], where) !== undefined
    assert.isTrue(stands(until + 10 * minute - 1))
    assert.isFalse(stands(until + 10 * minute))
    const { tables } = vpc
    const without = {
      ...vpc,
      tables: new Map([...tables].map(([, table]) => [tableAt(7), { ...table, id: tableAt(7) }])),
    }
    const [gone] = apply(refused.world, WorldEvent.VpcRead({ vpc: without, readAt: refused.now + 1 }))
    assert.isUndefined(obstacleAt(gone, where))
  })

  it("forgets names that stand nowhere any more, and interfaces that EC2 refused a while ago", () => {
    const { now, world } = story()
    const named = new Set([cidr("10.1.0.0/16"), cidr(destination), cidr("10.2.0.0/16")])
    const refusedInterfaces = new Map([
      [interfaceAt("a"), now + 5],
      [interfaceAt("b"), now + 6],
    ])
    const before = { ...world, named, refusedInterfaces, spec: smallSpec({ [destination]: "ab" }) }
    const [after] = apply(before, reads(now + 5, { "10.2.0.0/16": "c" }))
    assert.deepStrictEqual([...after.named], [cidr(destination), cidr("10.2.0.0/16")])
    assert.deepStrictEqual([...after.refusedInterfaces.keys()], [interfaceAt("b")])
  })

  it("ends the operator's word for a deletion when the route is gone, or another one stands there", () => {
    const held = story().spec({})
    held.confirm(held.brake)
    const left = (routes: Readonly<Record<string, string>>) =>
      [...apply(held.world, reads(held.now + 1, routes))[0].confirmed.values()].map((one) => one.cidr).sort()
    assert.deepStrictEqual(left(scene.routes), both)
    assert.deepStrictEqual(left({ [destination]: "a" }), [destination])
    assert.deepStrictEqual(left({ [destination]: "a", [other]: "c" }), [destination])
    assert.deepStrictEqual(left({ [destination]: "a", [other]: "igw-1" }), [destination])
  })

  it("shows a host, or lacks it: for ten seconds it may be stale", () => {
    const { now, world } = story()
    const lacking = (at: number) =>
      WorldEvent.VpcRead({ vpc: smallVpc({ ...scene, interfaces: { b: undefined } }), readAt: at })
    const [first] = apply(world, lacking(now + 1))
    const seen = { interfaceId: interfaceAt("b"), gone: false }
    assert.deepStrictEqual(first.sightings.get(hostAt("b")), { sighting: seen, absentSince: now + 1 })
    const gone = (at: number) => apply(first, lacking(at))[0].sightings.get(hostAt("b"))?.sighting.gone
    assert.deepStrictEqual([gone(now + 10_000), gone(now + 10_001)], [false, true])
    // One that no reading has shown.
    const [lacked] = apply(apply(world, lacking(now + 1))[0], spec({ [destination]: "abe" }))
    assert.deepStrictEqual(lacked.sightings.get(hostAt("e")), {
      sighting: { interfaceId: interfaceAt("e"), gone: false },
      absentSince: undefined,
    })
    // A spec is no reading.
    assert.strictEqual(
      apply(first, spec({ [destination]: "b" }))[0].sightings.get(hostAt("b")),
      first.sightings.get(hostAt("b")),
    )
    assert.isUndefined(apply(first, reads(now + 2))[0].sightings.get(hostAt("b"))?.absentSince)
  })
})

describe("a try of a write without an answer", () => {
  it("leaves its cell in doubt, and has its destination decided", () => {
    const one = story().fails("a")
    const [action] = one.actions
    const [after, dirty] = apply(one.world, WorldEvent.WriteUnanswered({ action: action!, at: one.now }))
    assert.deepStrictEqual([...dirty], [action!.cidr])
    assert.lengthOf(ByCell.get(after.writes, action!)?.attempted ?? [], 1)
  })
})
