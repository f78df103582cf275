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

/** When the overview is made, by `performance.now()`. */
const timed = (script: Script, looks: Array<number> = []) => {
  const { overview } = script
  script.overview = Effect.suspend(() => {
    looks.push(performance.now())
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
        assert.strictEqual(named(listener.events, "overview").length, 1)
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
        const looks: Array<number> = []
        for (let i = 1; i <= 200; i++) {
          yield* change(script, `${i}`)
          timed(script, looks)
          yield* Effect.sleep(5)
        }
        yield* listener.until((events) => versions(events).includes("200"))
        // However busy the machine is, no two are closer together than the pace; a timer may come a millisecond early.
        assert.isAbove(looks.length, 2)
        for (const [i, at] of looks.slice(1).entries()) assert.isAtLeast(at - looks[i]!, eventLimits.pace - 2)
        assert.isAtMost(named(listener.events, "overview").length, looks.length + 1)
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
          const looks = timed(script)
          yield* PubSub.publish(script.changes, undefined)
          yield* Effect.sleep(250)
          assert.deepStrictEqual(looks, [])
          const began = performance.now()
          yield* Effect.scoped(
            Effect.gen(function* () {
              const listeners = yield* Effect.forEach(Array.from({ length: 8 }), () => listen(url))
              yield* Effect.forEach(listeners, ({ until }) => until((events) => named(events, "beat").length === 2))
              // One look each 100 ms, with room for those at the beginning; not eight.
              assert.isAtMost(looks.length, 12 + (performance.now() - began) / 50)
            }),
          )
          // Once the server knows that they are gone.
          yield* Effect.repeat(Effect.sleep(250), { until: () => performance.now() - looks.at(-1)! >= 250 })
          const count = looks.length
          yield* PubSub.publish(script.changes, undefined)
          yield* Effect.sleep(250)
          assert.strictEqual(looks.length, count)
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
          yield* Effect.retry(admitted(url), Schedule.spaced(20))
        }).pipe(Effect.scoped),
      { events: { ...quick, listeners: 3 } },
    ),
  )

  it.live("where all places are taken, who has listened longest makes room, after a time", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          const [first, second] = yield* Effect.forEach(Array.from({ length: 2 }), () => listen(url))
          for (const { until } of [first!, second!]) yield* until((events) => events.length >= 2)
          const third = yield* listen(url)
          assert.strictEqual(third.status, 200)
          assert.strictEqual(yield* first!.ended, "cut off")
          yield* third.until((events) => named(events, "beat").length === 2)
          yield* second!.until((events) => named(events, "beat").length === 2)
        }).pipe(Effect.scoped),
      { events: { ...quick, stay: 0, listeners: 2 } },
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
          // What the buffers of both ends hold, nobody has to take: so there are events until it is hung up on.
          const long = "x".repeat(2_000_000)
          let last = ""
          const fill = Effect.gen(function* () {
            last = `${named(other.events, "overview").length} ${long}`
            yield* change(script, last)
            yield* other.until((events) => versions(events).at(-1) === last)
          })
          // Its place is free then.
          yield* Effect.retry(Effect.andThen(fill, admitted(url)), Schedule.spaced(20))
          yield* deaf.readOn
          assert.strictEqual(yield* deaf.ended, "cut off")
          assert.notInclude(versions(deaf.events), last)
        }).pipe(Effect.scoped),
      // One that reads is never behind for so long, on the busiest machine.
      { events: { ...quick, patience: 2_000, listeners: 2 } },
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
