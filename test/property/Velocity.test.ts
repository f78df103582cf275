import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { guardHoldsOf } from "../../src/domain/GuardHold.ts"
import { defaultGuards, velocityWindow } from "../../src/domain/GuardPolicy.ts"
import type { Millis } from "../../src/domain/Health.ts"
import { ip } from "../../src/domain/Ip.ts"
import { autoLimit, letAllGo, type Mover, noVelocity, type Velocity, velocityAfter } from "../../src/domain/Velocity.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { runs } from "../support/domain/Runs.ts"
import { Story } from "../support/domain/Story.ts"

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

  it("gives different failures that wait different hashes, though read one after the other they look alike", () => {
    const waiting = (...some: ReadonlyArray<readonly [host: string, failedAt: Millis]>) =>
      velocityAfter(
        noVelocity,
        some.map(([host, failedAt]) => ({ host: ip(host), failedAt })),
        0,
        100,
      ).hash
    const one = waiting(["10.0.0.1", 6], ["13.0.0.1", 7])
    assert.match(one, /^[0-9a-f]{16}$/)
    assert.notStrictEqual(one, waiting(["10.0.0.1", 61], ["3.0.0.1", 7]))
  })

  it("forgets who recovered, a minute after it was let go: its next failure counts anew", () => {
    const mover = (n: number, failedAt: Millis): Mover => ({ host: ip(`10.0.0.${n}`), failedAt })
    const letGo = velocityAfter(noVelocity, [mover(1, 1)], 1, 10)
    const recovered = velocityAfter(letGo, [], 1, 20)
    const later = velocityAfter(recovered, [], 1, 10 + velocityWindow)
    assert.deepStrictEqual(later, noVelocity)
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
    confirmed.take(WorldEvent.HoldConfirmed({ hash: guardHoldsOf(confirmed.world)[0]?.hash ?? "", at: confirmed.now }))
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
