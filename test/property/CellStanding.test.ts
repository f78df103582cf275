import { assert, describe, it } from "@effect/vitest"
import { cellStanding } from "../../src/domain/CellStanding.ts"
import { overview } from "../../src/domain/Overview.ts"
import { ip } from "../../src/domain/Ip.ts"
import { HostStanding } from "../../src/domain/HostStanding.ts"
import { later, worldOf } from "../support/domain/Deciding.ts"
import { destination, small, type SmallScene } from "../support/domain/Small.ts"

/** How the destination's cell in each table is shown. */
const shown = (row: string, change: Partial<SmallScene> = {}): ReadonlyArray<string> => {
  const scene = small({
    spec: { [destination]: "ab" },
    health: { b: "healthy" },
    routes: { [destination]: row },
    ...change,
  })
  const { others, rows } = overview(worldOf(scene), later)
  return [...rows.shown, ...others.shown].flatMap(({ cells }) => cells.map(({ standing }) => standing))
}

describe("a cell, at a glance", () => {
  it("of a host that may take routes is healthy; else it says what the host is like", () => {
    assert.deepStrictEqual(shown("b"), ["healthy"])
    assert.deepStrictEqual(shown("a", { health: { a: "unknown", b: "healthy" } }), ["unproven"])
    assert.deepStrictEqual(shown("a", { health: { a: "unwatched", b: "healthy" } }), ["unproven"])
    assert.deepStrictEqual(shown("a", { health: { a: "drained", b: "healthy" } }), ["drained"])
    assert.deepStrictEqual(shown("a", { health: { a: "failed", b: "healthy" } }), ["failed"])
  })

  it("is a blackhole wherever EC2 says so, whatever its host is like", () => {
    assert.deepStrictEqual(shown("b!"), ["blackhole"])
    assert.deepStrictEqual(shown("x!"), ["blackhole"])
  })

  it("that leads to none of the spec's hosts is a stray, and one that nobody asks for is unlisted", () => {
    assert.deepStrictEqual(shown("c x"), ["stray", "stray"])
    assert.deepStrictEqual(shown("a", { spec: {} }), ["unlisted"])
    assert.deepStrictEqual(shown("a", { spec: { [destination]: "" } }), ["unlisted"])
    assert.deepStrictEqual(shown("a!", { spec: {} }), ["unlisted"])
  })

  it("of somebody else is foreign, asked for or not", () => {
    assert.deepStrictEqual(shown("igw-1"), ["foreign"])
    assert.deepStrictEqual(shown("igw-1 a", { spec: {} }), ["foreign", "unlisted"])
  })

  it("with nothing in it is missing if the spec asks for a route, else empty", () => {
    assert.deepStrictEqual(shown("b -"), ["healthy", "missing"])
    assert.deepStrictEqual(shown("b -", { spec: {} }), ["unlisted", "empty"])
    const able = (host: ReturnType<typeof ip>) =>
      HostStanding.Keeping({ host, interfaceId: undefined, why: "", absent: false })
    assert.deepStrictEqual(
      [undefined, [], [ip("10.0.0.1")]].map((hosts) => cellStanding(undefined, hosts, able)),
      ["empty", "empty", "missing"],
    )
  })
})
