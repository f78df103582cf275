import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { buildSync } from "esbuild"
import * as Library from "../../../src/index.ts"

const index = fileURLToPath(new URL("../../../src/index.ts", import.meta.url))
const folder = mkdtempSync(join(fileURLToPath(new URL("../../..", import.meta.url)), "node_modules", ".example-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** The example in the docstring of the library, and what its last comment says that it prints. */
const example = () => {
  const [, code = ""] = /```ts\n([\s\S]*?)\n \* ```/.exec(readFileSync(index, "utf8")) ?? []
  const text = code.replaceAll(/^ \* ?/gm, "")
  return {
    text,
    printed: text
      .split("\n")
      .at(-1)
      ?.replace(/^\/\/ /, ""),
  }
}

describe("the library", () => {
  it("the example in its docstring runs as it stands, and prints what it says", () => {
    const { printed, text } = example()
    const file = join(folder, "example.ts")
    writeFileSync(file, text.replace('"vpc-router"', JSON.stringify(index)))
    // Node does not strip types below node_modules.
    const outfile = join(folder, "example.mjs")
    buildSync({ entryPoints: [file], bundle: true, format: "esm", platform: "node", outfile })
    assert.strictEqual(execFileSync(process.execPath, [outfile], { encoding: "utf8" }), `${printed}\n`)
  })

  it("has what it takes to call plan, and to read and word what it gives", () => {
    assert.deepStrictEqual(Object.keys(Library).sort(), [
      "AccountId",
      "Action",
      "HoldReason",
      "InstanceId",
      "InterfaceId",
      "Reason",
      "RouteTableId",
      "RouteTarget",
      "SubnetId",
      "TableScope",
      "TableSelector",
      "Verdict",
      "VpcId",
      "cidr",
      "decodeRouteSpec",
      "defaultGuards",
      "defaultPolicy",
      "describeAction",
      "encodeRouteSpec",
      "holdWords",
      "hostsOf",
      "ip",
      "parseCidr",
      "parseIp",
      "plan",
      "reasonWords",
    ])
  })
})
