import { writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpServer } from "../../../src/services/http/HttpServer.ts"
import { ListenError } from "../../../src/services/http/Listen.ts"
import { maxBodyBytes } from "../../../src/services/http/RequestBody.ts"
import { ask, line, problem, read } from "./Ask.ts"
import { Script, serving, withServer } from "./Scripted.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const json = { "content-type": "application/json" }
const spec = `{"10.1.0.0/16": ["10.33.20.93"]}`
const post = (headers: Record<string, string>, body: string | ReadonlyArray<string> = spec) => ({
  method: "POST",
  path: "/route_spec",
  headers,
  body,
})

describe("a body", () => {
  it.live("is refused unless it is said to be plain JSON in UTF-8", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const refused: ReadonlyArray<Record<string, string>> = [
          {},
          { "content-type": "text/plain" },
          { "content-type": "application/x-www-form-urlencoded" },
          { "content-type": "text/plain; application/json" },
          { "content-type": "application/jsonp" },
          { "content-type": "application/json; charset=latin1" },
          { ...json, "content-encoding": "gzip" },
        ]
        for (const headers of refused) problem(yield* ask(url, post(headers)), 415)
        assert.deepStrictEqual(read(yield* ask(url, { path: "/route_spec" })), {})
        const taken = [
          "application/json",
          "APPLICATION/JSON",
          "application/json; charset=utf-8",
          'application/json;charset="UTF-8"',
        ]
        for (const type of taken) {
          assert.strictEqual((yield* ask(url, post({ "content-type": type }))).status, 200, type)
        }
        const confirm = { method: "POST", path: "/held/00c0ffee00c0ffee/confirm" }
        problem(yield* ask(url, { ...confirm, body: "a=b", headers: { "content-type": "text/plain" } }), 415)
      }),
    ),
  )

  it.live("is refused past the limit, by its length and, where none is given, by what comes", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const padded = (bytes: number) => spec + " ".repeat(bytes - spec.length)
        assert.strictEqual((yield* ask(url, post(json, padded(maxBodyBytes)))).status, 200)
        assert.include(problem(yield* ask(url, post(json, padded(maxBodyBytes + 1))), 413), `${maxBodyBytes}`)
        const chunks = (count: number) => Array.from({ length: count }, () => " ".repeat(64 * 1024))
        assert.strictEqual((yield* ask(url, post(json, [spec, ...chunks(15)]))).status, 200)
        problem(yield* ask(url, post(json, [spec, ...chunks(17)])), 413)
      }),
    ),
  )

  it.live("that never ends is cut off soon after it is refused", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const client = yield* line(url)
        yield* client.say(`POST /route_spec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`)
        yield* client.say(`Transfer-Encoding: chunked\r\n\r\n`)
        const kilobyte = `400\r\n${" ".repeat(1024)}\r\n`
        const talk = Effect.andThen(client.say(kilobyte.repeat(64)), Effect.sleep(1)).pipe(Effect.forever)
        const heard = yield* Effect.raceFirst(client.heard, talk).pipe(Effect.timeout("5 seconds"))
        assert.match(heard, /^HTTP\/1\.1 413 /)
      }).pipe(Effect.scoped),
    ),
  )
})

describe("Host and Origin", () => {
  it.live("Host must be a name of this server, with or without a port", () =>
    withServer(
      (url) =>
        Effect.gen(function* () {
          const { port } = new URL(url)
          const names = [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "router.example",
            "10.1.2.3",
          ]
          for (const name of names) {
            for (const host of [name, `${name}:${port}`, `${name}:1`]) {
              assert.strictEqual((yield* ask(url, { path: "/status", headers: { host } })).status, 200, host)
            }
          }
          const foreign = [
            "evil.example",
            "localhost.evil.example",
            "evil.example:33289",
            "127.0.0.2",
            "[::2]",
            "localhost:evil",
            "user@localhost",
            "localhost/",
          ]
          for (const host of foreign) {
            problem(yield* ask(url, { path: "/status", headers: { host } }), 421)
            problem(yield* ask(url, { ...post({ ...json, host }) }), 421)
          }
        }),
      { allowedHosts: ["Router.Example", "10.1.2.3:80"] },
    ),
  )

  it.live("no Host, or two of them, is a bad request; the request target's own counts instead of the header", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const says = (text: string) =>
          Effect.scoped(
            Effect.gen(function* () {
              const client = yield* line(url)
              yield* client.say(text)
              return (yield* client.heard).split("\r\n")[0]
            }),
          )
        const end = "Connection: close\r\n\r\n"
        assert.strictEqual(yield* says(`GET /status HTTP/1.1\r\n${end}`), "HTTP/1.1 400 Bad Request")
        assert.strictEqual(yield* says(`GET /status HTTP/1.1\r\nHost:\r\n${end}`), "HTTP/1.1 421 Misdirected Request")
        assert.strictEqual(
          yield* says(`GET /status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n${end}`),
          "HTTP/1.1 400 Bad Request",
        )
        assert.strictEqual(
          yield* says(`GET http://evil.example/status HTTP/1.1\r\nHost: localhost\r\n${end}`),
          "HTTP/1.1 421 Misdirected Request",
        )
      }),
    ),
  )

  it.live("a page of another origin is refused, whatever it asks", () =>
    withServer((url, script) =>
      Effect.gen(function* () {
        const { host, port } = new URL(url)
        const foreign = [
          "null",
          "http://evil.example",
          `https://${host}`,
          `http://127.0.0.1:1`,
          `http://localhost:${port}`,
        ]
        for (const origin of foreign) {
          problem(yield* ask(url, { path: "/status", headers: { origin } }), 403)
          problem(yield* ask(url, post({ ...json, origin })), 403)
          const confirm = { method: "POST", path: `/held/${script.heldHash}/confirm`, headers: { origin } }
          problem(yield* ask(url, confirm), 403)
        }
        assert.deepStrictEqual(script.confirmed, [])
        assert.strictEqual((yield* ask(url, post({ ...json, origin: url }))).status, 200)
      }),
    ),
  )

  it.live("a page of another site may be a link's origin, but may not write", () =>
    withServer((url) =>
      Effect.gen(function* () {
        for (const site of ["cross-site", "same-site"]) {
          const headers = { ...json, "sec-fetch-site": site }
          problem(yield* ask(url, post(headers)), 403)
          assert.strictEqual((yield* ask(url, { path: "/status", headers })).status, 200)
        }
        for (const site of ["same-origin", "none"]) {
          assert.strictEqual((yield* ask(url, post({ ...json, "sec-fetch-site": site }))).status, 200)
        }
      }),
    ),
  )

  it.live("a browser that asks beforehand gets no leave", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const headers = { origin: "http://evil.example", "access-control-request-method": "POST" }
        const answer = yield* ask(url, { method: "OPTIONS", path: "/route_spec", headers })
        problem(answer, 403)
        assert.isUndefined(answer.headers["access-control-allow-origin"])
      }),
    ),
  )
})

describe("what is no request", () => {
  const said: ReadonlyArray<readonly [string, string, number]> = [
    ["that is not HTTP", "hello\r\n\r\n", 400],
    ["with headers past the limit", `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ["that expects what is not known", "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\n\r\n", 417],
    [
      "with two lengths",
      "POST /route_spec HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
      400,
    ],
  ]
  for (const [name, text, status] of said) {
    it.live(`${name}: a problem with status ${status}, and the end of the connection`, () =>
      withServer((url) =>
        Effect.gen(function* () {
          const client = yield* line(url)
          yield* client.say(text)
          const [head = "", body = ""] = (yield* client.heard).split("\r\n\r\n")
          assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `))
          assert.match(head, /\r\ncontent-type: application\/problem\+json(\r\n|$)/i)
          assert.match(head, /\r\ncache-control: no-store(\r\n|$)/i)
          assert.propertyVal(JSON.parse(body), "status", status)
        }).pipe(Effect.scoped),
      ),
    )
  }

  it.live("an upgrade is not taken up: the request is answered as if it had not been asked for", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const headers = { connection: "upgrade", upgrade: "websocket" }
        assert.strictEqual((yield* ask(url, { path: "/healthz", headers })).status, 200)
      }),
    ),
  )
})

describe("a server that cannot start", () => {
  const start = (options: Parameters<typeof serving>[1]) =>
    Effect.flip(Effect.scoped(Layer.build(serving(new Script(), options))))

  const occupied = Effect.map(
    Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close()),
    ),
    (server) => {
      const address = server.address()
      return typeof address === "object" && address !== null ? address.port : 0
    },
  )

  it.live("says in one line that the port is taken", () =>
    Effect.gen(function* () {
      const port = yield* occupied
      for (const address of ["127.0.0.1", "localhost"]) {
        const error = yield* start({ address, port })
        assert.strictEqual(error._tag, "ListenError")
        assert.match(
          error.message,
          new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: another process has port ${port}[^\n]*$`),
        )
      }
    }).pipe(Effect.scoped),
  )

  it.live("says in one line that the address is not this machine's", () =>
    Effect.gen(function* () {
      const { message } = yield* start({ address: "192.0.2.1" })
      assert.match(message, /^cannot listen on 192\.0\.2\.1:0: 192\.0\.2\.1 is no address of this machine[^\n]*$/)
    }),
  )

  it("has one line for every way in which listening fails", () => {
    const said = (code: string) => new ListenError({ address: "::1", port: 80, code }).message
    assert.match(said("EACCES"), /^cannot listen on \[::1\]:80: this user may not take port 80[^\n]*$/)
    assert.match(said("ENOTFOUND"), /^cannot listen on \[::1\]:80: the name ::1 has no address[^\n]*$/)
    assert.strictEqual(said("EOTHER"), "cannot listen on [::1]:80: EOTHER")
  })

  it.live("says in one line what is wrong with the token file", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = join(folder, "token")
      assert.match((yield* start({ tokenFile: file })).message, /token: no such file$/)
      assert.match((yield* start({ tokenFile: folder })).message, /: this is a directory, not a file$/)
      writeFileSync(file, " \n")
      assert.match((yield* start({ tokenFile: file })).message, /is empty/)
      writeFileSync(file, "two words\n")
      assert.match((yield* start({ tokenFile: file })).message, /holds no bearer token/)
    }),
  )

  it.live("localhost is both loopback addresses, on one port", () =>
    Effect.gen(function* () {
      const { bound } = yield* HttpServer
      assert.deepStrictEqual(
        bound.map(({ address }) => address),
        ["127.0.0.1", "::1"],
      )
      for (const { address, port } of bound) {
        const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}`
        assert.strictEqual((yield* ask(url, { path: "/healthz" })).status, 200)
      }
    }).pipe(Effect.provide(serving(new Script(), { address: "localhost" }))),
  )
})
