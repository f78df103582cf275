import { execFileSync } from "node:child_process"
import { renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { FileLook, lookAtFile } from "../../../src/services/FileLook.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

describe("a look at a file", () => {
  it.live("waits for nobody where a FIFO takes the file's place after it was seen to be one", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = join(folder, "spec.json")
      writeFileSync(file, "{}")
      const files = yield* FileSystem.FileSystem
      const stat = (path: string) =>
        Effect.tap(files.stat(path), () =>
          Effect.sync(() => {
            execFileSync("mkfifo", [`${file}.fifo`])
            renameSync(`${file}.fifo`, file)
          }),
        )
      const look = yield* lookAtFile(file).pipe(
        Effect.provideService(FileSystem.FileSystem, { ...files, stat }),
        Effect.timeout("5 seconds"),
      )
      assert.deepStrictEqual(look, FileLook.Unreadable({ why: `${file}: this is not a file` }))
    }).pipe(Effect.provide(NodeFileSystem.layer)),
  )
})
