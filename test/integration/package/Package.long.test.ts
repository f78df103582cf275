import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { execute, Installed, root } from "./Installed.ts"

const Manifest = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

const { version } = Schema.decodeUnknownSync(Manifest)(readFileSync(join(root, "package.json"), "utf8"))

/** The example in the docstring of the library's types. */
const exampleOf = (types: string): string => {
  const [, code = ""] = /```ts\n([\s\S]*?)\n \* ```/.exec(types) ?? []
  return code.replaceAll(/^ \* ?/gm, "")
}

const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  module: "NodeNext",
  target: "ES2024",
  // For console.
  lib: ["ES2024", "DOM"],
  types: [],
  noEmit: true,
}

/** Checks the types of a program that a user writes beside the package. */
const check = (folder: string, name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  const config = join(folder, `${name}.json`)
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [name] }))
  return execute(folder, join(root, "node_modules", ".bin", "tsc"), "-p", config)
}

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

describe("the package as npm pack makes it, installed in an empty directory", () => {
  layer(Installed.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("the library's example passes the type checker, runs, and prints what it says", () =>
      Effect.gen(function* () {
        const { folder, home } = yield* Installed
        const text = exampleOf(readFileSync(join(home, "dist", "lib", "index.d.ts"), "utf8"))
        const prints = (text.split("\n").at(-1) ?? "").replace(/^\/\/ /, "")
        assert.include(text, `from "vpc-router"`)
        assert.match(prints, /^create 10\.66\.17\.0\/24 /)
        assert.strictEqual(yield* check(folder, "example.ts", text), "")
        assert.strictEqual(yield* execute(folder, process.execPath, "example.ts"), `${prints}\n`)
      }),
    )

    it.effect("packing takes away nothing from which a daemon may be starting", () =>
      Effect.gen(function* () {
        const { gone } = yield* Installed
        assert.deepStrictEqual([...gone], [])
      }),
    )

    it.effect("vpc-router/plugin has types, and loads", () =>
      Effect.gen(function* () {
        const { folder } = yield* Installed
        const text = `import { ConfigSource } from "vpc-router/plugin"\nconsole.log(ConfigSource.key)\n`
        assert.strictEqual(yield* check(folder, "plugin.ts", text), "")
        assert.match(yield* execute(folder, process.execPath, "plugin.ts"), /ConfigSource\n$/)
      }),
    )

    it.effect("its types refuse what plan does not take", () =>
      Effect.gen(function* () {
        const { folder } = yield* Installed
        const wrong = `import { plan } from "vpc-router"\nplan({ "10.66.17.0/24": ["10.33.20.93"] }, new Map(), 1)\n`
        const { message } = yield* Effect.flip(check(folder, "wrong.ts", wrong))
        assert.match(message, /wrong\.ts\(2,\d+\): error TS2353/)
      }),
    )

    it.effect("npx vpc-router runs the program", () =>
      Effect.gen(function* () {
        const { folder } = yield* Installed
        assert.strictEqual(yield* execute(folder, "npx", "vpc-router", "--version"), `vpc-router ${version}\n`)
        const { message } = yield* Effect.flip(execute(folder, "npx", "vpc-router", "--health", "carrier-pigeon"))
        assert.include(message, "expected icmpecho, tcp, http, cloudwatch, ec2, simulated or multi")
      }),
    )

    it.effect("ICMP comes with it: raw-socket is compiled for the user's Node", () =>
      Effect.gen(function* () {
        const { folder, home } = yield* Installed
        const load = `
          const load = require("node:module").createRequire(${JSON.stringify(join(home, "dist", "daemon.js"))})
          console.log(typeof load("raw-socket").createSocket)`
        assert.strictEqual(yield* execute(folder, process.execPath, "-e", load), "function\n")
      }),
    )

    it.effect("nothing in it names a folder of the machine that packed it", () =>
      Effect.gen(function* () {
        const { home } = yield* Installed
        const packed = filesIn(home).filter((file) => !file.includes(join("raw-socket", "build")))
        assert.isAbove(packed.length, 10)
        assert.deepStrictEqual(
          packed.filter((file) => readFileSync(file, "latin1").includes(root)),
          [],
        )
      }),
    )
  })
})
