import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { checksum, decodeReply, type Echo, encodeRequest, sameCookie } from "../../../src/services/health/IcmpPacket.ts"

const anyEcho: fc.Arbitrary<Echo> = fc.record({
  identifier: fc.integer({ min: 0, max: 0xffff }),
  sequence: fc.integer({ min: 0, max: 0xffff }),
  cookie: fc.uint8Array({ minLength: 8, maxLength: 8 }),
})

/** What a host makes of a request: RFC 792 and RFC 4443 only change the type, and the checksum with it. */
const answer = (family: 4 | 6, request: Uint8Array, optionWords = 0): Uint8Array => {
  const reply = request.slice()
  reply[0] = family === 4 ? 0 : 129
  reply[2] = 0
  reply[3] = 0
  if (family === 6) return reply
  const sum = checksum(reply)
  reply[2] = sum >> 8
  reply[3] = sum & 0xff
  const header = new Uint8Array(20 + 4 * optionWords)
  header[0] = 0x45 + optionWords
  header[9] = 1
  return Uint8Array.from([...header, ...reply])
}

describe("ICMP packets", () => {
  it("bring identifier, sequence and cookie back, also behind IP options", () => {
    fc.assert(
      fc.property(
        anyEcho,
        fc.constantFrom(4 as const, 6 as const),
        fc.integer({ min: 0, max: 10 }),
        (echo, family, words) => {
          const decoded = decodeReply(family, answer(family, encodeRequest(family, echo), words))
          assert.strictEqual(decoded?.identifier, echo.identifier)
          assert.strictEqual(decoded?.sequence, echo.sequence)
          assert.isTrue(decoded !== undefined && sameCookie(decoded.cookie, echo.cookie))
        },
      ),
    )
  })

  it("are the bytes that RFC 792 asks for", () => {
    const cookie = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])
    const bytes = encodeRequest(4, { identifier: 0x1234, sequence: 0x0102, cookie })
    assert.deepStrictEqual([...bytes], [8, 0, 0xd4, 0xb5, 0x12, 0x34, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  it("with a flipped bit are no IPv4 replies, since the checksum does not hold", () => {
    fc.assert(
      fc.property(anyEcho, fc.integer({ min: 0, max: 16 * 8 - 1 }), (echo, bit) => {
        const packet = answer(4, encodeRequest(4, echo))
        const place = 20 + (bit >> 3)
        packet[place] = (packet[place] ?? 0) ^ (1 << (bit & 7))
        assert.isUndefined(decodeReply(4, packet))
      }),
    )
  })

  it("that are requests, cut short or garbage are no replies, and break nothing", () => {
    fc.assert(
      fc.property(
        anyEcho,
        fc.uint8Array({ maxLength: 64 }),
        fc.integer({ min: 0, max: 35 }),
        (echo, garbage, length) => {
          for (const family of [4, 6] as const) {
            assert.isUndefined(decodeReply(family, encodeRequest(family, echo)))
            const reply = answer(family, encodeRequest(family, echo))
            assert.isUndefined(decodeReply(family, reply.subarray(0, Math.min(length, reply.length - 1))))
            decodeReply(family, garbage)
          }
        },
      ),
    )
  })

  it("with another cookie are told apart", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        (one, other) => {
          assert.strictEqual(sameCookie(one, other), Buffer.compare(one, other) === 0)
        },
      ),
    )
  })
})
