// npm run mutate: changes the planner in small ways, one at a time, and counts how many of them the property tests notice:
// npm run mutate -- src/domain/DeletionBrake.ts src/domain/Decide.ts:60-90. Without names, all of `core`: hours.
// With --tests DeletionBrake,Memory only these tests are to notice it.
// It works on a copy in .toolchain/mutate, with packages of its own. One file after another, and what was found out about each
// is kept there, so that the whole can be gathered over several runs. Ends with 1 when a file is below 90 %.
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { parseArgs } from "node:util"
import { root, toolchain } from "./setup.mjs"

const stryker = "10.1.1"
const home = join(toolchain, "mutate")
const copied = ["src", "test", "scripts", "package.json", "package-lock.json", "tsconfig.json"]

const words = (text) => text.trim().split(/\s+/)

/** What decides about routes. */
const core = words(`
  ActionGuard Apply ApplyWrite BrakeMemory CellStanding Confirmed Decide DeletionBrake Durable Failover Guards HostStanding
  Hush MassFailure Obstacle Plan PlanCidr Rendezvous Velocity Votes World WriteLog
`)
/**
 * Tests of the domain alone, in the order in which they are tried: the first to fail ends it, so quick ones come first.
 * Those of options, documents and services know nothing of it.
 */
const tests = words(`
  Plan World Apply ApplyWrite PlanCases Votes Decide HostStanding CellStanding Failover FirstAnswer Obstacle Hush
  MassFailure Velocity GuardScenes ActionGuard Confirmed Durable WriteLogCases WriteLog DeletionBrake BrakeMemory
  StaleReadings Guards Slices Placement UnansweredWrites Determinism Tally Census Rendezvous Memory Increments
  Restart Promises Operation
`)
/** Of some files, the tests that are to notice: what only others would notice counts as unnoticed, and it takes a fraction. */
const testsOf = {
  ActionGuard: ["ActionGuard", "Velocity"],
  Apply: ["Apply", "Confirmed", "GuardScenes"],
  ApplyWrite: ["ApplyWrite"],
  BrakeMemory: ["BrakeMemory", "DeletionBrake"],
  CellStanding: ["CellStanding"],
  Confirmed: ["Confirmed"],
  Decide: words(`
    Decide PlanCases FirstAnswer Obstacle Velocity ActionGuard WriteLog StaleReadings DeletionBrake BrakeMemory
  `),
  DeletionBrake: ["DeletionBrake", "BrakeMemory"],
  Durable: ["Durable"],
  Failover: ["Failover"],
  Guards: ["GuardScenes", "ActionGuard"],
  HostStanding: ["HostStanding"],
  Hush: ["Hush"],
  MassFailure: ["MassFailure"],
  Obstacle: ["Obstacle"],
  Plan: ["Plan"],
  PlanCidr: words("PlanCases Votes FirstAnswer WriteLog UnansweredWrites StaleReadings Decide"),
  Rendezvous: ["Rendezvous"],
  Velocity: ["Velocity"],
  Votes: ["Votes", "PlanCases", "FirstAnswer", "UnansweredWrites"],
  World: ["World", "WriteLog"],
  WriteLog: ["WriteLogCases", "WriteLog"],
}

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

mkdirSync(join(home, "found"), { recursive: true })
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

// A failure is all that counts: no smaller example is looked for.
writeFileSync(
  join(home, "no-shrinking.mjs"),
  `import fc from "fast-check"\nfc.configureGlobal({ endOnFailure: true })\n`,
)

/** Vitest's settings: these tests, in this order. */
const vitestConfig = (chosen) => {
  const files = chosen.map((name) => `test/property/${name}.test.ts`)
  const settings = { include: files, setupFiles: ["no-shrinking.mjs"], testTimeout: 120_000 }
  return `import { BaseSequencer } from "vitest/node"
const files = ${JSON.stringify(files)}
const place = ({ moduleId }) => files.findIndex((file) => moduleId.endsWith(file))
class InOrder extends BaseSequencer {
  sort(specifications) {
    return specifications.toSorted((a, b) => place(a) - place(b))
  }
}
export default { test: { ...${JSON.stringify(settings)}, sequence: { sequencer: InOrder } } }
`
}

/** Tries the mutants of one file, or of a part of it, `File.ts:60-90`. */
const mutate = (file, chosen) => {
  const kept = join("found", basename(file).replace(/\.ts.*/, ""))
  const config = {
    testRunner: "vitest",
    plugins: ["@stryker-mutator/vitest-runner"],
    vitest: { configFile: "mutate.config.mjs", related: false },
    coverageAnalysis: "perTest",
    mutate: [file],
    // This is a copy already.
    inPlace: true,
    allowConsoleColors: false,
    concurrency: Number(process.env.MUTATE_CONCURRENCY ?? 1),
    incremental: true,
    incrementalFile: `${kept}.incremental.json`,
    reporters: ["clear-text", "progress-append-only", "json", "html"],
    clearTextReporter: { logTests: false, allowColor: false, reportTests: false },
    jsonReporter: { fileName: `${kept}.json` },
    htmlReporter: { fileName: `${kept}.html` },
    // Properties that loop for ever are noticed, too; a busy machine is not to be taken for one.
    timeoutMS: 30_000,
    disableTypeChecks: false,
    thresholds: { high: 95, low: 90, break: 90 },
  }
  writeFileSync(join(home, "stryker.config.json"), JSON.stringify(config, null, 2))
  writeFileSync(join(home, "mutate.config.mjs"), vitestConfig(chosen))
  const status = run(process.execPath, join(home, "node_modules/@stryker-mutator/core/bin/stryker.js"), "run")
  console.log(join(home, `${kept}.html`))
  return status
}

const { positionals: asked, values } = parseArgs({ allowPositionals: true, options: { tests: { type: "string" } } })
const statuses = (asked.length > 0 ? asked : core.map((name) => `src/domain/${name}.ts`)).map((file) =>
  mutate(file, values.tests?.split(",") ?? testsOf[basename(file).replace(/\.ts.*/, "")] ?? tests),
)
process.exit(Math.max(...statuses))
