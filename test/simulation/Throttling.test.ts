import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Queue } from "effect"
import { Action, Reason } from "../../src/domain/Action.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { InterfaceId, RouteTableId } from "../../src/domain/Ids.ts"
import { ip } from "../../src/domain/Ip.ts"
import { full, routeWrites, take, type TokenBucket } from "../../src/domain/TokenBucket.ts"
import { RouteTarget } from "../../src/domain/Vpc.ts"
import { Ec2, Ec2Error } from "../../src/services/ec2/Ec2.ts"
import { Executor, layer } from "../../src/services/ec2/Executor.ts"
import { now } from "../../src/services/Now.ts"
import { pass } from "../support/runtime/SimulatedDaemon.ts"

/** EC2's bucket for one action, with somebody else of the account taking from it, behind a network. */
class Limited extends Context.Service<
  Limited,
  {
    bucket: TokenBucket
    /** Somebody else's calls a second. */
    others: number
    /** Refuses everything. */
    closed: boolean
    attempts: number
    successes: number
  }
>()("test/Limited") {}

const oneWay = 25

const limited = layer.pipe(
  Layer.provideMerge(
    Layer.effectContext(
      Effect.gen(function* () {
        const start = yield* now
        const state: Limited["Service"] = {
          bucket: full(routeWrites, start),
          others: 0,
          closed: false,
          attempts: 0,
          successes: 0,
        }
        let othersAt = start
        const write = Effect.gen(function* () {
          state.attempts++
          yield* Effect.sleep(oneWay)
          const at = yield* now
          for (; state.others > 0 && othersAt <= at; othersAt += 1_000 / state.others)
            state.bucket = take(state.bucket, othersAt).bucket
          const taken = take(state.bucket, at)
          state.bucket = taken.bucket
          yield* Effect.sleep(oneWay)
          if (taken.waitMillis > 0 || state.closed)
            return yield* new Ec2Error({
              operation: "test",
              code: "RequestLimitExceeded",
              message: "Request limit exceeded.",
              disposition: "throttled",
            })
          state.successes++
          return { requestId: undefined }
        })
        return Context.make(Limited, state).pipe(
          Context.add(Ec2, {
            snapshot: Effect.never,
            createRoute: () => write,
            replaceRoute: () => write,
            deleteRoute: () => write,
          }),
        )
      }),
    ),
  ),
)

const move = (n: number, urgency: "failover" | "repair" = "failover") =>
  Action.ReplaceRoute({
    table: RouteTableId(`rtb-${n % 20}`),
    cidr: cidr(`10.${Math.floor(n / 256)}.${n % 256}.0/24`),
    host: ip("10.0.0.1"),
    interfaceId: InterfaceId("eni-new"),
    before: RouteTarget.Interface({ interfaceId: InterfaceId("eni-old") }),
    reason: Reason.WrongTarget(),
    urgency,
  })

/** Wants `count` writes until each is done, as the planner does: what failed is asked for again a second later. */
const wanting = Effect.fnUntraced(function* (count: number, urgency: "failover" | "repair" = "failover") {
  const { outcomes, submit } = yield* Executor
  const ask = (actions: ReadonlyArray<Action>) => submit(new Set(actions.map((one) => one.cidr)), actions)
  yield* ask(Array.from({ length: count }, (_, n) => move(n, urgency)))
  const onOutcome = Effect.gen(function* () {
    const outcome = yield* Queue.take(outcomes)
    yield* submit(new Set(), [], [outcome.action])
    if (outcome._tag === "Failed") yield* Effect.forkScoped(Effect.delay(ask([outcome.action]), 1_000))
  })
  yield* Effect.forkScoped(Effect.forever(onOutcome))
})

/** How long until all are done, at most so many seconds. */
const secondsUntil = Effect.fnUntraced(function* (count: number, most: number) {
  const from = yield* now
  const state = yield* Limited
  while (state.successes < count && (yield* now) - from < most * 1_000) yield* pass(100, 20)
  return ((yield* now) - from) / 1_000
})

describe("throttling", () => {
  it.effect("with EC2's bucket to itself, 300 writes take 300 calls and the 50 seconds that the bucket takes", () =>
    Effect.gen(function* () {
      const state = yield* Limited
      yield* wanting(300)
      assert.isAtMost(yield* secondsUntil(300, 100), 51)
      assert.strictEqual(state.attempts, 300)
    }).pipe(Effect.provide(limited)),
  )

  it.effect("a bucket that somebody else has emptied costs few calls, and little more time than it must", () =>
    Effect.gen(function* () {
      const state = yield* Limited
      state.bucket = { ...state.bucket, tokens: 0 }
      yield* wanting(300)
      assert.isAtMost(yield* secondsUntil(300, 200), 60 * 1.2)
      assert.isAtMost(state.attempts / state.successes, 1.15)
    }).pipe(Effect.provide(limited)),
  )

  for (const others of [1, 2.5, 4])
    it.effect(`somebody else who takes ${others} a second leaves the rest, for at most 1.1 calls a write`, () =>
      Effect.gen(function* () {
        const state = yield* Limited
        state.others = others
        yield* wanting(600)
        const most = 550 / (5 - others)
        assert.isAtMost(yield* secondsUntil(600, 2 * most), 1.3 * most)
        assert.isAtMost(state.attempts / state.successes, 1.1)
      }).pipe(Effect.provide(limited)),
    )

  it.effect("repairs, too, go on while somebody else takes half", () =>
    Effect.gen(function* () {
      const state = yield* Limited
      state.others = 2.5
      yield* wanting(300, "repair")
      assert.isAtMost(yield* secondsUntil(300, 300), 200)
      assert.isAtMost(state.attempts / state.successes, 1.1)
    }).pipe(Effect.provide(limited)),
  )

  it.effect("two writes that EC2 throttles for ever are tried ever more seldom, and soon done once it does not", () =>
    Effect.gen(function* () {
      const state = yield* Limited
      state.closed = true
      yield* wanting(2)
      yield* pass(8_000, 20)
      assert.isAtMost(state.attempts, 8)
      yield* pass(60_000, 50)
      assert.isAtMost(state.attempts, 20)
      state.closed = false
      assert.isAtMost(yield* secondsUntil(2, 60), 15)
    }).pipe(Effect.provide(limited)),
  )
})
