import { assert, describe, it } from "@effect/vitest"
import { type Ip, ip } from "../../src/domain/Ip.ts"
import { Silences } from "../../src/services/health/Silences.ts"

const host = (n: number): Ip => ip(`10.0.${n >> 8}.${n & 255}`)

/** So many of `of` hosts fall silent, one after another. */
const falling = (count: number, of: number): Silences => {
  const silences = new Silences()
  for (let n = 0; n < count; n++) silences.note(host(n), 1_000 + n, of)
  return silences
}

describe("hosts that miss probes", () => {
  it("are nobody's business while they are few", () => {
    assert.isUndefined(falling(1, 2).told(host(0)))
    assert.isUndefined(falling(1, 40).told(host(0)))
    assert.isUndefined(falling(19, 1_000).told(host(0)))
  })

  it("are all told of when they are two, or two in a hundred, the earlier ones, too", () => {
    const silences = falling(1, 3)
    assert.deepStrictEqual(silences.note(host(1), 2_000, 3), [host(0), host(1)])
    assert.strictEqual(silences.told(host(0)), 1_000)
    assert.strictEqual(falling(20, 1_000).told(host(0)), 1_000)
  })

  it("are not told of any more when they answer, nor when few are left of a crowd", () => {
    const few = falling(2, 3)
    assert.deepStrictEqual(few.note(host(0), undefined, 3), [host(0)])
    assert.isUndefined(few.told(host(0)))
    assert.isDefined(few.told(host(1)))
    assert.deepStrictEqual(few.note(host(1), undefined, 3), [host(1)])
    const many = falling(200, 10_000)
    let said: ReadonlyArray<Ip> = []
    for (let n = 0; n < 101; n++) said = many.note(host(n), undefined, 10_000)
    assert.strictEqual(said.length, 100)
    assert.isUndefined(many.told(host(150)))
  })

  it("are told of to the last while the others fail, and not after it", () => {
    const silences = falling(3, 4)
    silences.failed(host(0))
    silences.failed(host(1))
    assert.strictEqual(silences.told(host(2)), 1_002)
    silences.failed(host(2))
    silences.note(host(3), 2_000, 4)
    assert.isUndefined(silences.told(host(3)))
  })

  it("are a crowd when they are one of up to 50, or two in a hundred", () => {
    assert.isFalse(falling(0, 50).isCrowd(50))
    assert.isTrue(falling(1, 50).isCrowd(50))
    assert.isFalse(falling(1, 51).isCrowd(51))
    assert.isFalse(falling(19, 1_000).isCrowd(1_000))
    assert.isTrue(falling(20, 1_000).isCrowd(1_000))
  })
})
