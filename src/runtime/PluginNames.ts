import { type Environment } from "./OptionReader.ts"
import { entryOf, optionNames, variableOf } from "./OptionTable.ts"

/** A file (`./my-source.mjs`, `/etc/vpc-router/x.mjs`), a package with a scope (`@scope/name`), or one called `vpc-router-…`. */
const pluginName = /^(\.{0,2}\/|@[\w.-]+\/[\w.-]|vpc-router-[\w.-])/

/** Whether a word of `--mode` or `--health` names a plugin, and not something built in. */
export const isPluginName = (text: string): boolean => pluginName.test(text)

/** Whether it is the path of a file. */
export const isPluginPath = (name: string): boolean => /^\.{0,2}\//.test(name)

const naming = ["mode", "health"] as const
/** Options that a value follows, with their short forms. */
const takesValue = new Set(
  optionNames.flatMap((name) => {
    const { kind, short } = entryOf(name)
    return kind === "value" || kind === "list" ? [`--${name}`, ...(short === undefined ? [] : [`-${short}`])] : []
  }),
)

const givenTo = (args: ReadonlyArray<string>, name: (typeof naming)[number]): ReadonlyArray<string> => {
  const spellings = [`--${name}`, `-${entryOf(name).short ?? name}`]
  const texts: Array<string> = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ""
    if (arg === "--") break
    const next = args[at + 1]
    if (spellings.includes(arg)) {
      if (next !== undefined) texts.push(next)
      at++
    } else if (takesValue.has(arg)) at++
    else
      for (const spelling of spellings) if (arg.startsWith(`${spelling}=`)) texts.push(arg.slice(spelling.length + 1))
  }
  return texts
}

/**
 * The plugins that `--mode` and `--health` name, sorted; as for every option the command line wins over the environment. They
 * must be known before the command line can be read, since they add options to it. Takes normalised arguments.
 */
export const namedPlugins = (args: ReadonlyArray<string>, environment: Environment): ReadonlyArray<string> => {
  const words = naming.flatMap((name) => {
    const given = givenTo(args, name)
    return (given.length > 0 ? given : [environment[variableOf(name)] ?? ""]).flatMap((text) => text.split(","))
  })
  return [...new Set(words.map((word) => word.trim()).filter(isPluginName))].sort()
}
