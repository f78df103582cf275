import { Clock, Effect } from "effect"
import type { Millis } from "../../domain/Health.ts"
import type { InstanceId } from "../../domain/Ids.ts"
import type { InstanceStatus } from "../../domain/InstanceStatus.ts"
import * as TokenBucket from "../../domain/TokenBucket.ts"
import type { Ec2Error } from "../ec2/Ec2.ts"
import { type InstanceStatuses, mostInstances } from "../ec2/InstanceStatuses.ts"
import { nowUnsafe } from "../Now.ts"

/** Half of EC2's limit: the other half is for whoever else asks in this account and region. */
const limits: TokenBucket.BucketLimits = {
  capacity: TokenBucket.describesById.capacity / 2,
  refillPerSecond: TokenBucket.describesById.refillPerSecond / 2,
}

/** What EC2 said of the instances that were asked for. Those that were not found it does not know. */
export interface InstanceReading {
  readonly asked: ReadonlySet<InstanceId>
  readonly found: ReadonlyMap<InstanceId, InstanceStatus>
  /** When the call began. */
  readonly readAt: Millis
}

/** Calls by what became of them: `done`, or EC2Error's disposition. */
export type CallResult = "done" | Ec2Error["disposition"]

/** Reads a batch of instances, of at most {@link mostInstances}. */
export type ReadBatch = (batch: ReadonlyArray<InstanceId>) => Effect.Effect<InstanceReading, Ec2Error>

export const batchesOf = (instances: ReadonlyArray<InstanceId>): ReadonlyArray<ReadonlyArray<InstanceId>> =>
  Array.from({ length: Math.ceil(instances.length / mostInstances) }, (_, n) =>
    instances.slice(n * mostInstances, (n + 1) * mostInstances),
  )

/**
 * What is left to ask when EC2 refused a batch since it does not know all of it. It names those it does not know; where it
 * does not, halves are asked for. Empty: the only one is the one.
 */
const remainder = (batch: ReadonlyArray<InstanceId>, message: string): ReadonlyArray<ReadonlyArray<InstanceId>> => {
  if (batch.length <= 1) return []
  const named = new Set(message.match(/i-[0-9a-z]+/g))
  const rest = batch.filter((id) => !named.has(id))
  if (rest.length < batch.length) return rest.length === 0 ? [] : [rest]
  const middle = Math.ceil(batch.length / 2)
  return [batch.slice(0, middle), batch.slice(middle)]
}

/** Asks under a rate limit of its own, which a throttle answer shrinks. `count` hears of every call. */
export const makeReader = Effect.fnUntraced(function* (
  { read }: InstanceStatuses["Service"],
  count: (result: CallResult) => void,
): Effect.fn.Return<ReadBatch> {
  const clock = yield* Clock.Clock
  const now = () => nowUnsafe(clock)
  let bucket = TokenBucket.full(limits, now())

  const token = Effect.gen(function* () {
    for (;;) {
      const taken = TokenBucket.take(bucket, now())
      bucket = taken.bucket
      if (taken.waitMillis === 0) return
      yield* Effect.sleep(taken.waitMillis)
    }
  })

  const call = Effect.fnUntraced(function* (batch: ReadonlyArray<InstanceId>) {
    yield* token
    const sentAt = now()
    return yield* read(batch).pipe(
      Effect.tap(() => Effect.sync(() => count("done"))),
      Effect.tapError(({ disposition }) =>
        Effect.sync(() => {
          count(disposition)
          if (disposition === "throttled") bucket = TokenBucket.throttled(bucket, sentAt, now())
        }),
      ),
    )
  })

  return Effect.fnUntraced(function* (batch) {
    const readAt = now()
    const found = new Map<InstanceId, InstanceStatus>()
    const left = [batch]
    for (let some = left.pop(); some !== undefined; some = left.pop()) {
      const asked = some
      const statuses = yield* call(asked).pipe(
        Effect.catchIf(
          ({ code }) => code.startsWith("InvalidInstanceID"),
          ({ message }) =>
            Effect.sync(() => {
              left.push(...remainder(asked, message))
              return new Map<InstanceId, InstanceStatus>()
            }),
        ),
      )
      for (const id of asked) {
        const status = statuses.get(id)
        if (status !== undefined) found.set(id, status)
      }
    }
    return { asked: new Set(batch), found, readAt }
  })
})
