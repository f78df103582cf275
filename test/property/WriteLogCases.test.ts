import { assert, describe, it } from "@effect/vitest"
import { RouteTarget } from "../../src/domain/Vpc.ts"
import type { StandingRoute } from "../../src/domain/VpcIndex.ts"
import {
  afterReading,
  content,
  contention,
  doubted,
  foundGone,
  foundThere,
  type LogEntry,
  staleHorizon,
  uncertain,
  written,
} from "../../src/domain/WriteLog.ts"
import { interfaceAt } from "../support/domain/Small.ts"

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** A route of ours to the interface of this host. */
const to = (letter: string): StandingRoute => ({
  target: RouteTarget.Interface({ interfaceId: interfaceAt(letter) }),
  interfaceId: interfaceAt(letter),
  blackhole: false,
  owned: true,
  interfaceSeen: true,
})
const [a, b, c, d] = [to("a"), to("b"), to("c"), to("d")]
/** Routes of another kind. */
const gateway: StandingRoute = { ...a, target: RouteTarget.Other({ kind: "GatewayId", id: "igw-1" }), owned: false }

/** The route led to `a`, and we wrote `b`, at 0. */
const moved = written(undefined, [a], b, 0)

/** What a reading of this age makes of it; something is left to remember. */
const read = (entry: LogEntry, route: StandingRoute | undefined, at: number): LogEntry => {
  const after = afterReading(entry, route, at)
  assert.isDefined(after)
  return after!
}

describe("what a cell held before our write", () => {
  it("is known as old for ten seconds, and then it is somebody's", () => {
    assert.strictEqual(read(moved, a, 10 * second - 1).shown, "stale")
    assert.strictEqual(read(moved, a, 10 * second).shown, "old")
  })

  it("is known as old after several writes, though they go back and forth", () => {
    let entry = written(undefined, [undefined], a, 0)
    for (let n = 1; n <= 8; n++) entry = written(entry, [entry.written], n % 2 === 0 ? a : b, n)
    for (const route of [undefined, b]) assert.strictEqual(read(entry, route, second).shown, "stale")
  })

  it("is known of writes less than five minutes apart, five contents at most", () => {
    const at = 10 * minute
    const recent = written(undefined, [a], b, at)
    assert.deepStrictEqual(written(recent, [b], c, at + staleHorizon - 1).before, [b, a])
    assert.deepStrictEqual(written(recent, [b], c, at + staleHorizon).before, [b])
    let entry = moved
    for (const letter of "cdefghi") entry = written(entry, [entry.written], to(letter), second)
    assert.deepStrictEqual(entry.before, [..."hgfed"].map(to))
  })

  it("is not known as old once EC2 has said that the cell is not as we believe", () => {
    assert.strictEqual(read(doubted(moved), a, second).shown, "changed")
  })

  it("was another route, if it led to the same interface and was not ours", () => {
    const entry = written(undefined, [{ ...a, owned: false }], b, 0)
    assert.strictEqual(read(entry, a, second).shown, "changed")
  })
})

describe("a write of ours is remembered", () => {
  const seen = read(moved, b, second)
  const again = read(written(read(moved, d, second), [d], b, 0), b, second)

  it("for five minutes if it shows, and for an hour if the cell was changed by others", () => {
    assert.isDefined(afterReading(seen, b, staleHorizon))
    assert.isUndefined(afterReading(seen, b, staleHorizon + 1))
    assert.isDefined(afterReading(again, b, hour))
    assert.isUndefined(afterReading(again, b, hour + 1))
  })

  it("until somebody's wish shows after these five minutes", () => {
    assert.strictEqual(read(seen, a, staleHorizon).shown, "old")
    assert.isUndefined(afterReading(seen, a, staleHorizon + 1))
  })

  it("for an hour if readings show something else; longer while one without an answer is open", () => {
    const changed = read(moved, d, second)
    assert.isDefined(afterReading(changed, d, hour))
    assert.isUndefined(afterReading(changed, d, hour + 1))
    assert.isDefined(afterReading(uncertain(changed, d, c, 2 * hour), d, hour + 1))
  })
})

describe("a change by others", () => {
  it("is counted once, however often it is read", () => {
    const changed = read(moved, d, second)
    assert.strictEqual(changed.reversals, 1)
    assert.strictEqual(read(changed, d, 2 * second).reversals, 1)
    assert.strictEqual(read(read(changed, gateway, 2 * second), gateway, 3 * second).reversals, 1)
  })

  it("makes a contended cell the second time, until a reading shows our write", () => {
    const once = read(moved, d, second)
    assert.isUndefined(contention(once))
    const twice = read(written(once, [d], b, 2 * second), c, 3 * second)
    assert.deepStrictEqual(contention(twice), { until: 42 * second, times: 2 })
    assert.isUndefined(contention(read(twice, b, 4 * second)))
  })

  it("to another kind of route is believed for five minutes against readings that show one of ours: they may be older", () => {
    const foreign = read(moved, gateway, second)
    const later = read(foreign, b, second + staleHorizon)
    assert.deepStrictEqual(content(later, b), { present: gateway, believed: gateway, isDisputed: true })
    // Where none is, none can be lost.
    assert.deepStrictEqual(content(later, undefined), { present: undefined, believed: undefined })
    const over = read(foreign, b, second + staleHorizon + 1)
    assert.deepStrictEqual(content(over, b), { present: b, believed: b })
  })
})

describe("a write without an answer", () => {
  it("counts as open until a reading that began after it ended", () => {
    const entry = uncertain(moved, b, c, 5 * second)
    assert.deepStrictEqual(content(entry, b).attempted, [c])
    for (const at of [3 * second, 5 * second]) assert.deepStrictEqual(content(read(entry, b, at), b).attempted, [c])
    assert.notProperty(content(read(entry, b, 5 * second + 1), b), "attempted")
    const changed = read(entry, d, 6 * second)
    assert.strictEqual(changed.shown, "changed")
    assert.notProperty(content(changed, d), "attempted")
  })

  it("was done, if such a reading shows it; what it replaced is old then", () => {
    const done = read(uncertain(moved, a, c, second), c, 2 * second)
    assert.strictEqual(done.shown, "confirmed")
    assert.strictEqual(read(done, b, 3 * second).shown, "stale")
    assert.deepStrictEqual(content(done, c), { present: c, believed: c })
  })

  it("was done, too, if a reading after one that did not show it does: the first may have been the older one", () => {
    // The cell held c before, so that what shows c could be taken for an old reading as well; by now it is none.
    const again = written(written(undefined, [c], b, 0), [b], b, 0)
    const entry = uncertain(again, b, c, 100 * second)
    const denied = read(entry, b, 101 * second)
    assert.deepStrictEqual(content(denied, b), { present: b, believed: b })
    const shown = read(denied, c, 102 * second)
    assert.deepStrictEqual([shown.shown, shown.reversals], ["confirmed", 0])
    assert.deepStrictEqual(content(shown, c), { present: c, believed: c })
  })

  it("is remembered for five minutes, however old the write before it is", () => {
    const entry = uncertain(moved, b, c, 2 * staleHorizon)
    const denied = read(entry, b, 2 * staleHorizon + 1)
    assert.strictEqual(read(denied, c, 3 * staleHorizon).shown, "confirmed")
    assert.isUndefined(afterReading(denied, b, 3 * staleHorizon + 1))
  })

  it("was done or not, no matter: that is no question where the cell is as it would have it", () => {
    assert.notProperty(content(uncertain(moved, a, b, second), a), "attempted")
  })

  it("is one, however often it was tried, and the last five are known", () => {
    const tries = uncertain(uncertain(uncertain(moved, a, c, 1), a, d, 2), a, c, 3)
    assert.deepStrictEqual(
      tries.attempted?.map(({ at, route }) => [at, route]),
      [
        [2, d],
        [3, c],
      ],
    )
    let entry = moved
    for (const letter of "cdefghi") entry = uncertain(entry, a, to(letter), second)
    assert.deepStrictEqual(
      entry.attempted?.map(({ route }) => route),
      [..."efghi"].map(to),
    )
  })

  it("to a cell that we had not written is all that is remembered: a reading after all of them tells", () => {
    const entry = uncertain(uncertain(undefined, a, b, second), a, c, 3 * second)
    for (const at of [2 * second, 3 * second]) assert.deepStrictEqual(content(read(entry, a, at), a).attempted, [b, c])
    assert.isUndefined(afterReading(entry, a, 3 * second + 1))
    assert.strictEqual(read(entry, b, 3 * second + 1).shown, "confirmed")
  })
})

describe("when EC2 says that a route is there", () => {
  it("it is the one that we wrote", () => {
    const found = foundThere(moved, second)
    assert.deepStrictEqual(content(found, a).present, b)
    assert.strictEqual(foundThere(read(moved, b, second), 2 * second)?.shown, "confirmed")
  })

  it("it is the last one that we may have written; the others stay open", () => {
    const entry = uncertain(uncertain(uncertain(undefined, a, b, 1), a, c, 2), a, undefined, 3)
    const found = foundThere(entry, second)
    assert.deepStrictEqual(content(found, a), { present: c, believed: c, attempted: [b, undefined] })
    assert.deepStrictEqual(
      found?.attempted?.map(({ route }) => route),
      [b, undefined],
    )
    assert.strictEqual(read(found!, a, 2 * second).shown, "stale")
  })

  it("it is not known whose it is, if we wrote none, or a reading has shown something else since", () => {
    assert.isUndefined(foundThere(uncertain(undefined, a, undefined, 1), second))
    assert.isUndefined(foundThere(written(undefined, [a], undefined, 0), second))
    for (const other of [d, gateway]) assert.isUndefined(foundThere(read(moved, other, second), 2 * second))
    const told = read(uncertain(written(undefined, [a], undefined, 0), undefined, c, 1), undefined, second)
    assert.isUndefined(foundThere(told, 2 * second), "a reading has told that the try was not done")
  })

  it("who was blamed for changing it back is cleared of that, and of nothing else", () => {
    const once = read(moved, a, 11 * second)
    assert.deepStrictEqual([once.shown, once.reversals], ["old", 1])
    assert.strictEqual(foundThere(once, 12 * second)?.reversals, 0)
    const rewritten = written(once, [a], b, 12 * second)
    assert.strictEqual(foundThere(rewritten, 13 * second)?.reversals, 1)
    const twice = read(rewritten, a, 40 * second)
    assert.deepStrictEqual([twice.shown, twice.reversals], ["old", 2])
    assert.strictEqual(foundThere(twice, 41 * second)?.reversals, 1)
  })
})

describe("EC2's word that a cell is as we left it", () => {
  it("is believed against readings for 40 s, twice as long with every repetition, and for five minutes at most", () => {
    let entry = moved
    for (const seconds of [40, 80, 160, 300, 300]) {
      const at = minute
      const proven = foundThere(entry, at)
      assert.isDefined(proven)
      assert.strictEqual(read(proven!, a, at + seconds * second - 1).shown, "stale")
      assert.strictEqual(read(proven!, a, at + seconds * second).shown, "old")
      entry = proven!
    }
  })

  it("outlives a write that follows within five minutes", () => {
    const proven = foundThere(moved, second)
    const next = written(proven, [b], c, 2 * second)
    assert.strictEqual(read(next, b, 40 * second).shown, "stale")
  })

  it("makes of readings that went on showing otherwise old ones", () => {
    const old = read(moved, a, 11 * second)
    assert.deepStrictEqual(content(old, a), { present: a, believed: b })
    assert.deepStrictEqual(content(foundThere(old, 12 * second), a), { present: b, believed: b })
  })
})

describe("when EC2 says that a route is gone", () => {
  it("that we never wrote, the cell is empty all the same, and readings that show it are old", () => {
    const entry = foundGone(undefined, a, second)
    assert.isUndefined(content(entry, a).present)
    assert.strictEqual(read(entry!, a, 2 * second).shown, "stale")
  })

  it("readings that show it are old, also those that show what we may have written", () => {
    const entry = foundGone(uncertain(moved, b, c, second), b, 2 * second)
    assert.isDefined(entry)
    for (const route of [a, b, c]) assert.strictEqual(read(entry!, route, 3 * second).shown, "stale")
    assert.isUndefined(content(entry, b).present)
  })

  it("it is no matter of a route of another kind, nor of one that may be", () => {
    assert.isUndefined(foundGone(undefined, gateway, second))
    assert.isUndefined(foundGone(read(moved, gateway, second), undefined, 2 * second))
  })

  it("it was we who deleted it, if we did: its time counts on, unless somebody put another one there", () => {
    const deleted = written(undefined, [a], undefined, 0)
    assert.strictEqual(foundGone(deleted, undefined, second)?.at, 0)
    const put = foundGone(read(deleted, d, second), d, 2 * second)
    assert.strictEqual(put?.at, 2 * second)
    assert.isUndefined(content(put, d).present)
    // One whose creation had no answer is gone with it.
    const tried = foundGone(uncertain(deleted, undefined, c, second), undefined, 2 * second)
    assert.deepStrictEqual(content(tried, c), { present: undefined, believed: undefined })
  })

  it("that is believed where a deletion without an answer is all that we know", () => {
    const entry = foundGone(uncertain(undefined, undefined, undefined, second), undefined, 2 * second)
    assert.strictEqual(entry?.shown, "written")
  })
})
