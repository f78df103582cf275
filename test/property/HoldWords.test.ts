import { assert, describe, it } from "@effect/vitest"
import { afterCutOffWords, HoldReason, holdWords } from "../../src/domain/Hold.ts"
import { hostAt } from "../support/domain/Small.ts"

const [a, b, c] = [hostAt("a"), hostAt("b"), hostAt("c")]
const hash = "00c0ffee00c0ffee"
const many = Array.from({ length: 12 }, () => a)

describe("what is said of held failures", () => {
  const waiting = (limit: number, ...hosts: ReadonlyArray<typeof a>) =>
    holdWords(HoldReason.FailoverLimit({ hash, hosts, limit }))

  it("that wait for the failover limit is right for one host, and for several", () => {
    assert.strictEqual(
      waiting(1, a),
      `${a} waits: 1 host was failed over within a minute; confirm ${hash} to fail it over at once`,
    )
    assert.strictEqual(
      waiting(3, a, b, c),
      `${a}, ${b}, ${c} wait: 3 hosts were failed over within a minute; confirm ${hash} to fail them over at once`,
    )
    assert.include(waiting(3, ...many), " and 4 more wait: ")
  })

  it("that were reached while nobody was heard is right for one host, and for several", () => {
    assert.strictEqual(
      afterCutOffWords([a], hash),
      `${a} failed while nobody was heard, and has a moment to answer; confirm ${hash} to fail it over at once`,
    )
    assert.strictEqual(
      afterCutOffWords([a, b], hash),
      `${a}, ${b} failed while nobody was heard, and have a moment to answer; confirm ${hash} to fail them over at once`,
    )
    assert.include(afterCutOffWords(many, hash), " and 4 more failed ")
  })
})
