import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer, Queue } from "effect"
import { Action, Reason } from "../../src/domain/Action.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { InterfaceId, RouteTableId } from "../../src/domain/Ids.ts"
import { ip } from "../../src/domain/Ip.ts"
import { RouteTarget } from "../../src/domain/Vpc.ts"
import { Ec2, Ec2Error, type WriteReceipt } from "../../src/services/ec2/Ec2.ts"
import { Executor, layer } from "../../src/services/ec2/Executor.ts"
import { now } from "../../src/services/Now.ts"
import { pass } from "../support/runtime/SimulatedDaemon.ts"

interface Call {
  readonly words: string
  readonly at: number
}

/** An EC2 whose answers a test decides, call by call. */
class Script extends Context.Service<
  Script,
  {
    readonly calls: ReadonlyArray<Call>
    readonly mostAtOnce: () => number
    answer: (words: string) => Effect.Effect<WriteReceipt, Ec2Error>
  }
>()("test/Script") {}

const failure = (disposition: Ec2Error["disposition"]) =>
  new Ec2Error({ operation: "test", code: disposition, message: disposition, disposition })

const scripted = layer.pipe(
  Layer.provideMerge(
    Layer.effectContext(
      Effect.sync(() => {
        const calls: Array<Call> = []
        let atOnce = 0
        let most = 0
        const script: Script["Service"] = {
          calls,
          mostAtOnce: () => most,
          answer: () => Effect.succeed({ requestId: "1" }),
        }
        const write = Effect.fnUntraced(function* (words: string) {
          calls.push({ words, at: yield* now })
          most = Math.max(most, ++atOnce)
          return yield* Effect.ensuring(
            script.answer(words),
            Effect.sync(() => atOnce--),
          )
        })
        return Context.make(Script, script).pipe(
          Context.add(Ec2, {
            snapshot: Effect.never,
            createRoute: (cell, target) => write(`create ${cell.table} ${cell.cidr} ${target}`),
            replaceRoute: (cell, target) => write(`replace ${cell.table} ${cell.cidr} ${target}`),
            deleteRoute: (cell) => write(`delete ${cell.table} ${cell.cidr}`),
          }),
        )
      }),
    ),
  ),
)

const range = (n: number) => cidr(`10.${100 + Math.floor(n / 256)}.${n % 256}.0/24`)
const table = (n: number) => RouteTableId(`rtb-${n}`)
const before = RouteTarget.Interface({ interfaceId: InterfaceId("eni-old") })
const replace = (t: number, n: number, urgency: "failover" | "repair", to = "eni-new") =>
  Action.ReplaceRoute({
    table: table(t),
    cidr: range(n),
    host: ip("10.0.0.1"),
    interfaceId: InterfaceId(to),
    before,
    reason: Reason.WrongTarget(),
    urgency,
  })
const create = (t: number, n: number) =>
  Action.CreateRoute({
    table: table(t),
    cidr: range(n),
    host: ip("10.0.0.1"),
    interfaceId: InterfaceId("eni-new"),
    reason: Reason.Missing(),
    urgency: "creation",
  })
const remove = (t: number, n: number) =>
  Action.DeleteRoute({ table: table(t), cidr: range(n), before, reason: Reason.NotInSpec(), urgency: "deletion" })
const many = (count: number) => Array.from({ length: count }, (_, n) => n)
const ranges = (actions: ReadonlyArray<Action>) => new Set(actions.map((action) => action.cidr))
const submit = Effect.fnUntraced(function* (...actions: ReadonlyArray<Action>) {
  return yield* (yield* Executor).submit(ranges(actions), actions)
})

/** The planner takes the next outcome into account, and decides nothing else. */
const known = Effect.gen(function* () {
  const { outcomes, submit } = yield* Executor
  yield* submit(new Set(), [], [(yield* Queue.take(outcomes)).action])
})

describe("the executor", () => {
  it.effect("a burst takes EC2's bucket of 50 at once and then 5 a second", () =>
    Effect.gen(function* () {
      const { calls } = yield* Script
      yield* submit(...many(100).map((n) => replace(n % 20, n, "failover")))
      yield* pass(100)
      assert.strictEqual(calls.length, 50)
      yield* pass(4_000)
      assert.strictEqual(calls.length, 70)
      yield* pass(6_000)
      assert.strictEqual(calls.length, 100)
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("40 failovers that arrive behind 1,000 repairs start at once", () =>
    Effect.gen(function* () {
      const { calls } = yield* Script
      yield* submit(...many(1_000).map((n) => replace(n % 20, n, "repair")))
      yield* pass(10_000)
      const seen = calls.length
      yield* submit(...many(40).map((n) => replace(20 + (n % 8), 2_000 + n, "failover")))
      yield* pass(100)
      assert.strictEqual(calls.slice(seen).filter(({ words }) => /rtb-2\d /.test(words)).length, 40)
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("failovers go before repairs, CIDR by CIDR", () =>
    Effect.gen(function* () {
      const { calls } = yield* Script
      yield* submit(
        replace(1, 5, "repair"),
        replace(1, 3, "failover"),
        replace(2, 3, "failover"),
        replace(1, 4, "failover"),
      )
      yield* pass(20)
      assert.deepStrictEqual(
        calls.map(({ words }) => words),
        [
          `replace rtb-1 ${range(3)} eni-new`,
          `replace rtb-2 ${range(3)} eni-new`,
          `replace rtb-1 ${range(4)} eni-new`,
          `replace rtb-1 ${range(5)} eni-new`,
        ],
      )
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("one write in flight per cell; a newer decision replaces what waits and follows what is under way", () =>
    Effect.gen(function* () {
      const script = yield* Script
      const first = yield* Deferred.make<void>()
      script.answer = (words) =>
        words.endsWith("eni-a")
          ? Effect.as(Deferred.await(first), { requestId: "a" })
          : Effect.succeed({ requestId: "b" })
      yield* submit(replace(1, 1, "failover", "eni-a"))
      yield* pass(20)
      yield* submit(replace(1, 1, "failover", "eni-b"))
      yield* submit(replace(1, 1, "failover", "eni-c"))
      yield* pass(20)
      assert.strictEqual(script.calls.length, 1)
      yield* Deferred.succeed(first, undefined)
      yield* known
      yield* pass(20)
      assert.deepStrictEqual(
        script.calls.map(({ words }) => words.slice(-5)),
        ["eni-a", "eni-c"],
      )
      assert.strictEqual(script.mostAtOnce(), 1)
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("what was decided before a write to the cell was known to be done is not sent when that is known", () =>
    Effect.gen(function* () {
      const { calls } = yield* Script
      const { outcomes, submit: decide } = yield* Executor
      const first = replace(1, 1, "failover", "eni-a")
      yield* submit(first)
      yield* pass(5)
      yield* submit(replace(1, 1, "failover", "eni-b"))
      yield* pass(1_000)
      assert.strictEqual((yield* Queue.take(outcomes))._tag, "Done")
      yield* decide(ranges([first]), [], [first])
      yield* pass(1_000)
      assert.deepStrictEqual(
        calls.map(({ words }) => words.slice(-5)),
        ["eni-a"],
      )
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("what was given up and may have been done is told, and only that", () =>
    Effect.gen(function* () {
      const executor = yield* Executor
      const told: Array<string> = []
      const take = Effect.map(Queue.clear(executor.outcomes), (some) => {
        // How many tries there are before it is given up is chance; each is told, as another test has it.
        for (const one of some)
          if (one._tag !== "Unanswered")
            told.push(`${one._tag} ${"interfaceId" in one.action ? one.action.interfaceId : ""}`)
      })
      const answers = yield* Script
      answers.answer = (words) => Effect.fail(failure(words.endsWith("eni-a") ? "transient" : "throttled"))
      yield* submit(replace(1, 1, "failover", "eni-a"))
      yield* pass(20)
      yield* submit(replace(1, 1, "failover", "eni-b"))
      yield* pass(20)
      yield* take
      assert.deepStrictEqual(told, ["Failed eni-a"])
      answers.answer = () => Effect.succeed({ requestId: "1" })
      yield* submit(replace(1, 1, "failover", "eni-c"))
      yield* pass(20_000)
      yield* take
      assert.deepStrictEqual(told, ["Failed eni-a", "Done eni-c"])
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("a write that was superseded while it was to be tried again is never sent again", () =>
    Effect.gen(function* () {
      const script = yield* Script
      script.answer = (words) =>
        words.endsWith("eni-a") ? Effect.fail(failure("transient")) : Effect.succeed({ requestId: "b" })
      yield* submit(replace(1, 1, "failover", "eni-a"))
      yield* pass(10)
      yield* submit(replace(1, 1, "failover", "eni-b"))
      yield* pass(20_000)
      assert.deepStrictEqual(
        script.calls.map(({ words }) => words.slice(-5)),
        ["eni-a", "eni-b"],
      )
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("a write that was done is not sent once more before the planner knows of it", () =>
    Effect.gen(function* () {
      const { calls } = yield* Script
      yield* submit(create(1, 1))
      yield* pass(20)
      assert.deepStrictEqual(yield* submit(create(1, 1)), [])
      yield* pass(1_000)
      assert.strictEqual(calls.length, 1)
      yield* known
      yield* submit(create(1, 1))
      yield* pass(20)
      assert.strictEqual(calls.length, 2)
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("a withdrawn decision takes its write out of the queue", () =>
    Effect.gen(function* () {
      const { calls } = yield* Script
      const executor = yield* Executor
      const actions = many(60).map((n) => create(n % 20, n))
      yield* executor.submit(ranges(actions), actions)
      yield* pass(20)
      yield* executor.submit(ranges(actions), [])
      yield* pass(60_000, 100)
      assert.strictEqual(calls.length, 50)
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("trouble that passes is retried with growing pauses and a budget, then reported", () =>
    Effect.gen(function* () {
      const script = yield* Script
      const { outcomes } = yield* Executor
      script.answer = () => Effect.fail(failure("transient"))
      yield* submit(create(1, 1))
      yield* pass(30_000)
      assert.strictEqual(script.calls.length, 4)
      const told = yield* Queue.clear(outcomes)
      // Each try that may have been done is told at once.
      assert.deepStrictEqual(
        told.map(({ _tag, attempts }) => `${attempts} ${_tag}`),
        ["1 Unanswered", "2 Unanswered", "3 Unanswered", "4 Failed"],
      )
    }).pipe(Effect.provide(scripted)),
  )

  for (const disposition of ["refresh", "refused", "full", "denied"] as const)
    it.effect(`"${disposition}" is reported at once and not retried`, () =>
      Effect.gen(function* () {
        const script = yield* Script
        const { outcomes } = yield* Executor
        script.answer = () => Effect.fail(failure(disposition))
        yield* submit(create(1, 1))
        yield* pass(10_000)
        assert.strictEqual(script.calls.length, 1)
        const outcome = yield* Queue.take(outcomes)
        assert.strictEqual(outcome._tag === "Failed" ? outcome.disposition : "done", disposition)
      }).pipe(Effect.provide(scripted)),
    )

  it.effect("a throttle answer empties the bucket: the next write of that kind waits for a refill, others do not", () =>
    Effect.gen(function* () {
      const script = yield* Script
      let throttles = 1
      script.answer = (words) =>
        words.startsWith("replace") && throttles-- > 0
          ? Effect.fail(failure("throttled"))
          : Effect.succeed({ requestId: "1" })
      yield* submit(replace(1, 1, "failover"))
      yield* pass(10)
      yield* submit(replace(2, 2, "failover"), create(3, 3), remove(4, 4))
      yield* pass(10)
      assert.deepStrictEqual(
        script.calls.map(({ words }) => words.split(" ")[0]),
        ["replace", "create", "delete"],
      )
      yield* pass(1_000)
      assert.strictEqual(script.calls.length, 5)
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("the tokens that it shows are those of the moment when they are shown", () =>
    Effect.gen(function* () {
      const { load, state } = yield* Executor
      const shown = Effect.map(Effect.all([state, load]), (all) =>
        all.map(({ tokens }) => Math.floor(tokens.CreateRoute)),
      )
      yield* submit(...many(50).map((n) => create(n % 20, n)))
      yield* pass(100)
      assert.deepStrictEqual(yield* shown, [0, 0])
      yield* pass(6_000)
      assert.deepStrictEqual(yield* shown, [30, 30])
      yield* pass(10_000)
      assert.deepStrictEqual(yield* shown, [50, 50])
    }).pipe(Effect.provide(scripted)),
  )

  it.effect("a table that hangs does not hold up the others", () =>
    Effect.gen(function* () {
      const script = yield* Script
      script.answer = (words) => (words.includes("rtb-1 ") ? Effect.never : Effect.succeed({ requestId: "1" }))
      yield* submit(
        ...many(20).map((n) => replace(1, n, "failover")),
        ...many(20).map((n) => replace(2, 100 + n, "failover")),
      )
      yield* pass(100)
      assert.strictEqual(script.calls.filter(({ words }) => words.includes("rtb-2 ")).length, 20)
    }).pipe(Effect.provide(scripted)),
  )
})
