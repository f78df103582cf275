/** One metric in Prometheus' text format. */
export interface Family {
  readonly type: string
  readonly help: string
}

/** A text in Prometheus' format 0.0.4, read by its rules and not by those of the code that wrote it. */
export interface Exposition {
  /** By name. */
  readonly families: ReadonlyMap<string, Family>
  /** Values by `name` or `name{label="value",…}`, as they are written. */
  readonly values: ReadonlyMap<string, number>
}

const label = /[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"/
const sample = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\\{${label.source}(?:,${label.source})*\\})?) (\\S+)$`)

/** Reads the text; throws at the first line that is not of the format, and at a series that comes twice. */
export const readExposition = (text: string): Exposition => {
  if (!text.endsWith("\n")) throw new Error("the last line has no end")
  const families = new Map<string, { type: string; help: string }>()
  const values = new Map<string, number>()
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (kind !== undefined) {
      const family = families.get(name) ?? { type: "", help: "" }
      families.set(name, kind === "HELP" ? { ...family, help: rest } : { ...family, type: rest })
      continue
    }
    const [, series, value] = sample.exec(line) ?? []
    if (series === undefined || value === undefined) throw new Error(`not a line of the format: ${line}`)
    if (values.has(series)) throw new Error(`twice: ${series}`)
    const number = value === "+Inf" ? Infinity : Number(value)
    if (Number.isNaN(number)) throw new Error(`not a number: ${line}`)
    values.set(series, number)
  }
  return { families, values }
}

/** The name of a series without its labels. */
export const nameOf = (series: string): string => series.replace(/\{.*$/, "")
