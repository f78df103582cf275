import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { text } from "node:stream/consumers"
import { type Bug, bugs } from "./Bugs.ts"

const root = join(import.meta.dirname, "../../..")

const usage = `npm run simulate:planted -- [part of a name]

Plants mistakes, one at a time, in a copy of the sources, each of which has to be found within its number of simulated
seeds; nothing may be found in the copy without one.
`

const copiedParts = [
  "src",
  "test/simulation/days",
  "test/support/cloudwatch",
  "test/support/runtime/LogText.ts",
  "package.json",
]

/** A copy of what the simulation runs, apart from this tree. */
const copied = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "vpc-router-planted-"))
  for (const part of copiedParts) cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  return folder
}

interface Played {
  /** Which promise was broken, by which seed. */
  readonly found: string | undefined
  /** Why the seeds could not be played to the end. */
  readonly trouble: string | undefined
}

const play = async (folder: string, seeds: number): Promise<Played> => {
  const args = ["test/simulation/days/Main.ts", "--short", "--first", "--seeds", String(seeds)]
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
  const end = (): void => void child.kill("SIGKILL")
  process.once("exit", end)
  const [output, errors, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ])
  process.off("exit", end)
  const found = /seed (\d+) breaks a promise: (.*\n.*)/.exec(output)
  if (found !== null) return { found: `seed ${found[1]}: ${found[2]?.replace(/\s+/g, " ")}`, trouble: undefined }
  return { found: undefined, trouble: code === 0 ? undefined : `ended with ${signal ?? code}\n${errors}` }
}

const plant = (folder: string, { file, is, was }: Bug): (() => void) => {
  const path = join(folder, "src", file)
  const source = readFileSync(path, "utf8")
  if (source.split(was).length !== 2) throw new Error(`${file}: expected exactly once: ${was}`)
  writeFileSync(
    path,
    source.replace(was, () => is),
  )
  return () => writeFileSync(path, source)
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** The exit code. */
const run = async (chosen: ReadonlyArray<Bug>, folder: string): Promise<number> => {
  const most = Math.max(...chosen.map(({ within }) => within))
  const clean = await play(folder, most)
  if (clean.found !== undefined || clean.trouble !== undefined) {
    say(`without a planted mistake ${most} seeds should keep every promise: ${clean.found ?? clean.trouble}`)
    return 1
  }
  say(`kept   every promise without a planted mistake (${most} seeds)`)
  let missed = 0
  for (const bug of chosen) {
    const unplant = plant(folder, bug)
    const { found, trouble } = await play(folder, bug.within)
    unplant()
    if (found === undefined) missed++
    const how = found === undefined ? `not within ${bug.within} seeds` : `by ${found}`
    say(`${found === undefined ? "MISSED" : "found "} ${bug.name} (${trouble ?? how})`)
  }
  say(missed === 0 ? "all planted mistakes were found" : `${missed} planted mistakes were missed`)
  return missed === 0 ? 0 : 1
}

const [only = "", ...more] = process.argv.slice(2)
const chosen = bugs.filter(({ name }) => name.includes(only))
if (only === "--help" || only === "-h") say(usage)
else if (chosen.length === 0 || more.length > 0) {
  process.stderr.write(`expected a part of one of these names:\n${bugs.map(({ name }) => `  ${name}\n`).join("")}`)
  process.exitCode = 2
} else {
  const folder = copied()
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130))
  process.exitCode = await run(chosen, folder)
}
