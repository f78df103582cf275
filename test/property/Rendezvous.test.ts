import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Cidr, cidr } from "../../src/domain/Cidr.ts"
import { type Ip, ip } from "../../src/domain/Ip.ts"
import { score } from "../../src/domain/Rendezvous.ts"
import { stableHex, stableNumber } from "../../src/domain/StableHash.ts"
import { highest } from "../support/domain/Highest.ts"
import { runs } from "../support/domain/Runs.ts"

/** Ranges and hosts as networks number them: one after another. */
const ranges = (count: number, second: number): ReadonlyArray<Cidr> =>
  Array.from({ length: count }, (_, i) => cidr(`10.${second + (i >> 8)}.${i & 255}.0/24`))
const someHosts = (count: number, first: number): ReadonlyArray<Ip> =>
  Array.from({ length: count }, (_, i) => ip(`10.33.${first}.${i + 4}`))

const anyNetwork = fc.record({
  ranges: fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 40, max: 200 })).map(([n, at]) => ranges(n, at)),
  hosts: fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 255 })).map(([n, at]) => someHosts(n, at)),
})

describe("the choice of host by hash", () => {
  it("moves, when a host goes, only that host's CIDRs", () => {
    fc.assert(
      fc.property(anyNetwork, fc.nat(), ({ ranges, hosts }, choice) => {
        const gone = hosts[choice % hosts.length]
        const left = hosts.filter((host) => host !== gone)
        for (const range of ranges) {
          const before = highest(range, hosts)
          assert.strictEqual(highest(range, left), before === gone ? highest(range, left) : before)
          assert.notStrictEqual(highest(range, left), gone)
        }
      }),
      runs(200),
    )
  })

  it("moves, when a host comes, only CIDRs to that host", () => {
    fc.assert(
      fc.property(anyNetwork, ({ ranges, hosts }) => {
        const fresh = ip("10.44.0.1")
        for (const range of ranges) assert.include([highest(range, hosts), fresh], highest(range, [...hosts, fresh]))
      }),
      runs(200),
    )
  })

  it("does not depend on the order in which the hosts are listed", () => {
    fc.assert(
      fc.property(anyNetwork, ({ ranges, hosts }) => {
        for (const range of ranges) assert.strictEqual(highest(range, hosts.toReversed()), highest(range, hosts))
      }),
      runs(100),
    )
  })

  it("spreads CIDRs over hosts like chance does: no share is further off than chance allows", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 10 }),
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 40, max: 200 }),
        (count, first, second) => {
          const all = ranges(1_000, second)
          const hosts = someHosts(count, first)
          const shares = new Map(hosts.map((host) => [host, 0]))
          for (const range of all) {
            const host = highest(range, hosts)!
            shares.set(host, shares.get(host)! + 1)
          }
          const mean = all.length / count
          const deviation = Math.sqrt(mean * (1 - 1 / count))
          for (const share of shares.values()) assert.isBelow(Math.abs(share - mean), 4.5 * deviation)
        },
      ),
      runs(60),
    )
  })

  it("spreads a dead host's CIDRs over all who stay", () => {
    const hosts = someHosts(5, 20)
    const moved = new Map<Ip, number>()
    for (const range of ranges(2_000, 100)) {
      if (highest(range, hosts) !== hosts[2]) continue
      const next = highest(
        range,
        hosts.filter((host) => host !== hosts[2]),
      )!
      moved.set(next, (moved.get(next) ?? 0) + 1)
    }
    assert.strictEqual(moved.size, 4)
    // Some 400 CIDRs over four hosts: a hundred each, and a deviation of nine.
    for (const count of moved.values()) assert.isTrue(count > 60 && count < 140, `${count}`)
  })

  it("gives no host none, and one host all", () => {
    assert.isUndefined(highest(cidr("10.0.0.0/8"), []))
    assert.strictEqual(highest(cidr("10.0.0.0/8"), [ip("10.33.0.4")]), "10.33.0.4")
  })
})

describe("the stable hash", () => {
  it("is the same in every version: routes stay where they are over an upgrade", () => {
    assert.strictEqual(stableHex("vpc-router"), "f1fd1c1335efb5da")
    assert.strictEqual(score(cidr("10.66.17.0/24"), ip("10.33.20.93")), 2_826_290_378_699_505)
  })

  it("is an exact whole number below 2^53", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const number = stableNumber(text)
        assert.isTrue(Number.isSafeInteger(number) && number >= 0)
      }),
      runs(1_000),
    )
  })

  it("is sixteen hexadecimal digits, and differs for different texts", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        assert.match(stableHex(one), /^[0-9a-f]{16}$/)
        assert.strictEqual(stableHex(one) === stableHex(other), one === other)
      }),
      runs(1_000),
    )
  })
})
