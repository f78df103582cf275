import { assert } from "@effect/vitest"
import { decidedFor, show, worldOf } from "./Deciding.ts"
import { permitted } from "./Oracle.ts"
import { destination, small, type SmallScene } from "./Small.ts"

/** What is decided about `destination`: one word a table. */
export const outcome = (scene: SmallScene, range: string = destination): string => {
  const drawn = small(scene)
  const decided = decidedFor(worldOf(drawn), range)
  assert.include(permitted(drawn, range).map(show), show(decided), "the oracle disagrees")
  const words = [...drawn.vpc.tables.keys()].map((table) => {
    const expected = decided.cells.get(table)
    if (expected === undefined) return "-"
    if (expected.do === "hold") return `held:${expected.why}`
    if (expected.do === "delete") return "delete"
    const to = expected.interfaceId.replace("eni-", "")
    return expected.do === "create" ? `create:${to}` : `${expected.urgency}:${to}`
  })
  return [...words, ...(decided.general === undefined ? [] : [`all:${decided.general}`])].join(" ")
}
