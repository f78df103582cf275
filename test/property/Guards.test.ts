import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { dampedUntil, type Flap, flapFailed, flapRecovered, flapsLeft, penalty } from "../../src/domain/Damping.ts"
import { decide, heldOf, pendingOf } from "../../src/domain/Decide.ts"
import { guardHoldsOf } from "../../src/domain/GuardHold.ts"
import { defaultGuards } from "../../src/domain/GuardPolicy.ts"
import type { Millis } from "../../src/domain/Health.ts"
import { ip } from "../../src/domain/Ip.ts"
import { allCidrs, empty, type World } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { after, decidedFor, eventsOf, later, show, showScene } from "../support/domain/Deciding.ts"
import { anyHistory, live } from "../support/domain/History.ts"
import { destinationsOf, type Outcome, permitted } from "../support/domain/Oracle.ts"
import { hosts } from "../support/domain/Pools.ts"
import { runs } from "../support/domain/Runs.ts"
import { anyScene, type Scene } from "../support/domain/Scenes.ts"
import { destination, hostAt } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

/** The world of a scene whose guards damp and withhold what the scene says. */
const worldOf = (scene: Scene): World => {
  const world = after(empty(scene.policy), eventsOf(scene), later)
  const failure = { since: 0, silentSince: undefined, at: 0 }
  const flap = { level: 2, failedAt: undefined, recoveredAt: later }
  const guards = {
    ...world.guards,
    settling: { from: 0, heardAt: later, until: later + 1_000 },
    failing: new Map([...(scene.withheld ?? [])].map((host) => [host, failure])),
    flaps: new Map([...(scene.damped ?? [])].map((host) => [host, flap])),
  }
  return decide({ ...world, guards }, allCidrs(world), later).world
}

/** What is held by a guard is held like what is unproven, as far as the oracle knows. */
const asUnproven = ({ cells, general }: Outcome): Outcome => ({
  general,
  cells: new Map(
    [...cells].map(([table, one]) => [
      table,
      one.do === "hold" && one.why === "AfterCutOff" ? { do: "hold", why: "Unproven" } : one,
    ]),
  ),
})

const anyGuardedScene: fc.Arbitrary<Scene> = fc
  .tuple(anyScene, fc.subarray([...hosts]), fc.subarray([...hosts]))
  .map(([scene, damped, some]) => ({
    ...scene,
    damped: new Set(damped),
    withheld: new Set(some.filter((host) => scene.health.get(host)?._tag === "Failed")),
  }))

describe("with hosts that relapsed and failures that are held", () => {
  it("what is planned is what a slow and obvious model of the promises says", () => {
    fc.assert(
      fc.property(anyGuardedScene, (scene) => {
        const world = worldOf(scene)
        for (const destination of destinationsOf(scene)) {
          const expected = permitted(scene, destination).map(show)
          const decided = show(asUnproven(decidedFor(world, destination)))
          assert.include(expected, decided, showScene(scene, destination))
        }
      }),
      runs(700),
    )
  })

  it("no route moves off a healthy host for its relapses alone", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const calm = pendingOf(after(empty(scene.policy), eventsOf(scene), later))
        const damped = pendingOf(worldOf({ ...scene, damped: new Set(hosts) }))
        // All alike: the choice is the same. One alone: whoever carries a route keeps it, by the oracle.
        assert.deepStrictEqual(damped, calm)
      }),
      runs(200),
    )
  })
})

describe("after any history", () => {
  it("nothing at all is written while the monitor is cut off, and no failure is acted upon that is held", () => {
    fc.assert(
      fc.property(anyHistory(30), (history) => {
        live(history, ({ world, write }) => {
          if (world.guards.cutOff !== undefined) {
            assert.deepStrictEqual(pendingOf(world), [])
            assert.deepStrictEqual(write, [])
          }
          for (const { reason } of pendingOf(world)) {
            if (reason._tag !== "HostFailed") continue
            assert.isFalse(world.guards.velocity.waiting.has(reason.host))
            // What EC2 itself says of an instance is no matter of who hears whom.
            if (!reason.why.startsWith("its instance is")) assert.isFalse(world.guards.withheld.has(reason.host))
          }
        })
      }),
      runs(300),
    )
  })

  it("everything that a guard holds has a reason, a beginning and a hash, by which it is let go", () => {
    const met = new Set<string>()
    fc.assert(
      fc.property(anyHistory(30), (history) => {
        live(history, ({ world }, now) => {
          for (const { hash, kind, since, until, words } of guardHoldsOf(world)) {
            met.add(kind)
            assert.match(hash, /^[0-9a-f]{16}$/)
            assert.include(words, hash)
            if (kind === "DeletionBrake") continue
            assert.isAtMost(since ?? Infinity, now)
            if (until !== undefined) assert.isAbove(until, now)
            const confirmed = after(world, [WorldEvent.HoldConfirmed({ hash, at: now })], now)
            assert.notInclude(
              guardHoldsOf(confirmed).map((one) => one.hash),
              hash,
            )
            const other = after(world, [WorldEvent.HoldConfirmed({ hash: "0123456789abcdef", at: now })], now)
            assert.deepStrictEqual(heldOf(other), heldOf(world))
          }
        })
      }),
      runs(250),
    )
    assert.includeMembers([...met], ["DeletionBrake", "MonitorCutOff", "MassFailure"])
  })

  it("when all that is held is confirmed, nothing is held by a guard, whatever was", () => {
    fc.assert(
      fc.property(anyHistory(30), (history) => {
        let now: Millis = 0
        let world = live(history, (_, at) => (now = at))
        for (let round = 0; round < 5; round++)
          for (const { hash, kind } of guardHoldsOf(world))
            if (kind !== "DeletionBrake") world = after(world, [WorldEvent.HoldConfirmed({ hash, at: now })], now)
        assert.deepStrictEqual(
          guardHoldsOf(world).filter(({ kind }) => kind !== "DeletionBrake"),
          [],
        )
      }),
      runs(250),
    )
  })
})

describe("flap damping", () => {
  const host = ip("10.0.0.1")
  const first = 30_000

  /** The host fails and recovers that often, a second each. `counts`: it was the host that failed. */
  const flapping = (times: number, counts = true): { readonly flap: Flap | undefined; readonly at: Millis } => {
    let flap: Flap | undefined
    for (let n = 0; n < times; n++) flap = flapRecovered(flapFailed(flap, n * 2_000, first), n * 2_000 + 1_000, counts)
    return { flap, at: times * 2_000 - 1_000 }
  }

  it("leaves the first failure alone, doubles with each relapse, and is ten minutes at most", () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((times) => {
      const { flap, at } = flapping(times)
      const until = dampedUntil(flap!, first)
      return until === undefined ? 0 : (until - at) / 1_000
    })
    assert.deepStrictEqual(waits, [0, 30, 60, 120, 240, 480, 600, 600, 600])
    assert.strictEqual(penalty(1_000, first), 600_000)
  })

  it("is taken off by good time, one relapse in ten minutes, and then forgotten", () => {
    const { flap, at } = flapping(3)
    const again = (wait: Millis): Millis => {
      const failedAt = at + wait
      const next = flapRecovered(flapFailed(flap, failedAt, first), failedAt + 1_000, true)
      return (dampedUntil(next!, first) ?? failedAt + 1_000) - failedAt - 1_000
    }
    assert.deepStrictEqual(
      [0, 10, 20, 30].map((minutes) => again(minutes * 60_000 + 1) / 1_000),
      [120, 60, 30, 0],
    )
    const flaps = new Map([[host, flap!]])
    assert.strictEqual(flapsLeft(flaps, at + 29 * 60_000, first).size, 1)
    assert.strictEqual(flapsLeft(flaps, at + 30 * 60_000, first).size, 0)
  })

  it("outlives changes of the spec, moves nothing when it ends, and leaves nothing dark meanwhile", () => {
    const story = new Story({
      spec: { [destination]: "ab" },
      health: { a: "healthy", b: "healthy", c: "healthy" },
      routes: { [destination]: "a" },
      policy: { guards: { ...defaultGuards, failoverLimit: undefined } },
    })
    for (let times = 0; times < 3; times++) story.wait(1_000).fails("a").allDone().wait(1_000).recovers("a")
    const until = story.world.guards.damped.get(hostAt("a"))
    assert.strictEqual(until, story.now + 60_000)
    story
      .spec({ [destination]: "b" })
      .allDone()
      .spec({ [destination]: "abc" })
      .recovers("a")
      .recovers("b")
      .recovers("c")
    assert.strictEqual(story.world.guards.damped.get(hostAt("a")), until)
    assert.deepStrictEqual(story.pending, [])
    story.fails("b")
    assert.deepStrictEqual(story.pending, ["rtb-1 failover:c"])
    story.allDone().fails("c")
    assert.deepStrictEqual(story.pending, ["rtb-1 failover:a"])
    story.allDone().recovers("c").recovers("b").wait(60_000)
    assert.isUndefined(story.world.guards.damped.get(hostAt("a")))
    assert.deepStrictEqual(story.pending, [])
  })

  it("does not hold against a host what was held as the monitor's own trouble", () => {
    assert.isUndefined(flapping(9, false).flap)
  })
})
