import fc from "fast-check"
import { bytesOf, textOf } from "./Decoder.ts"

// Mutants that are still JSON or XML: what is odd about them is the shape.

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

/** A value that stands in the place of another. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 1e308, "", "x", "\0", [], {}, [[]], [null], { a: { b: [] } }),
  fc.jsonValue({ maxDepth: 2 }),
  fc.string({ unit: "binary", maxLength: 8 }),
)
const key = fc.constantFrom("__proto__", "constructor", "toString", "length", "then", "", "0", "_tag")

type Step = string | number

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The places of everything within a value, itself included. */
const placesIn = (value: unknown, here: ReadonlyArray<Step> = []): ReadonlyArray<ReadonlyArray<Step>> => {
  const inner: ReadonlyArray<readonly [Step, unknown]> = Array.isArray(value)
    ? value.map((item: unknown, index) => [index, item] as const)
    : isObject(value)
      ? Object.entries(value)
      : []
  return [here, ...inner.flatMap(([step, item]) => placesIn(item, [...here, step]))]
}

/** What becomes of the member or item at a place: none, one, or several. */
type Instead = (step: Step, value: unknown) => ReadonlyArray<readonly [Step, unknown]>

const written = (value: unknown, place: ReadonlyArray<Step>, instead: Instead, step: Step = ""): string => {
  const [next, ...rest] = place
  if (next === undefined) return JSON.stringify(instead(step, value)[0]?.[1] ?? null)
  const part = (name: Step, inner: unknown): ReadonlyArray<readonly [Step, string]> =>
    name !== next
      ? [[name, JSON.stringify(inner)]]
      : rest.length > 0
        ? [[name, written(inner, rest, instead, name)]]
        : instead(name, inner).map(([as, put]) => [as, JSON.stringify(put)] as const)
  if (Array.isArray(value))
    return `[${value.flatMap((item: unknown, index) => part(index, item).map(([, text]) => text)).join(",")}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.entries(value).flatMap(([name, inner]) => part(name, inner))
  // By hand, as an object would swallow what is there twice.
  return `{${members.map(([name, text]) => `${JSON.stringify(String(name))}:${text}`).join(",")}}`
}

const jsonChange = fc.oneof(
  odd.map((put): Instead => (step) => [[step, put]]),
  fc.constant<Instead>(() => []),
  odd.map((put): Instead => (step, value) => [
    [step, value],
    [step, put],
  ]),
  fc.tuple(key, odd).map(([name, put]): Instead => (step, value) => [
    [step, value],
    [name, put],
  ]),
  key.map((name): Instead => (_, value) => [[name, value]]),
  fc.constant<Instead>((step, value) => [[step, [value]]]),
  fc.constant<Instead>((step, value) => [[step, JSON.stringify(value)]]),
)

const changedJson = (text: string, where: number, instead: Instead): string => {
  const value: unknown = JSON.parse(text.replace(/^\ufeff/, ""))
  const places = placesIn(value)
  return written(value, places[Math.floor(where * places.length)] ?? [], instead)
}

/** What becomes of an element. */
type Rewrite = (name: string, content: string) => string

const element = (name: string, content: string): string => `<${name}>${content}</${name}>`

const xmlChange = fc.oneof(
  fc.constantFrom<Rewrite>(
    () => "",
    (name) => `<${name}/>`,
    (name, content) => element(name, content) + element(name, content),
    (name, content) => element(name, "other") + element(name, content),
    (name, content) => element(name, element(name, content)),
    (name, content) => element(name, element("item", content)),
    (name, content) => element(name, element("item", content) + element("item", "")),
    (name, content) => element(name, `before${element("x", content)}after`),
    (name, content) => element(name, `<![CDATA[${content}]]>`),
    (name, content) => `<${name} xsi:nil="true" a='b'>${content}</${name}>`,
    (_, content) => content,
    (_, content) => `<!-- ${content} -->`,
  ),
  fc
    .constantFrom("&amp;", "&#0;", "&#x10ffff;", "&#xd800;", "&none;", "true", "1e999", "null", "NaN", " ", "\n", "0")
    .map(
      (put): Rewrite =>
        (name) =>
          element(name, put),
    ),
  key
    .filter((name) => name !== "" && name !== "0")
    .map(
      (put): Rewrite =>
        (name, content) =>
          element(put, content) + element(name, content),
    ),
  fc.string({ unit: "binary", maxLength: 8 }).map(
    (put): Rewrite =>
      (name) =>
        element(name, put),
  ),
)

const changedXml = (text: string, where: number, rewrite: Rewrite): string => {
  const opened = [...text.matchAll(/<(\w+)>/g)]
  const chosen = opened[Math.floor(where * opened.length)]
  const name = chosen?.[1]
  if (chosen === undefined || name === undefined) return text
  const start = chosen.index + chosen[0].length
  const end = text.indexOf(`</${name}>`, start)
  if (end < 0) return text
  return text.slice(0, chosen.index) + rewrite(name, text.slice(start, end)) + text.slice(end + name.length + 3)
}

/** Mutants of JSON and XML texts that are mostly such texts still; of other texts, nothing. */
export const structureMutantOf = (valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(valid, fc.array(fc.tuple(share, jsonChange, xmlChange), { minLength: 1, maxLength: 2 }))
    .map(([bytes, changes]) => {
      const text = textOf(bytes)
      const [[where, instead] = [0, () => []] as const] = changes
      if (/^\ufeff?\s*\{/.test(text)) return bytesOf(changedJson(text, where, instead))
      if (!text.startsWith("<")) return bytes
      return bytesOf(changes.reduce((now, [at, , rewrite]) => changedXml(now, at, rewrite), text))
    })
