import { assert, describe, it } from "@effect/vitest"
import { cidr } from "../../src/domain/Cidr.ts"
import { allCidrs, cellsOf, empty, obstacleAt } from "../../src/domain/World.ts"
import { destination, tableAt } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

describe("a full plan looks at", () => {
  const elsewhere = "172.16.0.0/12"
  const looksAt = (story: Story): ReadonlyArray<string> => [...allCidrs(story.world)].sort()
  const created = (): Story =>
    new Story({
      spec: { [destination]: "a", [elsewhere]: "e" },
      health: { a: "healthy" },
      routes: { [destination]: "-" },
    }).done()

  it("nothing, while nothing is known", () => {
    assert.strictEqual(allCidrs(empty()).size, 0)
    assert.isUndefined(cellsOf(empty(), destination)(tableAt(1)).present)
  })

  it("every destination of the spec, and those of routes that are ours; not at those of others", () => {
    const spec = { [elsewhere]: "e" }
    const story = new Story({ spec, health: {}, routes: { [destination]: "a", "10.1.0.0/16": "igw-1" } })
    assert.deepStrictEqual(looksAt(story), [elsewhere, destination])
  })

  it("a route that we wrote, though no reading shows it and the spec names it no more", () => {
    const story = created().spec({ [elsewhere]: "e" })
    assert.deepStrictEqual(looksAt(story), [elsewhere, destination])
    // Even if nothing were decided of it at present.
    const { writes } = story.world
    assert.deepStrictEqual([...allCidrs({ ...empty(), writes })], [cidr(destination)])
  })

  it("what something is decided of, so that it can be decided otherwise", () => {
    const { decisions } = created().spec({ [elsewhere]: "e" }).world
    assert.deepStrictEqual([...allCidrs({ ...empty(), decisions })].sort(), [cidr(elsewhere), cidr(destination)])
  })
})

describe("a world that knows nothing", () => {
  it("does not know of a restart either: with a spec and a reading it deletes what is not in the spec", () => {
    const story = new Story({ spec: { "172.16.0.0/12": "e" }, health: {}, routes: { [destination]: "a" } })
    assert.deepStrictEqual(story.pending, ["rtb-1 delete"])
    const where = { table: tableAt(1), cidr: cidr(destination) }
    assert.isUndefined(obstacleAt(story.world, where))
    assert.isDefined(obstacleAt(story.refused("UnauthorizedOperation").world, where))
  })
})
