import { assert, describe, it } from "@effect/vitest"
import {
  type Confirmed,
  confirmationsLeft,
  confirmedFor,
  forgotRecovered,
  letGoCarriedOver,
  letGoOf,
} from "../../src/domain/Confirmed.ts"
import { guardHoldsOf } from "../../src/domain/GuardHold.ts"
import { Verdict } from "../../src/domain/Health.ts"
import type { Ip } from "../../src/domain/Ip.ts"
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

  it("stays let go when the same verdict is said again, and not when the host fails at another time", () => {
    const story = letGo()
    const again = (since: number) =>
      WorldEvent.VerdictsReached({
        verdicts: (["a", "b", "c"] as const).map((letter) => ({
          host: hostAt(letter),
          verdict: Verdict.Failed({ since, reason: "still silent" }),
        })),
      })
    assert.deepStrictEqual(story.take(again(story.now - 100)).pending, ["rtb-1 failover:d"])
    isHeld(story.take(again(story.now)))
  })

  it("is forgotten by the next reading where nothing is known of the host any more", () => {
    const story = letGo().wait(1_000).reads("a")
    assert.strictEqual(story.world.guards.confirmed.size, 3)
    assert.strictEqual(story.isUnknown("a").wait(1_000).reads("a").world.guards.confirmed.size, 2)
  })

  const one = "192.168.1.0/24"
  const two = "192.168.2.0/24"
  /** Two hosts that carry a destination each, of which one may fail over in a minute. */
  const limited = (): Story =>
    new Story({
      spec: { [one]: "ac", [two]: "bc" },
      health: { a: "healthy", b: "healthy", c: "healthy" },
      routes: { [one]: "a", [two]: "b" },
      policy: { guards: { massFailure: undefined, failoverLimit: 1, damping: undefined, settle: 3_500 } },
    })
  const bothMove = [`${one} rtb-1 failover:c`, `${two} rtb-1 failover:c`]

  it("that only EC2 shows does not wait for the failover limit, after a restart for a quarter of an hour", () => {
    const stopped = (story: Story): Story =>
      story.wait(1_000).reads("-", 0, { instances: { a: "stopped", b: "stopped" } })
    const story = limited().isUnwatched("a").isUnwatched("b").wait(20_000)
    assert.deepStrictEqual(stopped(story).pending, [`${one} rtb-1 failover:c`])
    story.take(WorldEvent.HoldConfirmed({ hash: guardHoldsOf(story.world)[0]?.hash ?? "", at: story.now }))
    assert.deepStrictEqual(story.pending, bothMove)
    const later = (ago: number): ReadonlyArray<string> => {
      story.kept = { ...story.kept!, letGo: new Map([[hostAt("b"), story.now - ago]]) }
      return stopped(story.restart({ [one]: "a", [two]: "b" })).pending
    }
    assert.deepStrictEqual(later(0), bothMove)
    assert.deepStrictEqual(later(confirmedFor), [`${one} rtb-1 failover:c`])
  })

  it("that was seen is another one than what EC2 alone shows of the host later: that waits", () => {
    const story = limited().wait(20_000).fails("a").wait(1_000).fails("b")
    story.take(WorldEvent.HoldConfirmed({ hash: guardHoldsOf(story.world)[0]?.hash ?? "", at: story.now }))
    assert.deepStrictEqual(story.wait(1_000).reads("-", 0, { instances: { b: "stopped" } }).pending, bothMove)
    assert.deepStrictEqual(story.isUnwatched("b").pending, [`${one} rtb-1 failover:c`])
  })

  it("that waited for the failover limit does not wait after a restart", () => {
    const story = limited()
    story.wait(20_000).fails("a").wait(1_000).fails("b")
    assert.deepStrictEqual(story.held, [`${two} rtb-1 FailoverLimit`])
    story.take(WorldEvent.HoldConfirmed({ hash: guardHoldsOf(story.world)[0]?.hash ?? "", at: story.now }))
    assert.deepStrictEqual([...(story.kept?.letGo.keys() ?? [])], [hostAt("b")])
    const again = story.restart({ [one]: "a", [two]: "b" })
    assert.deepStrictEqual(again.pending, bothMove)
  })
})

describe("what is remembered of failures that were let go", () => {
  const host = hostAt("a")
  const at = 1_000
  const of = (failedAt: number | undefined): ReadonlyMap<Ip, Confirmed> => new Map([[host, { failedAt, at }]])
  const isLeft = (failedAt: number | undefined, failedSince: number | undefined, now: number): boolean =>
    confirmationsLeft(of(failedAt), () => failedSince, now).size > 0

  it("is the failures that last, and for a quarter of an hour those of hosts that a restart has not seen", () => {
    assert.isTrue(isLeft(500, 500, at + 100 * confirmedFor))
    for (const failedSince of [undefined, 600]) assert.isFalse(isLeft(500, failedSince, at))
    assert.isTrue(isLeft(undefined, undefined, at + confirmedFor - 1))
    assert.isFalse(isLeft(undefined, undefined, at + confirmedFor))
  })

  it("is kept for a restart for a quarter of an hour", () => {
    assert.deepStrictEqual(letGoOf(of(500), at + confirmedFor - 1), new Map([[host, at]]))
    assert.deepStrictEqual(letGoOf(of(500), at + confirmedFor), new Map())
  })

  it("must be kept anew when a host of it has recovered, or was let go again, within that quarter of an hour", () => {
    const kept = new Map([[host, at]])
    assert.isTrue(forgotRecovered(new Map(), of(500), at))
    assert.isTrue(forgotRecovered(kept, of(500), at))
    assert.isFalse(forgotRecovered(kept, new Map(), at + confirmedFor - 1))
    assert.isFalse(forgotRecovered(kept, new Map([[host, { failedAt: 500, at: at + 1 }]]), at + 1))
    assert.isTrue(forgotRecovered(kept, new Map(), at + confirmedFor))
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
    assert.deepStrictEqual(letGoCarriedOver(new Map([[host, 121_000]]), 61_000, 5_000), new Map([[host, 5_000]]))
    assert.deepStrictEqual(letGoCarriedOver(new Map([[host, 121_001]]), 61_000, 5_000), new Map())
  })
})
