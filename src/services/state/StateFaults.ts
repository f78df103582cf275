import { Predicate, SchemaIssue } from "effect"
import { type JsonPath, quote, showPath } from "../../domain/JsonPath.ts"

/** How many faults are told. */
const maxFaults = 3

/** Faults on one line, each with its place, whatever the file holds. */
export const faulty = (faults: ReadonlyArray<readonly [path: JsonPath | string, message: string]>): string => {
  const more = faults.length - maxFaults
  const told = faults.slice(0, maxFaults).map(([path, message]) => {
    const place = typeof path === "string" ? path : showPath(path)
    return `${place}: ${message.replaceAll(/\s+/g, " ")}`
  })
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join("; ")
}

const stepOf = (part: PropertyKey | { readonly key: PropertyKey }): string | number => {
  const key = typeof part === "object" ? part.key : part
  return typeof key === "number" ? key : String(key)
}

const valueAt = (value: unknown, [step, ...rest]: JsonPath): unknown => {
  if (step === undefined) return value
  return Predicate.hasProperty(value, step) ? valueAt(value[step], rest) : undefined
}

const inWords = (value: unknown): string => {
  if (Predicate.isString(value)) return quote(value)
  if (value === undefined) return "nothing"
  if (Array.isArray(value)) return "a list"
  return value === null ? "null" : typeof value === "object" ? "an object" : `the ${typeof value} ${String(value)}`
}

const kinds: Readonly<Record<string, string>> = {
  "Missing key": "expected a value",
  "Expected array": "expected a list",
  "Expected object": "expected an object",
  "Expected string": "expected text",
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** Faults of shape: what was expected, and what is there. */
export const misshapen = (json: unknown, issue: SchemaIssue.Issue): string =>
  faulty(
    issuesOf(issue).issues.map(({ message, path: steps = [] }) => {
      const path = steps.map(stepOf)
      return [path, `${kinds[message] ?? `e${message.slice(1)}`}, got ${inWords(valueAt(json, path))}`]
    }),
  )
