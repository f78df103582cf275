import { Effect, Layer, Logger, type LogLevel, References } from "effect"
import { entryOf, jsonLine, type LogEntry, prettyLine } from "./LogFormat.ts"
import { logFile, type LogFileFault, streamSink } from "./LogSink.ts"
import type { LogChoice } from "./Options.ts"

const levels: Readonly<Record<LogChoice["level"], LogLevel.LogLevel>> = {
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
}

const lostLines = ({ at }: LogEntry, count: number): LogEntry => ({
  at,
  level: "Warn",
  message: `${count} ${count === 1 ? "line" : "lines"} of the log could not be written`,
  fields: {},
  cause: undefined,
})

/**
 * The log: for people on a terminal, one JSON object a line elsewhere, into the file of `--logfile` or to standard output.
 * `noColour`: as the variable NO_COLOR wants it.
 */
export const layer = (choice: LogChoice, noColour: boolean): Layer.Layer<never, LogFileFault> => {
  const logger = Effect.map(
    choice.file === undefined
      ? Effect.sync(() => streamSink(process.stdout, process.stdout.isTTY))
      : logFile(choice.file),
    ({ isTerminal, write }) => {
      const isPretty = choice.format === "pretty" || (choice.format === "auto" && isTerminal)
      const format = isPretty ? prettyLine({ withColours: isTerminal && !noColour, withDate: !isTerminal }) : jsonLine
      return Logger.make((options) => {
        const entry = entryOf(options)
        write(format(entry), (count) => format(lostLines(entry, count)))
      })
    },
  )
  return Layer.merge(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, levels[choice.level]))
}
