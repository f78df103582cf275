import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Context, Effect, Layer } from "effect"
import { execute, type ProgramFailed, root } from "../package/Installed.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

/** What `npm pack` makes of this project, installed in a folder that was empty; native parts are left out. */
export class Beside extends Context.Service<
  Beside,
  {
    /** Where it was installed, with the examples beside it. */
    readonly folder: string
    /** The program in it. */
    readonly program: string
    /** The same program alone in a folder, without any package that could be found from there. */
    readonly bare: string
  }
>()("test/integration/plugins/Beside") {
  static readonly layer: Layer.Layer<Beside, ProgramFailed> = Layer.effect(
    Beside,
    Effect.gen(function* () {
      const base = yield* temporaryFolder
      const [folder, alone] = [join(base, "user"), join(base, "alone")]
      for (const each of [folder, alone]) mkdirSync(each)
      yield* execute(root, "npm", "pack", "--pack-destination", base)
      const [packed = ""] = readdirSync(base).filter((name) => name.endsWith(".tgz"))
      writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true }))
      const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"]
      yield* execute(folder, "npm", "install", ...flags, join(base, packed))
      cpSync(join(root, "examples", "plugins"), folder, { recursive: true })
      const dist = join(folder, "node_modules", "vpc-router", "dist")
      for (const name of ["main.js", "daemon.js", "chunks"])
        cpSync(join(dist, name), join(alone, name), { recursive: true })
      writeFileSync(join(alone, "package.json"), JSON.stringify({ type: "module" }))
      return { folder, program: join(dist, "main.js"), bare: join(alone, "main.js") }
    }),
  )
}
