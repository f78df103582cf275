import { assert, describe, it } from "@effect/vitest"
import { HashMap } from "effect"
import { decide, failedWritesOf, heldOf } from "../../src/domain/Decide.ts"
import { holdWords } from "../../src/domain/Hold.ts"
import { allCidrs, empty } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { after } from "../support/domain/Deciding.ts"
import { destination, hostAt, smallVpc } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const second = 1_000

/** In an order in which destinations are looked at, and in the other. */
const bothWays = (one: string, other: string): ReadonlyArray<readonly [string, string]> => [
  [one, other],
  [other, one],
]

/** `a` carries the destination. Somebody else changed it twice, the last time to `c` a second ago. */
const contended = (): Story =>
  new Story({
    spec: { [destination]: "ab" },
    health: { a: "healthy", b: "unknown" },
    routes: { [destination]: "d" },
  })
    .wait(20 * second)
    .allDone()
    .wait(second)
    .reads("e")
    .allDone()
    .wait(second)
    .reads("c")

/** The same, but that the route is found deleted. */
const deletedAgain = (): Story =>
  new Story({
    spec: { [destination]: "ab" },
    health: { a: "healthy", b: "unknown" },
    routes: { [destination]: "d" },
  })
    .wait(20 * second)
    .allDone()
    .wait(second)
    .reads("-")
    .allDone()
    .wait(21 * second)
    .reads("-")

describe("a cell that somebody else keeps changing", () => {
  it("is written again when its time has come, not a moment earlier or later, and says how often it was changed", () => {
    const story = contended()
    assert.deepStrictEqual([story.pending, story.held], [[], ["rtb-1 Contended"]])
    assert.deepStrictEqual(
      heldOf(story.world).map(({ reason }) => holdWords(reason)),
      ["somebody changed it back 2 times"],
    )
    const left = story.nextAt! - story.now
    assert.strictEqual(left, 39 * second)
    assert.deepStrictEqual(story.wait(left - 1).pending, [])
    story.wait(1)
    assert.deepStrictEqual([story.pending, story.held], [["rtb-1 repair:a"], []])
  })

  it("is spoken of while a reading may be an old one that shows what was there before our write, and no longer", () => {
    const story = contended()
      .wait(39 * second)
      .allDone()
    assert.deepStrictEqual(story.held, [])
    story.wait(second).reads("c")
    assert.deepStrictEqual([story.pending, story.held], [[], ["rtb-1 Contended"]])
    assert.deepStrictEqual(
      heldOf(story.world).map(({ reason }) => holdWords(reason)),
      ["somebody changed it back 2 times"],
    )
    const left = story.nextAt! - story.now
    assert.strictEqual(left, 39 * second)
    assert.deepStrictEqual(story.wait(left - 1).held, ["rtb-1 Contended"])
    assert.deepStrictEqual(story.wait(1).held, [])
    assert.deepStrictEqual(story.wait(second).held, [])
  })

  it("is written or held, not both", () => {
    const story = contended()
      .wait(39 * second)
      .allDone()
      .wait(second)
      .reads("c")
    story.fails("a").recovers("b")
    assert.deepStrictEqual([story.pending, story.held], [["rtb-1 failover:b"], []])
  })

  it("waits all the same when another host is to carry it", () => {
    const story = contended()
      .recovers("b")
      .take(WorldEvent.HostDrained({ host: hostAt("a") }))
    assert.deepStrictEqual([story.pending, story.held], [[], ["rtb-1 Contended"]])
  })

  it("waits when it was emptied; but not for a host that carries it no more, as there may be a route to that", () => {
    assert.deepStrictEqual([deletedAgain().pending, deletedAgain().held], [[], ["rtb-1 Contended"]])
    const story = deletedAgain().fails("a").recovers("b")
    assert.deepStrictEqual([story.pending, story.held], [["rtb-1 create:b"], []])
  })
})

describe("the next look", () => {
  const other = "172.16.0.0/12"
  const [soon, late] = ["RequestLimitExceeded", "UnauthorizedOperation"]

  it("is when the first of several cells of a destination is to be tried again", () => {
    for (const [one, two] of bothWays(soon, late)) {
      const story = new Story({
        spec: { [destination]: "a" },
        health: { a: "healthy" },
        routes: { [destination]: "- -" },
      })
      story.refused(one, "rtb-1 create:a").refused(two, "rtb-2 create:a")
      assert.strictEqual(story.nextAt, story.now + second)
    }
  })

  it("is when the first of several destinations is to be tried again", () => {
    for (const [one, two] of bothWays(soon, late)) {
      const story = new Story({
        spec: { [destination]: "a", [other]: "a" },
        health: { a: "healthy" },
        routes: { [destination]: "-" },
      })
      story.refused(one, "rtb-1 create:a").refused(two, `${other} rtb-1 create:a`)
      assert.strictEqual(story.nextAt, story.now + second)
    }
  })

  it("is when a host may be chosen again whose interface EC2 refused, even if its routes went elsewhere; and then is over", () => {
    const story = new Story({
      spec: { [destination]: "abc" },
      health: { a: "failed", b: "healthy", c: "healthy" },
      routes: { [destination]: "a" },
    }).refused("InvalidNetworkInterfaceID.NotFound")
    const { now } = story
    story.wait(second).done()
    assert.deepStrictEqual([story.pending, story.held], [[], []])
    assert.strictEqual(story.nextAt, now + 30 * second)
    assert.isUndefined(story.wait(29 * second).nextAt)
  })
})

describe("what is decided", () => {
  it("is nothing while no spec was accepted, whatever the tables hold", () => {
    const vpc = smallVpc({ routes: { [destination]: "a", "172.16.0.0/12": "b!" } })
    const world = after(empty(), [WorldEvent.VpcRead({ vpc, readAt: 0 })], second)
    const { write, nextAt } = decide(world, allCidrs(world), second)
    assert.deepStrictEqual([write, nextAt, heldOf(world)], [[], undefined, []])
  })

  it("is nothing while no reading came", () => {
    const spec = new Map([[destination, [hostAt("a")]]])
    const world = after(empty(), [WorldEvent.SpecAccepted({ spec, at: 0 })], second)
    const { write, nextAt } = decide(world, allCidrs(world), second)
    assert.deepStrictEqual([write, nextAt, heldOf(world)], [[], undefined, []])
  })

  it("comes with the most urgent first", () => {
    const story = new Story({
      spec: { "172.16.0.0/12": "b", "172.32.0.0/16": "bc", [destination]: "ab" },
      health: { a: "failed", b: "healthy" },
      routes: { "10.1.0.0/16": "b", "172.32.0.0/16": "d", [destination]: "a" },
    })
    const { write } = decide(story.world, new Set([...allCidrs(story.world)].sort()), story.now)
    assert.deepStrictEqual(
      write.map(({ urgency }) => urgency),
      ["failover", "repair", "creation", "deletion"],
    )
  })

  it("is not kept of destinations that are as they should be", () => {
    const story = new Story({
      spec: { [destination]: "ab", "172.16.0.0/12": "a" },
      health: { a: "healthy", b: "healthy" },
      routes: { [destination]: "a", "172.16.0.0/12": "-" },
    })
    assert.deepStrictEqual([...HashMap.keys(story.world.decisions)], ["172.16.0.0/12"])
    assert.isTrue(HashMap.isEmpty(story.allDone().world.decisions))
  })
})

describe("the writes that EC2 did not do", () => {
  it("are known while they wait to be tried again; what waits for anything else is none of them", () => {
    const story = new Story({
      spec: { [destination]: "a", "172.16.0.0/12": "b" },
      health: { a: "healthy" },
      routes: { [destination]: "- d", "172.16.0.0/12": "- -" },
    })
    const [wanted] = story.actions
    assert.deepStrictEqual(failedWritesOf(story.world), [])
    story.refused("RequestLimitExceeded", "rtb-2 repair:a")
    assert.deepStrictEqual(failedWritesOf(story.world), [wanted!])
    assert.deepStrictEqual(failedWritesOf(story.wait(second).world), [])
    assert.deepStrictEqual(failedWritesOf(contended().world), [])
  })
})
