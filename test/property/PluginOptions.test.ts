import { assert, describe, it } from "@effect/vitest"
import { Layer, Result } from "effect"
import * as fc from "fast-check"
import { normalise } from "../../src/runtime/Cli.ts"
import type { GivenOptions } from "../../src/runtime/OptionReader.ts"
import { readOptions } from "../../src/runtime/Options.ts"
import { blame } from "../../src/runtime/PluginBlame.ts"
import { namedPlugins } from "../../src/runtime/PluginNames.ts"
import { clashes, readPluginValues } from "../../src/runtime/PluginOptions.ts"
import type { LoadedPlugin, Plugins } from "../../src/runtime/Plugins.ts"
import { type PluginOptions, readDefinition } from "../../src/services/PluginDefinition.ts"
import { StrayFaults } from "../../src/services/PluginSession.ts"

const definitionOf = (name: string, provides: string, options: PluginOptions = {}, more: object = {}) =>
  Result.getOrThrowWith(
    readDefinition({ provides, name, options, layer: () => Layer.empty, ...more }),
    (why) => new Error(why),
  )

const loaded = (given: string, provides: string, options: PluginOptions = {}, more: object = {}): LoadedPlugin => ({
  given,
  url: "file:///plugins/x.mjs",
  definition: definitionOf(given.replaceAll(/[^a-z]+/g, "-").replaceAll(/^-|-$/g, ""), provides, options, more),
  strays: new StrayFaults(),
})

const plugins = (...all: ReadonlyArray<LoadedPlugin>): Plugins => new Map(all.map((plugin) => [plugin.given, plugin]))

const aName = fc.constantFrom("./a.mjs", "../b.ts", "/etc/c.mjs", "@acme/specs", "vpc-router-consul")

describe("the plugins that a command line names", () => {
  it("are found in every spelling, and nothing else is one", () => {
    const mode = aName.chain((name) =>
      fc
        .constantFrom(["--mode", name], [`--mode=${name}`], ["-m", name], [`-m=${name}`], [`-m${name}`])
        .map((args) => ({
          args,
          names: [name],
        })),
    )
    const health = fc.uniqueArray(aName, { minLength: 1, maxLength: 3 }).chain((names) => {
      const list = ["icmpecho", ...names, "tcp"].join(",")
      const spellings = [["--health", list], [`--health=${list}`], ["-H", list], names.flatMap((name) => ["-H", name])]
      return fc.constantFrom(...spellings).map((args) => ({ args, names }))
    })
    const other = fc
      .constantFrom(
        ["-f", "./spec.json"],
        ["--file", "/etc/spec.json"],
        ["--simulate", "./topology.json"],
        ["-l", "./log"],
        ["--dry-run"],
      )
      .map((args) => ({ args: [...args], names: Array<string>() }))
    fc.assert(
      fc.property(
        fc.option(mode),
        fc.option(health),
        fc.array(other),
        fc.array(other),
        (mode, health, before, after) => {
          const parts = [...before, ...(mode === null ? [] : [mode]), ...after, ...(health === null ? [] : [health])]
          const args = parts.flatMap((part) => part.args)
          const names = [...new Set([mode, health].flatMap((part) => part?.names ?? []))].sort()
          assert.deepStrictEqual(namedPlugins(normalise(args), {}), names)
        },
      ),
    )
  })

  it("are those of the environment only where the command line says nothing", () => {
    const environment = { VPC_ROUTER_MODE: "./env.mjs", VPC_ROUTER_HEALTH: "tcp, ./checks.mjs" }
    assert.deepStrictEqual(namedPlugins([], environment), ["./checks.mjs", "./env.mjs"])
    assert.deepStrictEqual(namedPlugins(["--mode", "http"], environment), ["./checks.mjs"])
    assert.deepStrictEqual(namedPlugins(["--mode", "./flag.mjs", "-H", "tcp"], environment), ["./flag.mjs"])
    assert.deepStrictEqual(namedPlugins(["--file", "--mode", "--", "--mode", "./x.mjs"], {}), [])
  })
})

describe("the options of a plugin", () => {
  const options = {
    url: { kind: "text", description: "A URL.", required: true },
    count: { kind: "number", description: "How many.", least: 1, most: 9, default: "3" },
    every: { kind: "seconds", description: "How often." },
    names: { kind: "list", description: "Names." },
    quiet: { kind: "switch", description: "Say nothing." },
  } as const
  const definition = definitionOf("x", "config", options)
  const read = (given: GivenOptions, environment: Readonly<Record<string, string>> = {}) =>
    readPluginValues(definition, given, environment)

  it("are read as their kinds say, from flags and variables, with their defaults", () => {
    const bare = read({ url: ["u"] })
    assert.deepStrictEqual(bare, {
      values: { url: "u", count: 3, every: undefined, names: [], quiet: false },
      faults: [],
    })
    const given = { url: ["u"], count: ["9"], every: ["500ms"], names: ["a,b", "c"], quiet: ["true"] }
    const values = { url: "u", count: 9, every: 500, names: ["a", "b", "c"], quiet: true }
    assert.deepStrictEqual(read(given).values, values)
    const variables = {
      VPC_ROUTER_URL: "u",
      VPC_ROUTER_COUNT: "9",
      VPC_ROUTER_EVERY: "0.5",
      VPC_ROUTER_NAMES: "a,b,c",
      VPC_ROUTER_QUIET: "on",
    }
    assert.deepStrictEqual(read({}, variables).values, values)
  })

  it("are all told at once when they are wrong, as they were given", () => {
    const wrong = read({ count: ["10"], every: ["soon"], names: ["a,,b"] }, { VPC_ROUTER_QUIET: "perhaps" })
    assert.deepStrictEqual(
      wrong.faults.map(({ option }) => option),
      ["--url", "--count", "--every", "--names", "VPC_ROUTER_QUIET"],
    )
    assert.isTrue(wrong.faults.every(({ message }) => /needs it|expected/.test(message)))
  })

  it("clash with those of vpc-router, and with each other", () => {
    const text = { kind: "text", description: "" } as const
    const a = loaded("./a.mjs", "config", { port: text, shared: text, json: text, help: text })
    const b = loaded("./b.mjs", "health", { shared: text, "a-own": text })
    assert.deepStrictEqual(
      clashes([a, b]).map(({ option, message }) => `${option}: ${message}`),
      [
        "plugin ./a.mjs: its option --port is one of vpc-router itself, too",
        "plugin ./a.mjs: its option --json is one of vpc-router itself, too",
        "plugin ./a.mjs: its option --help is one of vpc-router itself, too",
        "plugin ./b.mjs: its option --shared is one of ./a.mjs, too",
      ],
    )
    assert.lengthOf(clashes([loaded("./a.mjs", "config"), { ...loaded("../a.mjs", "health") }]), 1)
  })
})

describe("--mode and --health with plugins", () => {
  const base = { simulate: [""] }
  const faults = (given: GivenOptions, all: Plugins) =>
    Result.match(readOptions({ ...base, ...given }, {}, all), {
      onFailure: (problems) => problems,
      onSuccess: () => [],
    })
  const optionsOf = (given: GivenOptions, all: Plugins) =>
    Result.getOrThrowWith(
      readOptions({ ...base, ...given }, {}, all),
      (problems) => new Error(JSON.stringify(problems)),
    ).options

  it("take plugins beside built-in words, each once", () => {
    const timing = () => ({ interval: 5_000, timeout: 700 })
    const all = plugins(
      loaded("./c.mjs", "config"),
      loaded("./h.mjs", "health"),
      loaded("./p.mjs", "probe", {}, { timing }),
    )
    const { config, health } = optionsOf(
      { mode: ["./c.mjs"], health: ["tcp,./h.mjs", "./p.mjs,./h.mjs"], fall: ["5"] },
      all,
    )
    assert.isTrue(config._tag === "Plugin" && config.plugin.name === "c-mjs")
    assert.deepStrictEqual(
      health.map(({ _tag }) => _tag),
      ["Tcp", "PluginHealth", "PluginProbe"],
    )
    const probe = health[2]
    assert.isTrue(probe?._tag === "PluginProbe")
    if (probe?._tag !== "PluginProbe") return
    assert.deepInclude(probe.detector, { interval: 5_000, timeout: 700, fall: 5, rise: 2 })
  })

  it("refuse a plugin for the other, one that was not loaded, and a timing that cannot be kept", () => {
    const all = plugins(loaded("./c.mjs", "config"), loaded("./h.mjs", "health"))
    const said = (given: GivenOptions, loadedOnes = all) =>
      faults(given, loadedOnes)
        .map(({ message }) => message)
        .join()
    assert.include(said({ mode: ["./h.mjs"] }), "expected another plugin, since this one is for --health")
    assert.include(
      said({ mode: ["http"], health: ["./c.mjs"] }),
      "expected another plugin, since this one is for --mode",
    )
    assert.include(said({ mode: ["./other.mjs"] }), "expected a plugin that could be loaded")
    assert.include(
      said({ mode: ["./c.mjs"], file: ["spec.json"] }),
      "it belongs to --mode configfile, and the mode is ./c.mjs",
    )
    for (const timing of [
      () => ({ interval: 1 }),
      () => ({ timeout: "1 s" }),
      () => 42,
      () => {
        throw new Error("never")
      },
    ])
      assert.include(
        said({ mode: ["http"], health: ["./p.mjs"] }, plugins(loaded("./p.mjs", "probe", {}, { timing }))),
        "its timing: ",
      )
  })

  it("without plugins every word is what it was", () => {
    assert.include(
      faults({ mode: ["http"], health: ["ping"] }, plugins())[0]?.message,
      "expected icmpecho, tcp, http, cloudwatch, ec2, simulated or multi",
    )
  })
})

describe("an exception that nobody caught", () => {
  const a = { url: "file:///etc/plugins/a.mjs" }
  const b = { url: "file:///app/node_modules/@acme/b/dist/index.js" }
  const own = "file:///usr/lib/node_modules/vpc-router/dist/"
  const thrown = (...files: ReadonlyArray<string>) => {
    const error = new Error("boom")
    error.stack = ["Error: boom", ...files.map((file) => `    at call (${file}:3:9)`)].join("\n")
    return error
  }

  it("is of the plugin whose files are in its stack", () => {
    assert.deepStrictEqual(blame(thrown("node:net", a.url), [a, b], own), [a])
    assert.deepStrictEqual(blame(thrown("file:///app/node_modules/@acme/b/lib/deep.js", "node:net"), [a, b], own), [b])
    assert.deepStrictEqual(blame(thrown(`${own}chunks/X.js`, a.url), [a, b], own), [a])
    const bare = new Error("boom")
    bare.stack = `Error: boom\n    at ${a.url}:3:9`
    assert.deepStrictEqual(blame(bare, [a, b], own), [a])
  })

  it("may be of any plugin where nothing tells, and is ours where only our files are in it", () => {
    assert.deepStrictEqual(blame(thrown("node:events", "node:net"), [a, b], own), [a, b])
    assert.deepStrictEqual(blame("a text", [a, b], own), [a, b])
    assert.deepStrictEqual(blame(thrown("node:net", `${own}daemon.js`), [a, b], own), [])
    assert.deepStrictEqual(blame(thrown("node:net"), [], own), [])
  })

  it("is ours even where vpc-router lies below the folder of a plugin", () => {
    const above = { url: "file:///usr/lib/plugin.mjs" }
    assert.deepStrictEqual(blame(thrown(`${own}daemon.js`), [above], own), [])
  })
})
