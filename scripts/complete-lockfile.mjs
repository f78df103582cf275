// Run it after npm changed package-lock.json: node scripts/complete-lockfile.mjs
//
// npm leaves an optional package out of the lock when the registry it was asked of (a mirror, a fresh release) lacks it,
// and `npm ci` then refuses the whole lock. Those are the builds of a tool for other platforms: this enters them by name,
// with the version that the tool itself asks for, and with the platform that the name tells.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./setup.mjs"

const file = join(root, "package-lock.json")
const lock = JSON.parse(readFileSync(file, "utf8"))

const platform = /(?<os>aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-(?<cpu>[a-z0-9]+)/
const libcs = [
  [/-gnu$/, "glibc"],
  [/-musl$/, "musl"],
]

let added = 0
for (const { dev, optionalDependencies = {} } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const path = `node_modules/${name}`
    const named = platform.exec(name)
    if (path in lock.packages || named === null || !/^\d+\.\d+\.\d+$/.test(version)) continue
    const libc = libcs.find(([ending]) => ending.test(name))?.[1]
    lock.packages[path] = {
      version,
      cpu: [named.groups.cpu],
      ...(dev ? { dev } : {}),
      ...(libc ? { libc: [libc] } : {}),
      optional: true,
      os: [named.groups.os],
    }
    added++
  }
}
// npm's own order, so that the next `npm install` moves nothing.
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} optional packages entered`)
