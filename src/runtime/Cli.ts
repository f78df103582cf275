import { Console, Effect } from "effect"
import { CliConfig, type CliError, CliOutput, Command, Flag, GlobalFlag } from "effect/cli"
import { helpText } from "./Help.ts"
import type { GivenOptions, OptionProblem } from "./OptionReader.ts"
import { entryOf, type OptionKind, type OptionName, optionNames } from "./OptionTable.ts"

/** What an option has that was given without a value. */
const withoutValue: Readonly<Partial<Record<OptionKind, string>>> = { switch: "true", "optional-value": "" }

/** All values are taken as texts, so that everything that is wrong with them is said at once. */
const flagOf = (name: OptionName): Flag.Flag<ReadonlyArray<string>> => {
  const { help, kind, metavar, short } = entryOf(name)
  const text = Flag.String(name).pipe(Flag.withDescription(help), Flag.withMetavar(metavar ?? "true|false"))
  const named = short === undefined ? text : Flag.withAlias(text, short)
  const alone = withoutValue[kind]
  return Flag.atLeast(alone === undefined ? named : Flag.withOptionalValue(named, alone), 0)
}

const flags: Readonly<Record<string, Flag.Flag<ReadonlyArray<string>>>> = Object.fromEntries(
  optionNames.map((name) => [name, flagOf(name)]),
)

/** The library's own has the short flag `-v`, which is the VPC here. */
const versionFlag: GlobalFlag.Action<boolean> = GlobalFlag.Action({
  flag: Flag.Boolean("version").pipe(Flag.withDescription("Show the version"), Flag.withDefault(false)),
  run: (_, { command, version }) =>
    Effect.flatMap(CliOutput.Presenter, ({ present }) => present({ _tag: "Version", name: command.name, version })),
})

const shown = { builtIns: [GlobalFlag.Help, versionFlag, GlobalFlag.Completions] }

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

/** The same for what is wrong with the options as such, and where to read on. */
export const usageLines = (problems: ReadonlyArray<OptionProblem>): string =>
  `${problemLines(problems)}\nvpc-router --help shows all options.`

/** What the parser found, in our words. */
const problemOf = (error: CliError.NonShowHelpErrors): OptionProblem => {
  switch (error._tag) {
    case "UnrecognizedOption": {
      const nearest = error.suggestions.length === 0 ? "" : `; did you mean ${error.suggestions.join(" or ")}?`
      return { option: error.option, message: `there is no such option${nearest}` }
    }
    case "InvalidValue":
      return {
        option: `--${error.option}`,
        message: `expected ${error.expected}, got ${error.value === "" ? "nothing" : JSON.stringify(error.value)}`,
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

const presenter = (columns: number): CliOutput.Presenter => ({
  present: (event) => {
    switch (event._tag) {
      case "Help":
        return Console.log(helpText(columns))
      case "Version":
        return Console.log(`${event.name} ${event.version}`)
      case "InvalidInvocation":
        return Console.error(usageLines(event.errors.map(problemOf)))
    }
  },
})

export interface CliOptions<R> {
  readonly version: string
  /** Width of the terminal. */
  readonly columns: number
  /** Runs with the options as they were given; gives the exit code. */
  readonly run: (given: GivenOptions) => Effect.Effect<number, never, R>
}

/** The command line: gives the exit code. Everything that is wrong with it has been printed by then. */
export const cli = <R>({ columns, run, version }: CliOptions<R>) =>
  Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
    let code = 0
    const command = Command.make("vpc-router", flags, (given) =>
      Effect.map(run(given), (ended) => {
        code = ended
      }),
    )
    return yield* Command.runWith(command, { version })(normalise(args)).pipe(
      Effect.match({ onFailure: () => 1, onSuccess: () => code }),
      Effect.provideService(CliConfig.CliConfig, CliConfig.make(shown)),
      Effect.provideService(CliOutput.Presenter, presenter(columns)),
    )
  })
