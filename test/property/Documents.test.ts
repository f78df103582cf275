import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { optionNames } from "../../src/runtime/OptionTable.ts"

const root = join(import.meta.dirname, "../..")
const read = (file: string) => readFileSync(join(root, file), "utf8")

const documents = globSync(["*.md", "docs/*.md", "deploy/*.md"], { cwd: root }).toSorted()

const Packages = Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
const Manifest = Schema.fromJsonString(
  Schema.Struct({
    version: Schema.String,
    scripts: Schema.Record(Schema.String, Schema.String),
    dependencies: Packages,
    devDependencies: Packages,
    optionalDependencies: Packages,
    peerDependencies: Packages,
  }),
)
const manifest = Schema.decodeSync(Manifest)(read("package.json"))

const all = (text: string, pattern: RegExp): ReadonlyArray<string> =>
  [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))].toSorted()

/** The rows of the tables of a text, cell by cell. */
const rows = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    .map((line) => line.split(" | ").map((cell) => cell.replaceAll(/^\| | \|$/g, "").trim()))

describe("the documents", () => {
  it("link to files that are there", () => {
    const lost = documents.flatMap((document) =>
      all(read(document), /\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)
        .filter((link) => !existsSync(join(root, dirname(document), link)))
        .map((link) => `${document}: ${link}`),
    )
    assert.isAbove(documents.length, 6)
    assert.deepStrictEqual(lost, [])
  })

  it("name files that are there", () => {
    const lost = documents.flatMap((document) =>
      all(read(document), /`((?:src|test|scripts|deploy|docs|bench)\/[\w./-]+\.\w+)`/g)
        .filter((file) => !existsSync(join(root, file)))
        .map((file) => `${document}: ${file}`),
    )
    assert.deepStrictEqual(lost, [])
  })

  it("run no npm script that is not there", () => {
    const named = documents.flatMap((document) => all(read(document), /npm run ([\w:-]+)/g))
    assert.isAbove(named.length, 4)
    assert.deepStrictEqual(
      named.filter((name) => !(name in manifest.scripts)),
      [],
    )
  })

  it("give the version of the package where they install it", () => {
    const [tarball] = all(read("deploy/README.md"), /vpc-router-(\d\S*)\.tgz/g)
    assert.strictEqual(tarball, manifest.version)
  })
})

describe("docs/dependencies.md", () => {
  const [ours = "", apart = ""] = read("docs/dependencies.md").split("## Fetched apart")

  it("lists every package of package.json with its reason and what it would take to leave it, and no other", () => {
    const listed = rows(ours).filter(([name]) => name !== "package")
    for (const [name, why = "", leaving = ""] of listed) assert.isTrue(why !== "" && leaving !== "", name)
    const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest
    const wanted = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies })
    assert.deepStrictEqual(listed.map(([name = ""]) => name.replaceAll("`", "")).toSorted(), wanted.toSorted())
  })

  it("lists what the scripts fetch besides", () => {
    const scripts = ["setup", "test-tools", "api-docs", "mutate"].map((name) => read(`scripts/${name}.mjs`)).join("\n")
    const fetched = [
      ...all(scripts, /package: "([\w-]+)"/g),
      ...all(scripts, /"(\w+)\[server\]==/g),
      ...all(scripts, /packages = \{ (\w+):/g),
      ...all(scripts, /`(@stryker-mutator\/core)@/g),
    ]
    assert.lengthOf(fetched, 4)
    for (const name of fetched) assert.include(apart, `\`${name}\``)
  })
})

describe("docs/migrating.md", () => {
  const options = /## Options\n([\s\S]*?)\n## /.exec(read("docs/migrating.md"))?.[1] ?? ""
  const listed = rows(options).filter(([before]) => before !== "before")
  const known = new Set<string>(optionNames)

  it("has every option of the Python version, under a name that still works", () => {
    const before = listed.flatMap(([names = ""]) => all(names, /--(\w+)/g))
    const python = `address file fixed_cidr fixed_hosts health icmp_check_interval ignore_routes logfile mode
      multi_plugins port region route_recheck_interval tcp_check_interval tcp_check_port verbose vpc`.split(/\s+/)
    assert.deepStrictEqual([...before].toSorted(), python)
    // The one that is gone, and the row says what takes its place.
    const gone = before.filter((name) => !known.has(name.replaceAll("_", "-")))
    assert.deepStrictEqual(gone, ["multi_plugins"])
  })

  it("names no option of today that is not there", () => {
    const now = listed.flatMap(([, names = ""]) => all(names, /--([\w-]+)/g))
    assert.deepStrictEqual(
      now.filter((name) => !known.has(name)),
      [],
    )
  })
})
