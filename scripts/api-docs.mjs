// npm run docs: the documentation of the library and the plugin ports, from the docstrings, as HTML in docs/api.
// Where it is to be written may be given: npm run docs -- FOLDER.
//
// typedoc does not take the TypeScript that this project is built with, so it has an older one of its own in .toolchain.
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { root, toolchain } from "./setup.mjs"

const packages = { typedoc: "0.28.20", typescript: "6.0.3" }
const home = join(toolchain, "typedoc")
const out = resolve(process.argv[2] ?? join(root, "docs", "api"))

const installed = (name) => {
  const manifest = join(home, "node_modules", name, "package.json")
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : undefined
}

const run = (command, ...args) => spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] }).status === 0

if (Object.entries(packages).some(([name, version]) => installed(name) !== version)) {
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, "package.json"), `${JSON.stringify({ private: true })}\n`)
  const names = Object.entries(packages).map(([name, version]) => `${name}@${version}`)
  process.stderr.write(`docs: installing ${names.join(" and ")} into .toolchain/typedoc\n`)
  if (!run("npm", "install", "--prefix", home, "--save-exact", "--no-audit", "--no-fund", ...names)) process.exit(1)
}

const options = {
  entryPoints: [join(root, "src/index.ts"), join(root, "src/plugin.ts")],
  tsconfig: join(root, "tsconfig.json"),
  out,
  name: "vpc-router",
  includeVersion: true,
  readme: "none",
  hideGenerator: true,
  disableSources: true,
  excludeExternals: true,
  // tsc has checked the sources. What the docstrings link to must be there, or be a part of the inside, which is not shown.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  validation: { notExported: false },
  externalSymbolLinkMappings: { "vpc-router": { "*": "#" }, effect: { "*": "#" } },
}
const settings = join(home, "typedoc.json")
writeFileSync(settings, JSON.stringify(options))
const typedoc = join(home, "node_modules", "typedoc", "bin", "typedoc")
const done = run(process.execPath, typedoc, "--options", settings)
if (!done) process.exit(1)
console.log(join(out, "index.html"))
