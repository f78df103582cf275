import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Verdict } from "../../src/domain/Health.ts"
import { ip } from "../../src/domain/Ip.ts"
import { ChangedVerdicts } from "../../src/services/health/ChangedVerdicts.ts"
import { type HealthSource, SourceState } from "../../src/services/health/HealthSource.ts"
import * as MultiHealth from "../../src/services/health/MultiHealth.ts"

const host = ip("10.0.0.1")

const verdictOf = {
  Failed: Verdict.Failed({ since: 1, reason: "it is stopped" }),
  Healthy: Verdict.Healthy({ since: 1 }),
  Unknown: Verdict.Unknown({ since: 1 }),
  Unwatched: Verdict.Unwatched({ since: 1, why: "no alarm covers i-1" }),
}

/** A source that says what the test says. */
const scripted = (name: string) => {
  const changed = new ChangedVerdicts()
  let state: SourceState = SourceState.Up({ since: 0 })
  const source: HealthSource["Service"] = {
    name,
    watch: () => Effect.void,
    verdicts: changed.stream,
    state: Effect.sync(() => state),
  }
  return {
    source,
    say: (verdict: Verdict) => changed.set(host, verdict),
    becomes: (next: SourceState) => {
      state = next
      changed.set(host, Verdict.Unknown({ since: 1 }))
    },
  }
}

const started = Effect.gen(function* () {
  const alarms = scripted("cloudwatch")
  const instances = scripted("ec2")
  const source = yield* MultiHealth.make([alarms.source, { ...instances.source, onlyFails: true }])
  let last: Verdict | undefined
  yield* Effect.forkScoped(
    Stream.runForEach(source.verdicts, (batch) => Effect.sync(() => batch.forEach(({ verdict }) => (last = verdict)))),
  )
  yield* source.watch(new Set([host]))
  const settled = Effect.as(TestClock.adjust(0), undefined)
  return { alarms, instances, source, tag: Effect.map(settled, () => last?._tag), verdict: () => last }
})

describe("a source that only fails hosts, beside one that proves them", () => {
  it.effect("makes no host healthy, unknown or watched; when it fails one, that one has failed", () =>
    Effect.gen(function* () {
      const { alarms, instances, tag, verdict } = yield* started
      for (const said of ["Healthy", "Unknown", "Unwatched", "Failed"] as const)
        for (const of of ["Healthy", "Unknown", "Unwatched"] as const) {
          alarms.say(verdictOf[said])
          instances.say(verdictOf[of])
          assert.strictEqual(yield* tag, said, `cloudwatch ${said}, ec2 ${of}`)
        }
      for (const said of ["Healthy", "Unknown", "Unwatched"] as const) {
        instances.say(verdictOf.Unknown)
        alarms.say(verdictOf[said])
        assert.strictEqual(yield* tag, said)
        instances.say(verdictOf.Failed)
        assert.strictEqual(yield* tag, "Failed", `cloudwatch ${said}`)
        assert.deepInclude(verdict(), { reason: "ec2: it is stopped" })
      }
    }),
  )

  it.effect("does not keep the whole up when the one that proves them is down", () =>
    Effect.gen(function* () {
      const { alarms, source, tag } = yield* started
      alarms.say(verdictOf.Healthy)
      yield* tag
      assert.strictEqual((yield* source.state)._tag, "Up")
      alarms.becomes(SourceState.Down({ since: 2, why: "it is denied" }))
      assert.strictEqual(yield* tag, "Unknown")
      assert.deepInclude(yield* source.state, { _tag: "Down", why: "cloudwatch: it is denied" })
    }),
  )
})
