import { spawn } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { scopedChild } from "../../support/process/Children.ts"
import type { StatusJson } from "../../../src/services/http/StatusJson.ts"
import { namespace } from "../../support/netns/Namespaces.ts"
import { finish, start } from "../cli/Running.ts"
import { execute, root } from "../package/Installed.ts"
import { Beside } from "./Beside.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"
import { statusUntil, within, writesOf } from "./Folder.ts"

const examples = join(root, "examples", "plugins")

/** An HTTP server on 127.0.0.1 that gives what `answer` says: a status and a text. */
const serving = (answer: () => readonly [status: number, text: string]): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((_, response) => {
        const [status, text] = answer()
        response.writeHead(status, { "content-type": "application/json" }).end(text)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      }),
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`))

type Status = typeof StatusJson.Type

/** Whether every table sends this destination to the host; `undefined`: has no route for it. */
const leads =
  (destination: string, host: string | undefined) =>
  ({ tables }: Status) =>
    tables.length > 0 &&
    tables.every(({ cells }) => cells.find(({ cidr, owned }) => cidr === destination && owned)?.ip === host)

const [a, b] = ["10.33.20.93", "10.33.30.22"]

/** The example in the docstring of the module for authors of plugins. */
const documented = (folder: string): string => {
  const types = readFileSync(join(folder, "node_modules", "vpc-router", "dist", "lib", "plugin.d.ts"), "utf8")
  const [, code = ""] = /```ts\n([\s\S]*?)\n \* ```/.exec(types) ?? []
  return code.replaceAll(/^ \* ?/gm, "")
}

/** Gives its spec only if all it imports is one Effect. */
const particular = `
import * as all from "effect"
import { Effect, Layer, Option, Stream } from "effect"
import { succeed } from "effect/Effect"
import { HttpClient } from "effect/http"
import * as client from "effect/http/HttpClient"
import { configPlugin, ConfigSource, specNews } from "vpc-router/plugin"
import { ip } from "vpc-router"
const isOne = all.Effect.succeed === succeed && HttpClient.HttpClient === client.HttpClient && ip("fd00::0:1") === "fd00::1"
if (!isOne) throw new Error("two copies of Effect")
export default configPlugin({
  provides: "config",
  name: "particular",
  layer: () => Layer.succeed(ConfigSource, {
    name: "particular",
    post: Option.none(),
    news: Stream.concat(Stream.fromEffect(Effect.sync(() => specNews('{"10.66.17.0/24": ["${a}"]}'))), Stream.never),
  }),
})
`

const routes = (plugin: string, options: Parameters<typeof start>[1]) =>
  Effect.gen(function* () {
    const daemon = yield* start(["--mode", plugin, "--simulate", "-p", "0"], options)
    yield* statusUntil(daemon, "the route", leads("10.66.17.0/24", a))
  }).pipe(Effect.scoped)

describe("plugins", () => {
  it("the examples are in docs/plugins.md as they stand", () => {
    const docs = readFileSync(join(root, "docs", "plugins.md"), "utf8")
    for (const name of ["directory-config.mjs", "verdicts-by-http.mjs"])
      assert.include(docs, readFileSync(join(examples, name), "utf8"), name)
    for (const name of readdirSync(examples)) assert.include(docs, `examples/plugins/${name}`)
  })

  layer(Beside.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("the examples pass the type checker beside the installed package", () =>
      Effect.gen(function* () {
        const { folder } = yield* Beside
        const compilerOptions = {
          allowJs: true,
          checkJs: true,
          strict: true,
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
          noEmit: true,
          module: "NodeNext",
          target: "ES2024",
          lib: ["ES2024", "DOM"],
          types: [],
          skipLibCheck: true,
        }
        writeFileSync(join(folder, "documented.ts"), documented(folder))
        const files = [...readdirSync(examples), "documented.ts"]
        writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }))
        assert.strictEqual(yield* execute(folder, join(root, "node_modules", ".bin", "tsc"), "-p", "."), "")
      }),
    )

    it.effect("the example in the docstring of vpc-router/plugin runs beside it", () =>
      Effect.gen(function* () {
        const { folder, program } = yield* Beside
        writeFileSync(join(folder, "documented.ts"), documented(folder))
        const spec = JSON.stringify({ "10.66.17.0/24": [a] })
        const args = ["--mode", "./documented.ts", "--weekdays", spec, "--weekends", spec, "--simulate", "-p", "0"]
        const daemon = yield* start(args, { program, ...within(folder) })
        yield* statusUntil(daemon, "the route", leads("10.66.17.0/24", a))
      }),
    )

    it.effect("the examples run beside it: specs from a directory, and what another system knows of the hosts", () =>
      Effect.gen(function* () {
        const { folder, program } = yield* Beside
        const specs = join(folder, "specs")
        mkdirSync(specs)
        writeFileSync(join(specs, "one.json"), JSON.stringify({ "10.66.17.0/24": [a, b] }))
        let answer: readonly [number, string] = [200, JSON.stringify({ [a]: "healthy", [b]: "healthy" })]
        const url = yield* serving(() => answer)
        const daemon = yield* start(
          [
            "--mode",
            "./directory-config.mjs",
            "--spec-directory",
            "specs",
            "--spec-interval",
            "200ms",
            "--health",
            "./verdicts-by-http.mjs",
            "--verdicts-url",
            url,
            "--verdicts-interval",
            "200ms",
            "--simulate",
            "-p",
            "0",
          ],
          { program, ...within(folder) },
        )
        const first = yield* statusUntil(daemon, "routes to a host of the spec", (status) =>
          [a, b].some((host) => leads("10.66.17.0/24", host)(status)),
        )
        assert.deepStrictEqual(
          [first.sources.config.name, first.sources.health.name],
          ["directory", "verdicts-by-http"],
        )
        const [before, after] = leads("10.66.17.0/24", a)(first) ? [a, b] : [b, a]
        answer = [200, JSON.stringify({ [before ?? ""]: "failed", [after ?? ""]: "healthy" })]
        yield* statusUntil(daemon, "a failover", leads("10.66.17.0/24", after))
        yield* daemon.logged(`host ${before} failed: ${url} says so`)

        writeFileSync(join(specs, "two.json"), JSON.stringify({ "10.77.18.0/24": [after] }))
        yield* statusUntil(daemon, "the route of a second file", leads("10.77.18.0/24", after))
        const written = writesOf(daemon).length
        writeFileSync(join(specs, "three.json"), JSON.stringify({ "10.77.18.0/24": [before] }))
        const rejected = yield* statusUntil(daemon, "rejected", ({ sources }) => sources.config.state === "rejected")
        assert.include(JSON.stringify(rejected.sources.config.problems), "10.77.18.0/24 is in another file, too")

        answer = [500, "{}"]
        yield* statusUntil(daemon, "down", ({ sources }) => sources.health.state === "down")
        for (const name of readdirSync(specs)) rmSync(join(specs, name))
        const empty = yield* statusUntil(daemon, "unreadable", ({ sources }) => sources.config.state === "unreadable")
        assert.isTrue(leads("10.66.17.0/24", after)(empty) && leads("10.77.18.0/24", after)(empty))
        assert.strictEqual(writesOf(daemon).length, written)
      }),
    )

    it.effect("the examples run beside it: hosts are alive while they answer by HTTP", () =>
      Effect.gen(function* () {
        const { folder, program } = yield* Beside
        const island = yield* namespace()
        yield* island.ip(`address add ${a}/32 dev lo`)
        const server = `require("node:http").createServer((request, response) => {
          response.statusCode = request.url === "/healthz" ? 204 : 404
          response.end()
        }).listen(8080, "${a}", () => console.log("ready"))`
        const inside = ["ip", "netns", "exec", island.name]
        const host = yield* scopedChild(() =>
          spawn("ip", ["netns", "exec", island.name, process.execPath, "-e", server]),
        )
        yield* Effect.callback<void>((resume) => {
          host.stdout.once("data", () => resume(Effect.void))
        })
        const daemon = yield* start(
          [
            "-m",
            "fixedconf",
            "--fixed-cidr",
            "10.66.17.0/24",
            "--fixed-hosts",
            a ?? "",
            "--simulate",
            "-p",
            "0",
            "--health",
            "./http-probe.mjs",
            "--probe-port",
            "8080",
            "--probe-path",
            "/healthz",
          ],
          { program, under: [...inside, "env", "-C", folder] },
        )
        yield* daemon.logged(`host ${a} is healthy`)
        host.kill("SIGKILL")
        const { message } = yield* daemon.logged(`host ${a} failed`)
        assert.match(message, /no reply to 3 probes/)
      }),
    )

    // Wherever a plugin lies, it gets the Effect that vpc-router runs on.

    it.effect("run without any copy of Effect in reach, of the plugin or of vpc-router", () =>
      Effect.gen(function* () {
        const { bare } = yield* Beside
        const folder = yield* temporaryFolder
        writeFileSync(join(folder, "plugin.mjs"), particular)
        yield* routes("./plugin.mjs", { program: bare, ...within(folder) })
        // From anywhere else, by its full path.
        yield* routes(join(folder, "plugin.mjs"), { program: bare, ...within("/") })
      }),
    )

    it.effect("run with a copy of its own", () =>
      Effect.gen(function* () {
        const { program } = yield* Beside
        const folder = yield* temporaryFolder
        const { dependencies } = { dependencies: { effect: "4.1.0" } }
        writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }))
        yield* execute(folder, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts")
        writeFileSync(join(folder, "plugin.mjs"), particular)
        yield* routes("./plugin.mjs", { program, ...within(folder) })
      }),
    )

    it.effect("run with another version of its own, which is not even loaded", () =>
      Effect.gen(function* () {
        const { program } = yield* Beside
        const folder = yield* temporaryFolder
        const home = join(folder, "node_modules", "effect")
        mkdirSync(home, { recursive: true })
        writeFileSync(join(home, "package.json"), JSON.stringify({ name: "effect", version: "3.19.0", type: "module" }))
        writeFileSync(join(home, "index.js"), `throw new Error("the wrong Effect")`)
        writeFileSync(join(folder, "plugin.mjs"), particular)
        yield* routes("./plugin.mjs", { program, ...within(folder) })
      }),
    )

    it.effect("run in a package with a scope, in TypeScript, and where something in it is CommonJS", () =>
      Effect.gen(function* () {
        const { folder, program } = yield* Beside
        const home = join(folder, "node_modules", "@acme", "specs")
        mkdirSync(home, { recursive: true })
        const manifest = { name: "@acme/specs", version: "1.0.0", exports: { import: "./plugin.mjs" } }
        writeFileSync(join(home, "package.json"), JSON.stringify(manifest))
        const old = `const { Option } = require("effect")\nmodule.exports = Option.none()\n`
        writeFileSync(join(home, "old.cjs"), old)
        writeFileSync(
          join(home, "plugin.mjs"),
          `import none from "./old.cjs"\n${particular.replace("Option.none()", "none")}`,
        )
        yield* routes("@acme/specs", { program, ...within(folder) })
        // Packages are looked for beside vpc-router, too: as with npm install --global.
        yield* routes("@acme/specs", { program, ...within("/") })
        const typed = particular.replace("const isOne =", "const isOne: boolean =")
        writeFileSync(join(folder, "plugin.ts"), typed)
        yield* routes("./plugin.ts", { program, ...within(folder) })
      }),
    )

    it.effect("are taken from the environment, too, and beside a plugin for health", () =>
      Effect.gen(function* () {
        const { folder, program } = yield* Beside
        writeFileSync(join(folder, "particular.mjs"), particular)
        const url = yield* serving(() => [200, JSON.stringify({ [a ?? ""]: "healthy" })])
        const environment = {
          VPC_ROUTER_MODE: "./particular.mjs",
          VPC_ROUTER_HEALTH: "simulated, ./verdicts-by-http.mjs",
          VPC_ROUTER_VERDICTS_URL: url,
        }
        const daemon = yield* start(["--simulate", "-p", "0"], { program, environment, ...within(folder) })
        yield* statusUntil(daemon, "the route", leads("10.66.17.0/24", a))
        const { message } = yield* daemon.logged("vpc-router ")
        assert.include(message, "specs of the plugin particular, for the simulated")
        assert.include(message, "health: simulated and the plugin verdicts-by-http")
        assert.isFalse(daemon.lines().some(({ message }) => message.includes("no option has this variable")))
        const missing = yield* finish(["--simulate"], {
          program,
          environment: { ...environment, VPC_ROUTER_VERDICTS_URL: "" },
          ...within(folder),
        })
        assert.include(missing.stderr, "vpc-router: --verdicts-url: plugin verdicts-by-http needs it")
      }),
    )
  })
})
