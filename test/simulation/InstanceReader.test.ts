import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { InstanceId } from "../../src/domain/Ids.ts"
import type { InstanceStatus } from "../../src/domain/InstanceStatus.ts"
import { ec2Error } from "../../src/services/ec2/Ec2Failure.ts"
import type { InstanceStatuses } from "../../src/services/ec2/InstanceStatuses.ts"
import { batchesOf, makeReader } from "../../src/services/health/InstanceReader.ts"

const ids = (count: number) =>
  Array.from({ length: count }, (_, n) => InstanceId(`i-${n.toString(16).padStart(8, "0")}`))
const running: InstanceStatus = {
  state: "running",
  checks: { system: "ok", instance: "ok", ebs: "ok" },
  events: [],
}

/** EC2 without these instances, which names them in its refusal or does not. */
const ec2Without = (strangers: ReadonlySet<InstanceId>, words: (found: ReadonlyArray<InstanceId>) => string) => {
  const calls: Array<number> = []
  const statuses: InstanceStatuses["Service"] = {
    read: (asked) =>
      Effect.suspend(() => {
        calls.push(asked.length)
        const found = asked.filter((id) => strangers.has(id))
        return found.length === 0
          ? Effect.succeed(new Map(asked.map((id) => [id, running])))
          : ec2Error({
              operation: "DescribeInstanceStatus",
              code: "InvalidInstanceID.NotFound",
              message: words(found),
              httpStatus: 400,
            })
      }),
  }
  return { statuses, calls }
}

const read = Effect.fnUntraced(function* (statuses: InstanceStatuses["Service"], batch: ReadonlyArray<InstanceId>) {
  const reader = yield* makeReader(statuses, () => undefined)
  const fiber = yield* Effect.forkChild(reader(batch))
  yield* TestClock.adjust("1 minute")
  return yield* Fiber.join(fiber)
})

describe("a batch of instances", () => {
  const [batch = []] = batchesOf(ids(100))
  const strangers = new Set([batch[3], batch[64], batch[99]].filter((id) => id !== undefined))
  const known = batch.filter((id) => !strangers.has(id))

  it.effect("of which EC2 does not know some is asked again without those that it names", () =>
    Effect.gen(function* () {
      const { calls, statuses } = ec2Without(
        strangers,
        (found) => `The instance IDs '${found.join(", ")}' do not exist`,
      )
      const { asked, found } = yield* read(statuses, batch)
      assert.deepStrictEqual([[...found.keys()].toSorted(), asked.size, calls], [known, 100, [100, 97]])
    }),
  )

  it.effect("is halved until the strangers are alone, if EC2 does not name them", () =>
    Effect.gen(function* () {
      const { calls, statuses } = ec2Without(strangers, () => "some instance does not exist")
      const { found } = yield* read(statuses, batch)
      assert.deepStrictEqual([...found.keys()].toSorted(), known)
      assert.isAtMost(calls.length, 1 + 3 * 2 * 7)
    }),
  )

  it.effect("that nobody knows ends, too", () =>
    Effect.gen(function* () {
      const { calls, statuses } = ec2Without(new Set(batch), (found) => `The instance ID '${found[0]}' does not exist`)
      const { found } = yield* read(statuses, batch.slice(0, 30))
      assert.strictEqual(found.size, 0)
      assert.strictEqual(calls.length, 30)
    }),
  )

  it.effect("has a hundred instances at most, and each is asked for once", () =>
    Effect.sync(() => {
      const all = ids(1_234)
      const batches = batchesOf(all)
      assert.deepStrictEqual(batches.flat(), all)
      assert.deepStrictEqual([batches.length, Math.max(...batches.map(({ length }) => length))], [13, 100])
      assert.deepStrictEqual(batchesOf([]), [])
    }),
  )
})
