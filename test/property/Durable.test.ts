import { assert, describe, it } from "@effect/vitest"
import { apply } from "../../src/domain/Apply.ts"
import { lastDeleted } from "../../src/domain/DeletionBrake.ts"
import { durableOf, holdsAlike } from "../../src/domain/Durable.ts"
import { empty, type World } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { smallSpec, smallVpc } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const minute = 60_000

const ranges = Array.from({ length: 7 }, (_, n) => `172.16.${n}.0/24`)

const listing = (some: Iterable<string>): Record<string, string> =>
  Object.fromEntries([...some].map((range) => [range, "a"]))

const story = (): Story =>
  new Story({ spec: listing(ranges), health: { a: "healthy" }, routes: listing(ranges) }).wait(minute)

/** The destinations that a state file would count as deleted in the last hour, some time later. */
const counted = ({ now, world }: Story, later = 0): ReadonlyArray<string> =>
  [...lastDeleted(durableOf(world, now)?.hour ?? [], now + later)].toSorted()

describe("what is kept for a restart", () => {
  it("counts a deletion as made from when it is decided, so that it is kept before it is sent, and for an hour", () => {
    const two = story().spec(listing(ranges.slice(2)))
    assert.strictEqual(two.pending.length, 2)
    assert.deepStrictEqual(counted(two), ranges.slice(0, 2))
    assert.deepStrictEqual(counted(two, 59 * minute), ranges.slice(0, 2))
    assert.deepStrictEqual(counted(two, 61 * minute), [])
    assert.deepStrictEqual(counted(two.allDone()), ranges.slice(0, 2))
  })

  it("does not count what is held, what the operator confirmed, or what is no deletion", () => {
    const held = story().spec(listing(ranges.slice(5)))
    assert.deepStrictEqual([held.pending, counted(held)], [[], []])
    held.confirm(held.brake)
    assert.strictEqual(held.pending.length, 5)
    assert.deepStrictEqual(counted(held), [])
    assert.strictEqual(durableOf(held.world, held.now)?.confirmed.length, 5)
    const created = story().spec({ ...listing(ranges), "172.17.0.0/16": "a" })
    assert.strictEqual(created.pending.length, 1)
    assert.deepStrictEqual(counted(created), [])
  })

  it("is nothing before a spec was accepted", () => {
    assert.isUndefined(durableOf(empty(), 0))
  })

  it("holds nothing in the name of a spec that is not in force any more", () => {
    const { kept } = story().spec(listing(ranges.slice(5)))
    assert.strictEqual(kept?.brake?.deletions.length, 5)
    const restored = apply(empty(), WorldEvent.Restored({ durable: kept!, at: 0 }))[0]
    assert.strictEqual(durableOf(restored, 0)?.brake?.hash, kept?.brake?.hash)
    const [other] = apply(restored, WorldEvent.SpecAccepted({ spec: smallSpec(listing(ranges)), at: 0 }))
    assert.isUndefined(durableOf(other, 0)?.brake)
  })
})

describe("what was kept", () => {
  const isEnough = ({ now, world }: Story, kept: Story["kept"]): boolean => holdsAlike(kept, world, now)

  it("is enough while nothing was deleted or held since; nothing kept is not", () => {
    const calm = story()
    const kept = durableOf(calm.world, calm.now)
    assert.isTrue(isEnough(calm, kept))
    assert.isTrue(isEnough(calm.wait(minute), kept))
    assert.isFalse(isEnough(calm, undefined))
  })

  it("is not enough once another deletion is decided, or others are held", () => {
    const one = story()
    const kept = durableOf(one.world, one.now)
    assert.isFalse(isEnough(one.spec(listing(ranges.slice(1))), kept))
    assert.isTrue(isEnough(one, durableOf(one.world, one.now)))
    const held = story()
    const before = durableOf(held.world, held.now)
    assert.isFalse(isEnough(held.spec(listing(ranges.slice(5))), before))
    assert.isTrue(isEnough(held, durableOf(held.world, held.now)))
    const fewer = durableOf(held.world, held.now)
    assert.isFalse(isEnough(held.spec(listing(ranges.slice(6))), fewer))
  })

  it("need not be kept anew before there are both a spec and a reading: nothing is deleted by then", () => {
    const spec = WorldEvent.SpecAccepted({ spec: smallSpec(listing(ranges)), at: 0 })
    const read = WorldEvent.VpcRead({ vpc: smallVpc({ routes: listing(ranges) }), readAt: 0 })
    const after = (...events: ReadonlyArray<WorldEvent>): World =>
      events.reduce((world, event) => apply(world, event)[0], empty())
    for (const [world, expected] of [
      [empty(), true],
      [after(spec), true],
      [after(read), true],
      [after(spec, read), false],
    ] as const)
      assert.strictEqual(holdsAlike(undefined, world, 0), expected)
  })
})
