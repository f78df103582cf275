// What .ci/run does, as CI=true: every test there is, and the demo. The last line is `N passed, N failed`; the demo
// counts as one. A command that fails without counting a failure, or that says no count, counts as one failed.
import { spawn } from "node:child_process"
import { root } from "./setup.mjs"

const minutes = 60_000
const commands = [
  { args: ["test"], counts: true, limit: 15 * minutes },
  { args: ["run", "demo", "--", "--once"], counts: false, limit: 10 * minutes },
  { args: ["run", "test:long"], counts: true, limit: 45 * minutes },
]

/** Runs npm, shows what it prints, and gives the exit code with the last line. */
const npm = (args, limit) =>
  new Promise((resolve) => {
    const env = { ...process.env, CI: "true", ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }) }
    // In a process group of its own, so that a command that hangs ends with all that it started.
    const child = spawn("npm", args, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"], detached: true })
    const end = () => {
      try {
        process.kill(-child.pid, "SIGKILL")
      } catch {
        // It has ended by itself.
      }
    }
    const timer = setTimeout(() => {
      console.log(`npm ${args.join(" ")} took over ${limit / minutes} minutes and was stopped`)
      end()
    }, limit)
    process.once("exit", end)
    let tail = ""
    child.stdout.setEncoding("utf8").on("data", (text) => {
      process.stdout.write(text)
      tail = (tail + text).slice(-500)
    })
    child.on("error", (error) => console.log(error.message))
    child.on("close", (code) => {
      clearTimeout(timer)
      process.off("exit", end)
      resolve({ code, lastLine: tail.trimEnd().split("\n").at(-1) })
    })
  })

let passed = 0
let failed = 0
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130))
for (const { args, counts, limit } of commands) {
  const began = performance.now()
  console.log(`\n==> npm ${args.join(" ")}`)
  const { code, lastLine } = await npm(args, limit)
  const line = counts ? /^(\d+) passed, (\d+) failed$/.exec(lastLine) : null
  const ok = code === 0 && (line !== null || !counts)
  passed += line ? Number(line[1]) : ok ? 1 : 0
  failed += line ? Math.max(Number(line[2]), ok ? 0 : 1) : ok ? 0 : 1
  console.log(
    `<== npm ${args.join(" ")}: ${ok ? "ok" : "FAILED"}, ${((performance.now() - began) / 1000).toFixed(0)} s`,
  )
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
