import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { compareText } from "../../src/domain/Action.ts"
import { cellStandings } from "../../src/domain/CellStanding.ts"
import { type Excerpt, excerpt } from "../../src/domain/Excerpt.ts"
import { type Overview, overview, type OverviewLimits } from "../../src/domain/Overview.ts"
import { later, worldOf } from "../support/domain/Deciding.ts"
import { anyHistory, live } from "../support/domain/History.ts"
import { runs } from "../support/domain/Runs.ts"
import { anyScene } from "../support/domain/Scenes.ts"
import { fullStatus } from "../support/domain/FullStatus.ts"

const roomForAll: OverviewLimits = { tables: 1e6, cells: 1e9, hosts: 1e6, held: 1e6, pending: 1e6 }

const anyLimits: fc.Arbitrary<OverviewLimits> = fc.record({
  tables: fc.integer({ min: 1, max: 4 }),
  cells: fc.integer({ min: 1, max: 12 }),
  hosts: fc.integer({ min: 1, max: 5 }),
  held: fc.integer({ min: 0, max: 4 }),
  pending: fc.integer({ min: 0, max: 4 }),
})

const size = ({ leftOut, shown }: Excerpt<unknown>): number => shown.length + leftOut

/** Every cell with something in it, as `table cidr target`. */
const cellsIn = ({ others, rows, tables }: Overview): ReadonlyArray<string> =>
  [...rows.shown, ...others.shown]
    .flatMap(({ cells, cidr }) =>
      cells.flatMap(({ status }, i) =>
        status === undefined ? [] : [`${tables.shown[i]?.id} ${cidr} ${status.target}`],
      ),
    )
    .sort(compareText)

describe("the overview", () => {
  it("with room for everything says what the status says, after any history", () => {
    fc.assert(
      fc.property(anyHistory(15), (history) => {
        live(history, ({ world }, now) => {
          const status = fullStatus(world, now)
          const seen = overview(world, now, roomForAll)
          assert.deepStrictEqual(seen.held.shown, status.held)
          assert.deepStrictEqual(seen.pending.shown, status.pending)
          assert.deepStrictEqual(
            seen.hosts.shown.filter(({ host }) => world.cidrsOf.has(host)),
            status.hosts,
          )
          assert.deepStrictEqual(
            seen.tables.shown.map(({ id, main }) => ({ id, main })),
            status.tables.map(({ id, main }) => ({ id, main })),
          )
          assert.deepStrictEqual(
            cellsIn(seen),
            status.tables
              .flatMap(({ cells, id }) => cells.map(({ cidr, target }) => `${id} ${cidr} ${target}`))
              .sort(compareText),
          )
          assert.strictEqual(
            seen.counts.failedHosts,
            status.hosts.filter(({ verdict }) => verdict._tag === "Failed").length,
          )
          for (const part of [seen.held, seen.pending, seen.hosts, seen.tables, seen.rows, seen.others])
            assert.strictEqual(part.leftOut, 0)
        })
      }),
      runs(120),
    )
  })

  it("with little room keeps to it, counts what it leaves out, and leaves out what is fine first", () => {
    fc.assert(
      fc.property(anyScene, anyLimits, (scene, limits) => {
        const world = worldOf(scene)
        const whole = overview(world, later, roomForAll)
        const seen = overview(world, later, limits)
        assert.isAtMost(seen.tables.shown.length, limits.tables)
        assert.isAtMost(seen.rows.shown.length * seen.tables.shown.length, limits.cells)
        assert.isAtMost(seen.others.shown.length * seen.tables.shown.length, limits.cells)
        assert.isAtMost(seen.hosts.shown.length, limits.hosts)
        for (const part of ["tables", "rows", "others", "hosts", "held", "pending"] as const)
          assert.strictEqual(size(seen[part]), size(whole[part]), part)
        assert.deepStrictEqual(seen.counts, whole.counts)
        const isShown = new Set(seen.rows.shown.map(({ cidr }) => cidr))
        const isFine = (cidr: string) =>
          !whole.pending.shown.some((action) => action.cidr === cidr) &&
          !whole.held.shown.some((held) => held.cidr === cidr) &&
          whole.rows.shown.find((row) => row.cidr === cidr)?.cells.every(({ standing }) => standing !== "failed") ===
            true
        const leftOut = whole.rows.shown.filter(({ cidr }) => !isShown.has(cidr))
        // A failed host's CIDRs come before the rest, whether it carries them or not.
        const failed = new Set<string>(
          whole.hosts.shown.flatMap(({ host, verdict }) => (verdict._tag === "Failed" ? [host] : [])),
        )
        const mayBeFailed = ({ hosts = [] }: { readonly hosts: ReadonlyArray<string> | undefined }) =>
          hosts.some((host) => failed.has(host))
        if (leftOut.some(({ cidr }) => !isFine(cidr)))
          for (const row of seen.rows.shown) assert.isTrue(!isFine(row.cidr) || mayBeFailed(row), row.cidr)
      }),
      runs(300),
    )
  })

  it("every standing of a cell comes about", () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(anyScene, (scene) => {
        const { others, rows } = overview(worldOf(scene), later)
        for (const { cells } of [...rows.shown, ...others.shown]) for (const { standing } of cells) seen.add(standing)
      }),
      runs(1_000),
    )
    assert.deepStrictEqual([...seen].sort(), [...cellStandings].sort())
  })

  it("an excerpt is the beginning of what sorting gives", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.nat(8), (items, limit) => {
        const { leftOut, shown } = excerpt(items, limit, (a, b) => a - b)
        const sorted = [...items].sort((a, b) => a - b)
        assert.deepStrictEqual(shown, sorted.slice(0, limit))
        assert.strictEqual(leftOut, items.length - shown.length)
      }),
      runs(500),
    )
  })
})
