import { Array as Arr, Cause, Formatter, type Logger, type LogLevel, References } from "effect"

/** One event of the log. */
export interface LogEntry {
  readonly at: Date
  readonly level: LogLevel.LogLevel
  readonly message: string
  /** What annotations say besides. */
  readonly fields: Readonly<Record<string, unknown>>
  /** The failure behind it, with its stack. */
  readonly cause: string | undefined
}

const textOf = (part: unknown): string => (typeof part === "string" ? part : Formatter.format(part))

/** What the logger was told, without fibers and spans. */
export const entryOf = ({ cause, date, fiber, logLevel, message }: Logger.Options<unknown>): LogEntry => {
  const parts = Arr.ensure(message)
  const causes = [cause, ...parts.filter(Cause.isCause)].filter(({ reasons }) => reasons.length > 0)
  return {
    at: date,
    level: logLevel,
    message: parts
      .filter((part) => !Cause.isCause(part))
      .map(textOf)
      .join(" "),
    fields: fiber.getRef(References.CurrentLogAnnotations),
    cause: causes.length === 0 ? undefined : causes.map(Cause.pretty).join("\n"),
  }
}

/** One JSON object, on one line: `{"time":"…","level":"info","message":"…"}`, and the fields. */
export const jsonLine = ({ at, cause, fields, level, message }: LogEntry): string =>
  Formatter.formatJson({
    time: at.toISOString(),
    level: level.toLowerCase(),
    message,
    ...(cause === undefined ? {} : { cause }),
    // Last, so that no field takes the place of what every line has.
    ...Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [reserved.has(key) ? `field_${key}` : key, value]),
    ),
  })

const reserved: ReadonlySet<string> = new Set(["time", "level", "message", "cause"])

/** What comes from elsewhere must not move the cursor, or look like a line of ours. */
const visible = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) =>
    character === "\n" ? "\n        " : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  )

const names: Readonly<Record<LogLevel.LogLevel, string>> = {
  All: "     ",
  Trace: "TRACE",
  Debug: "DEBUG",
  Info: "INFO ",
  Warn: "WARN ",
  Error: "ERROR",
  Fatal: "FATAL",
  None: "     ",
}

/** SGR colours: the level's. */
const colours: Partial<Readonly<Record<LogLevel.LogLevel, number>>> = {
  Debug: 2,
  Trace: 2,
  Info: 32,
  Warn: 33,
  Error: 31,
  Fatal: 31,
}

/** How lines for people look: on a terminal colours help, and elsewhere the date. */
export interface PrettyChoice {
  readonly withColours: boolean
  readonly withDate: boolean
}

/** For people: `12:03:04.123Z INFO  message key=value`, and below it what caused it. */
export const prettyLine =
  ({ withColours, withDate }: PrettyChoice) =>
  ({ at, cause, fields, level, message }: LogEntry): string => {
    const colour = withColours ? colours[level] : undefined
    const name = colour === undefined ? names[level] : `\u001b[${colour}m${names[level]}\u001b[0m`
    const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${textOf(value)}`)
    const below = cause === undefined ? "" : `\n${cause}`
    return `${withDate ? at.toISOString() : at.toISOString().slice(11)} ${name} ${visible(`${message}${pairs.join("")}${below}`)}`
  }
