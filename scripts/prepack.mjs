// npm runs this before it packs: builds, and leaves what is only this machine's out of the package.
//
// raw-socket is packed along (bundleDependencies), because it names a version of nan that no longer compiles, and npm
// heeds our `overrides` here but not where vpc-router is installed. There it is compiled anew, or left out if it cannot be.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./setup.mjs"

const { chunks } = await import("./build.mjs")
// What an older build left, for processes that were running, is not packed. What this one names stays in its place: a
// daemon may be starting from it at this moment.
const folder = join(root, "dist", "chunks")
for (const file of readdirSync(folder).map((name) => join(folder, name))) if (!chunks.has(file)) rmSync(file)

const manifest = join(root, "node_modules", "raw-socket", "package.json")
if (!existsSync(manifest)) throw new Error("raw-socket is not installed here, so it cannot be packed along")
// Its sources only: what was compiled here fits this machine, and names its folders.
const sources = { ...JSON.parse(readFileSync(manifest, "utf8")), files: ["binding.gyp", "index.js", "src"] }
writeFileSync(manifest, `${JSON.stringify(sources, null, 2)}\n`)
