import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import * as Http from "node:http"
import * as Https from "node:https"
import { createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope, Stream } from "effect"
import { detectionBound, detectorOptions, withTiming } from "../../../src/domain/DetectorOptions.ts"
import type { Verdict } from "../../../src/domain/Health.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import * as HttpProbe from "../../../src/services/health/HttpProbe.ts"
import * as Prober from "../../../src/services/health/Prober.ts"

interface Serving {
  readonly port: number
  /** Connections, the closed ones included. */
  readonly sockets: ReadonlyArray<Socket>
}

/** Has a server listen on an address of loopback, on `port` or any. */
const listening = (server: Server, address: string, port = 0): Effect.Effect<Serving, never, Scope.Scope> => {
  const sockets: Array<Socket> = []
  server.on("connection", (socket: Socket) => {
    sockets.push(socket)
    socket.on("error", () => undefined)
  })
  return Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen(port, address, () => {
        const bound = server.address()
        resume(Effect.succeed(typeof bound === "object" && bound !== null ? bound.port : 0))
      })
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      }),
  ).pipe(Effect.map((bound) => ({ port: bound, sockets })))
}

const timing = withTiming({ ...detectorOptions(), grace: 1_000 }, { interval: 300, timeout: 200 })
const bound = detectionBound(timing)

const check: HttpProbe.HttpCheck = { port: 0, path: "/", statuses: [[200, 399]], tls: undefined, name: undefined }

/** Watches with the real prober; `until` waits for a verdict, and gives why if it is a failure. */
const watching = Effect.fnUntraced(function* (options: Partial<HttpProbe.HttpProbeOptions>, hosts: ReadonlyArray<Ip>) {
  const source = yield* Prober.make(HttpProbe.make({ ...check, timeout: 1_000, ...options }), timing)
  const verdicts = new Map<Ip, Verdict>()
  const waiting = new Set<() => void>()
  yield* source.verdicts.pipe(
    Stream.runForEach((batch) =>
      Effect.sync(() => {
        for (const { host, verdict } of batch) verdicts.set(host, verdict)
        for (const look of waiting) look()
      }),
    ),
    Effect.forkScoped,
  )
  yield* source.watch(new Set(hosts))
  const until = (host: Ip, tag: Verdict["_tag"]) =>
    Effect.callback<string>((resume) => {
      const look = () => {
        const verdict = verdicts.get(host)
        if (verdict?._tag === tag) resume(Effect.succeed(verdict._tag === "Failed" ? verdict.reason : ""))
      }
      waiting.add(look)
      look()
      return Effect.sync(() => waiting.delete(look))
    }).pipe(Effect.timeout("20 seconds"))
  return { until, tagOf: (host: Ip) => verdicts.get(host)?._tag, source }
})

const home = ip("127.0.0.1")

/** A key and a certificate of its own for router.example, and the files gone at the end. */
const certified = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "vpc-router-tls-"))
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")]
    const subject = ["-subj", "/CN=router.example", "-addext", "subjectAltName=DNS:router.example"]
    const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    execFileSync("openssl", ["req", ...kind, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" })
    return { folder, key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") }
  }),
  ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true })),
)

const trusting = (cert: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = getCACertificates("default")
      setDefaultCACertificates([...before, cert])
      return before
    }),
    (before) => Effect.sync(() => setDefaultCACertificates(before)),
  )

describe.concurrent("HTTP checks", () => {
  it.live("find a host healthy that answers well, failed within the bound when it answers 503, and healthy again", () =>
    Effect.gen(function* () {
      let status = 200
      let turnedAt = 0
      const { port } = yield* listening(
        Http.createServer((_, response) => response.writeHead(status).end("as you see")),
        "127.0.0.1",
      )
      const { source, until } = yield* watching({ port }, [home])
      yield* until(home, "Healthy")
      turnedAt = performance.now()
      status = 503
      assert.match(yield* until(home, "Failed"), /^answered 503: no good answer to 3 probes in [\d.]+ s$/)
      // A busy machine may take a little longer.
      assert.isAtMost(performance.now() - turnedAt, bound + 500)
      const [standing] = yield* source.standings ?? Effect.succeed([])
      assert.strictEqual(standing?.bound, bound)
      status = 301
      yield* until(home, "Healthy")
    }),
  )

  it.live("tell each fault of a host by its name, and none of them holds up the check of another", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const { port } = yield* listening(
        Http.createServer((_, response) => response.writeHead(204).end()),
        "127.0.0.1",
      )
      const raw = (host: string, act: (socket: Socket) => void) => listening(createServer(act), host, port)
      const http = (host: string, act: Http.RequestListener) => listening(Http.createServer(act), host, port)
      yield* http("127.0.0.11", ({ url = "" }, response) => {
        asked.push(url)
        response.writeHead(302, { location: "/elsewhere" }).end()
      })
      yield* raw("127.0.0.12", (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n"))
      yield* raw("127.0.0.13", (socket) => socket.once("data", () => socket.destroy()))
      // Accepts, and says nothing.
      yield* raw("127.0.0.14", () => undefined)
      yield* raw("127.0.0.15", (socket) => {
        socket.write("HTTP/1.1 200 OK\r\n")
        const drip = setInterval(() => socket.write("x-drip: drop\r\n"), 20)
        socket.once("close", () => clearInterval(drip))
      })
      yield* raw("127.0.0.16", (socket) => socket.write(`HTTP/1.1 200 OK\r\nx-long: ${"x".repeat(40_000)}\r\n\r\n`))
      const flood = yield* raw("127.0.0.17", (socket) => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        const chunk = Buffer.alloc(16_384)
        const pour = () => {
          if (!socket.destroyed) socket.write(chunk, () => setTimeout(pour, 1))
        }
        pour()
      })
      const hosts = Array.from({ length: 8 }, (_, n) => ip(n === 0 ? "127.0.0.1" : `127.0.0.${10 + n}`))
      const statuses: ReadonlyArray<HttpProbe.StatusRange> = [[200, 299]]
      const { tagOf, until } = yield* watching({ port, statuses }, [...hosts, ip("127.0.0.18")])
      const reasonOf = (last: number) => until(ip(`127.0.0.${last}`), "Failed")
      assert.match(yield* reasonOf(11), /^answered 302: /)
      assert.match(yield* reasonOf(12), /^answered something that is no HTTP \(HPE_\w+\): /)
      assert.match(yield* reasonOf(13), /^closed the connection without an answer: /)
      for (const silent of [14, 15, 18]) assert.match(yield* reasonOf(silent), /^never answered/)
      assert.match(yield* reasonOf(16), /^answered something that is no HTTP \(HPE_HEADER_OVERFLOW\): /)
      yield* until(home, "Healthy")
      yield* until(ip("127.0.0.17"), "Healthy")
      assert.strictEqual(tagOf(home), "Healthy")
      assert.deepStrictEqual([...new Set(asked)], ["/"])
      // Of an answer without an end no more is read than fits.
      for (const { bytesWritten, destroyed } of flood.sockets) if (destroyed) assert.isBelow(bytesWritten, 8_000_000)
      assert.isAtMost(flood.sockets.filter(({ destroyed }) => !destroyed).length, 2)
    }),
  )

  it.live("ask for the path of the name, one connection for each, which is closed with the answer", () =>
    Effect.gen(function* () {
      const seen: Array<Http.IncomingMessage> = []
      const { port, sockets } = yield* listening(
        Http.createServer((request, response) => {
          seen.push(request)
          response.end("fine")
        }),
        "127.0.0.1",
      )
      const { until } = yield* watching({ port, path: "/healthz?full=1", name: "router.example" }, [home])
      yield* until(home, "Healthy")
      yield* Effect.sleep("1500 millis")
      const [first] = seen
      assert.deepStrictEqual(
        [first?.method, first?.url, first?.headers.host, first?.headers.connection],
        ["GET", "/healthz?full=1", `router.example:${port}`, "close"],
      )
      assert.isAtLeast(sockets.length, 4)
      assert.isAtMost(sockets.filter(({ destroyed }) => !destroyed).length, 1)
    }),
  )

  it.live("name an IPv6 host in brackets", () =>
    Effect.gen(function* () {
      const seen: Array<string | undefined> = []
      const { port } = yield* listening(
        Http.createServer(({ headers }, response) => {
          seen.push(headers.host)
          response.end()
        }),
        "::1",
      )
      const { until } = yield* watching({ port }, [ip("::1")])
      yield* until(ip("::1"), "Healthy")
      assert.strictEqual(seen[0], `[::1]:${port}`)
    }),
  )

  it.live("accept by TLS the certificate of the name, any if told so, and say why not", () =>
    Effect.gen(function* () {
      const { cert, key } = yield* certified
      yield* trusting(cert)
      const server = Https.createServer({ cert, key }, (_, response) => response.end())
      server.on("tlsClientError", () => undefined)
      const { port } = yield* listening(server, "127.0.0.1")
      const verify = { tls: { verify: true }, port }
      const named = yield* watching({ ...verify, name: "router.example" }, [home])
      const other = yield* watching({ ...verify, name: "other.example" }, [home])
      const nameless = yield* watching(verify, [home])
      const careless = yield* watching({ tls: { verify: false }, port }, [home])
      const plain = yield* watching({ port }, [home])
      yield* named.until(home, "Healthy")
      yield* careless.until(home, "Healthy")
      assert.match(yield* other.until(home, "Failed"), /^its TLS is not accepted \(ERR_TLS_CERT_ALTNAME_INVALID\): /)
      assert.match(yield* nameless.until(home, "Failed"), /^its TLS is not accepted \(ERR_TLS_CERT_ALTNAME_INVALID\): /)
      assert.match(yield* plain.until(home, "Failed"), /^(closed the connection|answered 400|answered something)/)
    }),
  )

  it.live("do not trust a certificate that nobody vouches for", () =>
    Effect.gen(function* () {
      const { cert, key } = yield* certified
      const server = Https.createServer({ cert, key }, (_, response) => response.end())
      server.on("tlsClientError", () => undefined)
      const { port } = yield* listening(server, "127.0.0.1")
      const { until } = yield* watching({ tls: { verify: true }, name: "router.example", port }, [home])
      assert.match(yield* until(home, "Failed"), /^its TLS is not accepted \(DEPTH_ZERO_SELF_SIGNED_CERT\): /)
    }),
  )

  it.live("never have more requests under way than allowed, and give up on those that hang", () =>
    Effect.gen(function* () {
      const { port, sockets } = yield* listening(
        createServer((socket) => void socket.resume()),
        "127.0.0.1",
      )
      const unsent: Array<string> = []
      const ignored = () => undefined
      const transport = yield* HttpProbe.make({ ...check, port, timeout: 300, concurrency: 5 }).open({
        replied: ignored,
        rejected: ignored,
        died: ignored,
        unsent: (_, __, why) => unsent.push(why),
      })
      const batch = Array.from({ length: 8 }, (_, sequence) => ({ host: home, sequence }))
      yield* transport.send(batch)
      assert.deepStrictEqual(
        unsent,
        Array.from({ length: 3 }, () => "5 requests are under way already"),
      )
      yield* Effect.sleep("700 millis")
      assert.deepStrictEqual(
        sockets.map(({ destroyed }) => destroyed),
        Array.from({ length: 5 }, () => true),
      )
      yield* transport.send(batch)
      assert.strictEqual(unsent.length, 6)
    }),
  )
})
