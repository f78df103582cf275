import { Clock, Effect, Latch, Random, type Scope } from "effect"
import type { Millis } from "../../domain/Health.ts"
import { type Ec2Error, dispositions } from "../ec2/Ec2.ts"
import type { InstanceStatuses } from "../ec2/InstanceStatuses.ts"
import { nowUnsafe } from "../Now.ts"
import { readCounter } from "../ReadMetric.ts"
import { ChangedVerdicts } from "./ChangedVerdicts.ts"
import { type HealthSource, SourceState, starting } from "./HealthSource.ts"
import { type HostInstances, placedBy } from "./HostInstances.ts"
import { batchesOf, type CallResult, makeReader } from "./InstanceReader.ts"
import { InstanceWatchlist } from "./InstanceWatchlist.ts"

/** The `--health` it is chosen by. */
const name = "ec2"

/** The shortest time between the beginnings of two rounds, however often one is asked for. */
const shortestGap: Millis = 1_000
const longestBackoff: Millis = 30_000

/** So many rounds in a row must fail until the source is down; a denial does not pass, and so one is enough. */
const tolerated = 3

export interface Ec2HealthOptions {
  /** Milliseconds between the beginnings of two rounds. With thousands of hosts EC2's rate limit makes it longer. */
  readonly interval: Millis
}

/** EC2 adds an encoded text to a denial, which is another one each time. */
const withoutCode = (message: string): string => message.replace(/\s*Encoded authorization failure message:.*$/s, "")

const why = ({ code, disposition, message }: Ec2Error): string =>
  `${disposition === "denied" ? "it needs ec2:DescribeInstanceStatus: " : ""}${code}: ${withoutCode(message)}`

const exposeCalls = Effect.fnUntraced(function* (): Effect.fn.Return<(result: CallResult) => void, never, Scope.Scope> {
  const counts = new Map<CallResult, number>()
  yield* Effect.forEach(["done", ...dispositions] as const, (result) =>
    readCounter(
      {
        name: "vpc_router_instance_status_calls_total",
        description: "Calls of DescribeInstanceStatus by the check ec2, by what became of them.",
        labels: { result },
      },
      () => counts.get(result) ?? 0,
    ),
  )
  return (result) => void counts.set(result, (counts.get(result) ?? 0) + 1)
})

/**
 * Watches hosts by what EC2 says of their instances, with no probe traffic at all ({@link InstanceWatchlist}). A round asks for
 * all instances, 100 a call. What a call says counts at once; one that fails changes nothing, and the round is tried again
 * with backoff and jitter. Three such rounds in a row, or a single denial, make the source Down: all verdicts are unknown
 * until a round succeeds.
 */
export const make = Effect.fnUntraced(function* (
  statuses: InstanceStatuses["Service"],
  { interval }: Ec2HealthOptions,
): Effect.fn.Return<HealthSource["Service"], never, HostInstances | Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = () => nowUnsafe(clock)
  const changed = new ChangedVerdicts()
  const hosts = new InstanceWatchlist(changed)
  const readBatch = yield* makeReader(statuses, yield* exposeCalls())
  const sooner = Latch.makeUnsafe(false)
  const placed = Latch.makeUnsafe(false)
  let state: SourceState = SourceState.Down({ since: now(), why: starting })
  let told: string | undefined

  const becomeUp = Effect.suspend(() => {
    if (state._tag === "Up") return Effect.void
    state = SourceState.Up({ since: now() })
    told = undefined
    hosts.up()
    return Effect.logInfo(`health source ${name} is up`)
  })

  const becomeDown = (error: Ec2Error) =>
    Effect.suspend(() => {
      const before = state
      state = SourceState.Down({ since: before._tag === "Down" ? before.since : now(), why: why(error) })
      if (before._tag === "Up") hosts.down()
      const isNews = told !== error.code
      told = error.code
      return isNews ? Effect.logWarning(`health source ${name} is down: ${why(error)}`) : Effect.void
    })

  const round = Effect.gen(function* () {
    let failure: Ec2Error | undefined
    for (const batch of batchesOf(hosts.wanted)) {
      const reading = yield* Effect.result(readBatch(batch))
      if (reading._tag === "Failure") {
        failure = reading.failure
        // The others would be denied, or throttled, as well.
        if (failure.disposition === "denied" || failure.disposition === "throttled") break
        continue
      }
      const { asked, found, readAt } = reading.success
      for (const [host, event] of hosts.read(asked, found, readAt, now()))
        yield* Effect.logWarning(`host ${host}: ${event}`)
    }
    return failure
  })

  const rounds = Effect.gen(function* () {
    // Before the VPC was read it is not known whom to ask for.
    yield* placed.await
    let failures = 0
    for (;;) {
      sooner.closeUnsafe()
      const began = now()
      const failure = yield* round
      if (failure === undefined) {
        failures = 0
        yield* becomeUp
        yield* Effect.sleep(shortestGap)
        const left = interval - (now() - began)
        if (left > 0) yield* Effect.timeoutOption(sooner.await, left)
      } else {
        failures++
        if (failure.disposition === "denied" || failures >= tolerated || state._tag === "Down")
          yield* becomeDown(failure)
        else yield* Effect.logDebug(`health source ${name}: ${why(failure)}`)
        const longest = Math.min(longestBackoff, shortestGap * 2 ** (failures - 1))
        yield* Effect.sleep(longest * (yield* Random.nextBetween(0.5, 1)))
      }
    }
  })

  const place = yield* placedBy((found) => {
    if (hosts.moved(found, now())) sooner.openUnsafe()
    placed.openUnsafe()
  })
  yield* Effect.forkScoped(rounds)

  return {
    name,
    watch: (wanted) =>
      Effect.andThen(
        place,
        Effect.sync(() => {
          hosts.watch(wanted, now())
          sooner.openUnsafe()
        }),
      ),
    verdicts: changed.stream,
    state: Effect.sync(() => state),
    notes: Effect.sync(() => hosts.notes),
  }
})
