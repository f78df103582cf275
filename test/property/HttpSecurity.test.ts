import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as fc from "fast-check"
import { makeGate, type Visitor } from "../../src/services/http/ApiSecurity.ts"
import { hostOf, isSameOrigin, nameOf } from "../../src/services/http/Authority.ts"
import { bearerOf, isSameToken } from "../../src/services/http/BearerToken.ts"
import { isLoopback, isWildcard } from "../../src/services/http/Peer.ts"

const token = "0123456789abcdef"
const addresses = fc.oneof(fc.ipV4(), fc.ipV6())
const port = fc.integer({ min: 0, max: 65_535 })
/** As a URL writes it: IPv6 in brackets. */
const bracketed = (address: string): string => (address.includes(":") ? `[${address}]` : address)

const remote = fc.oneof(
  addresses,
  fc.constantFrom(
    "127.0.0.1",
    "127.255.255.255",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "10.0.0.1",
    "fe80::1%eth0",
  ),
)
const maybe = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined })

/** Visitors that mostly have something in their favour, so that some get in. */
const visitors: fc.Arbitrary<Visitor> = fc.record({
  method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"),
  headers: fc.record({
    host: maybe(
      fc.oneof({ weight: 4, arbitrary: fc.constantFrom("localhost", "localhost:33289") }, fc.domain(), fc.string()),
    ),
    origin: maybe(fc.constantFrom("http://localhost", "http://localhost:33289", "null", "http://evil.example")),
    "sec-fetch-site": maybe(fc.constantFrom("same-origin", "none", "same-site", "cross-site", "")),
    authorization: maybe(
      fc.oneof(fc.constantFrom(`Bearer ${token}`, `bearer  ${token}`, "Bearer", token), fc.string()),
    ),
    "x-forwarded-for": maybe(fc.constantFrom("127.0.0.1", "::1")),
    forwarded: maybe(fc.constant("for=127.0.0.1;host=localhost")),
    "content-type": maybe(fc.constantFrom("application/json", "text/plain")),
    "content-length": maybe(fc.constantFrom("0", "2", "99999999")),
  }),
  localAddress: fc.constantFrom("127.0.0.1", "10.0.0.9", "::ffff:10.0.0.9", undefined),
  remoteAddress: maybe(remote),
})

const letsIn = (options: { readonly withToken: boolean }, visitor: Visitor): boolean => {
  const gate = makeGate({
    address: "0.0.0.0",
    allowedHosts: [],
    checkToken: options.withToken ? (given) => Effect.succeed(isSameToken(given, token)) : undefined,
    allowUnauthenticatedWrites: false,
  })
  return Result.isSuccess(Effect.runSync(Effect.result(gate(visitor))))
}

/** The same question asked in another way: of the numbers of an address, not of its text. */
const isLocal = (address: string | undefined): boolean =>
  address !== undefined && /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/.test(address)

describe("the gate of the HTTP server", () => {
  it("lets no write from another machine in without exactly the token, and none at all where there is no token", () => {
    let entered = 0
    fc.assert(
      fc.property(visitors, fc.boolean(), (visitor, withToken) => {
        if (!letsIn({ withToken }, visitor)) return
        entered++
        const reads = visitor.method === "GET" || visitor.method === "HEAD"
        const hasToken = /^bearer +0123456789abcdef$/i.test(visitor.headers["authorization"] ?? "")
        assert.isTrue(reads || isLocal(visitor.remoteAddress) || (withToken && hasToken))
      }),
      { numRuns: 2_000 },
    )
    assert.isAbove(entered, 50)
  })

  it("lets nobody in who calls it by a foreign name or comes from a foreign page", () => {
    fc.assert(
      fc.property(visitors, fc.boolean(), (visitor, withToken) => {
        if (!letsIn({ withToken }, visitor)) return
        const { host, origin } = visitor.headers
        assert.include(["localhost", "localhost:33289", "127.0.0.1", "10.0.0.9"], host)
        assert.isTrue(origin === undefined || origin === `http://${host}`)
      }),
      { numRuns: 2_000 },
    )
  })

  it("lets no write from another site's page in, and no body that is not JSON", () => {
    fc.assert(
      fc.property(visitors, (visitor) => {
        if (visitor.method === "GET" || visitor.method === "HEAD" || !letsIn({ withToken: true }, visitor)) return
        const {
          "content-length": length = "0",
          "content-type": type,
          "sec-fetch-site": site = "none",
        } = visitor.headers
        assert.include(["same-origin", "none"], site)
        assert.isTrue(length === "0" || (length === "2" && type === "application/json"))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe("addresses and names", () => {
  it("an address is loopback whatever way it is written, and no other is", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        assert.strictEqual(isLoopback(address), address.startsWith("127."))
        assert.strictEqual(isLoopback(`::ffff:${address}`), address.startsWith("127."))
      }),
    )
    for (const address of ["::1", "0:0:0:0:0:0:0:1", "::ffff:7f00:1"]) assert.isTrue(isLoopback(address), address)
    for (const address of [undefined, "", "localhost", "::", "0.0.0.0", "::2", "::127.0.0.1", "127.0.0.1.example"]) {
      assert.isFalse(isLoopback(address), address)
    }
  })

  it("the port of a Host is left out, and an address means the same in every spelling", () => {
    fc.assert(
      fc.property(addresses, maybe(port), (address, number) => {
        const host = hostOf(`${bracketed(address)}${number === undefined ? "" : `:${number}`}`)
        assert.isDefined(host)
        assert.strictEqual(host, nameOf(address))
        assert.strictEqual(host, nameOf(bracketed(address)))
        assert.strictEqual(host, hostOf(bracketed(address).toUpperCase()))
      }),
    )
    fc.assert(
      fc.property(fc.domain(), maybe(port), (name, number) => {
        assert.strictEqual(hostOf(`${name}${number === undefined ? "" : `:${number}`}`), name.toLowerCase())
      }),
    )
  })

  it("what is no Host has no name", () => {
    const none = [
      "",
      ":80",
      "a:b",
      "a:1:2",
      "a b",
      "user@localhost",
      "localhost/",
      "localhost?",
      "[::1",
      "::1]",
      "[localhost]",
      "a:123456",
    ]
    for (const text of none) assert.isUndefined(hostOf(text), text)
  })

  it("only 0.0.0.0 and :: stand for every address", () => {
    for (const address of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0"])
      assert.isTrue(isWildcard(address), address)
    fc.assert(
      fc.property(addresses, (address) => {
        assert.strictEqual(isWildcard(address), /^[0.:]+$/.test(address) && !/[1-9a-f]/i.test(address))
      }),
    )
  })

  it("a page is of the same origin only by scheme http, the same name and the same port", () => {
    fc.assert(
      fc.property(fc.domain(), maybe(port), fc.domain(), maybe(port), (name, number, other, otherNumber) => {
        const authority = (text: string, at: number | undefined) => (at === undefined ? text : `${text}:${at}`)
        // A browser leaves out the default port.
        const origin = (text: string, at: number | undefined) => `http://${authority(text, at === 80 ? undefined : at)}`
        assert.isTrue(isSameOrigin(origin(name, number), authority(name, number)))
        assert.isFalse(isSameOrigin(origin(name, number).replace("http", "https"), authority(name, number)))
        const same = name.toLowerCase() === other.toLowerCase() && (number ?? 80) === (otherNumber ?? 80)
        assert.strictEqual(isSameOrigin(origin(other, otherNumber), authority(name, number)), same)
      }),
    )
  })
})

describe("bearer tokens", () => {
  it("are the same only if their texts are", () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => assert.strictEqual(isSameToken(a, b), a === b)))
    fc.assert(fc.property(fc.string(), (a) => assert.isTrue(isSameToken(a, a))))
  })

  it("are read from the header whole or not at all", () => {
    const tokens = fc.stringMatching(/^[A-Za-z0-9\-._~+/]+={0,2}$/)
    fc.assert(fc.property(tokens, (text) => assert.strictEqual(bearerOf(`Bearer ${text}`), text)))
    for (const header of [
      "",
      "Bearer",
      "Bearer ",
      "Basic abc",
      "Bearer a b",
      "Bearer a,Bearer b",
      "xBearer a",
      "Bearer\ta",
    ]) {
      assert.isUndefined(bearerOf(header), header)
    }
  })
})
