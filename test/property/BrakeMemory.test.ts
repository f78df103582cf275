import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { carriedOver, covers, merged } from "../../src/domain/BrakeMemory.ts"
import { type Cidr, cidr } from "../../src/domain/Cidr.ts"
import { type HighWater, lastDeleted, mostOwned, noteDeleted, noteOwned } from "../../src/domain/DeletionBrake.ts"
import { runs } from "../support/domain/Runs.ts"
import { Story } from "../support/domain/Story.ts"

const minute = 60_000
const hour = 60 * minute

const ranges = Array.from({ length: 12 }, (_, n) => `172.16.${n}.0/24`)

const listing = (some: Iterable<string>): Record<string, string> =>
  Object.fromEntries([...some].map((range) => [range, "a"]))

const routesTo = (some: ReadonlyArray<string>): Story =>
  new Story({ spec: listing(some), health: { a: "healthy" }, routes: listing(some) })

describe("the deletion brake over a restart", () => {
  it("holds seven routes' last ones: two were dropped, and two more would leave less than half", () => {
    const seven = ranges.slice(0, 7)
    const story = routesTo(seven)
      .spec(listing(seven.slice(2)))
      .allDone()
    story.spec(listing(seven.slice(4)))
    const hash = story.brake
    assert.match(hash, /^[0-9a-f]{16}$/)
    const left = listing(seven.slice(2))
    story.restart(left)
    assert.deepStrictEqual([story.brake, story.pending], [hash, []])
    story.spec(listing(seven.slice(4)))
    assert.deepStrictEqual([story.brake, story.pending], [hash, []])
  })

  it("measures a spec that comes after it against the hour before it", () => {
    const seven = ranges.slice(0, 7)
    const story = routesTo(seven)
      .spec(listing(seven.slice(2)))
      .allDone()
      .restart(listing(seven.slice(2)))
    story.wait(20 * minute).spec(listing(seven.slice(4)))
    assert.match(story.brake, /^[0-9a-f]{16}$/)
    assert.deepStrictEqual(story.pending, [])
  })

  it("holds what is held however long it takes and wherever the clock is set; another spec lets it go", () => {
    for (const set of [0, 48 * hour, -48 * hour]) {
      const seven = ranges.slice(0, 7)
      const story = routesTo(seven)
        .spec(listing(seven.slice(2)))
        .allDone()
        .spec(listing(seven.slice(4)))
      const left = listing(seven.slice(2))
      story
        .wait(3 * hour)
        .restart(left, set)
        .spec(listing(seven.slice(4)))
      assert.deepStrictEqual(story.pending, [], String(set))
      story.wait(61 * minute).spec(left)
      assert.deepStrictEqual([story.brake, story.pending], ["none", []])
    }
  })

  it("takes a confirmation before a spec was accepted, by the hash from before", () => {
    const story = routesTo(ranges).spec(listing(ranges.slice(8)))
    const hash = story.brake
    story.restart(listing(ranges))
    assert.strictEqual(story.brake, hash)
    story.confirm(hash)
    assert.deepStrictEqual([story.brake, story.pending], ["none", []])
    story.spec(listing(ranges.slice(8)))
    assert.strictEqual(story.pending.length, 8)
  })

  it("at any moment never lets go what it would have held: what goes unconfirmed leaves half, or two destinations", () => {
    const step = fc.record({
      after: fc.nat(12),
      count: fc.nat(3),
      done: fc.nat(3),
      restarts: fc.subarray(["before", "after"] as const),
      set: fc.constantFrom(0, 0, -minute, -5 * hour),
    })
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 12 }), fc.array(step, { maxLength: 8 }), (size, steps) => {
        const mine = ranges.slice(0, size)
        const story = routesTo(mine)
        const present = new Set(mine)
        let wanted = listing(mine)
        for (const { after, count, done, restarts, set } of steps) {
          story.wait(after * minute)
          if (story.now - 1_000_000 >= 49 * minute) return
          const kept = Object.keys(wanted).slice(count)
          if (kept.length === 0) return
          wanted = listing(kept)
          story.spec(wanted)
          for (const action of story.actions.slice(0, done)) {
            present.delete(action.cidr)
            story.done(`${action.cidr} ${action.table} delete`)
          }
          if (restarts.includes("before")) story.restart(listing(present), set)
          story.wait(1).spec(wanted)
          for (const { cidr } of story.actions) present.delete(cidr)
          story.allDone()
          if (restarts.includes("after")) story.restart(listing(present), set).spec(wanted)
          const gone = size - present.size
          assert.isTrue(gone <= size / 2 || gone <= 2, `${gone} of ${size} gone`)
        }
      }),
      runs(300),
    )
  })
})

describe("the last hour on another clock", () => {
  const anyHour = fc
    .array(fc.record({ after: fc.nat(10 * minute), owned: fc.nat(50), gone: fc.nat(11) }), { maxLength: 40 })
    .map((notes) => {
      let now = 5 * hour
      const noted = notes.reduce<HighWater>((before, { after, owned, gone }) => {
        now += after
        return noteDeleted(noteOwned(before, owned, now), cidr(ranges[gone]!), now)
      }, [])
      return { noted, now }
    })
  const anyTime = fc.nat(2_000_000_000_000)
  const sorted = (some: ReadonlySet<Cidr>): ReadonlyArray<Cidr> => [...some].toSorted()

  it("is as old as it was, within a minute", () => {
    fc.assert(
      fc.property(anyHour, anyTime, fc.nat(2 * hour), ({ noted, now }, to, later) => {
        const there = carriedOver(noted, now, to)
        const most = mostOwned(there, to + later)
        assert.isAtLeast(most, mostOwned(noted, now + later + minute))
        assert.isAtMost(most, mostOwned(noted, now + later - minute))
        const deleted = lastDeleted(there, to + later)
        for (const range of lastDeleted(noted, now + later + minute)) assert.isTrue(deleted.has(range))
      }),
      runs(300),
    )
  })

  it("counts for a whole hour, and no longer, after the clock was set back", () => {
    fc.assert(
      fc.property(anyHour, anyTime, fc.integer({ min: 2 * hour, max: 4 * hour }), ({ noted, now }, to, back) => {
        const there = carriedOver(noted, now - back, to)
        const all = sorted(new Set(noted.flatMap(({ deleted }) => deleted)))
        assert.deepStrictEqual(sorted(lastDeleted(there, to + 59 * minute)), all)
        assert.deepStrictEqual(sorted(lastDeleted(there, to + 61 * minute)), [])
        assert.isAtMost(there.length, 1)
      }),
      runs(200),
    )
  })

  it("takes no more memory than an hour, whatever a file holds", () => {
    const minutes = Array.from({ length: 200 }, (_, n) => ({ minute: n, owned: 1, deleted: [] }))
    fc.assert(
      fc.property(fc.nat(300 * minute), anyTime, (from, to) => {
        assert.isAtMost(carriedOver(minutes, from, to).length, 60)
      }),
      runs(200),
    )
  })

  it("is what both of two knew, oldest first, whichever comes first", () => {
    fc.assert(
      fc.property(anyHour, anyHour, ({ noted: one, now }, { noted: other }) => {
        const both = merged(one, other)
        const minutes = both.map((entry) => entry.minute)
        assert.deepStrictEqual(
          minutes,
          minutes.toSorted((a, b) => a - b),
        )
        assert.deepStrictEqual(
          merged(other, one).map((entry) => entry.minute),
          minutes,
        )
        assert.isTrue(covers(both, one, now) && covers(both, other, now))
      }),
      runs(100),
    )
  })

  it("is not covered by the same deletion twenty minutes before, which a restart would forget too soon; five minutes before it is", () => {
    const range = cidr("10.0.0.0/8")
    const now = 100 * hour
    const gone = (ago: number): HighWater => noteDeleted([], range, now - ago)
    assert.isFalse(covers(gone(20 * minute), gone(0), now))
    assert.isTrue(covers(gone(5 * minute), gone(0), now))
  })

  it("is covered by itself and by what knows more, and not by what lacks its most routes or a deletion", () => {
    fc.assert(
      fc.property(anyHour, anyHour, ({ noted, now }, { noted: more }) => {
        assert.isTrue(covers(noted, noted, now))
        assert.isTrue(covers(merged(noted, more), noted, now))
        const gone = cidr("10.0.0.0/8")
        assert.isFalse(covers(noted, noteDeleted(noted, gone, now), now))
        assert.isFalse(covers(noted, noteOwned(noted, 51, now), now))
      }),
      runs(200),
    )
  })
})
