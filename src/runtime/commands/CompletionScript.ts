import { Console, Effect, Option } from "effect"
import { Completions, GlobalFlag } from "effect/cli"
import { entryOf, type OptionEntry, optionNames } from "../OptionTable.ts"
import { commandEntryOf, commandOptionNames } from "./CommandOptions.ts"

const entries: ReadonlyMap<string, OptionEntry> = new Map<string, OptionEntry>([
  ...commandOptionNames.map((name) => [name, commandEntryOf(name)] as const),
  ...optionNames.map((name) => [name, entryOf(name)] as const),
])

const typeOf = (entry: OptionEntry): Completions.FlagType => {
  if (entry.kind === "switch") return { _tag: "Boolean" }
  if (entry.isFile === true) return { _tag: "Path", pathType: "file" }
  return entry.words === undefined ? { _tag: "String" } : { _tag: "Choice", values: entry.words }
}

/** The parser takes every value as a text; completions know what it should be. */
const withType = (flag: Completions.FlagDescriptor): Completions.FlagDescriptor => {
  const entry = entries.get(flag.name)
  return entry === undefined ? flag : { ...flag, type: typeOf(entry), optionalValue: false, negation: false }
}

const flag = (name: string, description: string): Completions.FlagDescriptor => ({
  name,
  aliases: [],
  description,
  type: { _tag: "Boolean" },
  negation: false,
})

const help: Completions.FlagDescriptor = { ...flag("help", "Show what it does."), aliases: ["h"] }

const withFile = (argument: Completions.ArgumentDescriptor): Completions.ArgumentDescriptor => ({
  ...argument,
  variadic: false,
  type: argument.name === "FILE" ? { _tag: "Path", pathType: "file" } : argument.type,
})

const enriched = (command: Completions.CommandDescriptor): Completions.CommandDescriptor => ({
  ...command,
  flags: [...command.flags.map(withType), help],
  arguments: command.arguments.map(withFile),
  subcommands: command.subcommands.map(enriched),
})

const shells = ["bash", "zsh", "fish", "powershell"] as const

/** `--completions SHELL`: all commands and options as the parser has them, with the words and files that they take. */
export const completionsFlag: typeof GlobalFlag.Completions = GlobalFlag.Action({
  flag: GlobalFlag.Completions.flag,
  run: Effect.fnUntraced(function* (shell, { command }) {
    if (Option.isNone(shell)) return
    const { flags, ...rest } = enriched(Completions.fromCommand(command))
    const own: ReadonlyArray<Completions.FlagDescriptor> = [
      flag("version", "Show the version."),
      {
        ...flag("completions", "Print completions for a shell."),
        type: { _tag: "Choice", values: shells },
      },
    ]
    yield* Console.log(Completions.generate(command.name, shell.value, { ...rest, flags: [...flags, ...own] }))
  }),
})
