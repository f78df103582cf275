import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { finish } from "../cli/Running.ts"
import { folderOf, within } from "./Folder.ts"

const head = `import { Layer, Option, Stream } from "effect"\nimport { configPlugin, ConfigSource } from "vpc-router/plugin"\n`
const layer = `layer: () => Layer.succeed(ConfigSource, { name: "x", post: Option.none(), news: Stream.never })`

/** A module, and what is said when it is named. */
const modules: ReadonlyArray<readonly [what: string, text: string, said: string]> = [
  ["a syntax error", "export default {", "it cannot be loaded: Unexpected end of input"],
  ["an exception at import", `throw new Error("not today")`, "it cannot be loaded: not today"],
  ["an exception at import that is no error", `throw "not today"`, "it cannot be loaded: not today"],
  ["a rejection at import", `await Promise.reject(new Error("not today"))`, "it cannot be loaded: not today"],
  ["no default export", "export const plugin = 1", "its default export is no plugin (see docs/plugins.md): "],
  [
    "a default export that is no object",
    "export default 42",
    "its default export is no plugin (see docs/plugins.md): ",
  ],
  [
    "a getter that throws",
    `export default { get name() { throw new Error("no name") } }`,
    "its default export is no plugin (see docs/plugins.md): ",
  ],
  [
    "a module that never comes to an end",
    "setInterval(() => {}, 1000)\nawait new Promise(() => {})",
    "it cannot be loaded: its module did not come to an end within 10 seconds",
  ],
  ["a package that is not there", `import "no-such-package-here"`, "it cannot be loaded: Cannot find package"],
  [
    "a name that Effect does not have",
    `import { Efect } from "effect"`,
    "it cannot be loaded: The requested module 'effect' does not provide an export named 'Efect'",
  ],
  [
    "a part of Effect that is not shared",
    `import "effect/sql"`,
    `it cannot be loaded: "effect/sql" is none of the modules that vpc-router shares with its plugins: effect, `,
  ],
  [
    "an option of vpc-router's own",
    `${head}export default configPlugin({ provides: "config", name: "x", ${layer},
      options: { port: { kind: "number", description: "Taken." } } })`,
    "its option --port is one of vpc-router itself, too",
  ],
  [
    "a default that is no value",
    `${head}export default configPlugin({ provides: "config", name: "x", ${layer},
      options: { "x-every": { kind: "seconds", default: "often", description: "" } } })`,
    "options.x-every.default: expected 0, or seconds from 0.001",
  ],
]

const flags = ["--simulate", "-p", "0"]

describe("a plugin that cannot be used", () => {
  it.live("keeps vpc-router from starting, which says so in one line", () =>
    Effect.forEach(
      modules,
      Effect.fnUntraced(function* ([what, text, said]) {
        const folder = yield* folderOf({ "plugin.mjs": text })
        const { code, stderr, stdout } = yield* finish(["--mode", "./plugin.mjs", ...flags], within(folder))
        assert.deepStrictEqual([code, stdout], [1, ""], what)
        assert.isTrue(stderr.startsWith(`vpc-router: plugin ./plugin.mjs: ${said}`), `${what}: ${stderr}`)
        assert.strictEqual(stderr.trimEnd().split("\n").length, 1, stderr)
      }, Effect.scoped),
      { concurrency: 4 },
    ),
  )

  it.live("says everything that is wrong with a definition at once", () =>
    Effect.gen(function* () {
      const text = `export default { provides: "routes", name: "My Plugin", option: {}, layer: 1 }`
      const folder = yield* folderOf({ "plugin.mjs": text })
      const { stderr } = yield* finish(["--mode", "./plugin.mjs", ...flags], within(folder))
      for (const part of ["provides: ", "name: ", "option: ", "layer: "]) assert.include(stderr, part)
    }),
  )

  it.live("is named where it does not belong: each option says what it takes", () =>
    Effect.gen(function* () {
      const plugin = `${head}export default configPlugin({ provides: "config", name: "x", ${layer} })`
      const folder = yield* folderOf({ "plugin.mjs": plugin })
      const forHealth = yield* finish(["-m", "http", "-H", "./plugin.mjs", ...flags], within(folder))
      assert.include(forHealth.stderr, "--health: expected another plugin, since this one is for --mode")
      const missing = yield* finish(["-m", "./other.mjs", ...flags], within(folder))
      assert.include(missing.stderr, "vpc-router: plugin ./other.mjs: it cannot be loaded: Cannot find module")
      const nowhere = yield* finish(["-m", "@acme/specs", ...flags], within(folder))
      assert.include(nowhere.stderr, "vpc-router: plugin @acme/specs: it cannot be loaded: Cannot find package")
      const typo = yield* finish(["-m", "plugin.mjs", ...flags], within(folder))
      assert.include(typo.stderr, "expected configfile, http or fixedconf, or a plugin such as ./my-own.mjs")
    }),
  )

  it.live("is asked for options that it does not have: they are errors, as all unknown options", () =>
    Effect.gen(function* () {
      const option = `options: { "x-file": { kind: "text", required: true, description: "A file." } }`
      const folder = yield* folderOf({
        "plugin.mjs": `${head}export default configPlugin({ provides: "config", name: "x", ${option}, ${layer} })`,
      })
      const unknown = yield* finish(["-m", "./plugin.mjs", "--x-fil", "a", ...flags], within(folder))
      assert.include(unknown.stderr, "vpc-router: --x-fil: there is no such option; did you mean --x-file?")
      const missing = yield* finish(["-m", "./plugin.mjs", ...flags], within(folder))
      assert.include(missing.stderr, "vpc-router: --x-file: plugin x needs it: A file.")
      const elsewhere = yield* finish(["-m", "http", "--x-file", "a", ...flags], within(folder))
      assert.include(elsewhere.stderr, "vpc-router: --x-file: there is no such option")
      const help = yield* finish(["-m", "./plugin.mjs", "--help"], within(folder))
      assert.include(help.stdout, "The plugin ./plugin.mjs:\n      --x-file TEXT")
      const without = yield* finish(["--help"], within(folder))
      assert.notInclude(without.stdout, "--x-file")
    }),
  )

  it.live("does not keep --version from its answer", () =>
    Effect.gen(function* () {
      const folder = yield* folderOf({})
      const { code } = yield* finish(["--version"], {
        ...within(folder),
        environment: { VPC_ROUTER_MODE: "./no-such-plugin.mjs" },
      })
      assert.strictEqual(code, 0)
    }),
  )
})
