import { Console, Effect } from "effect"
import { Argument, CliConfig, type CliError, CliOutput, Command, Flag, GlobalFlag } from "effect/cli"
import { commandHelp } from "./commands/CommandHelp.ts"
import { commandEntryOf } from "./commands/CommandOptions.ts"
import {
  type CommandArgument,
  type CommandEntry,
  type CommandName,
  commandNames,
  commandTable,
  urlAdvice,
} from "./commands/CommandTable.ts"
import { completionsFlag } from "./commands/CompletionScript.ts"
import { helpText } from "./Help.ts"
import type { OptionSection } from "./HelpLayout.ts"
import { nearest } from "./Nearest.ts"
import type { GivenOptions, OptionProblem } from "./OptionReader.ts"
import { entryOf, type OptionEntry, type OptionKind, optionNames } from "./OptionTable.ts"

/** What an option has that was given without a value. */
const withoutValue: Readonly<Partial<Record<OptionKind, string>>> = { switch: "true", "optional-value": "" }

type TextFlag = Flag.Flag<ReadonlyArray<string>>

/** All values are taken as texts, so that everything that is wrong with them is said at once. */
const flagOf = (name: string, { help, kind, metavar, short }: OptionEntry): TextFlag => {
  const text = Flag.String(name).pipe(Flag.withDescription(help), Flag.withMetavar(metavar ?? "true|false"))
  const named = short === undefined ? text : Flag.withAlias(text, short)
  const alone = withoutValue[kind]
  return Flag.atLeast(alone === undefined ? named : Flag.withOptionalValue(named, alone), 0)
}

const flags: Readonly<Record<string, TextFlag>> = Object.fromEntries(
  optionNames.map((name) => [name, flagOf(name, entryOf(name))]),
)

const flagsOf = ({ idle, own, shared }: CommandEntry): Readonly<Record<string, TextFlag>> =>
  Object.fromEntries([
    ...idle.map((name) => [name, Flag.withHidden(flagOf(name, entryOf(name)))] as const),
    ...shared.map((name) => [name, flagOf(name, entryOf(name))] as const),
    ...own.map((name) => [name, flagOf(name, commandEntryOf(name))] as const),
  ])

/** As many as there are, for the command to count. */
const argumentOf = ({ help, name }: CommandArgument): Argument.Argument<ReadonlyArray<string>> =>
  Argument.String(name).pipe(Argument.withDescription(help), Argument.variadic())

/** The library's own has the short flag `-v`, which is the VPC here. */
const versionFlag: GlobalFlag.Action<boolean> = GlobalFlag.Action({
  flag: Flag.Boolean("version").pipe(Flag.withDescription("Show the version"), Flag.withDefault(false)),
  run: (_, { command, version }) =>
    Effect.flatMap(CliOutput.Presenter, ({ present }) => present({ _tag: "Version", name: command.name, version })),
})

const shown = { builtIns: [GlobalFlag.Help, versionFlag, completionsFlag] }

/** `-p33289`; every short option takes a value, only `-h` does not. */
const valueOptions = new RegExp(`^(-[${optionNames.flatMap((name) => entryOf(name).short ?? []).join("")}])([^=].*)$`)

const normaliseName = (arg: string): string => {
  const end = arg.indexOf("=")
  const name = end === -1 ? arg : arg.slice(0, end)
  return `${name.replaceAll("_", "-")}${arg.slice(name.length)}`
}

/**
 * What users of the Python vpc-router write, in the way that the parser takes: `--route_recheck_interval` with dashes,
 * `-p33289` as two words; and `--simulate FILE` as one, since the parser takes the value of an option that may lack one
 * only so.
 */
export const normalise = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const normal: Array<string> = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ""
    if (arg === "--") return [...normal, ...args.slice(at)]
    const [, short, value] = valueOptions.exec(arg) ?? []
    const next = args[at + 1]
    if (short !== undefined && value !== undefined) normal.push(short, value)
    else if (arg === "--simulate" && next !== undefined && !next.startsWith("-")) {
      normal.push(`${arg}=${next}`)
      at++
    } else normal.push(arg.startsWith("--") ? normaliseName(arg) : arg)
  }
  return normal
}

/** One line a problem. For standard error. */
export const problemLines = (problems: ReadonlyArray<OptionProblem>): string =>
  problems.map(({ option, message }) => `vpc-router: ${option === "" ? "" : `${option}: `}${message}`).join("\n")

/** What was asked of vpc-router: to run, undefined, or a command. */
type Asked = CommandName | undefined

const askedBy = (path: ReadonlyArray<string>): Asked => commandNames.find((name) => name === path[1])

/** The same for what is wrong with the options as such, and where to read on. */
export const usageLines = (problems: ReadonlyArray<OptionProblem>, asked?: CommandName): string =>
  `${problemLines(problems)}\nvpc-router ${asked === undefined ? "" : `${asked} `}--help shows all options.`

const orNearest = (suggestions: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? "" : `; did you mean ${suggestions.join(" or ")}?`

const isOptionOf = (asked: CommandName, option: string): boolean => {
  const { idle, own, shared } = commandTable[asked]
  return [...idle, ...own, ...shared].some((name) => `--${name}` === option)
}

/** Options that every command line may have. */
const everywhere = ["help", "version", "completions"]

const commandsWith = (option: string): ReadonlyArray<string> =>
  commandNames.filter((name) => commandTable[name].own.some((own) => `--${own}` === option))

/** What may be meant by an option that is not there. Plugins have options of their own, which the parser knows. */
const suggestionsFor = (option: string, asked: Asked, known: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (!option.startsWith("--")) {
    if (option === "-V") return ["--version"]
    const other = option.toLowerCase() === option ? option.toUpperCase() : option.toLowerCase()
    return optionNames.some((name) => `-${entryOf(name).short}` === other) ? [other] : []
  }
  const names = asked === undefined ? optionNames : [...commandTable[asked].own, ...commandTable[asked].shared]
  const all = [...new Set([...names.map((name) => `--${name}`), ...everywhere.map((name) => `--${name}`), ...known])]
  return nearest(option, all).filter((name) => name.startsWith("--"))
}

/** Whether it says where a daemon serves, to a command that is told so by `--url`. */
const isPlace = (option: string, asked: CommandName): boolean =>
  commandTable[asked].own.includes("url") &&
  (["port", "address"] as const).some((name) => option === `--${name}` || option === `-${entryOf(name).short}`)

const noSuchOption = (option: string, asked: Asked, known: ReadonlyArray<string>): string => {
  const owners = asked === undefined ? commandsWith(option) : []
  if (owners.length > 0) return `it is an option of vpc-router ${owners.join(", ")}`
  if (asked !== undefined && isPlace(option, asked))
    return `there is no such option of vpc-router ${asked}: ${urlAdvice} the daemon serves`
  const of = asked === undefined ? "" : ` of vpc-router ${asked}`
  return `there is no such option${of}${orNearest(suggestionsFor(option, asked, known))}`
}

const wordsOf = (option: string, expected: string): string =>
  option === "completions" ? "bash, zsh, fish or powershell" : expected

/** What the parser found, in our words. */
const problemOf = (error: CliError.NonShowHelpErrors, asked: Asked): OptionProblem => {
  switch (error._tag) {
    case "UnrecognizedOption": {
      const isEarly = asked !== undefined && error.command?.length === 2 && isOptionOf(asked, error.option)
      return {
        option: error.option,
        message: isEarly
          ? `expected behind the command: vpc-router ${asked} ${error.option} …`
          : noSuchOption(error.option, asked, error.suggestions),
      }
    }
    case "UnknownSubcommand":
      return {
        option: "",
        message: `expected options, or a command in front of them; got ${JSON.stringify(error.subcommand)}${orNearest(everywhere.includes(error.subcommand) ? [`--${error.subcommand}`] : nearest(error.subcommand, commandNames))}`,
      }
    case "InvalidValue":
      return {
        option: `--${error.option}`,
        message:
          error.option === "help" || error.option === "version"
            ? `expected without a value, got ${JSON.stringify(error.value)}`
            : `expected ${wordsOf(error.option, error.expected)}, got ${error.value === "" ? "nothing" : JSON.stringify(error.value)}`,
      }
    case "UnexpectedArgument":
      return {
        option: "",
        message: `expected options only, got ${error.arguments.map((text) => JSON.stringify(text)).join(" ")}`,
      }
    default:
      return { option: "", message: error.message }
  }
}

const presenter = (columns: number, plugins: ReadonlyArray<OptionSection>): CliOutput.Presenter => ({
  present: (event) => {
    switch (event._tag) {
      case "Help": {
        const asked = askedBy(event.commandPath)
        return Console.log(asked === undefined ? helpText(columns, plugins) : commandHelp(asked, columns, plugins))
      }
      case "Version":
        return Console.log(`${event.name} ${event.version}`)
      case "InvalidInvocation": {
        const asked = askedBy(event.commandPath)
        const problems = event.errors.map((error) => problemOf(error, asked))
        return Console.error(usageLines(problems, asked))
      }
    }
  },
})

/** What was given to a command. */
export interface CommandInput {
  readonly options: GivenOptions
  /** What stands there without an option. */
  readonly words: ReadonlyArray<string>
}

export interface CliOptions<R> {
  readonly version: string
  /** Width of the terminal. */
  readonly columns: number
  /** The options of the plugins that were named. */
  readonly plugins: ReadonlyArray<OptionSection>
  /** Runs with the options as they were given; gives the exit code. */
  readonly run: (given: GivenOptions) => Effect.Effect<number, never, R>
  /** Runs a command; gives the exit code. */
  readonly runCommand: (name: CommandName, given: CommandInput) => Effect.Effect<number, never, R>
}

/** The command line: gives the exit code. Everything that is wrong with it has been printed by then. */
export const cli = <R>({ columns, plugins, run, runCommand, version }: CliOptions<R>) =>
  Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
    let code = 0
    const ends = (running: Effect.Effect<number, never, R>) =>
      Effect.map(running, (ended) => {
        code = ended
      })
    const foreign = Object.fromEntries(
      plugins.flatMap(({ options }) => options.map(([name, entry]) => [name, flagOf(name, entry)] as const)),
    )
    const subcommand = (name: CommandName) => {
      const entry = commandTable[name]
      const words = entry.argument === undefined ? {} : { words: argumentOf(entry.argument) }
      return Command.make(name, { options: { ...flagsOf(entry), ...foreign }, ...words }, ({ options, words }) =>
        ends(runCommand(name, { options, words: words ?? [] })),
      ).pipe(Command.withDescription(entry.summary))
    }
    const command = Command.make("vpc-router", { ...flags, ...foreign }, (given) => ends(run(given))).pipe(
      Command.withSubcommands(commandNames.map(subcommand)),
    )
    return yield* Command.runWith(command, { version })(normalise(args)).pipe(
      Effect.match({ onFailure: () => 1, onSuccess: () => code }),
      Effect.provideService(CliConfig.CliConfig, CliConfig.make(shown)),
      Effect.provideService(CliOutput.Presenter, presenter(columns, plugins)),
    )
  })
