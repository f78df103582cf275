import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { bugs } from "./Bugs.ts"

const source = join(import.meta.dirname, "../../../src")

describe("planted mistakes", () => {
  it("still have a place to be planted at, one each", () => {
    const lost = bugs.filter(({ file, was }) => readFileSync(join(source, file), "utf8").split(was).length !== 2)
    assert.deepStrictEqual(
      lost.map(({ file, name }) => `${file}: ${name}`),
      [],
    )
  })
})
