import { assert, describe, it } from "@effect/vitest"
import { type Hush, hushAfter } from "../../src/domain/Hush.ts"
import { ip } from "../../src/domain/Ip.ts"
import type { Witness } from "../../src/domain/MassFailure.ts"

const states = { a: "answering", s: "silent", f: "failed" } as const

/** Hosts that `a`nswer, are `s`ilent or have `f`ailed: `aasf`. All are in one zone. */
const inWords = (words: string): ReadonlyArray<Witness> =>
  [...words].map((letter, n) => ({
    host: ip(`10.0.0.${n + 1}`),
    zone: "a",
    state: letter === "a" ? states.a : letter === "s" ? states.s : states.f,
    since: 0,
  }))

const now = 5_000
const hush = (words: string, before?: Hush): Hush | undefined => hushAfter(before, inWords(words), 2 / 3, now)

describe("that hosts miss probes at the same moment", () => {
  it("is seen when they are more than two thirds of three or more, or both of two", () => {
    for (const words of ["ss", "sss", "sssa", "sssssssaaa"]) assert.deepStrictEqual(hush(words), { from: now }, words)
    for (const words of ["", "s", "a", "sa", "aa", "ssa", "ssaa", "ssssaa"]) assert.isUndefined(hush(words), words)
  })

  it("is seen although some of them have failed already, and not where all of them have", () => {
    for (const words of ["sf", "sff", "sffa", "fffsa"]) assert.deepStrictEqual(hush(words), { from: now }, words)
    for (const words of ["ff", "fff", "fffa"]) assert.isUndefined(hush(words), words)
  })

  it("goes on, since it began, while they fail one by one, and is over when enough answer", () => {
    const before = { from: 1_000 }
    for (const words of ["ss", "sf", "ff", "sssa", "fffa"]) assert.deepStrictEqual(hush(words, before), before, words)
    for (const words of ["", "s", "fa", "sa", "ffa", "aaa"]) assert.isUndefined(hush(words, before), words)
  })

  it("is no matter of the way to them where they are one zone, and another one is heard", () => {
    const zones = (...list: ReadonlyArray<string>) => inWords("sssa").map((one, n) => ({ ...one, zone: list[n] }))
    assert.isUndefined(hushAfter(undefined, zones("a", "a", "a", "b"), 2 / 3, now))
    assert.deepStrictEqual(hushAfter(undefined, zones("a", "b", "a", "b"), 2 / 3, now), { from: now })
  })
})
