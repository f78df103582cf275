import { Result, Schema, SchemaIssue } from "effect"
import type { DetectorOptions } from "../domain/DetectorOptions.ts"
import type { Provides, ReadDefinition } from "../services/PluginDefinition.ts"
import { type ChosenPlugin, thrownInWords } from "../services/PluginSession.ts"
import type { Environment, GivenOptions, OptionProblem } from "./OptionReader.ts"
import { type ParseValue, word } from "./OptionValues.ts"
import { isPluginName } from "./PluginNames.ts"
import { readPluginValues } from "./PluginOptions.ts"
import type { LoadedPlugin, Plugins } from "./Plugins.ts"

/** A plugin that an option names, with its own options read. */
export interface PluginChoice {
  readonly given: string
  readonly provides: Provides
  readonly plugin: ChosenPlugin
  /** Of a probe: what it wants otherwise than usual. */
  readonly timing: Partial<Pick<DetectorOptions, "interval" | "timeout">>
}

export const isPlugin = (choice: string | PluginChoice | undefined): choice is PluginChoice =>
  typeof choice === "object"

const millis = (least: number, most: number) =>
  Schema.optional(Schema.UndefinedOr(Schema.Finite.check(Schema.isBetween({ minimum: least, maximum: most }))))

const Timing = Schema.Struct({ interval: millis(100, 3_600_000), timeout: millis(10, 60_000) })
const decodeTiming = Schema.decodeUnknownResult(Timing)
const inWords = SchemaIssue.makeFormatterDefault()

const timingOf = (
  { timing }: ReadDefinition,
  values: Readonly<Record<string, unknown>>,
): Result.Result<PluginChoice["timing"], string> =>
  timing === undefined
    ? Result.succeed({})
    : Result.flatMap(Result.try({ try: () => timing(values), catch: thrownInWords }), (given) =>
        Result.mapBoth(decodeTiming(given), {
          onFailure: ({ issue }) => inWords(issue),
          onSuccess: ({ interval, timeout }) => ({
            ...(interval === undefined ? {} : { interval }),
            ...(timeout === undefined ? {} : { timeout }),
          }),
        }),
      )

/** What each kind of plugin is for. */
const option: Readonly<Record<Provides, string>> = { config: "--mode", health: "--health", probe: "--health" }

/** The plugins that were loaded, for options that take the name of one. */
export class PluginChoices {
  readonly #choices: ReadonlyMap<string, PluginChoice>
  /** What is wrong with the options of the plugins. */
  readonly faults: ReadonlyArray<OptionProblem>
  /** The names of all their options. */
  readonly optionNames: ReadonlyArray<string>

  constructor(loaded: Plugins, given: GivenOptions, environment: Environment) {
    const faults: Array<OptionProblem> = []
    const choose = (plugin: LoadedPlugin): PluginChoice => {
      const { definition, strays } = plugin
      const read = readPluginValues(definition, given, environment)
      const timing = read.faults.length > 0 ? Result.succeed({}) : timingOf(definition, read.values)
      faults.push(...read.faults)
      if (Result.isFailure(timing))
        faults.push({ option: `plugin ${plugin.given}`, message: `its timing: ${timing.failure}` })
      return {
        given: plugin.given,
        provides: definition.provides,
        plugin: { name: definition.name, layer: () => definition.layer(read.values), strays },
        timing: Result.getOrElse(timing, () => ({})),
      }
    }
    this.#choices = new Map([...loaded].map(([name, plugin]) => [name, choose(plugin)]))
    this.faults = faults
    this.optionNames = [...loaded.values()].flatMap(({ definition }) => Object.keys(definition.options ?? {}))
  }

  /** One of these words, or a plugin that provides one of these. */
  wordOr<const Words extends ReadonlyArray<string>>(
    words: Words,
    provides: ReadonlyArray<Provides>,
  ): ParseValue<Words[number] | PluginChoice> {
    return (text) => {
      if (!isPluginName(text))
        return Result.mapError(word(words)(text), (expected) => `${expected}, or a plugin such as ./my-own.mjs`)
      const choice = this.#choices.get(text)
      if (choice === undefined) return Result.fail("a plugin that could be loaded")
      return provides.includes(choice.provides)
        ? Result.succeed(choice)
        : Result.fail(`another plugin, since this one is for ${option[choice.provides]}`)
    }
  }
}
