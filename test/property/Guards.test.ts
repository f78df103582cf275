import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { dampedUntil, type Flap, flapFailed, flapRecovered, flapsLeft, penalty } from "../../src/domain/Damping.ts"
import { decide, heldOf, pendingOf } from "../../src/domain/Decide.ts"
import { guardHoldsOf } from "../../src/domain/GuardHold.ts"
import { defaultGuards, massWindow, velocityWindow } from "../../src/domain/GuardPolicy.ts"
import type { Millis } from "../../src/domain/Health.ts"
import { ip } from "../../src/domain/Ip.ts"
import { massAfter, massEndsAt, type Witness } from "../../src/domain/MassFailure.ts"
import { autoLimit, letAllGo, type Mover, noVelocity, type Velocity, velocityAfter } from "../../src/domain/Velocity.ts"
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
            const confirmed = after(world, [WorldEvent.HoldConfirmed({ hash })], now)
            assert.notInclude(
              guardHoldsOf(confirmed).map((one) => one.hash),
              hash,
            )
            const other = after(world, [WorldEvent.HoldConfirmed({ hash: "0123456789abcdef" })], now)
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
            if (kind !== "DeletionBrake") world = after(world, [WorldEvent.HoldConfirmed({ hash })], now)
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

describe("many failures together", () => {
  const witness = (n: number, state: Witness["state"], zone: string | undefined): Witness => ({
    host: ip(`10.0.0.${n}`),
    state,
    zone,
    since: 0,
  })
  const anyWitnesses = fc
    .array(
      fc.tuple(
        fc.constantFrom<Witness["state"]>("failed", "silent", "answering"),
        fc.constantFrom("a", "b", undefined),
      ),
      { maxLength: 12 },
    )
    .map((list) => list.map(([state, zone], n) => witness(n + 1, state, zone)))

  it("are more than two thirds of at least three hosts, unless they are one zone and another answers", () => {
    fc.assert(
      fc.property(anyWitnesses, (witnesses) => {
        const lost = witnesses.filter(({ state }) => state !== "answering")
        const zones = new Set(lost.map(({ zone }) => zone ?? "?"))
        const [zone] = zones
        const others = witnesses.some((one) => one.state === "answering" && one.zone !== undefined && one.zone !== zone)
        const isOneZone = zones.size === 1 && zone !== "?" && others
        const expected =
          witnesses.length >= 3 &&
          3 * lost.length > 2 * witnesses.length &&
          lost.some(({ state }) => state === "failed") &&
          !isOneZone
        assert.strictEqual(massAfter(undefined, witnesses, 2 / 3, 0) !== undefined, expected)
        assert.isUndefined(massAfter(undefined, witnesses, undefined, 0))
      }),
      runs(500),
    )
  })

  it("are told in figures, under a hash that stands for exactly these failures, in whatever order they come", () => {
    const at = (n: number, since: Millis): Witness => ({ ...witness(n, "failed", undefined), since })
    const some = [at(2, 70), at(1, 60), witness(3, "silent", undefined), witness(4, "answering", undefined)]
    const mass = massAfter(undefined, some, 2 / 3, 100)
    assert.deepInclude(mass, { since: 100, failed: 3, of: 4, isCertain: false, calmSince: undefined })
    assert.deepStrictEqual([...mass!.hosts], [...new Map([at(1, 60), at(2, 70)].map((one) => [one.host, one.since]))])
    const again = massAfter(mass, some.toReversed(), 2 / 3, 200)
    assert.deepStrictEqual(again, mass)
    const later = massAfter(mass, [at(2, 71), ...some.slice(1)], 2 / 3, 200)
    assert.notStrictEqual(later?.hash, mass?.hash)
    assert.isUndefined(massEndsAt(mass!))
  })

  it("end ten seconds after they are few enough; if more fail meanwhile, these begin anew", () => {
    const down = (count: number) => [1, 2, 3, 4].map((n) => witness(n, n <= count ? "failed" : "answering", undefined))
    const mass = massAfter(undefined, down(3), 2 / 3, 0)
    const calm = massAfter(mass, down(2), 2 / 3, 1_000)!
    assert.strictEqual(massEndsAt(calm), 1_000 + massWindow)
    assert.strictEqual(massEndsAt(massAfter(calm, down(1), 2 / 3, 5_000)!), 1_000 + massWindow)
    const anew = massAfter(calm, down(4), 2 / 3, 6_000)!
    assert.isUndefined(massEndsAt(anew))
    assert.strictEqual(massEndsAt(massAfter(anew, down(2), 2 / 3, 7_000)!), 7_000 + massWindow)
    assert.isUndefined(massAfter(calm, down(0), 2 / 3, 5_000))
  })

  it("hold every failure there is, and let go at once when hosts merely missed a probe, else ten seconds later", () => {
    const four = (states: ReadonlyArray<Witness["state"]>) => states.map((state, n) => witness(n + 1, state, undefined))
    const missed = massAfter(undefined, four(["failed", "silent", "silent", "answering"]), 2 / 3, 0)
    assert.deepStrictEqual([...(missed?.hosts.keys() ?? [])], ["10.0.0.1"])
    assert.isUndefined(massAfter(missed, four(["failed", "answering", "answering", "answering"]), 2 / 3, 100))
    const certain = massAfter(missed, four(["failed", "failed", "failed", "answering"]), 2 / 3, 200)
    const calm = massAfter(certain, four(["failed", "failed", "answering", "answering"]), 2 / 3, 1_000)
    assert.strictEqual(calm?.hosts.size, 2)
    const rest = four(["failed", "failed", "answering", "answering"])
    assert.isDefined(massAfter(calm, rest, 2 / 3, 1_000 + massWindow - 1))
    assert.isUndefined(massAfter(calm, rest, 2 / 3, 1_000 + massWindow))
  })
})

describe("the failover limit", () => {
  const anyDays = fc.array(fc.tuple(fc.integer({ min: 0, max: 40_000 }), fc.subarray([1, 2, 3, 4, 5, 6, 7, 8])), {
    maxLength: 40,
  })

  it("is kept in every minute, and nobody waits longer than it takes", () => {
    fc.assert(
      fc.property(anyDays, fc.integer({ min: 1, max: 4 }), (days, limit) => {
        let velocity: Velocity = noVelocity
        let now: Millis = 0
        const failed = new Map<number, Millis>()
        const released: Array<readonly [host: string, at: Millis]> = []
        for (const [pause, down] of days) {
          now += pause
          for (const n of down) failed.set(n, failed.get(n) ?? now)
          for (const n of failed.keys()) if (!down.includes(n)) failed.delete(n)
          const movers: Array<Mover> = [...failed].map(([n, failedAt]) => ({ host: ip(`10.0.0.${n}`), failedAt }))
          velocity = velocityAfter(velocity, movers, limit, now)
          assert.deepStrictEqual(velocityAfter(velocity, movers, limit, now), velocity)
          for (const { at, host } of velocity.admitted) if (at === now) released.push([host, at])
          const lately = released.filter(([, at]) => now - at < velocityWindow).map(([host]) => host)
          assert.isAtMost(new Set(lately).size, limit)
          for (const { host } of movers)
            assert.strictEqual(velocity.waiting.has(host), !velocity.admitted.some((one) => one.host === host))
          if (velocity.waiting.size > 0) assert.isAtMost((velocity.until ?? Infinity) - now, velocityWindow)
        }
      }),
      runs(300),
    )
  })

  it("lets the earliest failures go first; of the same moment, by address", () => {
    const mover = (n: number, failedAt: Millis): Mover => ({ host: ip(`10.0.0.${n}`), failedAt })
    const after = velocityAfter(noVelocity, [mover(3, 5), mover(2, 5), mover(1, 9), mover(4, 1)], 2, 10)
    assert.deepStrictEqual(
      after.admitted.map(({ host }) => host),
      [ip("10.0.0.4"), ip("10.0.0.2")],
    )
    assert.deepStrictEqual([...after.waiting.keys()], [ip("10.0.0.1"), ip("10.0.0.3")])
    assert.strictEqual(after.limit, 2)
  })

  it("tells since when a failure waits, and by its hash exactly which do", () => {
    const mover = (n: number, failedAt: Millis): Mover => ({ host: ip(`10.0.0.${n}`), failedAt })
    const first = velocityAfter(noVelocity, [mover(1, 1), mover(2, 2)], 1, 10)
    const same = velocityAfter(first, [mover(2, 2), mover(1, 1)], 1, 20)
    assert.deepStrictEqual(same, first)
    assert.strictEqual(same.waiting.get(ip("10.0.0.2"))?.since, 10)
    const another = velocityAfter(same, [mover(1, 1), mover(2, 3)], 1, 30)
    assert.strictEqual(another.waiting.get(ip("10.0.0.2"))?.since, 30)
    const more = velocityAfter(first, [mover(1, 1), mover(2, 2), mover(3, 2)], 1, 20)
    assert.strictEqual(new Set([first, another, more].map(({ hash }) => hash)).size, 3)
    const none = velocityAfter(first, [mover(1, 1), mover(2, 2)], undefined, 20)
    assert.deepStrictEqual([none.waiting.size, none.hash, none.until], [0, "", undefined])
  })

  it("counts neither who was let go by the operator, nor who was let go a minute ago, while the failure lasts", () => {
    const mover = (n: number, failedAt: Millis): Mover => ({ host: ip(`10.0.0.${n}`), failedAt })
    const movers = [mover(1, 1), mover(2, 2), mover(3, 3)]
    const letGo = letAllGo(velocityAfter(noVelocity, movers.slice(0, 2), 1, 10))
    assert.strictEqual(letGo.limit, 1)
    const held = velocityAfter(letGo, movers, 1, 20)
    assert.deepStrictEqual([...held.waiting.keys()], [ip("10.0.0.3")])
    assert.strictEqual(held.until, 10 + velocityWindow)
    const late = velocityAfter(held, movers, 1, 10 + velocityWindow)
    assert.deepStrictEqual([...late.waiting.keys()], [])
    // What was let go counts for the failure that it was let go for, and for no other.
    const again = velocityAfter(late, [mover(1, 99), mover(2, 2), mover(3, 3)], 1, 20 + velocityWindow)
    assert.deepStrictEqual([...again.waiting.keys()], [ip("10.0.0.1")])
    assert.deepStrictEqual(velocityAfter(late, [], 1, 10 + 2 * velocityWindow), noVelocity)
  })

  it("holds the failovers of one host more, which go a minute later, or when exactly they are confirmed", () => {
    const one = "192.168.1.0/24"
    const two = "192.168.2.0/24"
    const scene = (): Story =>
      new Story({
        spec: { [one]: "ac", [two]: "bc" },
        health: { a: "healthy", b: "healthy", c: "healthy", d: "healthy" },
        routes: { [one]: "a", [two]: "b" },
        policy: { guards: { ...defaultGuards, massFailure: undefined, failoverLimit: 1 } },
      })
    const late = scene().fails("a").done().wait(1_000).fails("b")
    assert.deepStrictEqual(late.pending, [])
    assert.deepStrictEqual(late.held, [`${two} rtb-1 FailoverLimit`])
    assert.strictEqual(late.nextAt, late.now - 1_000 + velocityWindow)
    late.wait(velocityWindow - 1_000)
    assert.deepStrictEqual(late.pending, [`${two} rtb-1 failover:c`])
    const confirmed = scene().fails("a").done().wait(1_000).fails("b")
    confirmed.take(WorldEvent.HoldConfirmed({ hash: guardHoldsOf(confirmed.world)[0]?.hash ?? "" }))
    assert.deepStrictEqual(confirmed.pending, [`${two} rtb-1 failover:c`])
    const returned = scene().fails("a").done().wait(1_000).fails("b").wait(1_000).recovers("b")
    assert.deepStrictEqual([returned.pending, returned.held], [[], []])
  })

  it("has room for a zone: half of the hosts, or all of the fullest zone of several, and three at the least", () => {
    const zones = (...counts: ReadonlyArray<number>) => new Map(counts.map((count, n) => [`zone ${n}`, count]))
    assert.strictEqual(autoLimit(1, zones(1)), 3)
    assert.strictEqual(autoLimit(4, zones(2, 2)), 3)
    assert.strictEqual(autoLimit(9, zones(3, 3, 3)), 5)
    assert.strictEqual(autoLimit(9, zones(7, 1, 1)), 7)
    assert.strictEqual(autoLimit(9, zones(9)), 5)
  })
})
