import { statSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { Effect, Predicate, Result } from "effect"
import { readDefinition, type ReadDefinition } from "../services/PluginDefinition.ts"
import { StrayFaults, thrownInWords } from "../services/PluginSession.ts"
import type { OptionProblem } from "./OptionReader.ts"
import { type PluginImporter, shareModules, type SharedModules } from "./PluginModules.ts"
import { isPluginPath } from "./PluginNames.ts"
import { clashes, defaultFaults } from "./PluginOptions.ts"
import { StartFault } from "./StartFault.ts"

/** A plugin whose module was loaded. */
export interface LoadedPlugin {
  /** As `--mode` or `--health` names it. */
  readonly given: string
  /** The URL of its module. */
  readonly url: string
  readonly definition: ReadDefinition
  readonly strays: StrayFaults
}

/** Plugins by the names under which they were given. */
export type Plugins = ReadonlyMap<string, LoadedPlugin>

/** How long a module may take to load. */
const loadLimit = "10 seconds"

const defaultExportOf = (module: unknown): unknown =>
  Predicate.hasProperty(module, "default") ? module.default : undefined

const loadOne = Effect.fnUntraced(function* (
  given: string,
  importer: PluginImporter,
  workingDirectory: string,
): Effect.fn.Return<LoadedPlugin, OptionProblem> {
  const problem = (message: string): OptionProblem => ({ option: `plugin ${given}`, message })
  const path = isPluginPath(given) ? resolve(workingDirectory, given) : undefined
  // Importing a FIFO would wait for its writer, and nothing could end the process meanwhile.
  if (path !== undefined && statSync(path, { throwIfNoEntry: false })?.isFile() === false)
    return yield* Effect.fail(problem("it cannot be loaded: this is not a file"))
  const specifier = path === undefined ? given : pathToFileURL(path).href
  const module = yield* Effect.tryPromise({
    try: () => importer.load(specifier),
    catch: (thrown) => problem(`it cannot be loaded: ${thrownInWords(thrown)}`),
  }).pipe(
    Effect.timeoutOrElse({
      duration: loadLimit,
      orElse: () => Effect.fail(problem(`it cannot be loaded: its module did not come to an end within ${loadLimit}`)),
    }),
  )
  const read = Result.flatMap(
    Result.try({ try: () => readDefinition(defaultExportOf(module)), catch: thrownInWords }),
    (definition) => definition,
  )
  if (Result.isFailure(read))
    return yield* Effect.fail(problem(`its default export is no plugin (see docs/plugins.md): ${read.failure}`))
  const faults = defaultFaults(read.success)
  if (faults.length > 0) return yield* Effect.fail(problem(faults.join("; ")))
  return { given, url: importer.urlOf(specifier) ?? specifier, definition: read.success, strays: new StrayFaults() }
})

/** Loads the plugins of these names; fails with everything that is wrong with them. Without names nothing is done. */
export const loadPlugins = Effect.fnUntraced(function* (
  names: ReadonlyArray<string>,
  shared: SharedModules,
  workingDirectory: string,
): Effect.fn.Return<Plugins, StartFault> {
  if (names.length === 0) return new Map()
  const importer = yield* shareModules(shared, workingDirectory)
  const [plugins, problems] = yield* Effect.partition(names, (name) => loadOne(name, importer, workingDirectory))
  const all = [...problems, ...clashes(plugins)]
  if (all.length > 0) return yield* new StartFault({ problems: all })
  return new Map(plugins.map((plugin) => [plugin.given, plugin]))
})
