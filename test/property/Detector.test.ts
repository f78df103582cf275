import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Detector, isAwaited, Observation, observe, reprieved, watched } from "../../src/domain/Detector.ts"
import {
  type DetectorOptions,
  detectModes,
  detectionBound,
  detectorOptions as withJitter,
  forHosts,
  replyWindow,
} from "../../src/domain/DetectorOptions.ts"
import type { Millis, Verdict } from "../../src/domain/Health.ts"

/** The options without jitter, so that examples have round times. */
const detectorOptions = (fall = 3, rise = 2): DetectorOptions => ({ ...withJitter(fall, rise), jitter: 0 })

/** A window in which the prober is stopped, and whether replies that arrive meanwhile wait in a buffer or are lost. */
interface Pause {
  readonly from: Millis
  readonly to: Millis
  readonly keepsReplies: boolean
}

interface Watch {
  readonly options: DetectorOptions
  readonly start?: Millis
  readonly until: Millis
  /** The round trip of the probe that is sent at this time, the `index`-th; `undefined` if it gets no reply. */
  readonly roundTrip: (at: Millis, index: number) => Millis | undefined
  readonly pauses?: ReadonlyArray<Pause>
  readonly othersAnswer?: boolean
  readonly seed?: number
}

interface Sight {
  readonly at: Millis
  readonly verdict: Verdict
}

interface SentProbe {
  readonly sentAt: Millis
  readonly answered: boolean
}

/** Plays a prober that keeps perfect time but for its pauses, and collects what the detector says. */
const play = ({ options, othersAnswer = true, pauses = [], roundTrip, seed = 0, start = 0, until }: Watch) => {
  const sights: Array<Sight> = []
  const probes: Array<SentProbe> = []
  let replies: ReadonlyArray<{ readonly at: Millis; readonly sequence: number }> = []
  let detector = watched(start, seed)
  let due = start
  let remaining = pauses
  const see = (observation: Observation, now: Millis) => {
    const [next, verdict, nextProbeAt] = observe(options, detector, observation, now)
    detector = next
    due = nextProbeAt
    if (verdict !== undefined) sights.push({ at: now, verdict })
  }
  for (;;) {
    const [pause] = remaining
    const [reply] = replies
    const now = Math.min(due, reply?.at ?? Infinity, pause?.from ?? Infinity)
    if (now > until) return { sights, probes, detector }
    if (pause !== undefined && pause.from === now) {
      remaining = remaining.slice(1)
      replies = replies.flatMap((held) =>
        held.at > pause.to ? [held] : pause.keepsReplies ? [{ ...held, at: pause.to }] : [],
      )
      see(Observation.Blind(pause), pause.to)
      due = Math.max(due, pause.to)
    } else if (reply !== undefined && reply.at === now) {
      replies = replies.slice(1)
      see(Observation.Replied({ sequence: reply.sequence }), now)
    } else {
      const sequence = probes.length & 0xffff
      const trip = roundTrip(now, probes.length)
      probes.push({ sentAt: now, answered: trip !== undefined })
      if (trip !== undefined) {
        replies = [...replies, { at: now + trip, sequence }].sort((one, other) => one.at - other.at)
      }
      see(Observation.Sent({ sequence, othersAnsweredAt: othersAnswer ? now : undefined }), now)
    }
  }
}

const failures = (sights: ReadonlyArray<Sight>) => sights.filter(({ verdict }) => verdict._tag === "Failed")

const anyOptions = fc
  .record({
    fall: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
    rise: fc.integer({ min: 1, max: 5 }),
    mode: fc.constantFrom(...detectModes),
    hosts: fc.constantFrom(1, 100, 1000, 3000, 20_000),
  })
  .map(({ fall, hosts, mode, rise }) => forHosts(withJitter(fall, rise, mode), hosts))

/** Windows that neither touch nor overlap, in order. */
const anyPauses = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 1, max: 3000 }),
      length: fc.oneof(fc.integer({ min: 1, max: 149 }), fc.integer({ min: 150, max: 6000 })),
      keepsReplies: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((steps) => {
    const pauses: Array<Pause> = []
    for (const { gap, keepsReplies, length } of steps) {
      const from = (pauses.at(-1)?.to ?? 0) + gap
      // A stop no longer than the detector's timeout, which is 150 ms at most, overflows no buffer.
      pauses.push({ from, to: from + length, keepsReplies: keepsReplies || length <= 150 })
    }
    return pauses
  })

describe("a host that stops answering", () => {
  it("is failed within 1.5 s by default, whatever the phase, at round trips up to 50 ms", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 9000 }), fc.integer({ min: 0, max: 50 }), (death, trip) => {
        const roundTrip = (at: Millis) => (at + trip / 2 <= death ? trip : undefined)
        const { sights } = play({ options: detectorOptions(), until: death + 1500, roundTrip })
        const [failure] = failures(sights)
        assert.isDefined(failure)
        assert.isAtMost((failure?.at ?? Infinity) - death, 1450)
        assert.isAbove(failure?.at ?? 0, death)
      }),
      { numRuns: 2000 },
    )
  })

  it("is failed within the stated bound for every fall and rise", () => {
    fc.assert(
      fc.property(
        anyOptions,
        fc.integer({ min: 100, max: 9000 }),
        fc.integer({ min: 0, max: 50 }),
        (options, death, trip) => {
          const roundTrip = (at: Millis) => (at + trip / 2 <= death ? trip : undefined)
          const { sights } = play({ options, until: death + detectionBound(options), roundTrip })
          assert.lengthOf(failures(sights), 1)
        },
      ),
    )
  })

  it("reaches the bound in the worst phase, so that the bound says no more than is needed", () => {
    const { sights } = play({
      options: detectorOptions(),
      until: 9000,
      roundTrip: (at) => (at <= 2000 ? 0 : undefined),
    })
    assert.deepStrictEqual(
      sights.map(({ at, verdict }) => [at, verdict._tag]),
      [
        [0, "Healthy"],
        [3450, "Failed"],
      ],
    )
  })

  it("is failed for a reason in plain words", () => {
    const reasonAt = (fall: number) => {
      const { sights } = play({
        options: detectorOptions(fall),
        until: 9000,
        roundTrip: (at) => (at <= 2000 ? 1 : undefined),
      })
      const verdict = failures(sights)[0]?.verdict
      return verdict?._tag === "Failed" ? verdict.reason : undefined
    }
    assert.strictEqual(reasonAt(3), "no reply to 3 probes in 0.45 s")
    assert.strictEqual(reasonAt(1), "no reply to 1 probe in 0.15 s")
  })
})

describe("loss", () => {
  it("never fails a host on fewer than fall consecutive misses, and always on that many", () => {
    fc.assert(
      fc.property(anyOptions, fc.infiniteStream(fc.integer({ min: 0, max: 99 })), (options, stream) => {
        const draws = [...stream.take(400)]
        const roundTrip = (_: Millis, index: number) => ((draws[index] ?? 0) < 40 && index > 0 ? undefined : 20)
        const { probes, sights } = play({ options, until: 60_000, roundTrip })
        for (const { at } of failures(sights)) {
          const judged = probes.filter(({ sentAt }) => sentAt + options.timeout <= at)
          assert.isTrue(judged.slice(-options.fall).every(({ answered }) => !answered))
        }
        let healthySince = 0
        let run = 0
        for (const { answered, sentAt } of probes) {
          const known = sights.findLast(({ at }) => at <= sentAt)
          healthySince = known?.verdict._tag === "Healthy" ? known.at : Infinity
          run = answered || sentAt < healthySince ? 0 : run + 1
          assert.isAtMost(run, options.fall)
        }
      }),
    )
  })

  it("of single packets between answered ones changes nothing", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10 }), fc.integer({ min: 0, max: 50 }), (fall, trip) => {
        const roundTrip = (_: Millis, index: number) => (index % 2 === 1 ? undefined : trip)
        const { sights } = play({ options: detectorOptions(fall), until: 120_000, roundTrip })
        assert.deepStrictEqual(
          sights.map(({ verdict }) => verdict._tag),
          ["Healthy"],
        )
      }),
    )
  })

  it("confirms a first miss with probes 100 to 150 ms apart, and returns to one a second on a reply", () => {
    const { probes } = play({
      options: detectorOptions(),
      until: 5000,
      roundTrip: (_, index) => (index === 1 || index === 2 ? undefined : 10),
    })
    assert.deepStrictEqual(
      probes.map(({ sentAt }) => sentAt),
      [0, 1000, 1150, 1300, 2300, 3300, 4300],
    )
    for (let fall = 1; fall <= 20; fall++) {
      assert.isAtLeast(detectorOptions(fall).timeout, 100)
      assert.isAtMost(detectorOptions(fall).timeout, 150)
    }
  })

  it("is forgiven by a reply that comes late, up to the moment of the verdict", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 449 }), (trip) => {
        const { sights } = play({ options: detectorOptions(), until: 60_000, roundTrip: () => trip })
        assert.lengthOf(failures(sights), 0)
        assert.lengthOf(sights, 1)
      }),
    )
  })
})

describe("a host that is dead for half of every second", () => {
  const answers = (at: Millis) => (at % 1000 < 500 ? 5 : undefined)

  it("is seen to miss probes and found failed, whatever the phase, since the rhythm is jittered", () => {
    fc.assert(
      fc.property(fc.nat(499), fc.nat(), fc.constantFrom(1, 1000, 10_000), (start, seed, hosts) => {
        const options = forHosts(withJitter(), hosts)
        const { probes, sights } = play({ options, start, seed, until: 300_000, roundTrip: answers })
        assert.isAbove(probes.filter(({ answered }) => !answered).length, 20)
        assert.isAtLeast(failures(sights).length, 1)
      }),
      { numRuns: 50 },
    )
  })

  it("would escape a rhythm without jitter", () => {
    const { probes } = play({ options: detectorOptions(), start: 250, until: 300_000, roundTrip: answers })
    assert.isTrue(probes.every(({ answered }) => answered))
  })
})

describe("the calm rhythm", () => {
  it("is between nine tenths of the interval and all of it, evenly spread, and another one for each seed", () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...detectModes), (seed, mode) => {
        const options = withJitter(undefined, 2, mode)
        const { probes } = play({ options, seed, until: 300_000, roundTrip: () => 5 })
        const gaps = probes.slice(1).map(({ sentAt }, index) => sentAt - (probes[index]?.sentAt ?? 0))
        assert.isAtLeast(Math.min(...gaps), 0.9 * options.interval - 0.001)
        assert.isAtMost(Math.max(...gaps), options.interval + 0.001)
        const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
        assert.approximately(mean / options.interval, 0.95, 0.01)
        const other = play({ options, seed: seed + 1, until: 30_000, roundTrip: () => 5 }).probes
        assert.notDeepEqual(
          other.map(({ sentAt }) => sentAt),
          probes.slice(0, other.length).map(({ sentAt }) => sentAt),
        )
      }),
      { numRuns: 100 },
    )
  })
})

describe("many hosts", () => {
  it("have their confirmations closer together in the same time", () => {
    const options = { ...forHosts(withJitter(), 1000), jitter: 0 }
    const { probes, sights } = play({ options, until: 1451, roundTrip: (at) => (at <= 0 ? 1 : undefined) })
    assert.deepStrictEqual(
      probes.map(({ sentAt }) => sentAt),
      [0, 1000, 1150, 1180, 1210, 1240, 1270, 1300, 1450],
    )
    assert.deepStrictEqual(
      failures(sights).map(({ at, verdict }) => [at, verdict._tag === "Failed" ? verdict.reason : ""]),
      [[1450, "no reply to 7 probes in 0.45 s"]],
    )
  })
})

describe("a late reply", () => {
  it("forgives the probes up to its own, and not those that were sent after it", () => {
    // The probe of 1000 ms is answered at 1310, while those of 1150 and later never are.
    const { sights } = play({
      options: detectorOptions(),
      until: 5000,
      roundTrip: (at) => (at === 0 ? 1 : at === 1000 ? 310 : undefined),
    })
    assert.deepStrictEqual(
      sights.map(({ at, verdict }) => [at, verdict._tag === "Failed" ? verdict.reason : verdict._tag]),
      [
        [1, "Healthy"],
        [2450, "no reply to 3 probes in 1.3 s"],
      ],
    )
  })
})

describe("recovery", () => {
  it("takes rise good replies in a row, no fewer", () => {
    fc.assert(
      fc.property(anyOptions, fc.infiniteStream(fc.boolean()), (options, stream) => {
        const draws = [...stream.take(600)]
        const roundTrip = (_: Millis, index: number) => (draws[index] === true && index > 0 ? undefined : 20)
        const { probes, sights } = play({ options, until: 60_000, roundTrip })
        sights.forEach(({ at, verdict }, index) => {
          const before = sights[index - 1]
          if (verdict._tag !== "Healthy" || before?.verdict._tag !== "Failed") return
          const since = probes.filter(({ sentAt }) => sentAt >= before.at && sentAt < at)
          assert.isAtLeast(since.length, options.rise)
          assert.isTrue(since.slice(-options.rise).every(({ answered }) => answered))
        })
      }),
    )
  })

  it("of a host with round trips longer than the reply window does not happen, rather than flap", () => {
    const options = detectorOptions()
    const { sights } = play({
      options,
      until: 60_000,
      roundTrip: (at) => (at < 5000 ? 10 : replyWindow(options) + 1),
    })
    assert.deepStrictEqual(
      sights.map(({ verdict }) => verdict._tag),
      ["Healthy", "Failed"],
    )
  })
})

describe("a host that never answered", () => {
  const silent = { options: detectorOptions(), until: 60_000, roundTrip: () => undefined }

  it("is failed only after the start-up grace, and told to have its security group checked", () => {
    const { sights } = play(silent)
    assert.deepStrictEqual(
      sights.map(({ at, verdict }) => [at, verdict._tag === "Failed" ? verdict.reason : undefined]),
      [[10_000, "never answered: check its security group"]],
    )
  })

  it("stays unknown while no other host answers", () => {
    assert.lengthOf(play({ ...silent, othersAnswer: false }).sights, 0)
  })

  it("stays unknown when the others answered only before it was watched", () => {
    let detector = watched(1000)
    for (let sequence = 0; sequence < 30; sequence++) {
      const sent = Observation.Sent({ sequence, othersAnsweredAt: 900 })
      detector = observe(detectorOptions(), detector, sent, 1000 + 1000 * sequence)[0]
    }
    assert.strictEqual(detector.verdict._tag, "Unknown")
  })

  it("is failed only by a probe that went out after others had answered, and was missed", () => {
    let detector = watched(0)
    const failedAt: Array<Millis> = []
    for (let sequence = 0; sequence < 20; sequence++) {
      const now = 1000 * sequence
      const sent = Observation.Sent({ sequence, othersAnsweredAt: now > 12_500 ? 12_500 : undefined })
      const [next, verdict] = observe(detectorOptions(), detector, sent, now)
      detector = next
      if (verdict?._tag === "Failed") failedAt.push(now)
    }
    assert.deepStrictEqual(failedAt, [14_000])
  })

  it("is healthy on its first good reply", () => {
    const { sights } = play({ ...silent, roundTrip: (_, index) => (index < 4 ? undefined : 30) })
    assert.deepStrictEqual(
      sights.map(({ at, verdict }) => [at, verdict._tag]),
      [[4030, "Healthy"]],
    )
  })
})

describe("a failure that is taken back before it is told", () => {
  const options = detectorOptions()
  const send = (detector: Detector, sequence: number, now: Millis) =>
    observe(options, detector, Observation.Sent({ sequence, othersAnsweredAt: now }), now)[0]
  const answer = (detector: Detector, sequence: number, now: Millis) =>
    observe(options, detector, Observation.Replied({ sequence }), now)[0]
  const fails = () => {
    const before = [1, 2, 3].reduce((state, n) => send(state, n, 850 + 150 * n), answer(send(watched(0), 0, 0), 0, 1))
    return { before, failed: send(before, 4, 1450) }
  }

  it("leaves the host as healthy as it was, with a reply to the newest probe", () => {
    const { before, failed } = fails()
    assert.strictEqual(failed.verdict._tag, "Failed")
    const state = reprieved(before, failed)
    assert.isTrue(isAwaited(options, state, 4, 1460))
    const { misses, pending, silentSince, verdict } = answer(state, 4, 1460)
    assert.strictEqual(verdict, before.verdict)
    assert.deepStrictEqual({ misses, pending, silentSince }, { misses: 0, pending: [], silentSince: undefined })
  })

  it("leaves the misses that stand after a late reply to an older probe", () => {
    const { before, failed } = fails()
    const state = answer(reprieved(before, failed), 2, 1460)
    assert.strictEqual(state.verdict, before.verdict)
    assert.deepStrictEqual([state.misses, state.silentSince], [1, 1300])
    assert.isFalse(isAwaited(options, reprieved(before, failed), 1, 1000 + replyWindow(options) + 1))
  })
})

describe("time in which the prober was stopped or blocked", () => {
  it("never fails a host that answers, whatever becomes of the replies meanwhile", () => {
    fc.assert(
      fc.property(anyOptions, anyPauses, fc.integer({ min: 0, max: 50 }), (options, pauses, trip) => {
        const { sights } = play({ options, pauses, until: 100_000, roundTrip: () => trip })
        assert.lengthOf(failures(sights), 0)
      }),
      { numRuns: 500 },
    )
  })

  it("does not count towards a dead host's misses either, but only delays its verdict", () => {
    fc.assert(
      fc.property(anyOptions, anyPauses, fc.integer({ min: 100, max: 20_000 }), (options, pauses, death) => {
        const { probes, sights } = play({
          options,
          pauses,
          until: 200_000,
          roundTrip: (at) => (at <= death ? 0 : undefined),
        })
        const [failure] = failures(sights)
        assert.isDefined(failure)
        const at = failure?.at ?? 0
        const lastAnswer = probes.findLast(({ answered }) => answered)?.sentAt ?? 0
        const seen = (from: Millis, to: Millis) =>
          to -
          from -
          pauses.reduce((sum, pause) => sum + Math.max(0, Math.min(to, pause.to) - Math.max(from, pause.from)), 0)
        assert.isAtLeast(seen(lastAnswer, at), replyWindow(options) - 0.001)
        // A pause may cost what was known before it, so the bound begins anew with the last one.
        const last = pauses.findLast(({ from }) => from < at)?.to ?? 0
        assert.isAtMost(at, Math.max(death, last) + detectionBound(options))
      }),
      { numRuns: 500 },
    )
  })
})

const anyObservation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("sent" as const), others: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("replied" as const), back: fc.integer({ min: 0, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("unsent" as const), back: fc.integer({ min: 0, max: 2 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("blind" as const), length: fc.integer({ min: 1, max: 2000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("down" as const) }) },
)

/** Any order of observations at all, with the state before and after each. */
const anyHistory = fc
  .record({
    options: anyOptions,
    steps: fc.array(fc.record({ what: anyObservation, wait: fc.integer({ min: 0, max: 1500 }) }), { maxLength: 200 }),
  })
  .map(({ options, steps }) => {
    let now = 0
    let sequence = 0
    const observations = steps.map(({ wait, what }) => {
      now += wait
      switch (what.kind) {
        case "sent":
          return [
            Observation.Sent({ sequence: sequence++ & 0xffff, othersAnsweredAt: what.others ? now : undefined }),
            now,
          ] as const
        case "replied":
          return [Observation.Replied({ sequence: (sequence - what.back) & 0xffff }), now] as const
        case "unsent":
          return [Observation.Unsent({ sequence: (sequence - what.back) & 0xffff }), now] as const
        case "blind":
          return [Observation.Blind({ from: Math.max(0, now - what.length), to: now }), now] as const
        case "down":
          return [Observation.SourceDown(), now] as const
      }
    })
    return { options, observations }
  })

const run = ({ observations, options }: typeof anyHistory extends fc.Arbitrary<infer A> ? A : never) => {
  const steps: Array<{
    before: Detector
    after: Detector
    observation: Observation
    now: Millis
    verdict: Verdict | undefined
  }> = []
  let detector = watched(0)
  for (const [observation, now] of observations) {
    const [after, verdict] = observe(options, detector, observation, now)
    steps.push({ before: detector, after, observation, now, verdict })
    detector = after
  }
  return steps
}

describe("in any order of observations", () => {
  it("a reply to no pending probe (stale, doubled, invented) changes nothing", () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        for (const { after, before, observation } of run(history)) {
          if (observation._tag !== "Replied") continue
          if (before.pending.some(({ sequence }) => sequence === observation.sequence)) continue
          assert.strictEqual(after, before)
        }
      }),
    )
  })

  it("a reply forgets its own probe and older ones, and no newer one", () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        for (const { after, before, observation } of run(history)) {
          if (observation._tag !== "Replied" || after === before) continue
          const place = before.pending.findIndex(({ sequence }) => sequence === observation.sequence)
          assert.isAtLeast(place, 0)
          const answered = before.pending[place]?.sentAt ?? 0
          assert.deepStrictEqual(
            after.pending,
            before.pending.filter(({ sentAt }) => sentAt > answered),
          )
        }
      }),
    )
  })

  it("only a probe's send may fail a host, only a reply may heal it, and a silence of fall misses precedes each failure", () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        for (const { after, observation, verdict } of run(history)) {
          if (verdict?._tag === "Failed") {
            assert.strictEqual(observation._tag, "Sent")
            assert.isAtLeast(after.misses, history.options.fall)
          }
          if (verdict?._tag === "Healthy") assert.strictEqual(observation._tag, "Replied")
          if (verdict?._tag === "Unknown") assert.include(["SourceDown", "Unsent"], observation._tag)
        }
      }),
    )
  })

  it("the next probe is always ahead once one was sent, and no farther than one interval", () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        for (const { after, now, observation } of run(history)) {
          if (observation._tag !== "Sent") continue
          assert.isAbove(after.nextProbeAt, now)
          assert.isAtMost(after.nextProbeAt, now + history.options.interval)
        }
      }),
    )
  })

  it("the same observations give the same verdicts", () => {
    fc.assert(fc.property(anyHistory, (history) => assert.deepStrictEqual(run(history), run(history))))
  })
})

describe("a source that goes down", () => {
  const tags = (observations: ReadonlyArray<readonly [Observation, Millis]>) => {
    let detector = watched(0)
    return observations.flatMap(([observation, now]) => {
      const [next, verdict] = observe(detectorOptions(), detector, observation, now)
      detector = next
      return verdict === undefined ? [] : [verdict._tag]
    })
  }
  const send = (sequence: number, now: Millis) => [Observation.Sent({ sequence, othersAnsweredAt: now }), now] as const
  const reply = (sequence: number, now: Millis) => [Observation.Replied({ sequence }), now] as const
  const failing = [0, 1, 2, 3, 4].map((n) => send(n, n === 0 ? 0 : 1000 + 150 * (n - 1)))

  it("makes every verdict unknown, and a healthy host healthy again on its first reply", () => {
    assert.deepStrictEqual(
      tags([send(0, 0), reply(0, 1), [Observation.SourceDown(), 500], send(1, 900), reply(1, 901)]),
      ["Healthy", "Unknown", "Healthy"],
    )
  })

  it("does not let a failed host skip the replies it owes", () => {
    const down = [Observation.SourceDown(), 2000] as const
    const before = [...failing.slice(0, 1), reply(0, 1), ...failing.slice(1), down]
    assert.deepStrictEqual(tags(before), ["Healthy", "Failed", "Unknown"])
    assert.deepStrictEqual(tags([...before, send(5, 3000), reply(5, 3001)]), ["Healthy", "Failed", "Unknown"])
    assert.deepStrictEqual(tags([...before, send(5, 3000), reply(5, 3001), send(6, 4000), reply(6, 4001)]), [
      "Healthy",
      "Failed",
      "Unknown",
      "Healthy",
    ])
  })
})

describe("probes that never left this machine", () => {
  it("fail no host, and make its verdict unknown once nothing was heard for the grace", () => {
    let detector = watched(0)
    const tags: Array<readonly [Millis, string]> = []
    const see = (observation: Observation, now: Millis) => {
      const [next, verdict] = observe(detectorOptions(), detector, observation, now)
      detector = next
      if (verdict !== undefined) tags.push([now, verdict._tag])
    }
    for (let sequence = 0; sequence < 30; sequence++) {
      const now = sequence * 1000
      see(Observation.Sent({ sequence, othersAnsweredAt: now }), now)
      see(sequence < 3 ? Observation.Replied({ sequence }) : Observation.Unsent({ sequence }), now + 1)
    }
    assert.deepStrictEqual(tags, [
      [1, "Healthy"],
      [12_001, "Unknown"],
    ])
  })
})
