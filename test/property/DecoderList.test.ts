import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { decoders, signsOfReading, triedElsewhere } from "../support/fuzz/Decoders.ts"

const root = join(import.meta.dirname, "../..")
const sources = globSync("src/**/*.ts", { cwd: root }).toSorted()

/** Without comments, which only speak of reading. */
const codeOf = (file: string): string =>
  readFileSync(join(root, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "")

const readers = sources.filter((file) => signsOfReading.some((sign) => sign.test(codeOf(file))))
const tried = new Set(decoders.flatMap(({ files }) => files))

describe("the list of what is read from outside", () => {
  it("has every file of src that reads bytes, texts, answers or the environment, or the reason why not", () => {
    assert.isAbove(readers.length, 20)
    assert.deepStrictEqual(
      readers.filter((file) => !tried.has(file) && !(file in triedElsewhere)),
      [],
      "add a decoder to test/support/fuzz, or say in Decoders.ts where it is tried",
    )
  })

  it("names only files that are there, and gives no reason where none is needed", () => {
    const named = [...tried, ...Object.keys(triedElsewhere)]
    assert.deepStrictEqual(
      named.filter((file) => !sources.includes(file)),
      [],
    )
    assert.deepStrictEqual(
      Object.keys(triedElsewhere).filter((file) => tried.has(file) || !readers.includes(file)),
      [],
    )
  })

  it("has each name once", () => {
    const names = decoders.map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
  })
})
