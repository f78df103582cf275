// npm runs this before it packs: builds, and leaves what is only this machine's out of the package.
//
// raw-socket is packed along (bundleDependencies), because it names a version of nan that no longer compiles, and npm
// heeds our `overrides` here but not where vpc-router is installed. There it is compiled anew, or left out if it cannot be.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./setup.mjs"

// What an older build left, for processes that were running, is not packed.
rmSync(join(root, "dist", "chunks"), { recursive: true, force: true })
await import("./build.mjs")

const manifest = join(root, "node_modules", "raw-socket", "package.json")
if (!existsSync(manifest)) throw new Error("raw-socket is not installed here, so it cannot be packed along")
// Its sources only: what was compiled here fits this machine, and names its folders.
const sources = { ...JSON.parse(readFileSync(manifest, "utf8")), files: ["binding.gyp", "index.js", "src"] }
writeFileSync(manifest, `${JSON.stringify(sources, null, 2)}\n`)
