import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { maxDestinations, maxHostsPerDestination } from "../../src/domain/SpecDraft.ts"
import { maxJsonLength } from "../../src/domain/JsonText.ts"
import { maxFileBytes } from "../../src/services/FileLook.ts"
import { maxBodyBytes } from "../../src/services/http/RequestBody.ts"

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")

describe("the README", () => {
  it("gives the limits of a spec as they are", () => {
    assert.deepStrictEqual([maxJsonLength, maxFileBytes, maxBodyBytes], [2 ** 20, 2 ** 20, 2 ** 20])
    const cidrs = maxDestinations.toLocaleString("en")
    assert.include(
      readme,
      `At most 1 MiB of JSON in UTF-8, ${cidrs} CIDRs, and ${maxHostsPerDestination} hosts for each.`,
    )
  })
})
