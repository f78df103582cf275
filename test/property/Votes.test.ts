import { assert, describe, it } from "@effect/vitest"
import { outcome } from "../support/domain/Outcomes.ts"
import { destination } from "../support/domain/Small.ts"

const listed = { [destination]: "ab" }
const routes = (row: string) => ({ [destination]: row })

describe("what the tables say of the current host", () => {
  it("active routes count before blackholes: no table is moved onto a blackhole", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "healthy", b: "healthy" }, routes: routes("a! a! b") }),
      "failover:b failover:b -",
    )
  })

  it("of blackholes the more count: they may come back to life where they are", () => {
    const health = { a: "healthy", b: "healthy" } as const
    assert.strictEqual(
      outcome({ spec: listed, health, routes: routes("a! b! b!") }),
      "failover:b held:Blackhole held:Blackhole",
    )
    assert.strictEqual(
      outcome({ spec: listed, health, routes: routes("b! a! a!") }),
      "failover:a held:Blackhole held:Blackhole",
    )
  })

  it("after a restart the first host to answer pulls no route off those that have not answered yet", () => {
    const spec = { [destination]: "abc" }
    assert.strictEqual(
      outcome({ spec, health: { b: "healthy" }, routes: routes("a a b c x -") }),
      "held:Unproven held:Unproven - held:Unproven held:InterfaceUnseen held:Unproven",
    )
    assert.strictEqual(
      outcome({ spec, health: { b: "healthy" }, routes: routes("a d") }),
      "held:Unproven held:Unproven",
    )
  })

  it("as many tables as name a host that has not answered yet are not enough to take more", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "unknown", b: "healthy" }, routes: routes("a b -") }),
      "held:Unproven - held:Unproven",
    )
  })

  it("a host that has not answered and that no table names stands in the way of nothing", () => {
    const words = outcome({
      spec: { [destination]: "abc" },
      health: { a: "healthy", b: "healthy", c: "unknown" },
      routes: routes("a b"),
    })
    assert.include(["- repair:a", "repair:b -"], words)
  })

  it("but it takes over what is lost", () => {
    assert.strictEqual(
      outcome({ spec: { [destination]: "abc" }, health: { b: "healthy", c: "failed" }, routes: routes("a a c d!") }),
      "held:Unproven held:Unproven failover:b failover:b",
    )
  })

  it("and what it takes over counts: a minority that is not proven yet holds nothing up", () => {
    assert.strictEqual(
      outcome({ spec: { [destination]: "abc" }, health: { b: "healthy", c: "failed" }, routes: routes("a c c! - d") }),
      "held:Unproven failover:b failover:b create:b repair:b",
    )
  })

  it("and its own blackholes, which are not written again, do not", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { b: "healthy" }, routes: routes("b! b! a -") }),
      "held:Blackhole held:Blackhole held:Unproven held:Unproven",
    )
  })

  it("a blackhole of a drained host is as urgent as any", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "drained", b: "healthy" }, routes: routes("a! a") }),
      "failover:b repair:b",
    )
  })
})
