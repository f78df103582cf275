import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readArguments } from "./Arguments.ts"

const read = (...given: ReadonlyArray<string>) => readArguments(given)
const wrong = (...given: ReadonlyArray<string>): string => {
  const result = read(...given)
  assert(Result.isFailure(result), `${given.join(" ")} was taken`)
  return result.failure
}

describe("what npm run simulate is asked for", () => {
  it("is one seed for one day, if nothing is said", () => {
    const asked = Result.getOrThrow(read())
    assert.deepInclude(asked, { seed: 0, seeds: 1, isTraced: false, shrinks: true, stopsAtFirst: false })
    assert.strictEqual(asked?.play.days, 1)
    assert.strictEqual(Result.getOrThrow(read("--help")), undefined)
  })

  it("plays at least one seed for some time, or says why not: nothing played is no promise kept", () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
      [["--seeds", "0"], '--seeds: expected a whole number from 1 to 1000000000, got "0"'],
      [["--seeds", "1.5"], '--seeds: expected a whole number from 1 to 1000000000, got "1.5"'],
      [["--seed", "9007199254740992"], '--seed: expected a whole number from 0 to 4294967295, got "9007199254740992"'],
      [["--seed", ""], '--seed: expected a whole number from 0 to 4294967295, got ""'],
      [["--seed", "0x10"], '--seed: expected a whole number from 0 to 4294967295, got "0x10"'],
      [["--seed", "-1"], '--seed: expected a whole number from 0 to 4294967295, got "-1"'],
      [["--days", "0"], '--days: expected a number of days above 0, up to 10000, got "0"'],
      [["--days", "-1"], '--days: expected a number of days above 0, up to 10000, got "-1"'],
      [["--days", "Infinity"], '--days: expected a number of days above 0, up to 10000, got "Infinity"'],
      [["--hosts", "0"], '--hosts: expected a whole number from 1 to 240, got "0"'],
      [["--tables", "201"], '--tables: expected a whole number from 1 to 200, got "201"'],
      [["--cidrs", "1000000"], '--cidrs: expected a whole number from 1 to 256, got "1000000"'],
    ]
    for (const [given, words] of cases) {
      assert.strictEqual(wrong(...given), words)
      const [name = "", value = ""] = given
      assert.strictEqual(wrong(`${name}=${value}`), words)
    }
  })

  it("is told in a sentence when it is not known, too", () => {
    assert.include(wrong("--bogus"), "Unknown option '--bogus'")
    assert.include(wrong("--seed"), "--seed")
    assert.include(wrong("12"), "Unexpected argument '12'")
    assert.strictEqual(wrong("--seed", "1", "--seed=2"), "--seed: expected once")
  })

  it("takes the largest VPC that it says it can", () => {
    const asked = Result.getOrThrow(read("--hosts", "240", "--tables=200", "--cidrs", "256"))
    assert.deepStrictEqual(asked?.play.size, { hosts: 240, tables: 200, cidrs: 256 })
  })
})
