import { Console, Effect, type FileSystem, Result } from "effect"
import { cli, problemLines, usageLines } from "./Cli.ts"
import { runCommand } from "./commands/Commands.ts"
import * as Daemon from "./Daemon.ts"
import * as Logging from "./Logging.ts"
import type { Environment, GivenOptions, OptionProblem } from "./OptionReader.ts"
import { type ReadOptions, readOptions } from "./Options.ts"
import { untilSignal } from "./Process.ts"
import { version } from "./Version.ts"

const refuse = (problems: ReadonlyArray<OptionProblem>): Effect.Effect<number> =>
  Effect.as(Console.error(problemLines(problems)), 1)

/** Runs the daemon until a signal; gives the exit code. What keeps it from starting is on standard error, and in the log file. */
const runDaemon = (
  { options, warnings }: ReadOptions,
  environment: Environment,
): Effect.Effect<number, never, FileSystem.FileSystem> =>
  untilSignal(Daemon.run(options, warnings)).pipe(
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

/** The whole program: from the command line to the exit code. */
export const program = (args: ReadonlyArray<string>, environment: Environment) =>
  cli({
    version,
    columns: process.stdout.columns ?? 80,
    run: (given: GivenOptions) =>
      Result.match(readOptions(given, environment), {
        onFailure: (problems) => Effect.as(Console.error(usageLines(problems)), 1),
        onSuccess: (read) => runDaemon(read, environment),
      }),
    runCommand: (name, given) => runCommand(name, given, environment),
  })(args)
