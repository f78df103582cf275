import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { pendingOf } from "../../src/domain/Decide.ts"
import { Verdict } from "../../src/domain/Health.ts"
import type { NetworkInterface, Vpc } from "../../src/domain/Vpc.ts"
import { empty, type World } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { after, eventsOf, later, showScene } from "../support/domain/Deciding.ts"
import { Ec2Model } from "../support/domain/Ec2Model.ts"
import { hosts, interfaceIds } from "../support/domain/Pools.ts"
import { runs } from "../support/domain/Runs.ts"
import { anyScene } from "../support/domain/Scenes.ts"
import { destination, type Letter } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const second = 1_000

/** `a` carries the destination in both tables, and both hosts answer. */
const carriedByA = (): Story =>
  new Story({
    spec: { [destination]: "ab" },
    health: { a: "healthy", b: "healthy" },
    routes: { [destination]: "a a" },
  })

const without = (letter: Letter) => ({ interfaces: { [letter]: undefined } })

describe("a host that a reading lacks", () => {
  it("keeps its routes while it answers, however often it is missing", () => {
    const story = carriedByA()
    for (let n = 0; n < 5; n++) {
      story.wait(30 * second).reads("a a", 0, without("a"))
      assert.deepStrictEqual(story.pending, [])
    }
    assert.deepStrictEqual(story.held, ["rtb-1 Unproven", "rtb-2 Unproven"])
  })

  it("gains none", () => {
    const story = carriedByA().wait(second).reads("a -", 0, without("a"))
    assert.deepStrictEqual(story.pending, [])
    story.wait(second).reads("- -", 0, without("a"))
    assert.deepStrictEqual(story.pending, ["rtb-1 create:b", "rtb-2 create:b"])
  })

  it("loses them when it fails, or EC2 calls them blackholes", () => {
    const missing = (): Story => carriedByA().wait(second).reads("a a", 0, without("a"))
    assert.deepStrictEqual(missing().fails("a").pending, ["rtb-1 failover:b", "rtb-2 failover:b"])
    const shown = missing().wait(second).reads("a! a", 0, without("a"))
    assert.deepStrictEqual(shown.pending, ["rtb-1 failover:b"])
  })

  it("loses them when it is silent, and missing from two readings ten seconds apart", () => {
    const story = carriedByA()
      .wait(30 * second)
      .reads("a a", 0, without("a"))
      .isUnknown("a")
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.wait(9 * second).reads("a a", 0, without("a")).pending, [])
    story.wait(2 * second).reads("a a", 0, without("a"))
    assert.deepStrictEqual(story.pending, ["rtb-1 failover:b", "rtb-2 failover:b"])
  })

  it("loses them when nothing watches it, and it is missing from two readings ten seconds apart", () => {
    const story = carriedByA().isUnwatched("a")
    assert.deepStrictEqual(story.wait(30 * second).reads("a a", 0, without("a")).pending, [])
    story.wait(11 * second).reads("a a", 0, without("a"))
    assert.deepStrictEqual(story.pending, ["rtb-1 failover:b", "rtb-2 failover:b"])
  })

  it("is seen again: what was missing before does not count", () => {
    const story = carriedByA().isUnknown("a")
    for (let n = 0; n < 4; n++) {
      story.wait(8 * second).reads("a a", 0, without("a"))
      assert.deepStrictEqual(story.pending, [])
      story.wait(8 * second).reads("a a")
    }
    assert.deepStrictEqual(story.pending, [])
  })

  it("does not lose them because the spec was accepted again meanwhile", () => {
    const story = carriedByA()
      .wait(30 * second)
      .reads("a a", 0, without("a"))
      .isUnknown("a")
    story
      .wait(20 * second)
      .spec({ [destination]: "abc" })
      .spec({ [destination]: "ab" })
    assert.deepStrictEqual(story.pending, [])
  })
})

describe("readings out of order", () => {
  it("an older one than the last says nothing", () => {
    const story = carriedByA()
      .wait(60 * second)
      .reads("b b", second)
      .reads("a a", 5 * second)
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.fails("b").pending, ["rtb-1 failover:a", "rtb-2 failover:a"])
  })
})

describe("one stale reading", () => {
  it("that lacks interfaces or addresses never moves, creates or deletes a route while the hosts answer", () => {
    // An interface that is really gone or detached shows as a blackhole: that is another matter.
    const isActive = ({ tables }: Vpc, id: string): boolean =>
      [...tables.values()].every(({ routes }) =>
        routes.every(({ target, state }) =>
          target._tag === "Interface" ? target.interfaceId !== id || state === "active" : target._tag === "Other",
        ),
      )
    const lacking = (vpc: Vpc, missing: ReadonlySet<string>): Vpc => ({
      ...vpc,
      interfaces: new Map(
        [...vpc.interfaces]
          .filter(([id]) => !missing.has(id) || !isActive(vpc, id))
          .map(([id, one]) => [id, { ...one, addresses: one.addresses.filter((host) => !missing.has(host)) }]),
      ),
    })
    // An address that two interfaces show can change hands in any reading.
    const withEachAddressOnce = (vpc: Vpc): Vpc => {
      const seen = new Set<string>()
      const once = (one: NetworkInterface): NetworkInterface => {
        const addresses = one.addresses.filter((host) => !seen.has(host))
        for (const host of addresses) seen.add(host)
        return { ...one, addresses }
      }
      return { ...vpc, interfaces: new Map([...vpc.interfaces].map(([id, one]) => [id, once(one)])) }
    }
    fc.assert(
      fc.property(
        anyScene,
        fc.subarray<string>([...interfaceIds, ...hosts]).map((some) => new Set(some)),
        fc.boolean(),
        (drawn, missing, isFirst) => {
          const model = new Ec2Model(withEachAddressOnce(drawn.vpc))
          const health = new Map(hosts.map((host) => [host, Verdict.Healthy({ since: 0 })]))
          const scene = { ...drawn, health, vpc: model.read(), drained: new Set<never>() }
          const carryOut = (start: World, now: number): World => {
            let world = start
            for (const action of pendingOf(start)) {
              assert.isUndefined(model.write(action))
              world = after(world, [WorldEvent.WriteDone({ action, at: now })], now)
            }
            return world
          }
          const reads = (world: World, vpc: Vpc, readAt: number): World =>
            after(world, [WorldEvent.VpcRead({ vpc, readAt })], readAt)
          // Two good readings: hosts that no VPC has are known to be gone after the second.
          const begun = carryOut(after(empty(scene.policy), eventsOf(scene), later), later)
          const again = later + 1_000_000
          const settled = carryOut(reads(begun, model.read(), again), again)
          const stale = lacking(model.read(), missing)
          const world = isFirst
            ? after(empty(scene.policy), eventsOf({ ...scene, vpc: stale }), later)
            : reads(settled, stale, again + 30_000)
          // What the brake held is not remembered over a restart.
          const moved = pendingOf(world).filter(({ urgency }) => !isFirst || urgency !== "deletion")
          const shown = moved.map(({ cidr }) => showScene({ ...scene, vpc: stale }, cidr))
          assert.deepStrictEqual(moved, [], `${isFirst ? "first" : "later"} reading: ${shown.join()}`)
        },
      ),
      runs(700),
    )
  })
})
