import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { Action, Reason } from "../../src/domain/Action.ts"
import { type Cidr, cidr } from "../../src/domain/Cidr.ts"
import {
  brakeOn,
  type DeleteRoute,
  deletionKey,
  type HighWater,
  lastDeleted,
  mostOwned,
  noteDeleted,
  noteOwned,
} from "../../src/domain/DeletionBrake.ts"
import { RouteTarget } from "../../src/domain/Vpc.ts"
import { interfaceIds, tableIds } from "../support/domain/Pools.ts"
import { runs } from "../support/domain/Runs.ts"
import { smallSpec } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const minute = 60_000

const ranges = ["172.16.1.0/24", "172.16.2.0/24", "172.16.3.0/24", "172.16.4.0/24", "172.16.5.0/24", "172.16.6.0/24"]

const listing = (some: ReadonlyArray<string>, list = "a"): Record<string, string> =>
  Object.fromEntries(some.map((range) => [range, list]))

/** Six destinations in one table, all right. */
const sixRoutes = (): Story => new Story({ spec: listing(ranges), health: { a: "healthy" }, routes: listing(ranges) })

const dropping = (count: number): Story => sixRoutes().spec(listing(ranges.slice(count)))

describe("the deletion brake", () => {
  it("lets a plan through that deletes half of the routes", () => {
    const story = dropping(3)
    assert.strictEqual(story.brake, "none")
    assert.strictEqual(story.pending.length, 3)
  })

  it("holds a plan that deletes over half of the routes and three destinations or more, and nothing else", () => {
    const story = dropping(4)
    assert.match(story.brake, /^[0-9a-f]{16}$/)
    assert.deepStrictEqual(story.pending, [])
    assert.strictEqual(story.held.filter((hold) => hold.endsWith("DeletionBrake")).length, 4)
    story.wait(1000).reads("-", 0, { routes: { ...listing(ranges), [ranges[5]!]: "-" } })
    assert.deepStrictEqual(story.pending, [`${ranges[5]!} rtb-1 create:a`])
  })

  it("lets a single withdrawal through at once, even of the only route", () => {
    const [range] = ranges
    const story = new Story({ spec: listing([range!]), health: { a: "healthy" }, routes: listing([range!]) })
    story.spec({ [range!]: "" })
    assert.deepStrictEqual(story.pending, [`${range!} rtb-1 delete`])
  })

  it("holds every deletion that an empty spec asks for, be it one", () => {
    const [range] = ranges
    const story = new Story({ spec: listing([range!]), health: { a: "healthy" }, routes: listing([range!]) })
    story.spec({})
    assert.deepStrictEqual([story.pending, story.held], [[], [`${range!} rtb-1 DeletionBrake`]])
  })

  it("holds them too when the daemon has just started with an empty spec", () => {
    const story = new Story({ spec: {}, health: {}, routes: listing(ranges) })
    assert.deepStrictEqual(story.pending, [])
    assert.strictEqual(story.held.length, 6)
  })

  it("counts against the most routes of the last hour, so that many small steps are one large one", () => {
    const story = dropping(3).allDone()
    assert.strictEqual(story.spec(listing(ranges.slice(6))).brake === "none", false)
    assert.deepStrictEqual(story.pending, [])
  })

  it("takes many small steps for one large one, however small: what goes unconfirmed leaves half, or two destinations", () => {
    const step = fc.record({ after: fc.nat(20), count: fc.integer({ min: 1, max: 3 }) })
    const all = Array.from({ length: 12 }, (_, n) => `172.16.${n}.0/24`)
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 12 }), fc.array(step, { maxLength: 8 }), (size, steps) => {
        const mine = all.slice(0, size)
        const story = new Story({ spec: listing(mine), health: { a: "healthy" }, routes: listing(mine) })
        const present = new Set(mine)
        for (const { after, count } of steps) {
          story.wait(after * minute)
          if (story.now - 1_000_000 >= 59 * minute) return
          const kept = [...present].slice(count)
          if (kept.length === 0) return
          story.spec(listing(kept))
          for (const { cidr } of story.actions) present.delete(cidr)
          story.allDone()
          const gone = size - present.size
          assert.isTrue(gone <= size / 2 || gone <= 2, `${gone} of ${size} gone`)
        }
      }),
      runs(200),
    )
  })

  it("does not stop whoever withdraws one route after the other, each by its empty list", () => {
    const story = sixRoutes()
    for (let n = 1; n < 6; n++) {
      const list = { ...listing(ranges.slice(n)), [ranges[n - 1]!]: "" }
      assert.deepStrictEqual(story.spec(list).pending, [`${ranges[n - 1]!} rtb-1 delete`])
      story.allDone()
    }
  })

  it("stops whoever drops one after the other when over half is gone, and not an hour later", () => {
    const story = sixRoutes()
    for (let n = 1; n <= 3; n++) {
      assert.lengthOf(story.spec(listing(ranges.slice(n))).pending, 1)
      story.allDone()
    }
    assert.deepStrictEqual(story.spec(listing(ranges.slice(4))).pending, [])
    story
      .spec(listing(ranges.slice(3)))
      .wait(61 * minute)
      .reads("-", 0, { routes: listing(ranges.slice(3)) })
    assert.lengthOf(story.spec(listing(ranges.slice(4))).pending, 1)
  })

  it("does not count what the operator confirmed, nor what the spec has taken back in", () => {
    const confirmed = dropping(4)
    confirmed.confirm(confirmed.brake).allDone()
    assert.lengthOf(confirmed.spec(listing(ranges.slice(5))).pending, 1)
    const back = dropping(3).allDone()
    back.spec(listing(ranges)).allDone()
    back.spec(listing(ranges.slice(3))).allDone()
    back.spec(listing(ranges)).allDone()
    assert.lengthOf(back.spec(listing(ranges.slice(3))).pending, 3)
  })

  it("counts at least the routes that there are, when nothing was read or written for over an hour", () => {
    const story = sixRoutes()
      .wait(2 * 60 * minute)
      .spec({ [ranges[0]!]: "a" })
    assert.match(story.brake, /^[0-9a-f]{16}$/)
    assert.deepStrictEqual(story.pending, [])
  })

  it("is let go by the hash of exactly that plan, and by no other", () => {
    const story = dropping(4)
    const hash = story.brake
    assert.deepStrictEqual(story.confirm("0123456789abcdef").confirm("").pending, [])
    assert.strictEqual(story.brake, hash)
    assert.strictEqual(story.confirm(hash).pending.length, 4)
    assert.deepStrictEqual([story.brake, story.held], ["none", []])
  })

  it("is not let go by a reading that happens to lack some of the routes or interfaces", () => {
    const story = dropping(4).wait(1000)
    story.reads("-", 0, { routes: { ...listing(ranges.slice(2)), [ranges[1]!]: "x" } })
    assert.deepStrictEqual(story.pending, [])
    story.wait(1000).reads("-", 0, { routes: listing(ranges.slice(3)) })
    assert.deepStrictEqual([story.pending, story.held], [[], [`${ranges[3]!} rtb-1 DeletionBrake`]])
  })

  it("is not let go by a reading that shows other targets, as a stale one does, also when the hour has passed", () => {
    const more = [...ranges, "172.16.7.0/24", "172.16.8.0/24", "172.16.9.0/24", "172.16.10.0/24"]
    const story = new Story({ spec: listing(more), health: { a: "healthy" }, routes: listing(more) })
    story
      .spec(listing(more.slice(3)))
      .allDone()
      .spec(listing(more.slice(6)))
    const { brake } = story
    assert.deepStrictEqual(story.pending, [])
    const others = { ...listing(more.slice(6)), ...listing(more.slice(3, 6), "b") }
    story.wait(61 * minute).reads("-", 0, { routes: others })
    assert.deepStrictEqual([story.pending, story.held.length], [[], 3])
    // Whoever confirms sees what is deleted.
    assert.notStrictEqual(story.brake, brake)
    story.wait(1000).reads("-", 0, { routes: listing(more.slice(3)) })
    assert.deepStrictEqual([story.pending, story.brake], [[], brake])
  })

  it("is not let go by the passing of an hour", () => {
    const more = [...ranges, "172.16.7.0/24", "172.16.8.0/24", "172.16.9.0/24", "172.16.10.0/24"]
    const story = new Story({ spec: listing(more), health: { a: "healthy" }, routes: listing(more) })
    story
      .spec(listing(more.slice(3)))
      .allDone()
      .spec(listing(more.slice(6)))
    const { brake } = story
    assert.deepStrictEqual(story.pending, [])
    for (let hour = 0; hour < 3; hour++) story.wait(61 * minute).reads("-", 0, { routes: listing(more.slice(3)) })
    assert.deepStrictEqual([story.pending, story.held.length, story.brake], [[], 3, brake])
  })

  it("is let go by another spec that deletes less", () => {
    const story = dropping(4).spec(listing(ranges.slice(1)))
    assert.deepStrictEqual([story.brake, story.pending], ["none", [`${ranges[0]!} rtb-1 delete`]])
  })

  it("does not hold what is left of a confirmed plan that was carried out in part", () => {
    const story = dropping(5)
    story.confirm(story.brake)
    while (story.pending.length > 0) {
      const [first] = story.pending
      story.done(first)
      assert.strictEqual(story.brake, "none")
      story.wait(31_000)
      const present = new Set(story.actions.map(({ cidr }) => `${cidr}`))
      const routes = Object.fromEntries(ranges.map((range, i) => [range, i === 5 || present.has(range) ? "a" : "-"]))
      story.reads("-", 0, { routes })
    }
    assert.strictEqual(story.held.length, 0)
  })

  it("does not hold a confirmed deletion that EC2 refused for a while", () => {
    const story = dropping(4)
    story.confirm(story.brake)
    for (const words of story.pending) story.refused("UnauthorizedOperation", words)
    assert.deepStrictEqual(story.pending, [])
    story.wait(11 * minute).reads("-")
    assert.strictEqual(story.pending.length, 4)
  })

  it("holds what the confirmed plan did not hold: other destinations, or other targets of the same", () => {
    const story = dropping(4)
    story
      .confirm(story.brake)
      .wait(1000)
      .reads("-", 0, { routes: { ...listing(ranges.slice(1)), [ranges[0]!]: "b" } })
    // One deletion alone is not held; three of them are, for too few routes would be left.
    assert.strictEqual(story.pending.length, 4)
    const others = { ...listing(ranges.slice(3)), ...listing(ranges.slice(0, 3), "b") }
    story.wait(1000).reads("-", 0, { routes: others })
    assert.deepStrictEqual(story.pending, [`${ranges[3]!} rtb-1 delete`])
    assert.strictEqual(story.held.filter((hold) => hold.endsWith("DeletionBrake")).length, 3)
  })

  it("does not take an old confirmation for a new one", () => {
    const story = dropping(4)
    const hash = story.brake
    story
      .confirm(hash)
      .spec(listing(ranges))
      .spec(listing(ranges.slice(4)))
    assert.deepStrictEqual(story.pending, [])
    assert.strictEqual(story.confirm("0123456789abcdef").pending.length, 0)
    const later = dropping(4)
    later
      .confirm(later.brake)
      .allDone()
      .wait(61 * minute)
      .reads("-", 0, { routes: listing(ranges.slice(4)) })
    later.wait(1000).reads("-", 0, { routes: listing(ranges) })
    assert.match(later.brake, /^[0-9a-f]{16}$/)
    assert.deepStrictEqual(later.pending, [])
  })
})

const anyReason = fc.constantFrom(Reason.NotInSpec(), Reason.Withdrawn())
const anyDeletion: fc.Arbitrary<DeleteRoute> = fc
  .tuple(fc.constantFrom(...tableIds), fc.constantFrom(...ranges), fc.constantFrom(...interfaceIds), anyReason)
  .map(([table, range, interfaceId, reason]) =>
    Action.DeleteRoute({
      table,
      cidr: cidr(range),
      before: RouteTarget.Interface({ interfaceId }),
      reason,
      urgency: "deletion",
    }),
  )

const mixedDeletions = fc.uniqueArray(anyDeletion, { selector: ({ table, cidr }) => `${table} ${cidr}`, maxLength: 12 })
/** Often all of them for the same reason. */
const anyDeletions = fc
  .tuple(mixedDeletions, fc.option(anyReason, { nil: undefined }))
  .map(([some, reason]) => (reason === undefined ? some : some.map((one): DeleteRoute => ({ ...one, reason }))))

describe("the rule of the brake", () => {
  it("is that of the words: over half of the most owned, and three destinations in the hour, unless one alone is withdrawn; or an empty spec", () => {
    const inSpec = "10.0.0.0/8"
    const anyDeleted = fc.subarray([...ranges, inSpec]).map((some) => new Set(some.map(cidr)))
    const anySpec = fc.constantFrom("empty", "other")
    fc.assert(
      fc.property(anyDeletions, fc.nat(20), fc.nat(20), anySpec, anyDeleted, (deletions, more, was, kind, deleted) => {
        const owned = deletions.length + more
        const most = Math.max(owned, was)
        const spec = kind === "empty" ? new Map() : smallSpec({ [inSpec]: "a" })
        const lastDeleted = (): ReadonlySet<Cidr> => deleted
        const before = undefined
        const brake = brakeOn({ deletions, confirmed: new Map(), spec, owned, mostOwned: was, lastDeleted, before })
        // What the spec has taken back in does not count.
        const gone = [...deleted].filter((one) => one !== cidr(inSpec))
        const destinations = new Set([...deletions.map((one) => one.cidr), ...gone]).size
        const left = owned - deletions.length
        const isOneWithdrawn =
          new Set(deletions.map((one) => one.cidr)).size === 1 &&
          deletions.every(({ reason }) => reason._tag === "Withdrawn")
        const tooMany = left < most / 2 && destinations >= 3 && !isOneWithdrawn
        const expected = deletions.length > 0 && (kind === "empty" || tooMany)
        assert.strictEqual(brake?.cause, expected ? (kind === "empty" ? "EmptySpec" : "TooMany") : undefined)
      }),
      runs(500),
    )
  })

  it("keeps what is held, whatever comes to it of the same spec, in one order", () => {
    const spec = smallSpec({ "10.0.0.0/8": "a" })
    const rule = (deletions: ReadonlyArray<DeleteRoute>, owned: number, before?: ReturnType<typeof brakeOn>) =>
      brakeOn({ deletions, confirmed: new Map(), spec, owned, mostOwned: owned, lastDeleted: () => new Set(), before })
    fc.assert(
      fc.property(anyDeletions, anyDeletions, (one, other) => {
        const held = rule(one, one.length)
        fc.pre(held !== undefined)
        const cells = new Set(one.map(({ cidr, table }) => `${table} ${cidr}`))
        const more = other.filter(({ cidr, table }) => !cells.has(`${table} ${cidr}`))
        // Of so many routes they are no longer over half.
        const later = rule([...more, ...one], 1_000, held)
        assert.deepStrictEqual(later?.deletions, rule([...one, ...more].toReversed(), 1_000, held)?.deletions)
        assert.strictEqual(later?.deletions.length, one.length + more.length)
        assert.isUndefined(rule(more, 1_000, held), "none of these was held")
      }),
      runs(300),
    )
  })

  it("has a hash that stands for exactly these deletions, in whatever order", () => {
    const hash = (deletions: ReadonlyArray<DeleteRoute>): string | undefined =>
      brakeOn({
        deletions,
        confirmed: new Map(),
        spec: new Map(),
        owned: 9,
        mostOwned: 9,
        lastDeleted: () => new Set(),
        before: undefined,
      })?.hash
    const keys = (deletions: ReadonlyArray<DeleteRoute>): string => deletions.map(deletionKey).toSorted().join()
    fc.assert(
      fc.property(anyDeletions, anyDeletions, (one, other) => {
        assert.strictEqual(hash(one), hash(one.toReversed()))
        assert.strictEqual(hash(one) === hash(other), keys(one) === keys(other))
      }),
      runs(500),
    )
  })
})

describe("the most routes of the last hour", () => {
  const anyNotes = fc.array(fc.record({ after: fc.oneof(fc.nat(20_000), fc.nat(10 * minute)), owned: fc.nat(50) }), {
    minLength: 1,
    maxLength: 100,
    size: "max",
  })

  it("are never fewer than were noted in the last hour, nor more than in the hour and two minutes before", () => {
    fc.assert(
      fc.property(anyNotes, (notes) => {
        let highWater: HighWater = []
        let now = 0
        const past: Array<{ readonly at: number; readonly owned: number }> = []
        for (const { after, owned } of notes) {
          now += after
          past.push({ at: now, owned })
          highWater = noteOwned(highWater, owned, now)
          const most = mostOwned(highWater, now)
          const since = (millis: number): number =>
            Math.max(...past.filter(({ at }) => at >= now - millis).map((note) => note.owned))
          assert.isAtLeast(most, since(59 * minute))
          assert.isAtMost(most, since(61 * minute))
        }
      }),
      runs(300),
    )
  })

  it("are forgotten after an hour, and so are the deletions in it, also if nothing is noted any more", () => {
    fc.assert(
      fc.property(anyNotes, fc.nat(120 * minute), (notes, later) => {
        let highWater: HighWater = []
        let now = 0
        const past: Array<{ readonly at: number; readonly owned: number; readonly gone: Cidr }> = []
        for (const { after, owned } of notes) {
          now += after
          const gone = cidr(ranges[owned % ranges.length]!)
          past.push({ at: now, owned, gone })
          highWater = noteDeleted(noteOwned(highWater, owned, now), gone, now)
        }
        const asked = now + later
        const since = (millis: number) => past.filter(({ at }) => at >= asked - millis)
        const most = (some: typeof past): number => Math.max(0, ...some.map(({ owned }) => owned))
        assert.isAtLeast(mostOwned(highWater, asked), most(since(59 * minute)))
        assert.isAtMost(mostOwned(highWater, asked), most(since(61 * minute)))
        const deleted = lastDeleted(highWater, asked)
        for (const { gone } of since(59 * minute)) assert.isTrue(deleted.has(gone))
        const known = new Set(since(61 * minute).map(({ gone }) => gone))
        for (const one of deleted) assert.isTrue(known.has(one), one)
      }),
      runs(300),
    )
  })

  it("are the same value while what is noted changes nothing", () => {
    fc.assert(
      fc.property(anyNotes, fc.nat(50), (notes, fewer) => {
        let now = 0
        let highWater: HighWater = []
        for (const { after, owned } of notes) highWater = noteOwned(highWater, owned, (now += after))
        const { owned } = notes.at(-1)!
        assert.strictEqual(noteOwned(highWater, Math.max(0, owned - fewer), now), highWater)
        const gone = noteDeleted(highWater, cidr(ranges[0]!), now)
        assert.strictEqual(noteDeleted(gone, cidr(ranges[0]!), now), gone)
      }),
      runs(200),
    )
  })

  it("take no more memory than there are minutes in an hour, if every minute is noted", () => {
    let highWater: HighWater = []
    for (let now = 0; now < 200 * minute; now += minute) {
      highWater = noteOwned(highWater, 1, now)
      assert.isAtMost(highWater.length, 60)
    }
  })
})
