// npm run mutate: changes the planner in small ways, one at a time, and counts how many of them the property tests notice:
// npm run mutate -- src/domain/DeletionBrake.ts src/domain/ActionGuard.ts. Without names, all of `core`: hours.
// With --tests DeletionBrake,Memory only these tests are to notice it, which takes minutes.
// It works on a copy in .toolchain/mutate, with packages of its own; what was found out is kept there, and only what changed is
// tried anew. Ends with 1 below 90 %.
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { root, toolchain } from "./setup.mjs"

const stryker = "10.1.1"
const home = join(toolchain, "mutate")
const copied = ["src", "test", "scripts", "package.json", "package-lock.json", "tsconfig.json"]

/** What decides about routes. */
const core = [
  "src/domain/{ActionGuard,Apply,ApplyWrite,CellStanding,Decide,DeletionBrake,Failover,Guards,HostStanding}.ts",
  "src/domain/{MassFailure,Obstacle,Plan,PlanCidr,Rendezvous,Velocity,World,WriteLog}.ts",
]
/** Tests of the domain alone. Those of options, documents and services know nothing of it. */
const tests =
  "{Census,DeletionBrake,Determinism,Failover,Guards,HeldUp,Increments,Memory,Obstacle,Operation,Placement,PlanCases,Promises,Rendezvous,Restart,StaleReadings,Tally,UnansweredWrites,WriteLog}"

const run = (command, ...args) => spawnSync(command, args, { cwd: home, stdio: "inherit" }).status ?? 1

const installed = () => {
  const manifest = join(home, "node_modules", "@stryker-mutator", "vitest-runner", "package.json")
  const lock = join(home, "installed-lock.json")
  return (
    existsSync(manifest) &&
    JSON.parse(readFileSync(manifest, "utf8")).version === stryker &&
    existsSync(lock) &&
    readFileSync(lock, "utf8") === readFileSync(join(root, "package-lock.json"), "utf8")
  )
}

mkdirSync(home, { recursive: true })
for (const name of copied) {
  rmSync(join(home, name), { recursive: true, force: true })
  cpSync(join(root, name), join(home, name), { recursive: true })
}
if (!installed()) {
  process.stderr.write("mutate: installing packages into .toolchain/mutate\n")
  const packages = [`@stryker-mutator/core@${stryker}`, `@stryker-mutator/vitest-runner@${stryker}`]
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
  if (run("npm", "ci", ...quiet) !== 0 || run("npm", "install", "--no-save", ...quiet, ...packages) !== 0)
    process.exit(1)
  cpSync(join(root, "package-lock.json"), join(home, "installed-lock.json"))
}

const { positionals: asked, values } = parseArgs({ allowPositionals: true, options: { tests: { type: "string" } } })
const mutate = asked.length > 0 ? asked : core.flatMap((pattern) => globSync(pattern, { cwd: home }).toSorted())
const config = {
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner"],
  vitest: { configFile: "mutate.config.mjs", related: false },
  coverageAnalysis: "perTest",
  mutate,
  // This is a copy already.
  inPlace: true,
  allowConsoleColors: false,
  concurrency: Number(process.env.MUTATE_CONCURRENCY ?? 1),
  incremental: true,
  incrementalFile: "incremental.json",
  reporters: ["clear-text", "progress-append-only", "json", "html"],
  clearTextReporter: { logTests: false, allowColor: false },
  jsonReporter: { fileName: "report.json" },
  htmlReporter: { fileName: "report.html" },
  // Properties that loop for ever are noticed, too; a busy machine is not to be taken for one.
  timeoutMS: 30_000,
  disableTypeChecks: false,
  thresholds: { high: 95, low: 90, break: 90 },
}
writeFileSync(join(home, "stryker.config.json"), JSON.stringify(config, null, 2))
const chosen = values.tests === undefined ? tests : `{${values.tests},}`
const settings = { pool: "forks", include: [`test/property/${chosen}.test.ts`], testTimeout: 120_000, bail: 1 }
writeFileSync(join(home, "mutate.config.mjs"), `export default ${JSON.stringify({ test: settings })}\n`)
const status = run(process.execPath, join(home, "node_modules/@stryker-mutator/core/bin/stryker.js"), "run")
console.log(join(home, "report.html"))
process.exit(status)
