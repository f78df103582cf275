import { assert, describe, it } from "@effect/vitest"
import { TableScope } from "../../src/domain/Policy.ts"
import { empty } from "../../src/domain/World.ts"
import { conditionsOf } from "../../src/runtime/ConditionLog.ts"
import { BlindTime } from "../../src/services/health/BlindTime.ts"
import { SourceState } from "../../src/services/health/HealthSource.ts"

const world = empty({ tables: TableScope.Every(), own: [], ignore: [] })
const refresh = { last: undefined, failing: undefined, takesOver: undefined }

/** What is told of a source at a time. */
const told = (blind: BlindTime, now: number) =>
  conditionsOf(world, refresh, [{ name: "icmpecho", state: SourceState.Up({ since: 0 }), heldUp: blind.heldUp(now) }])
    .filter(({ key }) => key.startsWith("held up"))
    .map(({ words }) => words)

describe("a monitor that was held up", () => {
  it("says so, how often, how long and why, until a minute after the last time", () => {
    const blind = new BlindTime()
    assert.deepStrictEqual(told(blind, 0), [])
    blind.add(10_000, 15_000, "this process did not run")
    blind.add(40_000, 40_200, "Network is down")
    const words =
      "the check icmpecho was held up 2 times, 5200 ms in all, and judged no host by that time: Network is down"
    assert.deepStrictEqual(told(blind, 40_200), [words])
    assert.deepStrictEqual(told(blind, 100_200), [words])
    assert.deepStrictEqual(told(blind, 100_201), [])
    assert.deepInclude(blind.heldUp(200_000), { times: 2, millis: 5_200 })
  })

  it("begins to count anew when it is held up much later", () => {
    const blind = new BlindTime()
    blind.add(0, 5_000, "this process did not run")
    blind.add(500_000, 500_700, "this process did not run")
    assert.deepStrictEqual(told(blind, 500_700), [
      "the check icmpecho was held up once, 700 ms in all, and judged no host by that time: this process did not run",
    ])
  })

  it("is worth no line for what happens on any busy machine", () => {
    const blind = new BlindTime()
    blind.add(0, 300, "this process did not run")
    blind.add(1_000, 1_100, "this process did not run")
    assert.deepStrictEqual(told(blind, 1_200), [])
    assert.strictEqual(blind.heldUp(1_200)?.times, 2)
  })
})
