import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  answered,
  type BucketLimits,
  describes,
  full,
  refilled,
  routeWrites,
  send,
  take,
  throttled,
  type TokenBucket,
} from "../../src/domain/TokenBucket.ts"

// What the bucket may gain by its tolerance for rounding errors, for each token that was taken.
const tolerance = 1e-6

const limits: fc.Arbitrary<BucketLimits> = fc.oneof(
  fc.constantFrom(routeWrites, describes),
  fc.record({
    capacity: fc.integer({ min: 1, max: 200 }),
    refillPerSecond: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0.1, max: 100, noNaN: true })),
  }),
)

/** Milliseconds from one attempt to the next: bursts, waits of all lengths, and a clock that is set back. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.double({ min: 0, max: 3000, noNaN: true }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 100_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -5000, max: -1 }) },
)

const start = 1_700_000_000_000

/** A bucket after some use, its limits, and the present. */
const used = fc
  .record({ limits, steps: fc.array(step, { maxLength: 250 }) })
  .map(({ limits, steps }) => attempts(limits, steps))

/** Tries to take a token after each step. Gives the bucket, the present, and when a token was granted. */
const attempts = (limits: BucketLimits, steps: ReadonlyArray<number>) => {
  let bucket = full(limits, start)
  let now = start
  const granted: Array<number> = []
  for (const step of steps) {
    now += step
    const taken = take(bucket, now)
    if (taken.waitMillis === 0) granted.push(taken.bucket.at)
    bucket = taken.bucket
  }
  return { limits, bucket, now: bucket.at, granted }
}

/** Takes as often as the bucket grants at once. */
const drained = (bucket: TokenBucket, now: number, reserve: number): { bucket: TokenBucket; taken: number } => {
  for (let taken = 0; ; taken++) {
    const next = take(bucket, now, reserve)
    if (next.waitMillis > 0) return { bucket: next.bucket, taken }
    bucket = next.bucket
  }
}

/** How many milliseconds `count` takes last, each made as soon as the bucket allows. */
const duration = (limits: BucketLimits, count: number): number => {
  let bucket = full(limits, start)
  let now = start
  for (let taken = 0; taken < count;) {
    const next = take(bucket, now)
    bucket = next.bucket
    if (next.waitMillis === 0) taken++
    now += next.waitMillis
  }
  return now - start
}

interface Call {
  readonly pause: number
  readonly there: number
  readonly back: number
}

/** A call: how long after the one before it is wanted, and how long it and its answer are under way, in milliseconds. */
const travel = fc.oneof(fc.constant(100), fc.nat({ max: 5_000 }))
const call: fc.Arbitrary<Call> = fc.record({
  pause: fc.oneof(fc.constant(0), fc.nat({ max: 2_000 })),
  there: travel,
  back: travel,
})

/** Sends calls as soon as they are wanted and allowed. Gives how many EC2, whose bucket knows them as they arrive, refuses. */
const refusals = (limits: BucketLimits, calls: ReadonlyArray<Call>) => {
  let ours = full(limits, start)
  let now = start
  const [arrivals, answers]: [Array<number>, Array<number>] = [[], []]
  const hear = () => {
    answers.sort((a, b) => a - b)
    for (const at of answers.splice(0, answers.filter((one) => one <= now).length)) ours = answered(ours, at)
  }
  for (const { pause, there, back } of calls) {
    now += pause
    for (let isSent = false; !isSent;) {
      hear()
      const sent = send(ours, now)
      ours = sent.bucket
      isSent = sent.waitMillis === 0
      now += sent.waitMillis
    }
    arrivals.push(now + there)
    answers.push(now + there + back)
  }
  let theirs = full(limits, start)
  return arrivals
    .toSorted((a, b) => a - b)
    .filter((at) => {
      const taken = take(theirs, at)
      theirs = taken.bucket
      return taken.waitMillis > 0
    }).length
}

describe("a token bucket", () => {
  it("sends nothing that EC2 refuses, however long calls and answers are under way", () => {
    fc.assert(
      fc.property(limits, fc.array(call, { maxLength: 250 }), (limits, calls) => {
        assert.strictEqual(refusals(limits, calls), 0)
      }),
    )
  })

  it("after a throttle answer waits for one refill, however many calls are under way, and not for their answers", () => {
    fc.assert(
      fc.property(limits, fc.nat({ max: 60 }), fc.boolean(), (limits, calls, isRepeated) => {
        let bucket = full(limits, start)
        for (let i = 0; i < calls; i++) bucket = send(bucket, start).bucket
        const { out } = bucket
        const refill = 1000 / limits.refillPerSecond
        if (isRepeated) bucket = throttled(bucket, start, start)
        bucket = throttled(bucket, start, start)
        assert.isAtMost(send(bucket, start).waitMillis, (isRepeated ? 2 : 1) * refill + 1)
        for (let i = 0; i < out; i++) bucket = answered(bucket, start)
        assert.strictEqual(bucket.out, 0)
        assert.isAtLeast(send(bucket, start).waitMillis, refill * (1 - tolerance))
        assert.isAtMost(send(bucket, start).waitMillis, (isRepeated ? 2 : 1) * refill + 1)
      }),
    )
  })

  it("never grants more in any window than its capacity and what flows in meanwhile", () => {
    fc.assert(
      fc.property(used, ({ limits, granted }) => {
        granted.forEach((first, i) => {
          granted.slice(i).forEach((last, others) => {
            const count = others + 1
            const allowed = limits.capacity + ((last - first) / 1000) * limits.refillPerSecond
            assert.isAtMost(count, allowed + count * tolerance)
          })
        })
      }),
    )
  })

  it("names a wait after which a token is there, and which is less than a millisecond too long", () => {
    fc.assert(
      fc.property(used, fc.nat({ max: 200 }), ({ limits, bucket, now }, reserveSeed) => {
        const reserve = reserveSeed % limits.capacity
        const { waitMillis } = take(bucket, now, reserve)
        assert.isTrue(Number.isInteger(waitMillis) && waitMillis >= 0)
        assert.strictEqual(take(bucket, now + waitMillis, reserve).waitMillis, 0)
        const tooEarly = now + waitMillis - 1.1
        if (tooEarly >= now) assert.isAbove(take(bucket, tooEarly, reserve).waitMillis, 0)
      }),
    )
  })

  it("grants exactly capacity tokens at once when it is full", () => {
    fc.assert(
      fc.property(limits, (limits) => {
        assert.strictEqual(drained(full(limits, start), start, 0).taken, limits.capacity)
      }),
    )
  })

  it("keeps the reserve for those who may take it, and gives it to them without a wait", () => {
    fc.assert(
      fc.property(used, fc.nat({ max: 200 }), ({ limits, bucket, now }, reserveSeed) => {
        const reserve = reserveSeed % limits.capacity
        const before = Math.floor(refilled(bucket, now).tokens + tolerance)
        const rest = drained(bucket, now, reserve)
        const urgent = drained(rest.bucket, now, 0)
        assert.strictEqual(rest.taken, Math.max(0, before - reserve))
        assert.strictEqual(urgent.taken, Math.min(before, reserve))
      }),
    )
  })

  it("charges nothing for an attempt that was refused", () => {
    fc.assert(
      fc.property(used, fc.array(fc.nat({ max: 50 }), { maxLength: 10 }), ({ bucket, now }, pauses) => {
        const empty = drained(bucket, now, 0).bucket
        let asked = empty
        let present = now
        for (const pause of pauses) {
          const attempt = take(asked, present + pause)
          if (attempt.waitMillis === 0) break
          present += pause
          asked = attempt.bucket
        }
        assert.approximately(refilled(asked, present).tokens, refilled(empty, present).tokens, tolerance)
      }),
    )
  })

  it("holds between none and capacity tokens, whatever happens", () => {
    fc.assert(
      fc.property(used, fc.integer({ min: -10_000, max: 10_000_000 }), ({ limits, bucket, now }, later) => {
        for (const one of [bucket, refilled(bucket, now + later), throttled(bucket, now + later, now + later)]) {
          assert.isAtLeast(one.tokens, 0)
          assert.isAtMost(one.tokens, limits.capacity)
        }
      }),
    )
  })

  it("gains nothing from a clock that is set back, nor from its return", () => {
    fc.assert(
      fc.property(used, fc.integer({ min: 1, max: 100_000 }), ({ bucket, now }, back) => {
        const present = refilled(bucket, now)
        assert.deepStrictEqual(refilled(present, now - back), present)
        assert.deepStrictEqual(refilled(refilled(present, now - back), now), present)
      }),
    )
  })

  it("after a throttle answer is empty, and gives its next token after one to two refills", () => {
    fc.assert(
      fc.property(used, ({ limits, bucket, now }) => {
        const once = throttled(bucket, now, now)
        const refill = 1000 / limits.refillPerSecond
        const { waitMillis } = take(once, now)
        assert.isAtLeast(waitMillis, refill * (1 - tolerance))
        assert.isAtMost(waitMillis, refill + 1)
        assert.isAtMost(take(throttled(once, now, now), now).waitMillis, 2 * refill + 1)
      }),
    )
  })

  it("is halved by the second answer within ten seconds, and once by all answers to calls that were sent together", () => {
    const sent = full(routeWrites, start)
    const first = throttled(sent, start, start + 100)
    assert.deepStrictEqual([first.share, first.tokens], [1, 0])
    assert.strictEqual(throttled(first, start, start + 110).share, 1)
    const second = throttled(first, start + 300, start + 400)
    assert.strictEqual(second.share, 0.5)
    assert.isAtLeast(throttled(second, start + 300, start + 410).share, 0.5)
    assert.isBelow(throttled(second, start + 405, start + 500).share, 0.3)
    assert.strictEqual(throttled(first, start + 11_000, start + 11_100).share, 1)
  })

  it("is ours again, all of it, a minute after the last of any number of throttle answers", () => {
    fc.assert(
      fc.property(used, fc.array(fc.nat({ max: 5_000 }), { maxLength: 50 }), ({ bucket, now }, pauses) => {
        let present = now
        let shrunk = bucket
        for (const pause of pauses) {
          present += pause
          shrunk = throttled(shrunk, present, present)
          assert.isAtLeast(take(shrunk, present).waitMillis, 1)
        }
        assert.approximately(refilled(shrunk, present + 60_000).share, 1, tolerance)
      }),
    )
  })

  it("fills as far in two steps as in one, and grants a token after the wait it names, also when part of it is ours", () => {
    fc.assert(
      fc.property(used, fc.nat({ max: 10_000 }), fc.nat({ max: 10_000 }), ({ limits, bucket, now }, one, other) => {
        const shrunk = throttled(throttled(bucket, now, now), now, now)
        const whole = refilled(shrunk, now + one + other)
        const parts = refilled(refilled(shrunk, now + one), now + one + other)
        assert.approximately(parts.share, whole.share, tolerance)
        // A bucket that was full meanwhile is as full as it may be.
        if (limits.capacity * shrunk.share > 1 + ((one + other) / 1000) * limits.refillPerSecond)
          assert.approximately(parts.tokens, whole.tokens, tolerance * limits.capacity)
        const { waitMillis } = take(shrunk, now)
        assert.strictEqual(take(shrunk, now + waitMillis).waitMillis, 0)
      }),
    )
  })

  it("lets n route writes through in (n - 50) / 5 seconds, as EC2 publishes it", () => {
    assert.deepStrictEqual(
      [1, 50, 51, 200, 1000].map((count) => duration(routeWrites, count)),
      [0, 0, 200, 30_000, 190_000],
    )
  })
})
