import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { Verdict } from "../../src/domain/Health.ts"
import { InstanceId } from "../../src/domain/Ids.ts"
import { type CheckResult, checkResults, type InstanceStatus } from "../../src/domain/InstanceStatus.ts"
import { goneAfter, instanceRead, type InstanceWatch, watchedInstance } from "../../src/domain/InstanceWatch.ts"
import type { InstanceState } from "../../src/domain/Vpc.ts"

const id = InstanceId("i-1")
const start = watchedInstance(id, 5)

const status = (state: InstanceState, checks: Partial<InstanceStatus["checks"]> = {}): InstanceStatus => ({
  state,
  checks: { system: "ok", instance: "ok", ebs: "ok", ...checks },
  events: [],
})
const running = (instance: CheckResult = "ok") => status("running", { instance })

type Seen = readonly [status: InstanceStatus | undefined, at: number]

/** What follows from readings at these times, which take no time. */
const after = (...readings: ReadonlyArray<Seen>): InstanceWatch =>
  readings.reduce((watch, [seen, at]) => instanceRead(watch, seen, at, at), start)
const verdictAfter = (...readings: ReadonlyArray<Seen>): Verdict => after(...readings).verdict
const tagAfter = (...readings: ReadonlyArray<Seen>): string => verdictAfter(...readings)._tag

const anyResult = fc.constantFrom(...checkResults)
const anyState = fc.constantFrom<InstanceState>(
  "pending",
  "running",
  "shutting-down",
  "terminated",
  "stopping",
  "stopped",
)
const anyStatus = fc
  .record({ state: anyState, system: anyResult, instance: anyResult, ebs: anyResult })
  .map(({ state, ...checks }) => status(state, checks))
const anyReadings: fc.Arbitrary<ReadonlyArray<Seen>> = fc
  .array(fc.tuple(fc.option(anyStatus, { nil: undefined }), fc.integer({ min: 1, max: 8_000 })), { maxLength: 12 })
  .map((steps) => {
    let at = 10
    return steps.map(([seen, pause]) => [seen, (at += pause)] as const)
  })

describe("a host whose instance EC2 tells the state of", () => {
  it("is healthy when it runs and every check is ok, or there is no such check", () => {
    assert.deepStrictEqual(verdictAfter([running(), 10]), Verdict.Healthy({ since: 10 }))
    assert.deepStrictEqual(verdictAfter([status("running", { ebs: "not-applicable" }), 10], [running(), 20]), {
      ...Verdict.Healthy({ since: 10 }),
    })
  })

  it("fails, with the reason, when its instance stops, is stopped, shuts down or is terminated, whatever the checks say", () => {
    for (const state of ["stopping", "stopped", "shutting-down", "terminated"] as const)
      assert.deepStrictEqual(
        verdictAfter([running(), 10], [status(state), 20]),
        Verdict.Failed({ since: 20, reason: `its instance i-1 is ${state}` }),
      )
  })

  it("has failed since it began to, while the reason changes", () => {
    assert.deepStrictEqual(
      verdictAfter([status("stopping"), 10], [status("stopped"), 20]),
      Verdict.Failed({ since: 10, reason: "its instance i-1 is stopped" }),
    )
  })

  it("fails when a check is impaired, and names each of them", () => {
    assert.deepStrictEqual(
      verdictAfter([status("running", { system: "impaired" }), 10]),
      Verdict.Failed({ since: 10, reason: "the system status check of its instance i-1 fails" }),
    )
    const [system, instance, ebs] = ["impaired", "impaired", "impaired"] as const
    assert.deepStrictEqual(
      verdictAfter([status("running", { system, instance, ebs }), 10]),
      Verdict.Failed({
        since: 10,
        reason:
          "the system status check and instance status check and attached EBS status check of its instance i-1 fail",
      }),
    )
  })

  it("keeps what the checks said while they have no result, and is unknown if they never said anything", () => {
    for (const result of ["initializing", "insufficient-data"] as const) {
      assert.strictEqual(tagAfter([running(result), 10]), "Unknown")
      assert.strictEqual(tagAfter([running(), 10], [running(result), 20]), "Healthy")
      assert.strictEqual(tagAfter([running("impaired"), 10], [running(result), 20]), "Failed")
    }
  })

  it("is unknown, and no longer stopped, while an instance that was stopped comes up again", () => {
    const stopped: Seen = [status("stopped"), 20]
    assert.strictEqual(tagAfter([running(), 10], stopped, [status("pending"), 30]), "Unknown")
    assert.strictEqual(tagAfter([running(), 10], stopped, [running("initializing"), 30]), "Unknown")
    assert.strictEqual(tagAfter([running(), 10], stopped, [running("initializing"), 30], [running(), 40]), "Healthy")
  })

  it("keeps its verdict when one reading lacks its instance, and fails when two ten seconds apart do", () => {
    assert.strictEqual(tagAfter([running(), 10], [undefined, 20]), "Healthy")
    assert.strictEqual(tagAfter([running(), 10], [undefined, 20], [undefined, 10_019]), "Healthy")
    assert.deepStrictEqual(
      verdictAfter([running(), 10], [undefined, 20], [undefined, 10_020]),
      Verdict.Failed({ since: 10_020, reason: "EC2 does not know its instance i-1 any more" }),
    )
    assert.strictEqual(tagAfter([running(), 10], [undefined, 20], [running(), 5_000], [undefined, 10_020]), "Healthy")
  })

  it("stays terminated when EC2 forgets the instance", () => {
    assert.strictEqual(tagAfter([status("terminated"), 10], [undefined, 20], [undefined, 20_000]), "Failed")
  })

  it("never is healthy but by a reading whose checks have passed, nor failed without a reason that some reading gave", () => {
    fc.assert(
      fc.property(anyReadings, (readings) => {
        const { verdict } = after(...readings)
        const isFine = ({ checks, state }: InstanceStatus) =>
          state === "running" && Object.values(checks).every((result) => result === "ok" || result === "not-applicable")
        if (verdict._tag === "Healthy") {
          const proof = readings.find(([, at]) => at === verdict.since)
          assert.isTrue(proof?.[0] !== undefined && isFine(proof[0]))
        }
        if (verdict._tag === "Failed") {
          const missing = readings.filter(([seen]) => seen === undefined).map(([, at]) => at)
          const isLost = readings.some(([seen]) => seen !== undefined && seen.state !== "pending" && !isFine(seen))
          assert.isTrue(isLost || (missing.at(-1) ?? 0) - (missing[0] ?? 0) >= goneAfter)
        }
      }),
    )
  })
})
