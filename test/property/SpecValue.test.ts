import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { decodeRouteSpec } from "../../src/domain/DecodeRouteSpec.ts"
import { decodeSpecValue } from "../../src/domain/DecodeSpecValue.ts"

const aDestination = fc.constantFrom(
  "10.66.17.0/24",
  "10.66.17.9/24",
  "fd00::/64",
  "10.0.0.0/40",
  "nowhere",
  "10.66.17.0",
)
const aHost = fc.constantFrom<unknown>("10.33.20.93", "10.33.30.22", "fd00::1", "127.0.0.1", "host", 7, null, true)
const anObject = fc.dictionary(
  aDestination,
  fc.oneof(fc.array(aHost, { maxLength: 4 }), fc.constantFrom("10.33.20.93", 3)),
)

describe("a spec that foreign code made", () => {
  it("is read as the same spec in JSON: both are accepted, or both are faulty", () => {
    fc.assert(
      fc.property(anObject, (object) => {
        const value = decodeSpecValue(new Map(Object.entries(object)))
        const text = decodeRouteSpec(JSON.stringify(object))
        assert.strictEqual(Result.isSuccess(value), Result.isSuccess(text))
        if (Result.isSuccess(value) && Result.isSuccess(text)) assert.deepStrictEqual(value.success, text.success)
        if (Result.isFailure(value) && Result.isFailure(text))
          assert.deepStrictEqual(
            value.failure.map(({ path }) => path),
            text.failure.map(({ path }) => path),
          )
      }),
      { numRuns: 500 },
    )
  })

  it("whatever it is, is a spec or has faults with words", () => {
    fc.assert(
      fc.property(fc.anything({ withMap: true, withSet: true, withNullPrototype: true }), (value) => {
        const read = decodeSpecValue(value)
        if (Result.isSuccess(read)) assert.instanceOf(value, Map)
        else assert.isTrue(read.failure.length > 0 && read.failure.every(({ message }) => message !== ""))
      }),
      { numRuns: 1_000 },
    )
  })

  it("that throws when it is looked at has a fault", () => {
    class Hostile extends Map<string, ReadonlyArray<string>> {
      override [Symbol.iterator](): never {
        throw new Error("keep out")
      }
    }
    const read = decodeSpecValue(new Hostile())
    assert.isTrue(Result.isFailure(read) && read.failure[0]?.message.includes("keep out"))
  })

  it("has the limits of every spec", () => {
    const many = new Map(Array.from({ length: 10_001 }, (_, n) => [`10.${n >> 8}.${n & 255}.0/24`, []]))
    const wide = new Map([["10.0.0.0/8", Array.from({ length: 1_000_000 }, () => "10.33.20.93")]])
    for (const [value, words] of [
      [many, "at most 10000 destinations, got 10001"],
      [wide, "at most 256 hosts"],
    ] as const) {
      const read = decodeSpecValue(value)
      assert.isTrue(Result.isFailure(read) && read.failure.some(({ message }) => message.includes(words)))
    }
  })
})
