import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { spanWords } from "../../src/runtime/commands/Ages.ts"
import { commandHelp } from "../../src/runtime/commands/CommandHelp.ts"
import { commandEntryOf, commandOptionNames } from "../../src/runtime/commands/CommandOptions.ts"
import { commandNames, commandTable } from "../../src/runtime/commands/CommandTable.ts"
import { line, render, span, table } from "../../src/runtime/commands/Lines.ts"
import { helpText } from "../../src/runtime/Help.ts"
import { entryOf, optionNames } from "../../src/runtime/OptionTable.ts"

const start = (name: string, short: string | undefined) => `  ${short === undefined ? "    " : `-${short}, `}--${name}`

describe.each(commandNames)("the help of vpc-router %s", (name) => {
  const { argument, examples, exits, idle, own, shared } = commandTable[name]
  const lines = commandHelp(name, 100).split("\n")
  const showing = (text: string) => lines.filter((line) => line === text || line.startsWith(`${text} `))

  it("shows every option that it heeds once, with its short form, and none that changes nothing", () => {
    for (const option of own) assert.lengthOf(showing(start(option, undefined)), 1, option)
    for (const option of shared) assert.lengthOf(showing(start(option, entryOf(option).short)), 1, option)
    const heeded = new Set<string>([...own, ...shared])
    for (const option of idle)
      if (!heeded.has(option)) assert.lengthOf(showing(start(option, entryOf(option).short)), 0, option)
  })

  it("shows its argument, an example, and every exit code", () => {
    const usage = lines.find((line) => line.startsWith(`  vpc-router ${name}`)) ?? ""
    assert.strictEqual(usage.includes(argument?.name ?? "[options]"), true)
    assert.isAtLeast(examples.length, 1)
    for (const [code, meaning] of exits) assert.isTrue(showing(`  ${code}`).some((line) => line.endsWith(meaning)))
  })

  it("names no option that is not there, in its examples and elsewhere", () => {
    const known = new Set<string>([...optionNames, ...commandOptionNames, "help"])
    const named = [...lines.join("\n").matchAll(/--([a-z][a-z0-9-]+)/g)].map((match) => match[1] ?? "")
    assert.deepStrictEqual(
      named.filter((option) => !known.has(option)),
      [],
    )
  })

  it("fits the terminal", () => {
    for (const columns of [80, 100, 200])
      for (const line of commandHelp(name, columns).split("\n"))
        assert.isAtMost(line.length, Math.min(100, columns), line)
  })
})

describe("the commands", () => {
  it("are all in the daemon's help, and in the documents with their exit codes", () => {
    const documents = readFileSync(new URL("../../docs/commands.md", import.meta.url), "utf8")
    for (const name of commandNames) {
      assert.match(helpText(100), new RegExp(`^  ${name} +\\S`, "m"))
      const row = documents.split("\n").find((line) => line.startsWith(`| \`${name}\` `)) ?? ""
      const [zero, two, one] = row
        .split("|")
        .slice(2, 5)
        .map((cell) => cell.trim() !== "")
      const codes = commandTable[name].exits.map(([code]) => code)
      assert.deepStrictEqual([zero, two, one], [codes.includes(0), codes.includes(2), codes.includes(1)], name)
    }
  })

  it("take every option of theirs, and plan and check take all of the daemon's", () => {
    const used = new Set(commandNames.flatMap((name) => commandTable[name].own))
    assert.deepStrictEqual([...used].toSorted(), [...commandOptionNames].toSorted())
    for (const name of ["plan", "check"] as const)
      assert.deepStrictEqual(
        [...commandTable[name].shared, ...commandTable[name].idle].toSorted(),
        [...optionNames].toSorted(),
      )
    for (const option of commandOptionNames) assert.isNotEmpty(commandEntryOf(option).help)
  })
})

describe("reports", () => {
  const plain = { isColoured: false }

  it("columns stand below one another, and the last one is not padded", () => {
    const rows = [
      [span("+"), span("10.0.0.0/8"), span("short")],
      [span("~"), span("10.66.17.0/24"), span("a longer one")],
    ]
    assert.deepStrictEqual(
      table(rows).map((one) => render(one, plain)),
      ["  +  10.0.0.0/8     short", "  ~  10.66.17.0/24  a longer one"],
    )
  })

  it("colours are there only where they are wanted, and add nothing but colour", () => {
    const one = [span("fail", "bad"), span(" "), span("words")]
    assert.strictEqual(render(one, plain), "fail words")
    assert.strictEqual(render(one, { isColoured: true }), "\u001B[31mfail\u001B[0m words")
  })

  it("what others wrote cannot steer the terminal, and a line is cut off where the terminal ends", () => {
    assert.strictEqual(render(line("a\u001B[2Jb\nc"), plain), "a\uFFFD[2Jb\uFFFDc")
    assert.strictEqual(render([span("0123"), span("456789")], plain, 6), "01234…")
    assert.strictEqual(render([span("0123"), span("45")], plain, 6), "012345")
  })

  it("time spans are said in their two largest units", () => {
    const cases = [0, 999, 1_000, 61_000, 3_600_000, 90_061_000, 86_400_000 * 3].map(spanWords)
    assert.deepStrictEqual(cases, ["0 s", "0 s", "1 s", "1 min 1 s", "1 h", "1 d 1 h", "3 d"])
  })
})
