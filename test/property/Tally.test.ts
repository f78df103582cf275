import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { cidr } from "../../src/domain/Cidr.ts"
import { heldOf } from "../../src/domain/Decide.ts"
import { Verdict } from "../../src/domain/Health.ts"
import { ip } from "../../src/domain/Ip.ts"
import { defaultPolicy } from "../../src/domain/Policy.ts"
import { tally } from "../../src/domain/Tally.ts"
import { empty } from "../../src/domain/World.ts"
import { later, worldOf } from "../support/domain/Deciding.ts"
import { anyScene, type Scene } from "../support/domain/Scenes.ts"
import { fullStatus } from "../support/domain/FullStatus.ts"
import { routeTo, uniformVpc } from "../support/domain/UniformVpc.ts"

const span = (length: number): ReadonlyArray<number> => Array.from({ length }, (_, n) => n)

/** 1,000 destinations in 50 tables, all carried by the first of 500 hosts, which has failed. */
const large = (): Scene => {
  const hosts = span(500).map((n) => ip(`10.0.${n >> 8}.${n & 255}`))
  const ranges = span(1_000).map((n) => cidr(`100.${n >> 8}.${n & 255}.0/24`))
  return {
    spec: new Map(ranges.map((range) => [range, hosts.slice(0, 2)])),
    health: new Map(
      hosts.map((host, n) => [
        host,
        n === 0 ? Verdict.Failed({ since: 0, reason: "x" }) : Verdict.Healthy({ since: 0 }),
      ]),
    ),
    vpc: uniformVpc({
      cidrs: [cidr("10.0.0.0/8")],
      tables: 50,
      routes: ranges.map((range) => routeTo(range, 0)),
      hosts,
    }),
    policy: defaultPolicy,
    drained: new Set(),
  }
}

describe("the world in numbers", () => {
  it("agrees with the status in full, in every scene", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const world = worldOf(scene)
        const counted = tally(world, later)
        const { hosts, spec, tables } = fullStatus(world, later)
        assert.strictEqual(counted.cidrs, spec?.size)
        assert.strictEqual(counted.tables, tables.length)
        assert.strictEqual(counted.owned, tables.flatMap(({ cells }) => cells.filter(({ owned }) => owned)).length)
        for (const tag of ["Unknown", "Healthy", "Failed", "Unwatched"] as const)
          assert.strictEqual(counted.hosts[tag], hosts.filter(({ verdict }) => verdict._tag === tag).length)
        const able = new Set(hosts.flatMap(({ able, host }) => (able ? [host] : [])))
        const lists = [...scene.spec.values()].map((named) => ({ named, able: named.filter((host) => able.has(host)) }))
        const count = (holds: (one: (typeof lists)[number]) => boolean) => lists.filter(holds).length
        assert.strictEqual(
          counted.cidrsWithoutHost,
          count(({ able, named }) => named.length > 0 && able.length === 0),
        )
        assert.strictEqual(
          counted.cidrsWithoutAlternative,
          count(({ able, named }) => named.length > 1 && able.length < 2),
        )
        const held = new Map<string, number>()
        for (const { reason } of heldOf(world)) held.set(reason._tag, (held.get(reason._tag) ?? 0) + 1)
        assert.deepStrictEqual([...counted.held].sort(), [...held].sort())
      }),
      { numRuns: 300 },
    )
  })

  it("counts a route as lost when its interface carries a failed host of its CIDR, and no able one", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const world = worldOf(scene)
        const { hosts, tables } = fullStatus(world, later)
        const at = (named: ReadonlyArray<string>, interfaceId: string | undefined) =>
          hosts.filter((one) => named.includes(one.host) && one.interfaceId === interfaceId)
        const lost = tables.flatMap(({ cells }) =>
          cells.filter(({ cidr, interfaceId, owned }) => {
            const there = interfaceId === undefined ? [] : at(scene.spec.get(cidr) ?? [], interfaceId)
            return (
              owned &&
              there.length > 0 &&
              there.every(({ why }) => why !== undefined && why !== "is drained") &&
              there.every(
                ({ verdict, why }) => verdict._tag === "Failed" || /instance is|does not answer/.test(why ?? ""),
              )
            )
          }),
        )
        // Where a drained or unproven host shares the interface, only the tally knows which of them the route is for.
        const shared = tables.flatMap(({ cells }) =>
          cells.filter(({ cidr, interfaceId }) => at(scene.spec.get(cidr) ?? [], interfaceId).length > 1),
        )
        const counted = tally(world, later).cellsOnFailedHosts
        assert.isAtLeast(counted, lost.length)
        assert.isAtMost(counted, lost.length + shared.length)
      }),
      { numRuns: 300 },
    )
  })

  it("is nothing before there is a spec and a reading", () => {
    const nothing = tally(empty(), 0)
    assert.deepInclude(nothing, { isProtecting: false, cidrs: 0, tables: 0, owned: 0, cellsOnFailedHosts: 0 })
  })

  it("counts 50,000 routes that are all on a failed host", () => {
    const world = worldOf(large())
    assert.strictEqual(tally(world, later).cellsOnFailedHosts, 50_000)
  })
})
