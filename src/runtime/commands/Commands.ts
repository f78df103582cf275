import { Console, Effect, type FileSystem, Logger, References } from "effect"
import { type CommandInput, problemLines } from "../Cli.ts"
import { entryOf } from "../LogFormat.ts"
import type { Environment } from "../OptionReader.ts"
import { onSignals } from "../Process.ts"
import type { Plugins } from "../Plugins.ts"
import type { StartFault } from "../StartFault.ts"
import { check } from "./CheckCommand.ts"
import { type CommandRun, commandRun } from "./CommandRun.ts"
import type { CommandName } from "./CommandTable.ts"
import { drain, undrain } from "./DrainCommand.ts"
import { showPlan } from "./PlanCommand.ts"
import { showStatus } from "./StatusCommand.ts"
import { validate } from "./ValidateCommand.ts"

const commands: Readonly<
  Record<CommandName, (run: CommandRun) => Effect.Effect<number, StartFault, FileSystem.FileSystem>>
> = { check, drain, plan: showPlan, status: showStatus, undrain, validate }

/** What the parts that a command shares with the daemon have to say; standard output is for the report. */
const warnings = Logger.make((options) => {
  const { message } = entryOf(options)
  process.stderr.write(`vpc-router: ${message}\n`)
})

/** As shells say that a signal ended a program. Ctrl-C is how a watch ends. */
const codeOf = ({ name, reader }: CommandRun, signal: NodeJS.Signals): number => {
  if (signal === "SIGTERM") return 143
  return name === "status" && reader.isOn("watch") ? 0 : 130
}

/** Runs a command to its end, or until a signal; gives the exit code. What keeps it from its work is on standard error. */
export const runCommand = (
  name: CommandName,
  given: CommandInput,
  environment: Environment,
  plugins: Plugins,
): Effect.Effect<number, never, FileSystem.FileSystem> => {
  const run = commandRun(name, given, environment, plugins)
  const interrupted = Effect.map(onSignals(["SIGINT", "SIGTERM"]), (signal) => codeOf(run, signal))
  return commands[name](run).pipe(
    Effect.raceFirst(interrupted),
    Effect.catchTag("StartFault", ({ problems }) => Effect.as(Console.error(problemLines(problems)), 1)),
    Effect.provide(Logger.layer([warnings])),
    Effect.provideService(References.MinimumLogLevel, "Warn"),
  )
}
