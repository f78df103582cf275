import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Detector, Observation, observe, watched } from "../../src/domain/Detector.ts"
import { type DetectorOptions, detectorOptions } from "../../src/domain/DetectorOptions.ts"
import type { Millis, Verdict } from "../../src/domain/Health.ts"

const options: DetectorOptions = { ...detectorOptions(), jitter: 0, grows: false }

type Answer = "good" | "503" | "silent"

/** Plays a prober in perfect time against a host that gives these answers after 20 ms, and then the last of them for ever. */
const play = (answers: ReadonlyArray<Answer>, until: Millis, othersAnswer = true) => {
  const sights: Array<readonly [at: Millis, verdict: Verdict]> = []
  let detector: Detector = watched(0)
  const see = (observation: Observation, now: Millis) => {
    const [next, verdict] = observe(options, detector, observation, now)
    detector = next
    if (verdict !== undefined) sights.push([now, verdict])
  }
  for (let sequence = 0; detector.nextProbeAt < until; sequence++) {
    const at = detector.nextProbeAt
    see(Observation.Sent({ sequence, othersAnsweredAt: othersAnswer ? at : undefined }), at)
    const answer = answers[Math.min(sequence, answers.length - 1)]
    if (answer === "good") see(Observation.Replied({ sequence }), at + 20)
    if (answer === "503") see(Observation.Rejected({ sequence, why: "answered 503" }), at + 20)
  }
  return sights
}

const failureOf = (answers: ReadonlyArray<Answer>, until: Millis, othersAnswer?: boolean) => {
  const [at, verdict] = play(answers, until, othersAnswer).find(([, { _tag }]) => _tag === "Failed") ?? []
  return verdict?._tag === "Failed" ? { at, reason: verdict.reason } : undefined
}

describe("an answer that is not good", () => {
  it("is a miss at once, so that a host with three of them fails sooner than a silent one, for the reason that it gave", () => {
    assert.deepStrictEqual(failureOf(["good", "503"], 5_000), {
      at: 1_320,
      reason: "answered 503: no good answer to 3 probes in 0.32 s",
    })
    assert.deepStrictEqual(failureOf(["good", "silent"], 5_000), {
      at: 1_450,
      reason: "no reply to 3 probes in 0.45 s",
    })
  })

  it("is forgotten with the next good one", () => {
    assert.isUndefined(failureOf(["good", "503", "503", "good", "503", "503", "good"], 9_000))
  })

  it("is the reason only if it was the last that was heard", () => {
    assert.include(failureOf(["good", "silent", "503"], 5_000)?.reason, "answered 503")
    assert.include(failureOf(["good", "503", "silent"], 5_000)?.reason, "no reply to 3 probes")
  })

  it("fails a host that never gave a good one after the grace, also if no other host answers", () => {
    assert.deepStrictEqual(failureOf(["503"], 9_900, false), undefined)
    assert.include(failureOf(["503"], 12_000, false)?.reason, "answered 503")
    assert.isUndefined(failureOf(["silent"], 60_000, false))
  })

  it("keeps a failed host from becoming healthy again", () => {
    const last = play(["good", "503", "503", "503", "good", "503", "good", "503"], 20_000).at(-1)
    assert.strictEqual(last?.[1]._tag, "Failed")
  })

  it("never makes a failure later than silence would", () => {
    const answer = fc.constantFrom<Answer>("good", "503", "silent")
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 12 }), (answers) => {
        const history: ReadonlyArray<Answer> = ["good", ...answers, "silent"]
        const silent = history.map((one) => (one === "503" ? "silent" : one))
        assert.isAtMost(failureOf(history, 60_000)?.at ?? Infinity, failureOf(silent, 60_000)?.at ?? Infinity)
      }),
    )
  })
})
