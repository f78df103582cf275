import { Console, Effect, type FileSystem, Result } from "effect"
import { cli, normalise, problemLines, usageLines } from "./Cli.ts"
import { runCommand } from "./commands/Commands.ts"
import { commandNames, commandTable } from "./commands/CommandTable.ts"
import * as Daemon from "./Daemon.ts"
import * as Logging from "./Logging.ts"
import type { Environment, GivenOptions, OptionProblem } from "./OptionReader.ts"
import { type ReadOptions, readOptions } from "./Options.ts"
import { handOver } from "./PluginBlame.ts"
import type { SharedModules } from "./PluginModules.ts"
import { namedPlugins } from "./PluginNames.ts"
import { sectionOf } from "./PluginOptions.ts"
import { type LoadedPlugin, loadPlugins } from "./Plugins.ts"
import { untilSignal } from "./Process.ts"
import { version } from "./Version.ts"

const refuse = (problems: ReadonlyArray<OptionProblem>): Effect.Effect<number> =>
  Effect.as(Console.error(problemLines(problems)), 1)

/** Runs the daemon until a signal; gives the exit code. What keeps it from starting is on standard error, and in the log file. */
const runDaemon = (
  { options, warnings }: ReadOptions,
  environment: Environment,
  plugins: ReadonlyArray<LoadedPlugin>,
): Effect.Effect<number, never, FileSystem.FileSystem> =>
  untilSignal(Daemon.run(options, warnings), (thrown) => handOver(thrown, plugins)).pipe(
    Effect.as(0),
    Effect.catchTags({
      StartFault: Effect.fnUntraced(function* ({ problems }) {
        if (options.log.file !== undefined)
          for (const { message, option } of problems) yield* Effect.logError(`${option}: ${message}`)
        return yield* refuse(problems)
      }),
      Unforeseen: () => Effect.succeed(1),
    }),
    Effect.provide(Logging.layer(options.log, (environment["NO_COLOR"] ?? "") !== "")),
    Effect.catchTag("LogFileFault", ({ file, why }) => refuse([{ option: "--logfile", message: `${file}: ${why}` }])),
  )

/** The plugins that are needed for what was asked; not every command needs those that the environment names. */
const neededPlugins = (args: ReadonlyArray<string>, environment: Environment): ReadonlyArray<string> => {
  const asked = commandNames.find((name) => name === args[0])
  const needs = asked === undefined ? !args.includes("--version") : commandTable[asked].shared.includes("mode")
  return needs ? namedPlugins(normalise(args), environment) : []
}

/** The whole program: from the command line to the exit code. `shared` is what plugins import from it. */
export const program = (args: ReadonlyArray<string>, environment: Environment, shared: SharedModules) =>
  loadPlugins(neededPlugins(args, environment), shared, process.cwd()).pipe(
    Effect.flatMap((plugins) =>
      cli({
        version,
        columns: process.stdout.columns ?? 80,
        plugins: [...plugins.values()].map(sectionOf),
        run: (given: GivenOptions) =>
          Result.match(readOptions(given, environment, plugins), {
            onFailure: (problems) => Effect.as(Console.error(usageLines(problems)), 1),
            onSuccess: (read) => runDaemon(read, environment, [...plugins.values()]),
          }),
        runCommand: (name, given) => runCommand(name, given, environment, plugins),
      })(args),
    ),
    Effect.catchTag("StartFault", ({ problems }) => refuse(problems)),
  )
