import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Exit, Layer, PubSub, Schedule, Schema, Scope } from "effect"
import { HttpServerResponse } from "effect/http"
import { ControlPlane } from "../../../src/services/http/ControlPlane.ts"
import { type EventLimits, eventLimits, make } from "../../../src/services/http/Events.ts"
import { HttpServer } from "../../../src/services/http/HttpServer.ts"
import { EventJson } from "../../../src/services/http/OverviewJson.ts"
import { ask, problem } from "../http/Ask.ts"
import { controlPlane, Script, serving, someOverview, withServer } from "../http/Scripted.ts"
import { hello, listen, named } from "./Listen.ts"

const decode = Schema.decodeUnknownSync(EventJson, { onExcessProperty: "error" })
const versions = (events: Parameters<typeof named>[0]) =>
  named(events, "overview").map(({ data }) => decode(data).overview.version)

/** Shows another overview from now on, and says so. */
const change = (script: Script, version: string) =>
  Effect.suspend(() => {
    script.overview = Effect.succeed({ ...someOverview, version })
    return PubSub.publish(script.changes, undefined)
  })

/** Counts how often the overview is made. */
const counted = (script: Script) => {
  const looks = { count: 0 }
  const { overview } = script
  script.overview = Effect.suspend(() => {
    looks.count++
    return overview
  })
  return looks
}

class NotAdmitted extends Data.TaggedError("NotAdmitted")<{ readonly status: number }> {}

/** Listens, or fails when there is no room. */
const admitted = (url: string) =>
  Effect.flatMap(listen(url), ({ status }) => (status === 200 ? Effect.void : Effect.fail(new NotAdmitted({ status }))))

const quick: Partial<EventLimits> = { pace: 20, lookEvery: 100, beat: 200, patience: 300 }

describe("GET /events", () => {
  it.live("says hello, shows the overview by its schema at once, and again when it changed", () =>
    withServer((url, script) =>
      Effect.gen(function* () {
        const listener = yield* listen(url)
        assert.strictEqual(listener.status, 200)
        assert.strictEqual(listener.headers["content-type"], "text/event-stream")
        assert.strictEqual(listener.headers["cache-control"], "no-store")
        yield* listener.until((events) => events.length >= 2)
        assert.deepStrictEqual(hello(listener), { version: someOverview.version, may_write: true })
        assert.deepStrictEqual(decode(named(listener.events, "overview")[0]?.data).overview, someOverview)
        yield* change(script, "2")
        yield* listener.until((events) => named(events, "overview").length === 2)
        assert.deepStrictEqual(versions(listener.events), [someOverview.version, "2"])
      }).pipe(Effect.scoped),
    ),
  )

  it.live("what nobody said is seen within a second, and what stays the same is not sent again", () =>
    withServer((url, script) =>
      Effect.gen(function* () {
        const listener = yield* listen(url)
        yield* listener.until((events) => events.length >= 2)
        for (let i = 0; i < 10; i++) yield* PubSub.publish(script.changes, undefined)
        yield* Effect.sleep(500)
        assert.strictEqual(listener.events.length, 2)
        script.overview = Effect.succeed({ ...someOverview, version: "2" })
        yield* listener.until((events) => named(events, "overview").length === 2)
        assert.deepStrictEqual(versions(listener.events), [someOverview.version, "2"])
      }).pipe(Effect.scoped),
    ),
  )

  it.live("a flood of changes comes as a few events a second, the last of them with the last change", () =>
    withServer((url, script) =>
      Effect.gen(function* () {
        const listener = yield* listen(url)
        yield* listener.until((events) => events.length >= 2)
        for (let i = 1; i <= 200; i++) yield* Effect.andThen(change(script, `${i}`), Effect.sleep(5))
        yield* listener.until((events) => versions(events).includes("200"))
        const times = named(listener.events, "overview").map(({ at }) => at)
        const seconds = (times.at(-1)! - times[0]!) / 1_000
        assert.isAtMost(times.length - 1, 5 * seconds + 1)
      }).pipe(Effect.scoped),
    ),
  )

  it.live("between changes there are signs of life", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          const listener = yield* listen(url)
          yield* listener.until((events) => named(events, "beat").length === 2)
          assert.strictEqual(named(listener.events, "overview").length, 1)
        }).pipe(Effect.scoped),
      { events: quick },
    ),
  )

  it.live("the overview is made once for all listeners, and not at all when nobody listens", () =>
    withServer(
      (url, script) =>
        Effect.gen(function* () {
          const looks = counted(script)
          yield* change(script, "unseen")
          yield* Effect.sleep(250)
          assert.strictEqual(looks.count, 0)
          const seen = counted(script)
          yield* Effect.scoped(
            Effect.gen(function* () {
              const listeners = yield* Effect.forEach(Array.from({ length: 8 }), () => listen(url))
              yield* Effect.forEach(listeners, ({ until }) => until((events) => named(events, "beat").length === 2))
              const elapsed = listeners[0]!.events.at(-1)!.at - listeners[0]!.events[0]!.at
              // One look each 100 ms, with room for those at the beginning; not eight.
              assert.isAtMost(seen.count, 12 + elapsed / 50)
            }),
          )
          yield* Effect.sleep(300)
          const { count } = seen
          yield* PubSub.publish(script.changes, undefined)
          yield* Effect.sleep(250)
          assert.strictEqual(seen.count, count)
        }),
      { events: quick },
    ),
  )

  it.live("no more listeners are taken than the limit says, and who leaves makes room", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          const [first] = yield* Effect.forEach(Array.from({ length: 3 }), () => listen(url))
          yield* first!.until((events) => events.length >= 2)
          assert.include(problem(yield* ask(url, { path: "/events" }), 503), "3 listen already")
          yield* first!.leave
          yield* Effect.retry(admitted(url), { schedule: Schedule.spaced(20), times: 100 })
        }).pipe(Effect.scoped),
      { events: { ...quick, listeners: 3 } },
    ),
  )

  it.live("a listener that does not read is hung up on, and the others hear on", () =>
    withServer(
      (url, script) =>
        Effect.gen(function* () {
          const deaf = yield* listen(url)
          const other = yield* listen(url)
          yield* deaf.until((events) => events.length >= 2)
          yield* deaf.stopReading
          // More than the buffers of both ends hold.
          const long = "x".repeat(2_000_000)
          for (let i = 0; i < 20; i++) yield* Effect.andThen(change(script, `${i} ${long}`), Effect.sleep(40))
          yield* change(script, "last")
          yield* other.until((events) => versions(events).includes("last"))
          // Its place is free.
          yield* Effect.retry(admitted(url), { schedule: Schedule.spaced(20), times: 200 })
          yield* deaf.readOn
          assert.strictEqual(yield* deaf.ended, "cut off")
          assert.notInclude(versions(deaf.events), "last")
        }).pipe(Effect.scoped),
      { events: { ...quick, listeners: 2 } },
    ),
  )

  it.live("when the server is closed the events end at once, and whole", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(serving(new Script()), scope)
      const { url } = yield* Effect.provide(HttpServer, services)
      const listeners = yield* Effect.forEach(Array.from({ length: 5 }), () => listen(url))
      for (const { until } of listeners) yield* until((events) => events.length >= 2)
      const began = performance.now()
      yield* Scope.close(scope, Exit.void)
      assert.isBelow(performance.now() - began, 5_000)
      for (const { ended } of listeners) assert.strictEqual(yield* ended, "whole")
    }).pipe(Effect.scoped),
  )

  it.live("a page of another origin hears nothing", () =>
    withServer((url) =>
      Effect.gen(function* () {
        problem(yield* ask(url, { path: "/events", headers: { origin: "http://evil.example" } }), 403)
        problem(yield* ask(url, { path: "/events", headers: { host: "evil.example" } }), 421)
      }),
    ),
  )

  it.live("tells a visitor who may not write that it may not", () =>
    Effect.gen(function* () {
      const control = yield* ControlPlane
      const events = yield* Effect.provideService(make(eventLimits), ControlPlane, control)
      for (const mayWrite of [true, false]) {
        const answer = yield* events.answer({ mayWrite, hangUp: Effect.void })
        const { body } = HttpServerResponse.toWeb(answer)
        const first = yield* Effect.promise(async () => (await body?.getReader().read())?.value)
        assert.include(new TextDecoder().decode(first), `"may_write":${mayWrite}`)
      }
    }).pipe(Effect.provide(controlPlane(new Script())), Effect.scoped),
  )
})
