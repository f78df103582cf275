import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { defaultGuards, massWindow } from "../../src/domain/GuardPolicy.ts"
import type { Millis } from "../../src/domain/Health.ts"
import { ip } from "../../src/domain/Ip.ts"
import { massAfter, massEndsAt, type Witness } from "../../src/domain/MassFailure.ts"
import { runs } from "../support/domain/Runs.ts"

const { settle } = defaultGuards

describe("many failures together", () => {
  const witness = (n: number, state: Witness["state"], zone: string | undefined): Witness => ({
    host: ip(`10.0.0.${n}`),
    state,
    zone,
    since: 0,
  })
  const anyWitnesses = fc
    .array(
      fc.tuple(
        fc.constantFrom<Witness["state"]>("failed", "silent", "answering"),
        fc.constantFrom("a", "b", undefined),
      ),
      { maxLength: 12 },
    )
    .map((list) => list.map(([state, zone], n) => witness(n + 1, state, zone)))

  /** Hosts `f`ailed, `s`ilent or `a`nswering, and their zones: `fa s- ab`, the second in a zone that nobody knows. */
  const inWords = (words: string): ReadonlyArray<Witness> =>
    words.split(" ").map((word, n) => {
      const state = word.startsWith("f") ? "failed" : word.startsWith("s") ? "silent" : "answering"
      return witness(n + 1, state, word.endsWith("-") ? undefined : word.slice(1))
    })
  const isHeld = (words: string): boolean => massAfter(undefined, inWords(words), 2 / 3, settle, 0) !== undefined

  it("are acted upon where they are one whole zone, however many hosts it has, while another zone is heard", () => {
    assert.isFalse(isHeld("fa fa fa ab"))
    assert.isFalse(isHeld("fa sa fa fa fa aa ab"))
    // Only in the other zone somebody is heard, not everybody.
    assert.isFalse(isHeld("fa fa fa fa fa aa ab"))
  })

  it("are held where it may as well be this monitor that hears nobody", () => {
    assert.isTrue(isHeld("fa fa fa aa"), "the same zone is heard, and no other")
    assert.isTrue(isHeld("fa fa fa a-"), "whoever is heard may be in that zone")
    assert.isTrue(isHeld("f- f- f- ab"), "who failed may be in that zone")
    assert.isTrue(isHeld("fa fb fa ac"), "two zones failed")
    assert.isTrue(isHeld("fa sb fa ac"), "another zone misses probes, too")
    assert.isTrue(isHeld("fa f- fa ac"), "another zone may have failed, too")
    assert.isTrue(isHeld("fa fa fa"), "nobody is heard")
    const mass = massAfter(undefined, inWords("fa fa fa sb"), 2 / 3, settle, 0)
    assert.isTrue(mass?.isCertain, "who misses probes is not heard, either")
  })

  it("are more than two thirds of at least three hosts, unless they are one zone and another answers", () => {
    fc.assert(
      fc.property(anyWitnesses, (witnesses) => {
        const lost = witnesses.filter(({ state }) => state !== "answering")
        const zones = new Set(lost.map(({ zone }) => zone ?? "?"))
        const [zone] = zones
        const others = witnesses.some((one) => one.state === "answering" && one.zone !== undefined && one.zone !== zone)
        const isOneZone = zones.size === 1 && zone !== "?" && others
        const expected =
          witnesses.length >= 3 &&
          3 * lost.length > 2 * witnesses.length &&
          lost.some(({ state }) => state === "failed") &&
          !isOneZone
        assert.strictEqual(massAfter(undefined, witnesses, 2 / 3, settle, 0) !== undefined, expected)
        const mass = massAfter(
          undefined,
          [1, 2, 3].map((n) => witness(n, "failed", undefined)),
          2 / 3,
          settle,
          0,
        )
        assert.isUndefined(massAfter(mass, witnesses, undefined, settle, 0), "switched off")
      }),
      runs(500),
    )
  })

  it("are told in figures, under a hash that stands for exactly these failures, in whatever order they come", () => {
    const at = (n: number, since: Millis): Witness => ({ ...witness(n, "failed", undefined), since })
    const some = [at(2, 70), at(1, 60), witness(3, "silent", undefined), witness(4, "answering", undefined)]
    const mass = massAfter(undefined, some, 2 / 3, settle, 100)
    assert.deepInclude(mass, { since: 100, failed: 3, of: 4, isCertain: false, calmSince: undefined })
    assert.deepStrictEqual([...mass!.hosts], [...new Map([at(1, 60), at(2, 70)].map((one) => [one.host, one.since]))])
    const again = massAfter(mass, some.toReversed(), 2 / 3, settle, 200)
    assert.deepStrictEqual(again, mass)
    const later = massAfter(mass, [at(2, 71), ...some.slice(1)], 2 / 3, settle, 200)
    assert.notStrictEqual(later?.hash, mass?.hash)
    assert.isUndefined(massEndsAt(mass!))
  })

  it("that are different never have one hash, though read one after the other they look alike", () => {
    const failures = (...some: ReadonlyArray<readonly [host: string, since: Millis]>) =>
      massAfter(
        undefined,
        some.map(([host, since]) => ({ ...witness(1, "failed", undefined), host: ip(host), since })),
        2 / 3,
        settle,
        100,
      )?.hash
    const one = failures(["10.0.0.1", 6], ["13.0.0.1", 7], ["9.0.0.1", 8])
    const other = failures(["10.0.0.1", 61], ["3.0.0.1", 7], ["9.0.0.1", 8])
    assert.match(one ?? "", /^[0-9a-f]{16}$/)
    assert.notStrictEqual(one, other)
  })

  it("end ten seconds after they are few enough; if more fail meanwhile, these begin anew", () => {
    const down = (count: number) => [1, 2, 3, 4].map((n) => witness(n, n <= count ? "failed" : "answering", undefined))
    const mass = massAfter(undefined, down(3), 2 / 3, settle, 0)
    const calm = massAfter(mass, down(2), 2 / 3, settle, 1_000)!
    assert.strictEqual(massEndsAt(calm), 1_000 + massWindow)
    assert.strictEqual(massEndsAt(massAfter(calm, down(1), 2 / 3, settle, 5_000)!), 1_000 + massWindow)
    const anew = massAfter(calm, down(4), 2 / 3, settle, 6_000)!
    assert.isUndefined(massEndsAt(anew))
    assert.strictEqual(massEndsAt(massAfter(anew, down(2), 2 / 3, settle, 7_000)!), 7_000 + massWindow)
    assert.isUndefined(massAfter(calm, down(0), 2 / 3, settle, 5_000))
  })

  it("hold every failure there is, and let go in the time to answer when hosts merely missed a probe, else ten seconds later", () => {
    const four = (states: ReadonlyArray<Witness["state"]>) => states.map((state, n) => witness(n + 1, state, undefined))
    const missed = massAfter(undefined, four(["failed", "silent", "silent", "answering"]), 2 / 3, settle, 0)
    assert.deepStrictEqual([...(missed?.hosts.keys() ?? [])], ["10.0.0.1"])
    const one = four(["failed", "answering", "answering", "answering"])
    const answered = massAfter(missed, one, 2 / 3, settle, 100)
    assert.strictEqual(massEndsAt(answered!), 100 + settle)
    assert.isDefined(massAfter(answered, one, 2 / 3, settle, 100 + settle - 1))
    assert.isUndefined(massAfter(answered, one, 2 / 3, settle, 100 + settle))
    const certain = massAfter(missed, four(["failed", "failed", "failed", "answering"]), 2 / 3, settle, 200)
    const calm = massAfter(certain, four(["failed", "failed", "answering", "answering"]), 2 / 3, settle, 1_000)
    assert.strictEqual(calm?.hosts.size, 2)
    const rest = four(["failed", "failed", "answering", "answering"])
    assert.isDefined(massAfter(calm, rest, 2 / 3, settle, 1_000 + massWindow - 1))
    assert.isUndefined(massAfter(calm, rest, 2 / 3, settle, 1_000 + massWindow))
  })
})
