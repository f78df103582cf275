import { spawnSync } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Bug, bugs } from "./Bugs.ts"

const root = join(import.meta.dirname, "../../..")

/** A copy of what the simulation runs, apart from this tree. */
const copied = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "vpc-router-planted-"))
  for (const part of [
    "src",
    "test/simulation/days",
    "test/support/cloudwatch",
    "test/support/runtime/LogText.ts",
    "package.json",
  ])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  return folder
}

const play = (folder: string, seeds: number): { readonly found: string | undefined; readonly trouble: string } => {
  const child = spawnSync(
    process.execPath,
    ["test/simulation/days/Main.ts", "--short", "--first", "--seeds", String(seeds)],
    { cwd: folder, encoding: "utf8" },
  )
  const found = /seed (\d+) breaks a promise: (.*\n.*)/.exec(child.stdout)
  const trouble = found === null && child.status !== 0 ? child.stderr : ""
  return { found: found === null ? undefined : `by seed ${found[1]}: ${found[2]?.replace(/\s+/g, " ")}`, trouble }
}

const plant = (folder: string, { file, is, was }: Bug): (() => void) => {
  const path = join(folder, "src", file)
  const text = readFileSync(path, "utf8")
  if (text.split(was).length !== 2) throw new Error(`${file}: expected exactly once: ${was}`)
  writeFileSync(
    path,
    text.replace(was, () => is),
  )
  return () => writeFileSync(path, text)
}

const [only] = process.argv.slice(2)
const folder = copied()
let missed = 0
try {
  for (const bug of bugs) {
    if (only !== undefined && !bug.name.includes(only)) continue
    const unplant = plant(folder, bug)
    const { found, trouble } = play(folder, bug.within)
    unplant()
    if (found === undefined) missed++
    process.stdout.write(
      `${found === undefined ? "MISSED" : "found "}  ${bug.name} (${found ?? `not within ${bug.within} seeds`})\n${trouble}`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(missed === 0 ? "all planted bugs were found\n" : `${missed} planted bugs were missed\n`)
if (missed > 0) process.exitCode = 1
