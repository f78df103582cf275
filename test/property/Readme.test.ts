import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { OpenApi } from "effect/http-api"
import { commandHelp } from "../../src/runtime/commands/CommandHelp.ts"
import { commandNames } from "../../src/runtime/commands/CommandTable.ts"
import { helpText } from "../../src/runtime/Help.ts"
import { operations } from "../../src/services/ec2/SimulatedFaults.ts"
import { SimulationApi } from "../../src/services/http/Api.ts"

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")
const all = (text: string, pattern: RegExp): ReadonlyArray<string> =>
  [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))].toSorted()

describe("the README", () => {
  it("asks IAM for exactly the actions that are used", () => {
    assert.deepStrictEqual(all(readme, /"ec2:((?:Describe|Create|Replace|Delete)\w+)"/g), [...operations].toSorted())
  })

  it("names no option that the help texts do not", () => {
    const help = [helpText(80), ...commandNames.map((name) => commandHelp(name, 80))].join("\n")
    const ofDemo = readFileSync(new URL("../../scripts/demo.mjs", import.meta.url), "utf8")
    const inHelp = new Set([...all(help, /(--[a-z][a-z-]+)/g), ...all(ofDemo, /^ {2}(--[a-z]+) .*\.$/gm)])
    const named = all(readme, /(--[a-z][a-z-]+)/g)
    assert.isAbove(named.length, 10)
    assert.deepStrictEqual(
      named.filter((option) => !inHelp.has(option)),
      [],
    )
  })

  it("calls no path that the API does not have", () => {
    const patterns = Object.keys(OpenApi.fromApi(SimulationApi).paths).map(
      (path) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    )
    const called = all(readme, /localhost:33289(\/[\w./-]+)/g)
    assert.isAbove(called.length, 5)
    assert.deepStrictEqual(
      called.filter((path) => !patterns.some((pattern) => pattern.test(path))),
      [],
    )
  })
})
