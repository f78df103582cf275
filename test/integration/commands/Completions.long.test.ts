import { spawnSync } from "node:child_process"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { commandNames, commandTable } from "../../../src/runtime/commands/CommandTable.ts"
import { optionNames } from "../../../src/runtime/OptionTable.ts"
import { finish } from "../cli/Running.ts"
import { folder } from "./Folder.ts"

const shells = ["bash", "zsh", "fish"] as const
type Shell = (typeof shells)[number]

/** Where each shell looks for it: zsh goes by the name. */
const fileNames: Readonly<Record<Shell, string>> = {
  bash: "vpc-router.bash",
  zsh: "_vpc-router",
  fish: "vpc-router.fish",
}
const asker = (shell: Shell) => fileURLToPath(new URL(`shells/complete.${shell}`, import.meta.url))
const plain: Readonly<Record<Shell, ReadonlyArray<string>>> = { bash: ["--norc"], zsh: ["-f"], fish: ["--no-config"] }

/** What a shell offers when TAB is pressed behind the last of these words. */
const offers = (shell: Shell, script: string, ...words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { error, status, stderr, stdout } = spawnSync(
    shell,
    [...plain[shell], asker(shell), script, "vpc-router", ...words],
    { encoding: "utf8", timeout: 20_000, env: { PATH: process.env["PATH"], HOME: dirname(script), TERM: "dumb" } },
  )
  const install = "on Debian: apt-get install bash-completion zsh fish"
  if (error !== undefined || status !== 0)
    throw new Error(`${shell} cannot be asked (${install}): ${error?.message ?? stderr}`)
  return stdout
    .split("\n")
    .flatMap((line) => line.trim() || [])
    .sort()
}

const options = (offered: ReadonlyArray<string>) => offered.filter((word) => word.startsWith("--"))

describe.each(shells)("completions for %s", (shell) => {
  it.live("offer every command and option as help shows them, with the words and files that they take", () =>
    Effect.gen(function* () {
      const { write } = yield* folder
      const { code, stdout } = yield* finish(["--completions", shell])
      assert.strictEqual(code, 0)
      const script = write(fileNames[shell], stdout)
      const ask = (...words: ReadonlyArray<string>) => offers(shell, script, ...words)

      assert.includeMembers([...ask("")], [...commandNames])
      assert.deepStrictEqual(ask("pl"), ["plan"])
      const own = ["--completions", "--help", "--version"]
      assert.deepStrictEqual(options(ask("--")), [...optionNames.map((name) => `--${name}`), ...own].sort())
      for (const name of commandNames) {
        const { own, shared } = commandTable[name]
        const shown = [...own, ...shared, "help"].map((option) => `--${option}`).sort()
        assert.deepStrictEqual(options(ask(name, "--")), shown, name)
      }
      assert.deepStrictEqual(ask("--mode", ""), ["configfile", "fixedconf", "http"])
      assert.deepStrictEqual(ask("-m", ""), ["configfile", "fixedconf", "http"])
      assert.deepStrictEqual(ask("plan", "--health", "t"), ["tcp"])

      const spec = write("route-spec.json", {})
      const start = spec.slice(0, -"-spec.json".length)
      const isSpec = (word: string) => spec.endsWith(word) && word.endsWith("route-spec.json")
      for (const words of [
        ["validate", start],
        ["plan", "--file", start],
        ["--token-file", start],
      ])
        assert.isTrue(ask(...words).some(isSpec), `${words.join(" ")}: ${ask(...words).join(" ")}`)

      assert.notMatch(stdout, /--\w+_\w+/)
    }),
  )
})
