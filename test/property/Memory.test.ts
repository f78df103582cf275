import { assert, describe, it } from "@effect/vitest"
import { HashMap } from "effect"
import fc from "fast-check"
import { cellKey } from "../../src/domain/Action.ts"
import type { Cidr } from "../../src/domain/Cidr.ts"
import { decide, heldOf, pendingOf } from "../../src/domain/Decide.ts"
import { apply } from "../../src/domain/Apply.ts"
import { hostsOf } from "../../src/domain/RouteSpec.ts"
import type { World } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { anyHistory, live } from "../support/domain/History.ts"
import { strangers } from "../support/domain/Pools.ts"
import { runs } from "../support/domain/Runs.ts"

const minute = 60_000

const cellCount = (cells: Iterable<readonly [Cidr, ReadonlyMap<unknown, unknown>]>): number =>
  [...cells].reduce((sum, [, row]) => sum + row.size, 0)

/** The world after hours in which nothing happens but readings that show the same. */
const quiet = (start: World, from: number, hours: number): World => {
  let world = start
  for (let now = from + minute; now <= from + hours * 60 * minute; now += 5 * minute) {
    const vpc = world.reading?.index.vpc
    if (vpc === undefined) return world
    const dirty = new Set<Cidr>()
    for (const event of [WorldEvent.VpcRead({ vpc, readAt: now }), WorldEvent.TimeCame({ at: now })]) {
      const [next, changed] = apply(world, event)
      world = next
      for (const range of changed) dirty.add(range)
    }
    world = decide(world, dirty, now).world
  }
  return world
}

describe("what the world remembers", () => {
  it("is, after three quiet hours, what the spec, the hosts and the tables are: no writes and no refusals", () => {
    fc.assert(
      fc.property(anyHistory(30), (history) => {
        let last = 0
        const before = live(history, (_, now) => {
          last = now
        })
        const world = quiet(before, last, 3)
        const { writes, obstacles, refusedInterfaces, confirmed } = world
        assert.deepStrictEqual([cellCount(writes), cellCount(obstacles), refusedInterfaces.size], [0, 0, 0])
        const { confirmed: confirmedFailures, damped, failing, flaps, velocity } = world.guards
        const failed = new Set([...world.health].flatMap(([host, { _tag }]) => (_tag === "Failed" ? [host] : [])))
        assert.deepStrictEqual([flaps.size, damped.size], [0, 0])
        for (const host of [...failing.keys(), ...confirmedFailures.keys()]) assert.isTrue(failed.has(host), host)
        for (const { host } of velocity.admitted) assert.isTrue(world.cidrsOf.has(host), host)
        // What the operator confirmed is remembered only while it is still to be done.
        const waiting = heldOf(world).flatMap(({ table, cidr }) => (table === undefined ? [] : [{ table, cidr }]))
        const due = new Set([...pendingOf(world), ...waiting].map(cellKey))
        for (const deletion of confirmed.values()) assert.isTrue(due.has(cellKey(deletion)), cellKey(deletion))
      }),
      runs(100),
    )
  })

  it("never grows past what the spec and the tables name", () => {
    fc.assert(
      fc.property(anyHistory(30), (history) => {
        live(history, ({ world }, _, event) => {
          if (event?._tag !== "VpcRead" || world.reading?.readAt !== event.readAt || world.spec === undefined) return
          const hosts = hostsOf(world.spec)
          const ranges = new Set<Cidr>([
            ...world.spec.keys(),
            ...(world.reading?.index.byCidr.keys() ?? []),
            ...HashMap.keys(world.writes),
          ])
          for (const range of world.named) assert.isTrue(ranges.has(range), "named")
          for (const range of HashMap.keys(world.decisions)) assert.isTrue(ranges.has(range), "decisions")
          for (const host of [...HashMap.keys(world.health), ...world.sightings.keys(), ...world.cidrsOf.keys()])
            assert.isTrue(hosts.has(host))
          assert.isAtMost(world.highWater.length, 61)
          const { anchors, failing, withheld } = world.guards
          assert.isAtMost(anchors.size, strangers.length)
          for (const host of withheld.keys()) assert.isTrue(failing.has(host), host)
        })
      }),
      runs(100),
    )
  })
})
