import { Agent } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { HttpServer } from "../../../src/services/http/HttpServer.ts"
import { defaultLimits } from "../../../src/services/http/NodeServer.ts"
import { ask, line, problem } from "./Ask.ts"
import { Script, serving, someStatus, withServer } from "./Scripted.ts"

const json = { "content-type": "application/json" }
const many = Array.from({ length: 100 })

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    const value = yield* effect
    return { value, took: (yield* Clock.currentTimeMillis) - began }
  })

/** A hundred clients that say `opening`, and then `drop` every 50 ms for as long as they are listened to. */
const drip = (url: string, opening: string, drop: string) =>
  Effect.forEach(
    many,
    Effect.fnUntraced(function* () {
      const client = yield* line(url)
      yield* client.say(opening)
      return yield* Effect.raceFirst(client.heard, Effect.forever(Effect.andThen(Effect.sleep(50), client.say(drop))))
    }, Effect.scoped),
    { concurrency: "unbounded" },
  )

describe("slow clients", () => {
  const limits = { headers: 400, request: 800, check: 100, keepAlive: 300, silence: 2_000 }

  it.live("by default nobody may take more than 6 s for the headers and 16 s for the whole request", () =>
    Effect.sync(() => {
      assert.isAtMost(defaultLimits.headers + defaultLimits.check, 6_000)
      assert.isAtMost(defaultLimits.request + defaultLimits.check, 16_000)
      assert.isAtMost(defaultLimits.silence, 30_000)
      assert.isAtMost(defaultLimits.connections, 1_000)
    }),
  )

  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ["say nothing", "", ""],
    ["drip headers", "GET /status HTTP/1.1\r\nHost: localhost\r\n", "X: x\r\n"],
    [
      "drip a body",
      "POST /route_spec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n",
      " ",
    ],
    [
      "drip a chunked body",
      "POST /route_spec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
      "1\r\n \r\n",
    ],
  ]
  for (const [name, opening, drop] of cases) {
    it.live(`a hundred that ${name} are cut off with 408, and others are served meanwhile`, () =>
      withServer(
        (url) =>
          Effect.gen(function* () {
            const [slow, other] = yield* Effect.all(
              [timed(drip(url, opening, drop)), Effect.delay(timed(ask(url, { path: "/healthz" })), 200)],
              { concurrency: "unbounded" },
            )
            assert.isBelow(slow.took, 15_000)
            for (const heard of slow.value) assert.match(heard, /^HTTP\/1\.1 408 Request Timeout\r\n/)
            for (const heard of slow.value) assert.include(heard, "application/problem+json")
            assert.strictEqual(other.value.status, 200)
            assert.isBelow(other.took, 10_000)
          }),
        { limits },
      ),
    )
  }

  it.live("that keep a connection open between requests lose it", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          const client = yield* line(url)
          yield* client.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
          const { value, took } = yield* timed(client.heard)
          assert.match(value, /^HTTP\/1\.1 200 OK\r\n/)
          // Node adds a second, so that a request that is on its way is not lost.
          assert.isBelow(took, 12_000)
        }).pipe(Effect.scoped),
      { limits },
    ),
  )

  it.live("that send nothing and read nothing while an answer waits are given up", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          const { took } = yield* timed(
            Effect.exit(ask(url, { method: "POST", path: "/route_spec", headers: json, body: "{}" })),
          )
          assert.isBelow(took, 10_000)
        }),
      { limits: { ...limits, silence: 500 }, change: (script) => (script.beforeApplied = Effect.never) },
    ),
  )

  it.live("that ask for much and read nothing lose their place to others", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          const deaf = yield* line(url, { deaf: true })
          yield* deaf.say("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
          assert.strictEqual((yield* ask(url, { path: "/healthz" })).status, 200)
        }).pipe(Effect.scoped),
      {
        limits: { ...limits, silence: 20_000, connections: 1 },
        // More than the buffers of both ends hold.
        change: (script) =>
          (script.status = Effect.succeed({ ...someStatus, failed_ips: Array(1_000_000).fill("10.33.20.93") })),
      },
    ),
  )

  it.live("when all places are taken, whoever has said nothing for longest makes room", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          const first = yield* line(url)
          const second = yield* line(url)
          yield* first.say("GET /status HTTP/1.1\r\nHost: local")
          const third = yield* line(url)
          assert.strictEqual(yield* first.heard, "")
          const fourth = yield* line(url)
          assert.strictEqual(yield* second.heard, "")
          yield* fourth.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
          assert.match(yield* fourth.heard, /^HTTP\/1\.1 200 /)
          yield* third.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
          assert.match(yield* third.heard, /^HTTP\/1\.1 200 /)
        }).pipe(Effect.scoped),
      { limits: { ...limits, headers: 10_000, request: 20_000, connections: 2 } },
    ),
  )

  it.live("a request that is being answered keeps its place", () =>
    Effect.gen(function* () {
      const reached = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      yield* withServer(
        (url) =>
          Effect.gen(function* () {
            const answer = yield* Effect.forkChild(ask(url, { path: "/healthz" }))
            yield* Deferred.await(reached)
            const late = yield* line(url)
            assert.strictEqual(yield* late.heard, "")
            yield* Deferred.succeed(goOn, undefined)
            assert.strictEqual((yield* Fiber.join(answer)).status, 200)
          }).pipe(Effect.scoped),
        {
          limits: { ...limits, connections: 1 },
          change: (script) =>
            (script.heartbeat = Effect.andThen(Deferred.succeed(reached, undefined), Deferred.await(goOn))),
        },
      )
    }),
  )

  it.live("a thousand of them lock nobody out", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          yield* Effect.forEach(Array.from({ length: 1_000 }), () => line(url), { concurrency: 100 })
          assert.strictEqual((yield* ask(url, { path: "/healthz" })).status, 200)
        }).pipe(Effect.scoped),
      { limits: { ...limits, headers: 20_000, request: 20_000, connections: 512 } },
    ),
  )
})

describe("clients that do not wait for answers", () => {
  it.live("get them in the order of their requests, bodies and all", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          const body = JSON.stringify({ "10.66.17.0/24": ["10.33.20.93"] })
          const get = "GET /route_spec HTTP/1.1\r\nHost: localhost\r\n\r\n"
          const post = `POST /route_spec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
          const last = "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
          const client = yield* line(url)
          yield* client.say(`${get.repeat(200)}${post}${get.repeat(200)}${last}`)
          const statuses = [...(yield* client.heard).matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status)
          assert.deepStrictEqual(statuses, [...Array<string>(401).fill("200"), "404"])
        }).pipe(Effect.scoped),
      { limits: { keepAlive: 10_000 } },
    ),
  )

  it.live("are read no further while two of their requests wait", () =>
    Effect.gen(function* () {
      let asked = 0
      yield* withServer(
        (url) =>
          Effect.gen(function* () {
            const client = yield* line(url)
            yield* client.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(10_000))
            assert.strictEqual((yield* ask(url, { path: "/route_spec" })).status, 200)
            assert.isAtLeast(asked, 1)
            assert.isAtMost(asked, 28)
          }).pipe(Effect.scoped),
        {
          change: (script) =>
            (script.heartbeat = Effect.andThen(
              Effect.sync(() => asked++),
              Effect.never,
            )),
        },
      )
    }),
  )
})

describe("when the server is closed", () => {
  const started = Effect.gen(function* () {
    const script = new Script()
    const scope = yield* Scope.make()
    const services = yield* Layer.buildWithScope(serving(script), scope)
    const { url } = yield* Effect.provide(HttpServer, services)
    return { script, url, close: timed(Scope.close(scope, Exit.void)) }
  })

  it.live("it is gone within a second, although clients keep connections open, and cuts requests under way", () =>
    Effect.gen(function* () {
      const { close, script, url } = yield* started
      const agent = new Agent({ keepAlive: true })
      const idle = yield* ask(url, { path: "/healthz", agent })
      assert.strictEqual(idle.status, 200)
      const silent = yield* line(url)
      const halfway = yield* line(url)
      yield* halfway.say("GET /status HTTP/1.1\r\nHost: local")
      const reached = yield* Deferred.make<void>()
      script.heartbeat = Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
      const underWay = yield* line(url)
      yield* underWay.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
      yield* Deferred.await(reached)
      const { took } = yield* close
      assert.isBelow(took, 10_000)
      for (const client of [silent, halfway, underWay]) yield* client.heard
      agent.destroy()
      const again = yield* Effect.flip(ask(url, { path: "/healthz" }))
      assert.include(again.message, "ECONNREFUSED")
    }).pipe(Effect.scoped),
  )

  it.live("a request that can finish within half a second is answered", () =>
    Effect.gen(function* () {
      const { close, script, url } = yield* started
      const reached = yield* Deferred.make<void>()
      script.heartbeat = Effect.andThen(Deferred.succeed(reached, undefined), Effect.sleep(150))
      const [answer, { took }] = yield* Effect.all(
        [ask(url, { path: "/healthz" }), Effect.andThen(Deferred.await(reached), close)],
        { concurrency: "unbounded" },
      )
      assert.strictEqual(answer.status, 200)
      assert.isBelow(took, 5_000)
    }),
  )

  it.live("with nobody there it closes at once", () =>
    Effect.gen(function* () {
      const { close } = yield* started
      assert.isBelow((yield* close).took, 2_000)
    }),
  )
})

describe("a spec that does not come into force", () => {
  it.live("is answered after five seconds, and may come into force yet", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          const { value, took } = yield* timed(
            ask(url, { method: "POST", path: "/route_spec", headers: json, body: "{}" }),
          )
          assert.include(problem(value, 503), "5 seconds")
          assert.isBelow(took, 20_000)
        }),
      { change: (script) => (script.beforeApplied = Effect.never) },
    ),
  )
})
