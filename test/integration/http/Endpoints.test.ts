import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { HeldDeletionsJson } from "../../../src/services/http/ControlPlane.ts"
import { StatusJson } from "../../../src/services/http/StatusJson.ts"
import { ask, problem, read, readAs } from "./Ask.ts"
import { someStatus, withServer } from "./Scripted.ts"

const json = { "content-type": "application/json" }
const post = (path: string, body = "", headers: Record<string, string> = json) => ({
  method: "POST",
  path,
  body,
  headers,
})

const Accepted = Schema.Struct({
  accepted: Schema.Boolean,
  cidrs: Schema.Int,
  hosts: Schema.Int,
  warnings: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String })),
  decided: Schema.Boolean,
  held: Schema.NullOr(HeldDeletionsJson),
})
const Rejected = Schema.Struct({
  problems: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String })),
})
const Index = Schema.Struct({ links: Schema.Record(Schema.String, Schema.String) })
const Document = Schema.Struct({
  openapi: Schema.String,
  info: Schema.Struct({ version: Schema.String }),
  paths: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown)),
})
const Hosts = Schema.Struct({ hosts: Schema.Array(Schema.Struct({ answers: Schema.Boolean })) })

describe("what the HTTP server shows", () => {
  it.live("the status is what the control plane says, by the schema that the API document shows", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const answer = yield* ask(url, { path: "/status" })
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers["content-type"], "application/json")
        assert.deepStrictEqual(readAs(StatusJson, answer), someStatus)
      }),
    ),
  )

  it.live("every answer forbids caching, guessing and embedding, and no answer has a CORS header", () =>
    withServer((url) =>
      Effect.gen(function* () {
        for (const path of ["/", "/status", "/nothing"]) {
          const { headers } = yield* ask(url, { path, headers: { origin: url } })
          assert.strictEqual(headers["cache-control"], "no-store")
          assert.strictEqual(headers["x-content-type-options"], "nosniff")
          assert.strictEqual(headers["cross-origin-resource-policy"], "same-origin")
          assert.deepStrictEqual(
            Object.keys(headers).filter((name) => name.startsWith("access-control")),
            [],
          )
        }
      }),
    ),
  )

  it.live("is alive while the loop comes round, and not when it does not within two seconds", () =>
    withServer((url, script) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(read(yield* ask(url, { path: "/healthz" })), { alive: true })
        script.heartbeat = Effect.never
        const detail = problem(yield* ask(url, { path: "/healthz" }), 503)
        assert.include(detail, "2 seconds")
      }),
    ),
  )

  it.live("is ready once EC2 has been read, without waiting for a spec, and says why when it is not", () =>
    withServer((url, script) =>
      Effect.gen(function* () {
        script.unready = Option.some("EC2 has not been read yet: UnauthorizedOperation: no")
        assert.include(problem(yield* ask(url, { path: "/readyz" }), 503), "UnauthorizedOperation")
        script.unready = Option.none()
        assert.deepStrictEqual(read(yield* ask(url, { path: "/readyz" })), { ready: true })
      }),
    ),
  )

  it.live("HEAD is answered as GET, without a body", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const { status, text } = yield* ask(url, { method: "HEAD", path: "/status" })
        assert.deepStrictEqual({ status, text }, { status: 200, text: "" })
      }),
    ),
  )

  it.live("an unknown path is 404, and a known one with the wrong method 405 with Allow", () =>
    withServer((url) =>
      Effect.gen(function* () {
        problem(yield* ask(url, { path: "/statuses" }), 404)
        problem(yield* ask(url, { path: "/held/%zz/confirm" }), 404)
        problem(yield* ask(url, { path: `/held/${"a".repeat(5_000)}/confirm`, method: "POST" }), 404)
        const allow: ReadonlyArray<readonly [string, string, string]> = [
          ["POST", "/status", "GET, HEAD"],
          ["DELETE", "/route_spec", "GET, HEAD, POST"],
          ["PROPFIND", "/route_spec", "GET, HEAD, POST"],
          ["OPTIONS", "/route_spec", "GET, HEAD, POST"],
          ["GET", "/held/00c0ffee00c0ffee/confirm", "POST"],
          ["GET", "/simulation/hosts/10.33.20.93/fail", "POST"],
        ]
        for (const [method, path, expected] of allow) {
          const answer = yield* ask(url, { method, path })
          problem(answer, 405)
          assert.strictEqual(answer.headers["allow"], expected, `${method} ${path}`)
        }
      }),
    ),
  )

  it.live("a fault of our own is a problem that says nothing of its cause", () =>
    withServer((url, script) =>
      Effect.gen(function* () {
        script.status = Effect.die(new Error("secret"))
        const answer = yield* ask(url, { path: "/status" })
        problem(answer, 500)
        assert.notInclude(answer.text, "secret")
      }),
    ),
  )

  it.live("GET / and the API document list every endpoint, and each of them is served", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const expected = [
          "GET /",
          "GET /events",
          "GET /healthz",
          "GET /metrics",
          "GET /openapi.json",
          "GET /readyz",
          "GET /route_spec",
          "GET /simulation",
          "GET /status",
          "POST /drain/{ip}",
          "POST /held/{hash}/confirm",
          "POST /route_spec",
          "POST /simulation/hosts/{ip}/fail",
          "POST /simulation/hosts/{ip}/heal",
          "POST /undrain/{ip}",
        ]
        const index = readAs(Index, yield* ask(url))
        assert.deepStrictEqual(Object.keys(index.links).sort(), expected)
        for (const words of Object.values(index.links)) assert.isNotEmpty(words)
        const document = readAs(Document, yield* ask(url, { path: "/openapi.json" }))
        assert.strictEqual(document.info.version, someStatus.version)
        const described = Object.entries(document.paths).flatMap(([path, methods]) =>
          Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
        )
        assert.deepStrictEqual(described.sort(), expected)
        for (const endpoint of described) {
          const [method, path] = endpoint.split(" ")
          // Events have no end; whether they are served, their head says.
          const answer = yield* ask(url, { method: path === "/events" ? "HEAD" : method!, path: path! })
          assert.notInclude(answer.text, "there is nothing here", endpoint)
          assert.notStrictEqual(answer.status, 405, endpoint)
        }
      }),
    ),
  )
})

describe("what the HTTP server takes", () => {
  it.live("a posted spec is in force when the answer comes, and what was mended is told", () =>
    withServer((url) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(read(yield* ask(url, { path: "/route_spec" })), {})
        const spec = { "10.66.17.5/24": ["10.33.30.22", "10.33.20.93"], "10.66.18.0/24": [] }
        const answer = yield* ask(url, post("/route_spec", JSON.stringify(spec)))
        assert.strictEqual(answer.status, 200)
        const accepted = readAs(Accepted, answer)
        assert.deepStrictEqual(
          { ...accepted, warnings: accepted.warnings.map(({ path }) => path) },
          {
            accepted: true,
            cidrs: 2,
            hosts: 2,
            warnings: ['$["10.66.17.5/24"]'],
            decided: true,
            held: null,
          },
        )
        assert.deepStrictEqual(read(yield* ask(url, { path: "/route_spec" })), {
          "10.66.17.0/24": ["10.33.20.93", "10.33.30.22"],
          "10.66.18.0/24": [],
        })
      }),
    ),
  )

  it.live("the answer to a spec says what of it is held, and how to let it happen", () =>
    withServer((url, script) =>
      Effect.gen(function* () {
        const confirm = `POST /held/${script.heldHash}/confirm`
        const held = { hash: script.heldHash, why: "the spec is empty", deletions: 8, confirm }
        script.decided = { decided: true, held }
        const answer = yield* ask(url, post("/route_spec", "{}"))
        assert.deepInclude(readAs(Accepted, answer), { accepted: true, decided: true, held })
      }),
    ),
  )

  it.live("a spec with faults changes nothing, and all its faults come back with their places", () =>
    withServer((url) =>
      Effect.gen(function* () {
        yield* ask(url, post("/route_spec", `{"10.1.0.0/16": ["10.33.20.93"]}`))
        const answer = yield* ask(url, post("/route_spec", `{"nonsense": [], "10.2.0.0/16": "10.33.20.93"}`))
        problem(answer, 400)
        const { problems } = readAs(Rejected, answer)
        assert.deepStrictEqual(
          problems.map(({ path }) => path),
          ['$["nonsense"]', '$["10.2.0.0/16"]'],
        )
        assert.deepStrictEqual(read(yield* ask(url, { path: "/route_spec" })), { "10.1.0.0/16": ["10.33.20.93"] })
      }),
    ),
  )

  it.live("what JSON.parse would swallow or choke on is refused: repeated keys, __proto__, depth, bad UTF-8", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const bodies = [
          `{"10.1.0.0/16": ["10.33.20.93"], "10.1.0.0/16": []}`,
          `{"__proto__": {"10.1.0.0/16": ["10.33.20.93"]}}`,
          `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
          `{"10.1.0.0/16": ["10.33.20.93"]`,
          "",
        ]
        for (const body of bodies) problem(yield* ask(url, post("/route_spec", body)), 400)
        const latin1 = Buffer.from(`{"\xe9": []}`, "latin1")
        const answer = yield* ask(url, { method: "POST", path: "/route_spec", body: latin1, headers: json })
        assert.include(problem(answer, 400), "UTF-8")
        assert.deepStrictEqual(read(yield* ask(url, { path: "/route_spec" })), {})
      }),
    ),
  )

  it.live("where the spec comes from elsewhere, posting one is a conflict that names the mode", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          assert.include(problem(yield* ask(url, post("/route_spec", "{}")), 409), "configfile")
        }),
      { change: (script) => (script.mode = "configfile") },
    ),
  )

  it.live("confirms held deletions by their hash, and knows no other hash", () =>
    withServer((url, script) =>
      Effect.gen(function* () {
        problem(yield* ask(url, { method: "POST", path: "/held/0000000000000000/confirm" }), 404)
        assert.deepStrictEqual(script.confirmed, [])
        const answer = yield* ask(url, { method: "POST", path: `/held/${script.heldHash}/confirm` })
        assert.deepStrictEqual(read(answer), { confirmed: true, hash: script.heldHash })
        assert.deepStrictEqual(script.confirmed, [script.heldHash])
      }),
    ),
  )

  it.live("drains and undrains a host of the spec, and nothing else", () =>
    withServer((url, script) =>
      Effect.gen(function* () {
        problem(yield* ask(url, { method: "POST", path: "/drain/10.33.99.99" }), 404)
        problem(yield* ask(url, { method: "POST", path: "/drain/router-1" }), 400)
        assert.deepStrictEqual(script.drained, [])
        const answer = yield* ask(url, { method: "POST", path: "/drain/10.33.20.93" })
        assert.deepStrictEqual(read(answer), { ip: "10.33.20.93", drained: true })
        yield* ask(url, { method: "POST", path: "/undrain/10.33.20.93" })
        assert.deepStrictEqual(script.drained, ["drain 10.33.20.93", "undrain 10.33.20.93"])
      }),
    ),
  )

  it.live("a simulated host is failed and healed by its address", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const answering = Effect.map(ask(url, { path: "/simulation" }), (answer) =>
          readAs(Hosts, answer).hosts.map(({ answers }) => answers),
        )
        const steer = (host: string, what: string) =>
          ask(url, { method: "POST", path: `/simulation/hosts/${host}/${what}` })
        assert.deepStrictEqual(read(yield* steer("10.33.20.93", "fail")), { ip: "10.33.20.93", answers: false })
        assert.deepStrictEqual(yield* answering, [false])
        assert.deepStrictEqual(read(yield* steer("10.33.20.93", "heal")), { ip: "10.33.20.93", answers: true })
        assert.deepStrictEqual(yield* answering, [true])
        problem(yield* steer("10.33.20.94", "fail"), 404)
        problem(yield* steer("not-an-address", "fail"), 400)
      }),
    ),
  )

  it.live("a real VPC has no simulation to steer, and the document does not speak of one", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          problem(yield* ask(url, { path: "/simulation" }), 404)
          assert.notInclude((yield* ask(url, { path: "/openapi.json" })).text, "/simulation")
        }),
      { change: (script) => (script.isSimulated = false) },
    ),
  )
})
