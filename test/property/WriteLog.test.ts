import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { heldOf } from "../../src/domain/Decide.ts"
import { RouteTarget } from "../../src/domain/Vpc.ts"
import type { StandingRoute } from "../../src/domain/VpcIndex.ts"
import { afterReading, content, contention, type LogEntry, staleHorizon, written } from "../../src/domain/WriteLog.ts"
import { interfaceIds } from "../support/domain/Pools.ts"
import { runs } from "../support/domain/Runs.ts"
import { destination } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const second = 1_000
const minute = 60 * second

/** Host `a` carries the destination and has just failed; the route goes to `b`, and that write is done. */
const failedOver = (row = "a"): Story =>
  new Story({
    spec: { [destination]: "abc" },
    health: { a: "healthy", b: "healthy" },
    routes: { [destination]: row },
  })
    .wait(20 * second)
    .fails("a")
    .allDone()

describe("a write of ours", () => {
  it("counts at once, without a reading", () => {
    const story = failedOver()
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.fails("b").recovers("c").pending, ["rtb-1 failover:c"])
  })

  it("is not undone by a reading that began before it was done", () => {
    const story = failedOver()
      .wait(3 * second)
      .reads("a", 3 * second)
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.fails("b").recovers("c").pending, ["rtb-1 failover:c"])
  })

  it("is not undone by a reading from before, even if that shows what nobody knew of", () => {
    const story = failedOver()
      .wait(3 * second)
      .reads("d", 3 * second)
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.wait(second).reads("b").pending, [])
  })

  it("is not undone by a stale reading that shows what was there before", () => {
    const story = failedOver()
      .wait(4 * second)
      .reads("a")
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.wait(second).reads("b").wait(second).reads("a").pending, [])
  })

  it("is not undone by a stale reading that shows what was there before several writes", () => {
    const story = failedOver().wait(second).fails("b").recovers("c").allDone().wait(second)
    assert.deepStrictEqual(story.reads("a").pending, [])
    assert.deepStrictEqual(story.wait(second).reads("b").pending, [])
    assert.deepStrictEqual(story.wait(second).reads("c").pending, [])
  })

  it("is not undone by a stale reading, if a reading showed it before EC2's answer came", () => {
    const story = new Story({
      spec: { [destination]: "ab" },
      health: { a: "healthy", b: "healthy" },
      routes: { [destination]: "a" },
    }).fails("a")
    const [action] = story.actions
    story.wait(second).reads("b").wait(second)
    story.take({ _tag: "WriteDone", action: action!, at: story.now })
    assert.deepStrictEqual(story.wait(second).reads("a").pending, [])
  })

  it("is made again when readings go on showing what was there before", () => {
    const story = failedOver()
      .wait(9 * second)
      .reads("a")
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.wait(2 * second).reads("a").pending, ["rtb-1 failover:b"])
  })

  it("stays our intention when readings go on showing a former host that is healthy again", () => {
    const story = failedOver("a a").wait(second).recovers("a")
    assert.deepStrictEqual(story.reads("a a").pending, [])
    assert.deepStrictEqual(story.wait(11 * second).reads("a a").pending, ["rtb-1 repair:b", "rtb-2 repair:b"])
    for (const { reason } of story.actions) assert.strictEqual(reason._tag, "ChangedBack")
    // Nor does it matter that nothing is proven of that host at the moment.
    assert.deepStrictEqual(story.isUnknown("a").pending, ["rtb-1 repair:b", "rtb-2 repair:b"])
  })

  it("gives way to what somebody wants long after", () => {
    const story = failedOver("a a")
      .recovers("a")
      .wait(4 * minute)
      .reads("b b")
    assert.deepStrictEqual(story.wait(2 * minute).reads("a a").pending, [])
  })

  it("does not hide that somebody put something new there", () => {
    assert.deepStrictEqual(failedOver().wait(second).reads("d").pending, ["rtb-1 repair:b"])
    assert.deepStrictEqual(failedOver().wait(second).reads("-").pending, ["rtb-1 create:b"])
  })

  it("does not hide a blackhole", () => {
    assert.deepStrictEqual(failedOver("a a").recovers("c").wait(second).reads("b! b").held, ["rtb-1 Blackhole"])
  })

  it("never makes a route of another kind look like our own: that is not ours to move", () => {
    const story = new Story({
      spec: { [destination]: "abc" },
      health: { a: "healthy", b: "healthy" },
      routes: { [destination]: "-" },
    })
    const [action] = story.actions
    // Created, replaced by somebody, and read, all before EC2's answer comes back.
    story.wait(second).reads("igw-1").wait(second)
    story.take({ _tag: "WriteDone", action: action!, at: story.now })
    story.wait(second).reads("igw-1").fails("a").wait(second)
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.held, ["rtb-1 Conflict"])
  })

  it("gives way to a later one whose answer was lost, once readings go on showing that it was done", () => {
    const story = failedOver("a a").wait(second).recovers("a").wait(second).fails("b")
    assert.deepStrictEqual(story.pending, ["rtb-1 failover:a", "rtb-2 failover:a"])
    const timeout = { disposition: "transient", code: "TimeoutError", message: "no answer" } as const
    for (const action of story.actions) story.take({ _tag: "WriteFailed", action, ...timeout, at: story.now })
    // It may be an old reading, and to write the same once more does no harm.
    story.wait(second).reads("a a")
    assert.deepStrictEqual(story.pending, ["rtb-1 failover:a", "rtb-2 failover:a"])
    story.wait(30 * second).reads("a a")
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.recovers("b").pending, [])
  })

  it("is doubted when EC2 itself says otherwise: the next reading counts", () => {
    const story = new Story({
      spec: { [destination]: "abc" },
      health: { a: "healthy", b: "healthy" },
      routes: { [destination]: "-" },
    }).allDone()
    // Somebody deletes the route, which looks like a stale reading; then its host fails.
    story.wait(second).reads("-")
    assert.deepStrictEqual(story.pending, [])
    for (const letter of ["a", "b"] as const) story.fails(letter)
    story.recovers("c")
    assert.deepStrictEqual(story.pending, ["rtb-1 failover:c"])
    story
      .refused("InvalidRoute.NotFound")
      .wait(second / 2)
      .reads("-")
    assert.deepStrictEqual(story.pending, ["rtb-1 create:c"])
  })

  it("is doubted in the same way when EC2 says that a deleted route is there", () => {
    const story = new Story({
      spec: { [destination]: "a", "172.16.0.0/12": "ab" },
      health: { a: "healthy", b: "healthy" },
      routes: { [destination]: "a", "172.16.0.0/12": "a" },
    })
    story.spec({ "172.16.0.0/12": "ab" }).allDone().wait(second).reads("a")
    assert.deepStrictEqual(story.pending, [])
    story.spec({ [destination]: "b", "172.16.0.0/12": "ab" })
    assert.deepStrictEqual(story.pending, ["rtb-1 create:b"])
    story
      .refused("RouteAlreadyExists")
      .wait(second / 2)
      .reads("a")
    assert.deepStrictEqual(story.pending, ["rtb-1 repair:b"])
  })

  it("that deleted a route puts nobody in the wrong when the spec takes its destination back in", () => {
    const elsewhere = { "172.16.0.0/12": "" }
    const health = { a: "healthy", b: "healthy" } as const
    const story = new Story({ spec: { [destination]: "a", ...elsewhere }, health, routes: { [destination]: "a" } })
    story.spec(elsewhere).done()
    // Readings go on showing it, longer than they would if they were old.
    story.wait(21 * second).reads("a")
    assert.deepStrictEqual(story.pending, ["rtb-1 delete"])
    const [action] = story.spec({ [destination]: "b", ...elsewhere }).recovers("b").actions
    assert.strictEqual(action?.reason._tag, "WrongTarget")
  })

  it("is forgotten when it does not matter any more", () => {
    const story = failedOver()
      .wait(second)
      .reads("b")
      .wait(6 * minute)
      .reads("b")
    assert.strictEqual([...story.world.writes].length, 0)
  })

  it("is forgotten even if it never shows in any reading", () => {
    const story = failedOver().wait(second).reads("d")
    story
      .spec({ "172.16.0.0/12": "a" })
      .wait(second)
      .reads("-")
      .wait(61 * minute)
      .reads("-")
    assert.strictEqual([...story.world.writes].length, 0)
  })
})

describe("a cell that somebody keeps changing back", () => {
  it("is written again with growing delays, never more than five minutes, and shown as contended", () => {
    const story = new Story({ spec: { [destination]: "a" }, health: { a: "healthy" }, routes: { [destination]: "d" } })
    const delays: Array<number> = []
    let writtenAt = story.now
    story.allDone()
    for (let n = 0; n < 12; n++) {
      // Every 30 s, and when a hold ends, the daemon reads; the other party has always been faster.
      while (story.pending.length === 0) story.wait(10 * second).reads("d")
      delays.push(story.now - writtenAt)
      writtenAt = story.now
      story.allDone()
    }
    for (const [i, delay] of delays.entries()) assert.isAtLeast(delay, delays[i - 1] ?? 0)
    assert.isAtLeast(delays.at(-1)!, 4 * minute)
    assert.isAtMost(Math.max(...delays), 6 * minute)
    story.wait(second).reads("d")
    assert.deepStrictEqual([story.pending, story.held], [[], ["rtb-1 Contended"]])
    assert.isAbove(story.nextAt!, story.now)
    // A change to something new is no stale reading, and waits all the same.
    story.wait(second).reads("e")
    assert.deepStrictEqual([story.pending, story.held], [[], ["rtb-1 Contended"]])
    assert.deepStrictEqual(story.wait(5 * minute).pending, ["rtb-1 repair:a"])
  })

  it("counts each change once, however many readings show it", () => {
    const story = new Story({ spec: { [destination]: "a" }, health: { a: "healthy" }, routes: { [destination]: "d" } })
    for (let writes = 1; writes <= 5; writes++) {
      story.allDone()
      while (story.pending.length === 0) {
        story.wait(7 * second).reads("d")
        const times = heldOf(story.world).flatMap(({ reason }) => (reason._tag === "Contended" ? [reason.times] : []))
        assert.isAtMost(Math.max(0, ...times), writes)
      }
    }
  })

  it("is left to rest when nobody has changed it for an hour", () => {
    const story = failedOver().wait(second).reads("d").allDone().wait(second).reads("d").wait(minute).allDone()
    story.wait(second).reads("b")
    assert.strictEqual([...story.world.writes].length, 1)
    story.wait(61 * minute).reads("b")
    assert.strictEqual([...story.world.writes].length, 0)
  })

  it("is still failed over at once", () => {
    const story = failedOver().recovers("c")
    for (const row of ["d", "e", "d", "e"])
      story
        .wait(second)
        .reads(row)
        .wait(10 * minute)
        .allDone()
    story.wait(second).reads("d")
    assert.deepStrictEqual(story.held, ["rtb-1 Contended"])
    assert.deepStrictEqual(story.wait(second).reads("d!").pending, ["rtb-1 failover:b"])
  })
})

const anyRoute: fc.Arbitrary<StandingRoute | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom(...interfaceIds.slice(0, 3)).map((interfaceId) => ({
    target: RouteTarget.Interface({ interfaceId }),
    interfaceId,
    blackhole: false,
    owned: true,
    interfaceSeen: true,
  })),
  fc.constant({
    target: RouteTarget.Other({ kind: "GatewayId", id: "igw-1" }),
    interfaceId: undefined,
    blackhole: false,
    owned: false,
    interfaceSeen: false,
  }),
)

/** Reads and writes of one cell at growing times. */
const anyCourse = fc.array(
  fc.record({
    after: fc.oneof(fc.integer({ min: 1, max: 12_000 }), fc.integer({ min: 1, max: 400_000 })),
    route: anyRoute,
    isWrite: fc.boolean(),
  }),
  { maxLength: 30, size: "max" },
)

describe("the log of one cell, whatever is read and written", () => {
  const course = (
    steps: ReadonlyArray<{ after: number; route: StandingRoute | undefined; isWrite: boolean }>,
    look: (
      before: LogEntry | undefined,
      entry: LogEntry | undefined,
      read: StandingRoute | undefined,
      at: number,
    ) => void,
  ): void => {
    let entry: LogEntry | undefined
    let read: StandingRoute | undefined
    let at = 0
    for (const step of steps) {
      at += step.after
      const before = entry
      if (step.isWrite) {
        // We write only what is ours.
        if (step.route?.owned === false) continue
        const present = content(entry, read).present
        entry = written(entry, [present], step.route, at)
      } else {
        read = step.route
        entry = entry === undefined ? undefined : afterReading(entry, read, at)
      }
      look(before, entry, read, at)
    }
  }

  /** What is remembered in the end, and when that is. */
  const endOf = (steps: Parameters<typeof course>[0]) => {
    let end: { entry: LogEntry | undefined; now: number } = { entry: undefined, now: 0 }
    course(steps, (_, entry, __, now) => {
      end = { entry, now }
    })
    return end
  }

  it("is bounded: contents remembered, reversals counted, and how long a contended cell waits", () => {
    fc.assert(
      fc.property(anyCourse, (steps) => {
        course(steps, (_, entry, __, at) => {
          assert.isAtMost(entry?.before.length ?? 0, 8)
          const until = contention(entry)?.until
          if (until !== undefined) assert.isAtMost(until - at, 5 * minute)
        })
      }),
      runs(500),
    )
  })

  it("shows a route of another kind as soon as a reading shows it", () => {
    fc.assert(
      fc.property(anyCourse, (steps) => {
        course(steps, (before, entry, read, at) => {
          if (entry?.at === at || read === undefined || read.owned) return
          if (before === entry && entry !== undefined) return
          assert.strictEqual(content(entry, read).present, read)
        })
      }),
      runs(500),
    )
  })

  it("is gone an hour after the last write, if readings go on", () => {
    fc.assert(
      fc.property(anyCourse, anyRoute, (steps, last) => {
        const { entry, now } = endOf(steps)
        const later = now + 61 * minute
        assert.isUndefined(entry === undefined ? undefined : afterReading(entry, last, later))
      }),
      runs(500),
    )
  })

  it("takes what EC2 shows for the truth, when nothing was written for longer than readings are ever stale", () => {
    fc.assert(
      fc.property(anyCourse, anyRoute, (steps, last) => {
        const { entry, now } = endOf(steps)
        const after = entry === undefined ? undefined : afterReading(entry, last, now + staleHorizon + 1)
        assert.strictEqual(content(after, last).present, last)
      }),
      runs(500),
    )
  })
})
