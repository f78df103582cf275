import { Result } from "effect"
import type { ReadDefinition, ReadPluginOption } from "../services/PluginDefinition.ts"
import { commandOptionNames } from "./commands/CommandOptions.ts"
import type { OptionSection } from "./HelpLayout.ts"
import { type Environment, type GivenOptions, type OptionProblem, OptionReader } from "./OptionReader.ts"
import { type OptionEntry, type OptionKind, optionNames } from "./OptionTable.ts"
import * as Values from "./OptionValues.ts"

/** A plugin's definition, and the name by which it was given. */
interface Defined {
  readonly given: string
  readonly definition: ReadDefinition
}

/** Taken by vpc-router itself, beside the options of the daemon. */
const taken: ReadonlySet<string> = new Set([...optionNames, ...commandOptionNames, "help", "version", "completions"])

const kinds: Readonly<Record<ReadPluginOption["kind"], OptionKind>> = {
  text: "value",
  number: "value",
  seconds: "value",
  list: "list",
  switch: "switch",
}
const metavars: Readonly<Record<ReadPluginOption["kind"], string | undefined>> = {
  text: "TEXT",
  number: "NUMBER",
  seconds: "SECONDS",
  list: "A,B…",
  switch: undefined,
}

const optionsOf = ({ options = {} }: ReadDefinition): ReadonlyArray<readonly [string, ReadPluginOption]> =>
  Object.entries(options)

/** The options of a plugin as entries of the command line and its help. */
const entriesOf = (definition: ReadDefinition): ReadonlyArray<readonly [name: string, entry: OptionEntry]> =>
  optionsOf(definition).map(([name, option]) => {
    const ending = option.required === true ? " Required." : option.default ? ` Default: ${option.default}.` : ""
    const metavar = option.kind === "switch" ? undefined : (option.metavar ?? metavars[option.kind])
    return [
      name,
      {
        kind: kinds[option.kind],
        help: `${option.description}${ending}`,
        ...(metavar === undefined ? {} : { metavar }),
      },
    ] as const
  })

/** What `--help` says of a plugin. */
export const sectionOf = ({ definition, given }: Defined): OptionSection => ({
  title: `The plugin ${given}`,
  about: definition.description,
  options: entriesOf(definition),
})

const text: Values.ParseValue<string> = (given) => (given === "" ? Result.fail("a text") : Result.succeed(given))
const number = ({ least = 0, most = 999_999_999 }: ReadPluginOption) => Values.wholeNumber(least, most)
const seconds = Values.duration(1, 604_800_000, true)

type PluginValue = string | number | boolean | ReadonlyArray<string> | undefined

/** The value of a text that was given once, or of the default. */
const parserOf = (option: ReadPluginOption): Values.ParseValue<PluginValue> => {
  switch (option.kind) {
    case "text":
      return text
    case "number":
      return number(option)
    case "seconds":
      return seconds
    case "switch":
      return Values.onOff
    case "list":
      return (given) => {
        const items = given.split(",").map((item) => item.trim())
        return items.includes("") ? Result.fail("texts, separated by commas") : Result.succeed(items)
      }
  }
}

/** Defaults that are no values of their options. */
export const defaultFaults = (definition: ReadDefinition): ReadonlyArray<string> =>
  optionsOf(definition).flatMap(([name, option]) => {
    if (option.default === undefined) return []
    const parsed = parserOf(option)(option.default)
    return Result.isSuccess(parsed)
      ? []
      : [`options.${name}.default: expected ${parsed.failure}, got ${JSON.stringify(option.default)}`]
  })

/** Names of options or plugins that cannot be told apart. */
export const clashes = (plugins: ReadonlyArray<Defined>): ReadonlyArray<OptionProblem> => {
  const problems: Array<OptionProblem> = []
  const owners = new Map<string, string>()
  const names = new Map<string, string>()
  for (const { definition, given } of plugins) {
    const namesake = names.get(definition.name)
    if (namesake !== undefined)
      problems.push({ option: `plugin ${given}`, message: `it is called ${definition.name}, as ${namesake} is` })
    names.set(definition.name, given)
    for (const [name] of optionsOf(definition)) {
      const owner = taken.has(name) ? "vpc-router itself" : owners.get(name)
      if (owner !== undefined)
        problems.push({ option: `plugin ${given}`, message: `its option --${name} is one of ${owner}, too` })
      owners.set(name, given)
    }
  }
  return problems
}

/** What a plugin gets, and what is wrong with what was given. */
export interface ReadPluginValues {
  readonly values: Readonly<Record<string, PluginValue>>
  readonly faults: ReadonlyArray<OptionProblem>
}

/** Reads a plugin's own options. */
export const readPluginValues = (
  definition: ReadDefinition,
  given: GivenOptions,
  environment: Environment,
): ReadPluginValues => {
  const reader = new OptionReader<string>(given, environment)
  const valueOf = (name: string, option: ReadPluginOption): PluginValue => {
    const fallback = option.default === undefined ? undefined : parserOf(option)(option.default)
    const byDefault = fallback === undefined ? undefined : Result.getOrUndefined(fallback)
    if (!reader.isGiven(name)) {
      if (option.required === true && byDefault === undefined)
        reader.fault(name, `plugin ${definition.name} needs it: ${option.description}`)
      return byDefault ?? (option.kind === "switch" ? false : option.kind === "list" ? [] : undefined)
    }
    if (option.kind === "switch") return reader.isOn(name)
    if (option.kind === "list") return reader.list(name, text)
    return reader.value(name, parserOf(option))
  }
  const values = Object.fromEntries(optionsOf(definition).map(([name, option]) => [name, valueOf(name, option)]))
  return { values, faults: reader.faults }
}
