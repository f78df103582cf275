import { assert, describe, it } from "@effect/vitest"
import { confirmedFor, letGoCarriedOver } from "../../src/domain/Confirmed.ts"
import { guardHoldsOf } from "../../src/domain/GuardHold.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { destination, hostAt } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const routes = { [destination]: "a" }

/** Three of four hosts failed together, and the operator let their failures go; nothing is written yet. */
const letGo = (): Story => {
  const story = new Story({
    spec: { [destination]: "abcd" },
    health: { a: "healthy", b: "healthy", c: "healthy", d: "healthy" },
    routes,
  })
  story.wait(20_000).fails("a").fails("b").fails("c").wait(100)
  assert.deepStrictEqual(story.held, ["rtb-1 MassFailure"])
  return story.take(WorldEvent.HoldConfirmed({ hash: guardHoldsOf(story.world).at(-1)?.hash ?? "", at: story.now }))
}

/** A restart, after which nothing is known of these hosts. */
const restarted = (story: Story, ago = 0): Story => {
  for (const letter of ["a", "b", "c"] as const) story.isUnknown(letter)
  const kept = story.kept!
  story.kept = { ...kept, letGo: new Map([...kept.letGo].map(([host, at]) => [host, at - ago])) }
  return story.restart(routes)
}

/** A restart so long after the confirmation, after which they fail once more. */
const failAnew = (story: Story, ago = 0): Story =>
  restarted(story, ago).wait(11_000).fails("a").fails("b").fails("c").wait(100)

const isHeld = (story: Story): void => {
  assert.deepStrictEqual(story.pending, [])
  assert.deepStrictEqual(story.held, ["rtb-1 MassFailure"])
}

describe("a failure that the operator let go", () => {
  it("moves routes at once, and after a restart as well, if its host was not healthy in between", () => {
    assert.deepStrictEqual(letGo().pending, ["rtb-1 failover:d"])
    const story = failAnew(letGo())
    assert.deepStrictEqual(guardHoldsOf(story.world), [])
    assert.deepStrictEqual(story.pending, ["rtb-1 failover:d"])
  })

  it("is held after a restart if nothing was kept of it", () => {
    const story = letGo()
    assert.strictEqual(story.kept?.letGo.size, 3)
    story.kept = { ...story.kept!, letGo: new Map() }
    isHeld(failAnew(story))
  })

  it("is forgotten on disk when its host is healthy again: its next failure is held, restart or not", () => {
    const recovered = () => letGo().recovers("a").recovers("b").recovers("c").wait(20_000)
    assert.deepStrictEqual(recovered().kept?.letGo, new Map())
    isHeld(recovered().fails("a").fails("b").fails("c").wait(100))
    isHeld(failAnew(recovered()))
  })

  it("is forgotten when its host is healthy after a restart: its next failure is held", () => {
    const story = restarted(letGo())
    assert.strictEqual(story.world.guards.confirmed.size, 3)
    story.wait(100).recovers("a").recovers("b").recovers("c")
    assert.deepStrictEqual(story.kept?.letGo, new Map())
    isHeld(story.wait(20_000).fails("a").fails("b").fails("c").wait(100))
  })

  it("is forgotten after a quarter of an hour in which a restart saw nothing of its host", () => {
    assert.deepStrictEqual(failAnew(letGo(), confirmedFor - 15_000).pending, ["rtb-1 failover:d"])
    isHeld(failAnew(letGo(), confirmedFor - 10_000))
  })

  it("is forgotten when its host leaves the spec, though it comes back", () => {
    const story = restarted(letGo())
    story.spec({ [destination]: "d" }).spec({ [destination]: "abcd" })
    assert.strictEqual(story.world.guards.confirmed.size, 0)
  })

  it("that waited for the failover limit does not wait after a restart, nor does one that only EC2 shows", () => {
    const one = "192.168.1.0/24"
    const two = "192.168.2.0/24"
    const story = new Story({
      spec: { [one]: "ac", [two]: "bc" },
      health: { a: "healthy", b: "healthy", c: "healthy" },
      routes: { [one]: "a", [two]: "b" },
      policy: { guards: { massFailure: undefined, failoverLimit: 1, damping: undefined, settle: 3_500 } },
    })
    story.wait(20_000).fails("a").wait(1_000).fails("b")
    assert.deepStrictEqual(story.held, [`${two} rtb-1 FailoverLimit`])
    story.take(WorldEvent.HoldConfirmed({ hash: guardHoldsOf(story.world)[0]?.hash ?? "", at: story.now }))
    assert.deepStrictEqual([...(story.kept?.letGo.keys() ?? [])], [hostAt("b")])
    const again = story.restart({ [one]: "a", [two]: "b" })
    assert.deepStrictEqual(again.pending, [`${one} rtb-1 failover:c`, `${two} rtb-1 failover:c`])
  })
})

describe("when a failure was let go, by another clock", () => {
  const host = hostAt("a")
  it("is as long ago, and if that clock was set back in between it is forgotten", () => {
    assert.deepStrictEqual(
      letGoCarriedOver(new Map([[host, 1_000]]), 61_000, 5_061_000.4),
      new Map([[host, 5_001_000]]),
    )
    assert.deepStrictEqual(letGoCarriedOver(new Map([[host, 61_500]]), 61_000, 5_000), new Map([[host, 5_000]]))
    assert.deepStrictEqual(letGoCarriedOver(new Map([[host, 200_000]]), 61_000, 5_000), new Map())
  })
})
