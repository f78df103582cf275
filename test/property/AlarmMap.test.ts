import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { decodeAlarmMap } from "../../src/domain/AlarmMap.ts"
import { ip } from "../../src/domain/Ip.ts"
import { runs } from "../support/domain/Runs.ts"

const faultsOf = (text: string) =>
  Result.match(decodeAlarmMap(text), {
    onSuccess: () => [],
    onFailure: (faults) => faults.map(({ message, path }) => `${path}: ${message}`),
  })

describe("the file that says which hosts alarms are for", () => {
  it("names a host, or a list of them; addresses become canonical, and each counts once", () => {
    const text = `{"router-a": "10.33.20.93", "zone b": ["2001:DB8::0:1", "10.33.30.22", "10.33.30.22"]}`
    assert.deepStrictEqual(
      Result.getOrThrow(decodeAlarmMap(text)),
      new Map([
        ["router-a", [ip("10.33.20.93")]],
        ["zone b", [ip("10.33.30.22"), ip("2001:db8::1")]],
      ]),
    )
    assert.strictEqual(Result.getOrThrow(decodeAlarmMap("{}")).size, 0)
  })

  it("all faults are told at once, each with its place", () => {
    const text = `{
      "a": "10.33.20.300",
      "b": ["10.33.20.93", 7, "10.33.20.0/24"],
      "c": [],
      "d": {"host": "10.33.20.93"},
      "": "10.33.20.93",
      "a": "10.33.20.93"
    }`
    const faults = faultsOf(text)
    assert.deepStrictEqual(
      faults.map((fault) => fault.split(":")[0]),
      [`$["a"]`, `$["b"][1]`, `$["b"][2]`, `$["c"]`, `$["d"]`, `$[""]`, `$["a"]`],
    )
    assert.include(faults[1], "got the number 7")
    assert.include(faults[2], "without a prefix length")
    assert.include(faults[6], "the same alarm twice: line 2, column 7, and line 7, column 7")
  })

  it("a text that is no JSON, or another shape, is one fault", () => {
    for (const text of ["", "alarms", "[]", `"a"`, `{"a": "10.0.0.1",}`]) assert.lengthOf(faultsOf(text), 1, text)
  })

  it("a thousand faults are told in a hundred lines", () => {
    const text = JSON.stringify(
      Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`alarm ${index}`, index])),
    )
    const faults = faultsOf(text)
    assert.lengthOf(faults, 101)
    assert.include(faults[100], "and 900 more")
  })

  it("whatever is in it, there is a map or there are faults", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.dictionary(fc.string(), fc.oneof(fc.ipV4(), fc.array(fc.ipV6()))).map((given) => JSON.stringify(given)),
        ),
        (text) => {
          const read = decodeAlarmMap(text)
          if (Result.isFailure(read)) assert.isAbove(read.failure.length, 0)
          else for (const hosts of read.success.values()) assert.isAbove(hosts.length, 0)
        },
      ),
      runs(500),
    )
  })
})
