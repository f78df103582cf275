import { assert, describe, it } from "@effect/vitest"
import { guardHoldsOf } from "../../src/domain/GuardHold.ts"
import { defaultGuards } from "../../src/domain/GuardPolicy.ts"
import { guarded, guardsNextAt, noGuards, relapsedUntil, zoneOf } from "../../src/domain/Guards.ts"
import { type Millis, Verdict } from "../../src/domain/Health.ts"
import { HoldReason } from "../../src/domain/Hold.ts"
import { ip } from "../../src/domain/Ip.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { destination, hostAt, type Letter, type SmallScene } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const settle = defaultGuards.settle
const letters: ReadonlyArray<Letter> = ["a", "b", "c", "d", "e"]

/** So many hosts, all healthy; the first one carries the destination. */
const among = (count: number, change: Partial<SmallScene> = {}): Story =>
  new Story({
    spec: { [destination]: letters.slice(0, count).join("") },
    health: Object.fromEntries(letters.slice(0, count).map((letter) => [letter, "healthy"])),
    routes: { [destination]: "a" },
    ...change,
  }).wait(60_000)

const verdict = (story: Story, letter: Letter, one: Verdict): Story =>
  story.take(WorldEvent.VerdictsReached({ verdicts: [{ host: hostAt(letter), verdict: one }] }))

/** The host has missed probes since then, and has not failed yet. */
const missesProbes = (story: Story, letter: Letter, silentSince = story.now): Story =>
  verdict(story, letter, Verdict.Healthy({ since: 0, silentSince }))

/** The host has failed, by probes that were sent from then on. */
const failsBy = (story: Story, letter: Letter, silentSince: Millis): Story =>
  verdict(story, letter, Verdict.Failed({ since: story.now, silentSince, reason: "3 probes lost" }))

const anchor = (story: Story, isHeard: boolean): Story =>
  story.take(
    WorldEvent.AnchorsHeard({
      verdicts: [
        {
          source: "icmpecho",
          anchor: ip("10.33.99.1"),
          verdict: isHeard
            ? Verdict.Healthy({ since: story.now })
            : Verdict.Failed({ since: story.now, reason: "3 probes lost" }),
        },
      ],
    }),
  )

const holdsOf = (story: Story): ReadonlyArray<string> =>
  guardHoldsOf(story.world).map(({ kind, hosts }) => `${kind} ${hosts.map((host) => host.slice(-1)).join("")}`)

const moves = (story: Story, to: string): void => assert.deepStrictEqual(story.pending, [`rtb-1 failover:${to}`])
const stays = (story: Story): void => assert.deepStrictEqual(story.pending, [])

describe("when all hosts have failed, two or more of them together", () => {
  it("and one answers again, the others have a moment to do so, too; then their failures count", () => {
    const story = among(2).fails("a").wait(1_000).fails("b").wait(5_000)
    assert.deepStrictEqual(holdsOf(story), [])
    stays(story.recovers("b"))
    assert.deepStrictEqual(holdsOf(story), ["AfterCutOff 1"])
    assert.strictEqual(story.nextAt, story.now + settle)
    stays(story.wait(settle - 1))
    moves(story.wait(1), "b")
    assert.deepStrictEqual(holdsOf(story), [])
  })

  it("they are waited for however long it lasted", () => {
    const story = among(2).fails("a").wait(1_000).fails("b").wait(600_000).recovers("b")
    assert.deepStrictEqual(holdsOf(story), ["AfterCutOff 1"])
    stays(story)
  })

  it("they are waited for where all that was before EC2 could be read, too", () => {
    const story = among(2).startUnread().wait(60_000).fails("a").fails("b").wait(5_000).recovers("b")
    assert.strictEqual(story.nextAt, story.now + settle)
    stays(story.wait(100).reads("a"))
    stays(story.wait(settle - 101))
    moves(story.wait(1), "b")
  })

  it("and who answered meanwhile and is lost by probes of its own is not waited for", () => {
    const story = among(2).fails("a").fails("b").wait(5_000).recovers("b").wait(1_000).recovers("a").wait(1_000)
    assert.deepStrictEqual(failsBy(story, "a", story.now - 500).pending, ["rtb-1 failover:b"])
    const before = among(2).fails("a").fails("b").wait(5_000).recovers("b").wait(1_000).recovers("a").wait(1_000)
    assert.deepStrictEqual(failsBy(before, "a", before.now - 2_001).pending, [])
    const since = among(2).fails("a").fails("b").wait(5_000).recovers("b").wait(1_000).recovers("a").wait(1_000)
    assert.deepStrictEqual(failsBy(since, "a", since.now - 2_000).pending, ["rtb-1 failover:b"])
  })

  it("they are not waited for where they failed ten seconds apart", () => {
    const fail = (apart: Millis): Story => among(2).fails("a").wait(apart).fails("b").wait(1_000).recovers("b")
    assert.deepStrictEqual(fail(10_000).pending, ["rtb-1 failover:b"])
    assert.deepStrictEqual(fail(9_999).pending, [])
  })

  it("a single host that fails, and recovers, is no darkness", () => {
    const story = among(1).fails("a").wait(1_000).recovers("a").wait(10)
    assert.isUndefined(story.world.guards.settling)
  })
})

describe("when this monitor is cut off", () => {
  it("for longer than one lost probe takes, who failed in it has a moment to answer after it", () => {
    for (const [cut, isOne] of [
      [250, false],
      [251, true],
    ] as const) {
      const story = anchor(anchor(among(3), true), false)
        .fails("a")
        .wait(cut)
      assert.deepStrictEqual(holdsOf(story), ["MonitorCutOff 1"])
      anchor(story, true)
      assert.deepStrictEqual(holdsOf(story), isOne ? ["AfterCutOff 1"] : [])
      if (isOne) stays(story.wait(settle - 1))
      assert.lengthOf(story.wait(1).pending, 1)
    }
  })

  it("what many failures held before stays held by that, in it and after it; what fails in it is the cut's", () => {
    const story = anchor(among(5), true).fails("a").fails("b").fails("c").fails("d").wait(1_000)
    assert.deepStrictEqual(holdsOf(story), ["MassFailure 1234"])
    anchor(story, false).fails("e")
    assert.deepStrictEqual(holdsOf(story), ["MonitorCutOff 5", "MassFailure 1234"])
    anchor(story.wait(1_000), true)
    assert.deepStrictEqual(holdsOf(story), ["AfterCutOff 5", "MassFailure 1234"])
    story.recovers("a").recovers("b").recovers("e")
    assert.deepStrictEqual(holdsOf(story), ["MassFailure 34"])
  })

  it("and others fail in it, a failure from before it is none of many", () => {
    const story = anchor(among(4), true).fails("a").wait(1_000)
    anchor(story, false).fails("b").fails("c")
    assert.deepStrictEqual(holdsOf(story), ["MonitorCutOff 23"])
  })

  it("by one anchor of two, since the other one was set aside, there is a moment after it, too", () => {
    const at = (one: string, isHeard: boolean) => (story: Story) =>
      story.take(
        WorldEvent.AnchorsHeard({
          verdicts: [
            {
              source: "icmpecho",
              anchor: ip(one),
              verdict: isHeard
                ? Verdict.Healthy({ since: story.now })
                : Verdict.Failed({ since: story.now, reason: "3 probes lost" }),
            },
          ],
        }),
      )
    const [first, second] = ["10.33.99.1", "10.33.99.2"]
    const story = at(first, true)(among(3))
    // The second one has never answered, and does not count.
    at(second, false)(story)
    at(first, false)(story).fails("a").wait(1_000)
    at(first, true)(story)
    assert.deepStrictEqual(holdsOf(story), ["AfterCutOff 1"])
  })

  it("failures from before it are not held by it, nor after it", () => {
    const story = anchor(among(3), true).fails("a").wait(1)
    anchor(story, false)
    assert.deepStrictEqual(holdsOf(story), ["MonitorCutOff "])
    assert.lengthOf(anchor(story.wait(1_000), true).pending, 1)
  })

  it("and the operator sets the anchors aside, nobody is waited for", () => {
    const story = anchor(anchor(among(3), true), false)
      .fails("a")
      .wait(1_000)
    story.take(WorldEvent.HoldConfirmed({ hash: guardHoldsOf(story.world)[0]?.hash ?? "", at: story.now }))
    assert.isUndefined(story.world.guards.settling)
    assert.lengthOf(story.pending, 1)
  })

  it("once more while hosts have their moment, that begins anew, and holds what failed since the first time", () => {
    const story = anchor(anchor(among(4), true), false).wait(1_000)
    const from = story.now - 1_000
    anchor(story.wait(10), true).wait(1_000)
    anchor(story, false)
    assert.deepStrictEqual(holdsOf(story), ["MonitorCutOff "])
    const { settling } = anchor(story.wait(1_000), true).world.guards
    assert.strictEqual(settling?.until, story.now + settle)
    assert.isAtLeast(settling?.from ?? 0, from)
  })

  it("a silence that ends in the moment after another one prolongs it, from the first one on", () => {
    const story = anchor(anchor(among(2), true), false).wait(1_000)
    const from = story.now - 1_000
    anchor(story, true).fails("a").fails("b").wait(2_000).recovers("b")
    assert.deepStrictEqual(story.world.guards.settling, { from, heardAt: story.now, until: story.now + settle })
    // Once it is over, a new one has nothing of it.
    story.recovers("a").wait(settle).fails("a").fails("b")
    const again = story.now
    assert.strictEqual(story.wait(1_000).recovers("b").world.guards.settling?.from, again)
  })
})

describe("when most hosts miss probes at the same moment", () => {
  it("who failed meanwhile has a moment to answer when others do", () => {
    const story = among(3)
    for (const letter of ["a", "b", "c"] as const) missesProbes(story, letter)
    assert.deepStrictEqual(story.world.guards.hush, { from: story.now })
    assert.isUndefined(story.wait(100).world.guards.settling, "nobody has answered yet")
    for (const letter of ["b", "c"] as const) story.recovers(letter)
    assert.isUndefined(story.world.guards.hush)
    failsBy(story.wait(900), "a", story.now - 1_000)
    assert.deepStrictEqual(holdsOf(story), ["AfterCutOff 1"])
    stays(story.wait(settle - 901))
    assert.lengthOf(story.wait(1).pending, 1)
  })

  it("it is no matter of the policy that never holds many failures", () => {
    const policy = { guards: { ...defaultGuards, massFailure: undefined } }
    const story = among(3, { policy })
    for (const letter of ["a", "b", "c"] as const) missesProbes(story, letter)
    assert.isUndefined(story.world.guards.hush)
  })

  it("goes on while the monitor is cut off, and the moment after the cut is the moment after both", () => {
    const story = anchor(among(3), true)
    const from = story.now
    for (const letter of ["a", "b", "c"] as const) missesProbes(story, letter)
    anchor(story.wait(100), false).wait(1_000)
    for (const letter of ["b", "c"] as const) story.recovers(letter)
    assert.deepStrictEqual(story.world.guards.hush, { from })
    anchor(story.wait(1_000), true)
    assert.isUndefined(story.world.guards.hush)
    assert.strictEqual(story.world.guards.settling?.from, from)
  })

  it("of a single one that misses probes nothing is made, be it that the other one has failed", () => {
    assert.isUndefined(missesProbes(among(2).fails("a").wait(1_000), "b").world.guards.hush)
    assert.isDefined(missesProbes(missesProbes(among(2), "a"), "b").world.guards.hush)
  })

  it("of few that miss probes nothing is made", () => {
    const story = among(4)
    missesProbes(missesProbes(story, "a"), "b")
    assert.isUndefined(story.world.guards.hush)
    assert.isDefined(missesProbes(story, "c").world.guards.hush)
  })
})

describe("many failures together", () => {
  it("are those of ten seconds, and who misses probes counts with them", () => {
    const fail = (apart: Millis) => among(4).fails("a").fails("b").wait(apart).fails("c")
    assert.deepStrictEqual(holdsOf(fail(9_999)), ["MassFailure 123"])
    assert.deepStrictEqual(holdsOf(fail(10_000)), [])
    const silent = among(4)
    missesProbes(missesProbes(silent, "b"), "c").fails("a")
    assert.deepStrictEqual(holdsOf(silent), ["MassFailure 1"])
  })

  it("are counted together with those that have a moment to answer: these are lost, too", () => {
    const story = among(4)
    for (const letter of ["a", "b", "c"] as const) missesProbes(story, letter)
    story.wait(100)
    for (const letter of ["b", "c"] as const) story.recovers(letter)
    // Probes to `a` from that time are lost; `b` and `c` fail by later ones.
    failsBy(story.wait(900), "a", story.now - 1_000)
    assert.deepStrictEqual(holdsOf(story), ["AfterCutOff 1"])
    missesProbes(story.wait(500), "c")
    failsBy(story, "b", story.now - 450)
    assert.deepStrictEqual(holdsOf(story), ["AfterCutOff 1", "MassFailure 2"])
  })

  it("that were let go are no more among them", () => {
    const story = among(5).fails("a").fails("b").fails("c").fails("d")
    assert.deepStrictEqual(holdsOf(story), ["MassFailure 1234"])
    story.take(WorldEvent.HoldConfirmed({ hash: guardHoldsOf(story.world)[0]?.hash ?? "", at: story.now }))
    assert.deepStrictEqual(holdsOf(story.wait(100)), [])
    assert.strictEqual(story.world.guards.withheld.size, 0)
  })

  it("are held until they are few for ten seconds, and remembered as long", () => {
    const story = among(4).fails("a").fails("b").fails("c").wait(60_000)
    assert.deepStrictEqual(holdsOf(story), ["MassFailure 123"])
    story.recovers("b").recovers("c")
    assert.deepStrictEqual(holdsOf(story.wait(9_999)), ["MassFailure 1"])
    assert.deepStrictEqual(holdsOf(story.wait(1)), [])
    assert.lengthOf(story.pending, 1)
  })

  it("are held before EC2 was read, too, when nobody knows their zones, and stay held when it is", () => {
    const story = among(4).startUnread().wait(60_000).fails("a").fails("b").fails("c")
    assert.deepStrictEqual(holdsOf(story), ["MassFailure 123"])
    story.wait(60_000).reads("a")
    assert.deepStrictEqual(holdsOf(story), ["MassFailure 123"])
    stays(story)
    story.recovers("b").recovers("c")
    assert.strictEqual(story.nextAt, story.now + 10_000)
    assert.lengthOf(story.wait(10_000).pending, 1)
  })

  it("that one zone explains, as the first reading shows, are let go ten seconds later", () => {
    const interfaces = Object.fromEntries(letters.map((letter) => [letter, { zone: letter === "d" ? "b" : "a" }]))
    const story = among(4, { interfaces }).startUnread().wait(60_000).fails("a").fails("b").fails("c").wait(60_000)
    assert.deepStrictEqual(story.reads("a").pending, [])
    assert.deepStrictEqual(story.wait(9_999).pending, [])
    assert.deepStrictEqual(story.wait(1).pending, ["rtb-1 failover:d"])
  })

  it("are forgotten one by one ten seconds later, if nothing holds them", () => {
    const story = among(4).fails("a")
    assert.strictEqual(story.wait(9_999).world.guards.failing.size, 1)
    assert.strictEqual(story.wait(1).world.guards.failing.size, 0)
  })
})

describe("what is held", () => {
  it("names what it is held by: the anchors that are silent, or how many failed of how many, as it grows", () => {
    const reasons = (story: Story) => [...story.world.guards.withheld.values()].map(({ reason }) => reason)
    const cut = anchor(anchor(among(3), true), false).fails("a")
    const hash = cut.world.guards.cutOff?.hash ?? ""
    assert.deepStrictEqual(reasons(cut), [HoldReason.MonitorCutOff({ hash, anchors: 1 })])
    const story = among(5).fails("a").fails("b").fails("c").fails("d").fails("e")
    const grown = HoldReason.MassFailure({ hash: story.world.guards.mass?.hash ?? "", failed: 5, of: 5 })
    assert.deepStrictEqual(reasons(story), [grown, grown, grown, grown, grown])
  })

  it("counts from when it is let go, as if it had failed then", () => {
    const story = among(2).fails("a").fails("b").wait(5_000).recovers("b")
    const { at } = story.world.guards.failing.get(hostAt("a")) ?? {}
    assert.strictEqual(at, story.now - 5_000)
    story.wait(settle)
    assert.strictEqual(story.world.guards.failing.get(hostAt("a"))?.at, story.now)
    const cut = anchor(anchor(among(4), true), false)
      .fails("a")
      .wait(100)
    anchor(cut, true)
    assert.strictEqual(cut.world.guards.failing.get(hostAt("a"))?.at, cut.now)
  })
})

describe("the guards", () => {
  it("change nothing when they look again at the same moment, whatever they hold", () => {
    const cut = anchor(anchor(among(3), true), false)
      .fails("a")
      .fails("b")
    const after = among(3).fails("a").fails("b").fails("c").wait(1_000).recovers("c")
    const mass = among(4).fails("a").fails("b").fails("c")
    const damped = among(3).fails("a").wait(1_000).recovers("a").wait(1_000).fails("a").wait(1_000).recovers("a")
    for (const { now, world } of [cut, after, mass, damped]) {
      assert.isAbove(world.guards.withheld.size + world.guards.damped.size, 0)
      const [again, changed] = guarded(world, now)
      assert.deepStrictEqual([...changed], [])
      assert.deepStrictEqual(again.guards.withheld, world.guards.withheld)
    }
  })

  it("tell which hosts they see otherwise: those that they hold, and hold no more, or by something else", () => {
    const story = among(4).fails("a").fails("b")
    const { world } = story
    const [held, first] = guarded(
      { ...world, guards: { ...world.guards, settling: { from: 0, heardAt: story.now + 1, until: story.now + 10 } } },
      story.now,
    )
    assert.deepStrictEqual([...first].sort(), [hostAt("a"), hostAt("b")])
    const [, second] = guarded(held, story.now + 10)
    assert.deepStrictEqual([...second].sort(), [hostAt("a"), hostAt("b")])
  })

  it("forget hosts that are no more in the spec", () => {
    const story = among(4).fails("a").fails("b").fails("c")
    story.spec({ [destination]: "ad" })
    assert.deepStrictEqual([...story.world.guards.failing.keys()], [hostAt("a")])
  })

  it("are to be looked at again when the first of what they hold ends by itself", () => {
    const at = (until: Millis) => ({ from: 0, heardAt: 0, until })
    assert.isUndefined(guardsNextAt(noGuards, 5))
    assert.isUndefined(guardsNextAt({ ...noGuards, settling: at(5) }, 5))
    assert.strictEqual(guardsNextAt({ ...noGuards, settling: at(6) }, 5), 6)
    const damped = new Map([
      [hostAt("a"), 9],
      [hostAt("b"), 7],
      [hostAt("c"), 4],
      [hostAt("d"), 8],
    ])
    assert.strictEqual(guardsNextAt({ ...noGuards, damped }, 5), 7)
    assert.strictEqual(guardsNextAt({ ...noGuards, damped, settling: at(6) }, 5), 6)
    const mass = among(4).fails("a").fails("b").fails("c").wait(1_000).recovers("b").recovers("c")
    assert.strictEqual(guardsNextAt({ ...noGuards, mass: mass.world.guards.mass }, mass.now), mass.now + 10_000)
    const limited = { ...noGuards.velocity, until: 7 }
    assert.strictEqual(guardsNextAt({ ...noGuards, velocity: limited, settling: at(8) }, 5), 7)
  })

  it("forget at a reading what was let go and is over, and remember what lasts", () => {
    const story = among(5).fails("a").fails("b").fails("c").fails("d")
    story.take(WorldEvent.HoldConfirmed({ hash: guardHoldsOf(story.world)[0]?.hash ?? "", at: story.now }))
    const confirmed = () => [...story.world.guards.confirmed.keys()]
    story
      .isUnknown("b")
      .wait(60 * 60_000)
      .reads("e")
    assert.deepStrictEqual(
      confirmed(),
      ["a", "c", "d"].map((letter) => hostAt(letter as Letter)),
    )
  })

  it("know the zone of a host whose interface a reading shows", () => {
    const { world } = among(2, { interfaces: { b: undefined } })
    assert.strictEqual(zoneOf(world, hostAt("a")), "us-east-1a")
    assert.isUndefined(zoneOf(world, hostAt("b")))
    assert.isUndefined(zoneOf({ ...world, reading: undefined }, hostAt("a")))
  })
})

describe("a host that relapsed", () => {
  const relapsed = (guards: Partial<typeof defaultGuards> = {}): Story =>
    among(3, { policy: { guards: { ...defaultGuards, ...guards } } })
      .fails("b")
      .wait(1_000)
      .recovers("b")
      .wait(1_000)
      .fails("b")
      .wait(1_000)
      .recovers("b")

  it("is chosen last for half a minute, and looked at again then", () => {
    const story = relapsed()
    const until = story.now + 30_000
    assert.deepStrictEqual([...story.world.guards.damped], [[hostAt("b"), until]])
    assert.strictEqual(relapsedUntil(story.world, hostAt("b")), until)
    assert.strictEqual(story.wait(29_999).world.guards.damped.size, 1)
    assert.strictEqual(story.nextAt, until)
    assert.strictEqual(story.wait(1).world.guards.damped.size, 0)
  })

  it("is one of the spec: of others nothing is made", () => {
    const story = relapsed().spec({ [destination]: "ac" })
    assert.strictEqual(story.world.guards.damped.size, 0)
    assert.strictEqual(story.spec({ [destination]: "abc" }).world.guards.damped.size, 1)
  })

  it("is like others if the policy says so, or if it has not", () => {
    const story = relapsed({ damping: undefined })
    assert.strictEqual(story.world.guards.damped.size, 0)
    assert.isUndefined(relapsedUntil(story.world, hostAt("b")))
    const { policy } = among(3, { policy: { guards: { ...defaultGuards, damping: undefined } } }).world
    const before = relapsed().world
    assert.isUndefined(relapsedUntil({ ...before, policy }, hostAt("b")))
    assert.strictEqual(guarded({ ...before, policy }, 70_000)[0].guards.damped.size, 0)
    assert.isUndefined(relapsedUntil(before, hostAt("a")))
  })
})
