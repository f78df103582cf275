import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runProcess } from "../../support/daemon/RunningProcess.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const script = fileURLToPath(new URL("../../../scripts/api-docs.mjs", import.meta.url))

describe("npm run docs", () => {
  it.live("writes a page for the library and one for plugin authors, without a link that leads nowhere", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const run = yield* runProcess(process.execPath, [script, folder], process.env)
      assert.strictEqual((yield* run.exit).code, 0, run.errors())
      const page = (name: string) => readFileSync(join(folder, name), "utf8")
      assert.include(page("functions/index.plan.html"), "Pure")
      assert.include(page("modules/plugin.html"), "ConfigSource")
    }),
  )
})
