// npm test (checks, build, property and integration tests) and npm run test:long (with --long: build, long tests).
// Other arguments go to vitest. The last line is `N passed, N failed`, where each check and the build count as one.
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { check, step } from "./check.mjs"
import { root, toolchain } from "./setup.mjs"
import { testTools } from "./test-tools.mjs"

const long = process.argv.includes("--long")
const projects = long ? ["long", "long-alone"] : ["property", "simulation", "integration", "alone"]
const vitestArguments = process.argv.slice(2).filter((argument) => argument !== "--long")

/** Runs the tests and reads from vitest's own report how many passed and failed. */
const vitest = () => {
  const reports = join(toolchain, "reports")
  const report = join(reports, `${projects[0]}.json`)
  mkdirSync(reports, { recursive: true })
  rmSync(report, { force: true })
  const { status } = spawnSync(
    "vitest",
    [
      "run",
      ...projects.map((project) => `--project=${project}`),
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
      ...vitestArguments,
    ],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
  )
  return counts(report, status)
}

const counts = (report, status) => {
  let result
  try {
    result = JSON.parse(readFileSync(report, "utf8"))
  } catch {
    console.log("vitest wrote no report")
    return { passed: 0, failed: 1 }
  }
  const skipped = result.testResults
    .flatMap((file) => file.assertionResults.map((test) => ({ file: file.name, ...test })))
    .filter((test) => !["passed", "failed"].includes(test.status))
  for (const test of skipped) console.log(`not run: ${test.file.replace(`${root}/`, "")}: ${test.fullName}`)
  // A test that is skipped proves nothing, so it counts as failed where the count decides.
  const failed = result.numFailedTests + (process.env.CI ? skipped.length : 0)
  // A file that cannot be loaded, and an error outside of any test, fail the run without failing a test.
  const unseen = status !== 0 && failed === 0 ? 1 : 0
  return { passed: result.numPassedTests, failed: failed + unseen }
}

testTools(process.env)
const steps = [...(long ? [] : check()), step("build", "node", ["scripts/build.mjs"])]
const tests = vitest()
const passed = tests.passed + steps.filter((passed) => passed).length
const failed = tests.failed + steps.filter((passed) => !passed).length
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1
