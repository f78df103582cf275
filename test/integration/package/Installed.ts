import { execFile } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, watch, writeFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Context, Effect, Layer, Schema } from "effect"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

export const root = fileURLToPath(new URL("../../..", import.meta.url))

/** A program that did not end with 0: its name, and all that it printed. */
export class ProgramFailed extends Schema.TaggedError<ProgramFailed>()("ProgramFailed", { message: Schema.String }) {}

const headers = dirname(dirname(process.execPath))

/** As from a terminal, with the Node of this test first: nothing of the npm that may have started it. */
const environment = (): Record<string, string | undefined> => {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_/i.test(name) || ["npm_config_registry", "npm_config_cache"].includes(name.toLowerCase()),
  )
  return {
    ...Object.fromEntries(kept),
    PATH: [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter),
    // Native parts are compiled against the headers that lie beside this Node, where there are any.
    ...(existsSync(join(headers, "include", "node")) ? { npm_config_nodedir: headers } : {}),
  }
}

/** Runs a program and gives its standard output. */
export const execute = (
  folder: string,
  command: string,
  ...args: ReadonlyArray<string>
): Effect.Effect<string, ProgramFailed> =>
  Effect.callback((resume) => {
    const child = execFile(command, args, { cwd: folder, env: environment() }, (error, stdout, stderr) =>
      resume(
        error === null
          ? Effect.succeed(stdout)
          : Effect.fail(
              new ProgramFailed({ message: `${command} ${args.join(" ")}: ${error.message}\n${stdout}\n${stderr}` }),
            ),
      ),
    )
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** JavaScript that was in these folders before and that somebody else would have missed at some time meanwhile. */
const goneWhile = Effect.fnUntraced(function* <A, E>(folders: ReadonlyArray<string>, work: Effect.Effect<A, E>) {
  const gone = new Set<string>()
  const watchOne = (folder: string) => {
    const files = new Set(readdirSync(folder).filter((name) => name.endsWith(".js")))
    return watch(folder, (_, name) => {
      if (name !== null && files.has(name) && !existsSync(join(folder, name))) gone.add(name)
    })
  }
  yield* Effect.acquireUseRelease(
    Effect.sync(() => folders.map(watchOne)),
    () => work,
    (watchers) => Effect.sync(() => watchers.forEach((watcher) => watcher.close())),
  )
  return gone
})

/** What `npm pack` makes of this project, installed in a folder that was empty. */
export class Installed extends Context.Service<
  Installed,
  {
    /** The folder in which it was installed. */
    readonly folder: string
    /** The package itself, below that. */
    readonly home: string
    /** Files of the built program here that were gone for a moment while it was packed. */
    readonly gone: ReadonlySet<string>
  }
>()("test/integration/package/Installed") {
  static readonly layer: Layer.Layer<Installed, ProgramFailed> = Layer.effect(
    Installed,
    Effect.gen(function* () {
      const base = yield* temporaryFolder
      const gone = yield* goneWhile(
        ["dist", "dist/chunks"].map((folder) => join(root, folder)),
        execute(root, "npm", "pack", "--pack-destination", base),
      )
      const packed = readdirSync(base).filter((name) => name.endsWith(".tgz"))
      if (packed.length !== 1) return yield* new ProgramFailed({ message: `npm pack made ${packed.length} packages` })
      const folder = join(base, "user")
      mkdirSync(folder)
      writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }))
      const flags = ["--prefer-offline", "--no-audit", "--no-fund"]
      yield* execute(folder, "npm", "install", ...flags, join(base, packed[0] ?? ""))
      return { folder, home: join(folder, "node_modules", "vpc-router"), gone }
    }),
  )
}
