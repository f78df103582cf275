import { Console, Effect } from "effect"
import type { CommandInput } from "../Cli.ts"
import { type Environment, type OptionProblem, OptionReader } from "../OptionReader.ts"
import type { Plugins } from "../Plugins.ts"
import { StartFault, startFault } from "../StartFault.ts"
import type { AnyOptionName } from "./CommandOptions.ts"
import { type CommandArgument, type CommandName, commandTable } from "./CommandTable.ts"
import { type Line, render } from "./Lines.ts"
import { type Screen, screenOf } from "./Screen.ts"

/** What a command has to work with. */
export interface CommandRun {
  readonly name: CommandName
  readonly given: CommandInput
  readonly environment: Environment
  /** The plugins that its options name. */
  readonly plugins: Plugins
  readonly reader: OptionReader<AnyOptionName>
}

export const commandRun = (
  name: CommandName,
  given: CommandInput,
  environment: Environment,
  plugins: Plugins,
): CommandRun => ({
  name,
  given,
  environment,
  plugins,
  reader: new OptionReader(given.options, environment),
})

const asMany = (argument: CommandArgument, words: ReadonlyArray<string>): string =>
  `expected ${argument.isRequired ? "" : "at most "}one ${argument.name}, got ${
    words.length === 0 ? "none" : words.map((word) => JSON.stringify(word)).join(" ")
  }`

/** The command's argument; undefined if it may be left out, and is. */
export const argumentOf = ({ given: { words }, name }: CommandRun): Effect.Effect<string | undefined, StartFault> => {
  const { argument } = commandTable[name]
  const [word, ...more] = words
  return argument === undefined || (more.length === 0 && (word !== undefined || !argument.isRequired))
    ? Effect.succeed(word)
    : Effect.fail(startFault("", asMany(argument, words)))
}

/** Every fault that was found in the options so far. */
export const checkOptions = (
  { reader }: CommandRun,
  more: ReadonlyArray<OptionProblem> = [],
): Effect.Effect<void, StartFault> => {
  const problems = [...reader.faults, ...more]
  return problems.length === 0 ? Effect.void : Effect.fail(new StartFault({ problems }))
}

export const screen = ({ environment }: CommandRun): Screen => screenOf(environment)

/** Prints a report. */
export const print = (run: CommandRun, lines: ReadonlyArray<Line>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const on = screen(run)
    return lines.length === 0 ? Effect.void : Console.log(lines.map((line) => render(line, on)).join("\n"))
  })

/** Prints a value as JSON that people can read, too. */
export const printJson = (value: unknown): Effect.Effect<void> => Console.log(JSON.stringify(value, null, 2))
