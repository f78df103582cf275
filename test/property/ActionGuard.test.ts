import { assert, describe, it } from "@effect/vitest"
import { apply } from "../../src/domain/Apply.ts"
import { type Decision, decide, heldOf } from "../../src/domain/Decide.ts"
import { defaultGuards, velocityWindow } from "../../src/domain/GuardPolicy.ts"
import { guardHoldsOf } from "../../src/domain/GuardHold.ts"
import { Verdict } from "../../src/domain/Health.ts"
import { holdWords } from "../../src/domain/Hold.ts"
import { ip } from "../../src/domain/Ip.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { hostAt, type Letter, type SmallScene } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const minute = 60_000
const letters: ReadonlyArray<Letter> = ["a", "b", "c", "d"]

/** Each of four hosts carries a destination of its own, which `e` can take over. */
const rangeOf = (letter: Letter): string => `172.16.${letters.indexOf(letter)}.0/24`
const all = letters.map(rangeOf)
const four = (guards: Partial<typeof defaultGuards>, change: Partial<SmallScene> = {}): Story =>
  new Story({
    spec: Object.fromEntries(letters.map((letter) => [rangeOf(letter), `${letter}e`])),
    health: { a: "healthy", b: "healthy", c: "healthy", d: "healthy", e: "healthy" },
    routes: Object.fromEntries(letters.map((letter) => [rangeOf(letter), letter])),
    policy: { guards: { ...defaultGuards, massFailure: undefined, ...guards } },
    ...change,
  }).wait(minute)

/** The failover of each of these is wanted, and let through. */
const failovers = (...moved: ReadonlyArray<Letter>) => moved.map((letter) => `${rangeOf(letter)} rtb-1 failover:e`)

const anchorHeard = (story: Story, isHeard: boolean): WorldEvent => {
  const verdict = isHeard
    ? Verdict.Healthy({ since: story.now })
    : Verdict.Failed({ since: story.now, reason: "3 probes lost" })
  return WorldEvent.AnchorsHeard({ verdicts: [{ source: "icmpecho", anchor: ip("10.33.99.1"), verdict }] })
}

/** What is decided when this happens next. The story goes on from there. */
const decidedAt = (story: Story, event: WorldEvent): Decision => {
  const [world, dirty] = apply(story.world, event)
  const decision = decide(world, dirty, story.now)
  story.world = decision.world
  return decision
}

describe("what is held", () => {
  it("names what holds it, and whom: by the hash it is let go", () => {
    const cut = four({}).take(WorldEvent.HostDrained({ host: hostAt("a") }))
    cut.take(anchorHeard(cut, true)).take(anchorHeard(cut, false))
    const limited = four({ failoverLimit: 1 }).fails("a").fails("b")
    const braked = four({}).spec({ [rangeOf("a")]: "ae" })
    for (const [story, kind, count] of [
      [cut, "MonitorCutOff", 1],
      [limited, "FailoverLimit", 1],
      [braked, "DeletionBrake", 3],
    ] as const) {
      const [hold] = guardHoldsOf(story.world)
      assert.strictEqual(hold?.kind, kind)
      const words = heldOf(story.world).map(({ reason }) => holdWords(reason))
      assert.lengthOf(words, count)
      for (const one of words) assert.include(one, hold?.hash ?? "nothing")
    }
    assert.include(heldOf(limited.world).map(({ reason }) => holdWords(reason))[0], hostAt("b"))
  })
})

describe("while this monitor is cut off", () => {
  it("every write is held, whatever it is for; a deletion that the brake holds waits for its own confirmation", () => {
    const story = four({}).take(WorldEvent.HostDrained({ host: hostAt("a") }))
    assert.deepStrictEqual(story.pending, [`${rangeOf("a")} rtb-1 repair:e`])
    story.take(anchorHeard(story, true)).take(anchorHeard(story, false))
    assert.deepStrictEqual([story.pending, story.held], [[], [`${rangeOf("a")} rtb-1 MonitorCutOff`]])
    story.spec({ [rangeOf("a")]: "ae" })
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.held, [
      `${rangeOf("a")} rtb-1 MonitorCutOff`,
      ...all.slice(1).map((range) => `${range} rtb-1 DeletionBrake`),
    ])
  })

  it("what was queued is called back, and handed out again when it ends: of the destinations concerned, and no other", () => {
    const story = four({}).take(WorldEvent.HostDrained({ host: hostAt("a") }))
    decidedAt(story, anchorHeard(story, true))
    const cut = decidedAt(story, anchorHeard(story, false))
    assert.deepStrictEqual([[...cut.cidrs], cut.write], [[rangeOf("a")], []])
    assert.deepStrictEqual([...decidedAt(story, anchorHeard(story, false)).cidrs], [])
    const over = decidedAt(story, anchorHeard(story, true))
    assert.deepStrictEqual([...over.cidrs], [rangeOf("a")])
    assert.deepStrictEqual(
      over.write.map(({ cidr }) => cidr),
      [rangeOf("a")],
    )
    assert.deepStrictEqual([...decidedAt(story, anchorHeard(story, true)).cidrs], [])
  })

  it("nobody is counted as failed over; who was before it is forgotten when the spec drops it", () => {
    const story = four({ failoverLimit: 1 }).fails("a").allDone()
    story.take(anchorHeard(story, true)).take(anchorHeard(story, false))
    assert.deepStrictEqual(
      story.world.guards.velocity.admitted.map(({ host }) => host),
      [hostAt("a")],
    )
    story.fails("b").wait(minute)
    assert.strictEqual(story.world.guards.velocity.admitted.length, 1)
    story.spec({ [rangeOf("b")]: "be" })
    assert.deepStrictEqual(story.world.guards.velocity.admitted, [])
  })
})

describe("the failover limit, of hosts that fail together", () => {
  const fails = (story: Story): Story => {
    for (const letter of letters) story.fails(letter)
    return story
  }

  it("by itself has room for the fullest of several zones; where all hosts are in one, or nobody knows where, for three", () => {
    const inZones = (zoneOf: (letter: Letter) => string | undefined) =>
      fails(
        four(
          {},
          {
            interfaces: Object.fromEntries(
              [...letters, "e" as const].map((letter) => [letter, { zone: zoneOf(letter) }]),
            ),
          },
        ),
      )
    const several = inZones((letter) => (letter === "e" ? "us-east-1b" : "us-east-1a"))
    assert.deepStrictEqual([several.pending, several.held], [failovers("a", "b", "c", "d"), []])
    for (const story of [
      inZones(() => "us-east-1a"),
      inZones(() => undefined),
      inZones((letter) => (letter === "e" ? "us-east-1b" : undefined)),
    ]) {
      assert.deepStrictEqual(story.pending, failovers("a", "b", "c"))
      assert.deepStrictEqual(story.held, [`${rangeOf("d")} rtb-1 FailoverLimit`])
    }
  })

  it("counts hosts that EC2 shows as stopped like others, each once as long as it is shown", () => {
    const story = four({ failoverLimit: 1 })
    const stopped = { instances: { a: "stopped", b: "stopped" } } as const
    story.reads("-", 0, stopped)
    assert.deepStrictEqual(story.pending, failovers("a"))
    assert.deepStrictEqual(story.held, [`${rangeOf("b")} rtb-1 FailoverLimit`])
    story.wait(velocityWindow)
    assert.deepStrictEqual(story.pending, failovers("a", "b"))
    assert.deepStrictEqual(story.held, [])
    // The same failure still, whatever its checks say meanwhile.
    assert.deepStrictEqual(story.isUnknown("a").pending, failovers("a", "b"))
  })

  it("keeps nobody waiting who was let go, although EC2 refuses its write for longer than a minute", () => {
    const story = four({ failoverLimit: 1 }).fails("a")
    story.refused("UnauthorizedOperation")
    while (story.now < 1_000_000 + 5 * minute) {
      story.wait(minute)
      if (story.pending.length > 0) story.refused("UnauthorizedOperation")
    }
    story.fails("b")
    assert.deepStrictEqual(story.pending, failovers("b"))
    story.wait(velocityWindow - 1)
    while (story.pending.length < 2) story.wait(minute)
    assert.deepStrictEqual(story.pending, failovers("a", "b"))
  })

  it("lets nobody wait who has recovered, though another failed at the same time", () => {
    const story = four({ failoverLimit: 1 }).fails("a").fails("b").fails("c")
    assert.lengthOf(story.held, 2)
    const verdict = Verdict.Healthy({ since: story.now })
    story.take(
      WorldEvent.VerdictsReached({ verdicts: (["b", "c"] as const).map((one) => ({ host: hostAt(one), verdict })) }),
    )
    assert.deepStrictEqual([story.held, guardHoldsOf(story.world)], [[], []])
  })

  it("hands out a destination again when one of its routes is let go, be it that the others never waited", () => {
    const range = "172.17.0.0/16"
    const story = new Story({
      spec: { [rangeOf("a")]: "ae", [range]: "bde" },
      health: { a: "healthy", b: "healthy", d: "drained", e: "healthy" },
      routes: { [rangeOf("a")]: "a -", [range]: "b d" },
      policy: { guards: { ...defaultGuards, massFailure: undefined, failoverLimit: 1 } },
    }).wait(minute)
    story.fails("a").fails("b")
    assert.include(story.held, `${range} rtb-1 FailoverLimit`)
    assert.include(story.pending, `${range} rtb-2 repair:e`)
    story.now += velocityWindow
    const decision = decidedAt(story, WorldEvent.TimeCame({ at: story.now }))
    assert.deepStrictEqual([...decision.cidrs], [range])
    assert.lengthOf(decision.write, 2)
  })

  it("neither holds nor counts what the operator let go, until the host fails anew", () => {
    const story = four({ massFailure: 2 / 3, failoverLimit: 1 })
    const verdict = Verdict.Failed({ since: story.now, reason: "3 probes lost" })
    story.take(WorldEvent.VerdictsReached({ verdicts: letters.map((letter) => ({ host: hostAt(letter), verdict })) }))
    assert.deepStrictEqual(story.pending, [])
    const [mass] = guardHoldsOf(story.world)
    assert.strictEqual(mass?.kind, "MassFailure")
    story.take(WorldEvent.HoldConfirmed({ hash: mass?.hash ?? "", at: story.now }))
    assert.deepStrictEqual(story.pending, failovers("a", "b", "c", "d"))
    assert.deepStrictEqual(story.world.guards.velocity.admitted, [])
    for (const letter of letters) story.recovers(letter)
    story.wait(minute).fails("a").fails("b")
    assert.deepStrictEqual([story.pending, story.held], [failovers("a"), [`${rangeOf("b")} rtb-1 FailoverLimit`]])
  })

  it("leaves alone what is not moved for a failure", () => {
    const story = four({ failoverLimit: 1 })
    for (const host of ["10.33.20.1", "10.33.20.2", "10.33.20.3"])
      story.take(WorldEvent.HostDrained({ host: ip(host) }))
    assert.strictEqual(story.pending.length, 3)
    assert.deepStrictEqual(story.world.guards.velocity.admitted, [])
  })
})
