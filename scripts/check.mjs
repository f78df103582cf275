// Format, lint and types: `npm run check`. All are run, so that one look shows every fault.
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { root } from "./setup.mjs"

const checks = [
  ["format", "oxfmt", ["--check"]],
  ["lint", "oxlint", ["--deny-warnings"]],
  ["types", "tsc", ["--noEmit"]],
  ["types of the page", "tsc", ["-p", "tsconfig.page.json"]],
]

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`

/** Runs a named step and says how it went; true if it passed. */
export const step = (name, command, args) => {
  const began = performance.now()
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] })
  const passed = status === 0
  const why = error ? `: ${error.message}` : ""
  console.log(`${passed ? "ok    " : "FAILED"} ${name} (${seconds(began)})${why}`)
  return passed
}

/** The result of each check. */
export const check = () => checks.map(([name, command, args]) => step(name, command, args))

if (process.argv[1] === fileURLToPath(import.meta.url) && check().includes(false)) process.exitCode = 1
