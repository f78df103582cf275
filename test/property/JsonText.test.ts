import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import { type JsonNode, maxJsonDepth, maxJsonLength, parseJsonText } from "../../src/domain/JsonText.ts"

/** What `JSON.parse` would give for the node: of repeated keys the last wins, and `__proto__` is a plain key. */
const toValue = (node: JsonNode): unknown => {
  if (node._tag === "Scalar") return node.value
  if (node._tag === "List") return node.items.map(toValue)
  const object = {}
  for (const { key, value } of node.members) {
    Object.defineProperty(object, key, { value: toValue(value), enumerable: true, configurable: true, writable: true })
  }
  return object
}

const jsonParse = (text: string): Result.Result<unknown, unknown> =>
  Result.try({ try: (): unknown => JSON.parse(text), catch: (error) => error })

const ours = (text: string): Result.Result<unknown, string> =>
  Result.mapBoth(parseJsonText(text), { onSuccess: toValue, onFailure: ({ message }) => message })

const get = (text: string): JsonNode => Result.getOrThrow(parseJsonText(text))

const messageOf = (text: string): string => {
  const parsed = parseJsonText(text)
  return Result.isFailure(parsed) ? `${parsed.failure.path}: ${parsed.failure.message}` : "accepted"
}

const anyValue = fc.jsonValue({ maxDepth: 6, stringUnit: "binary" })
const anyText = fc.tuple(anyValue, fc.constantFrom(0, 1, "\t", "\r\n ")).map(([value, indent]) =>
  // JSON.stringify takes no carriage returns as indent of its own, so they are put in afterwards.
  indent === "\r\n "
    ? JSON.stringify(value, undefined, 1).replaceAll("\n", "\r\n")
    : JSON.stringify(value, undefined, indent),
)

const fragment = fc.oneof(
  fc.constantFrom(..."{}[],:\"\\0123456789-+.eE tfnu\n\r\t/'".split("")),
  fc.constantFrom(
    "true",
    "null",
    '"a":1,',
    "\\u00",
    "\\ud800",
    "1e999",
    "-0",
    "\u0000",
    "\u2028",
    "\u00a0",
    "\ufeff",
    "//",
  ),
  fc.string({ unit: "binary", maxLength: 3 }),
)
const cut = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) })
const mutation = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut, put: fc.option(fragment) })
const brokenText = fc.tuple(anyText, fc.array(mutation, { minLength: 1, maxLength: 4 })).map(([text, mutations]) =>
  mutations.reduce((now, { at, cut, put }) => {
    const start = Math.floor(at * (now.length + 1))
    return now.slice(0, start) + (put ?? "") + now.slice(start + cut)
  }, text),
)

describe("JsonText", () => {
  it("reads whatever JSON.stringify writes as JSON.parse reads it", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        assert.deepStrictEqual(Result.getOrThrow(ours(text)), JSON.parse(text))
      }),
      { numRuns: 500 },
    )
  })

  it("takes and refuses a broken text exactly as JSON.parse does, and never throws", () => {
    let refused = 0
    let taken = 0
    fc.assert(
      fc.property(brokenText, (text) => {
        fc.pre(!text.startsWith("\ufeff"))
        const theirs = jsonParse(text)
        const mine = ours(text)
        assert.strictEqual(mine._tag, theirs._tag, JSON.stringify(text))
        if (Result.isSuccess(theirs)) {
          taken++
          assert.deepStrictEqual(Result.getOrThrow(mine), theirs.success)
        } else refused++
      }),
      { numRuns: 5_000 },
    )
    assert.isAbove(refused, 100)
    assert.isAbove(taken, 100)
  })

  it("says where the text stops being JSON, by line and column", () => {
    // Numbers and letters only, so that every bracket, comma, colon and space is one of the syntax.
    const plain = fc.letrec((tie) => ({
      node: fc.oneof({ depthSize: "small" }, fc.nat(), tie("list"), tie("object")),
      list: fc.array(tie("node"), { minLength: 1, maxLength: 3 }),
      object: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie("node"), { minKeys: 1, maxKeys: 3 }),
    }))
    fc.assert(
      fc.property(plain.list, fc.nat(), (value, pick) => {
        const text = JSON.stringify(value, undefined, 2)
        const places = [...text.matchAll(/[[\]{},:\s]/g)].map((match) => match.index)
        const at = places[pick % places.length]!
        const before = text.slice(0, at).split("\n")
        const expected = `line ${before.length}, column ${before.at(-1)!.length + 1}: not JSON: `
        assert.include(messageOf(`${text.slice(0, at)}@${text.slice(at)}`), expected)
      }),
    )
  })

  it("keeps every repeated key, at any depth, with the place of both", () => {
    const key = fc.string({ unit: "binary" })
    fc.assert(
      fc.property(key, fc.array(fc.option(key), { maxLength: 10 }), anyValue, anyValue, (name, around, one, two) => {
        const inner = `{${JSON.stringify(name)}:${JSON.stringify(one)},\n${JSON.stringify(name)}:${JSON.stringify(two)}}`
        const text = around.reduce<string>(
          (now, outer) => (outer === null ? `[1,${now}]` : `{${JSON.stringify(outer)}:${now}}`),
          inner,
        )
        let node = get(text)
        for (const outer of around.toReversed()) {
          if (outer === null) {
            assert(node._tag === "List")
            node = node.items[1]!
          } else {
            assert(node._tag === "Object")
            assert.isUndefined(node.members[0]!.repeats)
            node = node.members[0]!.value
          }
        }
        assert(node._tag === "Object")
        assert.deepStrictEqual(
          node.members.map((member) => member.key),
          [name, name],
        )
        assert.deepStrictEqual(
          node.members.map((member) => toValue(member.value)),
          [JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(two))],
        )
        const [first, again] = node.members
        assert.isUndefined(first!.repeats)
        assert.deepStrictEqual(again!.repeats, first!.place)
        assert.deepStrictEqual(again!.place, { line: 2, column: 1 })
      }),
    )
  })

  it("takes __proto__ for the ordinary key that it is", () => {
    const node = get('{"__proto__": 1, "a": {"__proto__": [2]}, "__proto__": 3}')
    assert(node._tag === "Object")
    assert.deepStrictEqual(
      node.members.map(({ key, repeats }) => [key, repeats]),
      [
        ["__proto__", undefined],
        ["a", undefined],
        ["__proto__", { line: 1, column: 2 }],
      ],
    )
  })

  it("passes over a byte order mark before the text, and nowhere else", () => {
    assert.deepStrictEqual(get('\ufeff{"a": 1}'), get('{"a": 1}'))
    assert.include(messageOf("{\ufeff}"), "column 2")
    assert.include(messageOf("{}\ufeff"), "column 3")
  })

  it("refuses what is nested too deep, and takes what is just not", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth)
    assert.strictEqual(messageOf(nested(maxJsonDepth)), "accepted")
    assert.include(messageOf(nested(maxJsonDepth + 1)), `nested deeper than ${maxJsonDepth} levels`)
    assert.include(messageOf('{"a":'.repeat(300_000 / 5)), `nested deeper than ${maxJsonDepth} levels`)
  })

  it("refuses a text over 1 MiB, and takes one of exactly that", () => {
    const blank = (length: number) => `${" ".repeat(length - 2)}{}`
    assert.strictEqual(messageOf(blank(maxJsonLength)), "accepted")
    assert.strictEqual(
      messageOf(blank(maxJsonLength + 1)),
      `$: expected at most 1048576 characters (1 MiB), got ${maxJsonLength + 1}`,
    )
  })

  it.each([
    ["", "line 1, column 1: not JSON: the text is empty"],
    [" \n ", "line 2, column 2: not JSON: the text is empty"],
    ["{", "expected a key in double quotes, but the text ends"],
    ['{"a": [1', 'expected "," or "]", but the text ends'],
    ['{"a', "the string that begins in line 1, column 2 is not closed"],
    ["[1,]", 'got "]" (a comma too many before it?)'],
    ['{"a": 1,}', 'got "}" (a comma too many before it?)'],
    ["{'a': 1}", "(JSON takes double quotes)"],
    ["// spec\n{}", "(JSON has no comments)"],
    ['{"a": "b\nc"}', '$["a"]: line 1, column 9: not JSON: expected a closing double quote'],
    ['["\\u12"]', "expected four hexadecimal digits after \\u"],
    ["[01]", '$: line 1, column 3: not JSON: expected "," or "]", got "1"'],
    ["{}{}", "expected nothing after the end of the value"],
    ['{"\u001b[31m": 1}', 'got "\\u001b"'],
  ])("tells what is wrong with %j", (text, words) => {
    assert.include(messageOf(text), words)
  })

  it("reads a text of 1 MiB in linear time, whatever it is made of", () => {
    const fill = (piece: string, open: string, close: string) =>
      open + piece.repeat(Math.floor((maxJsonLength - open.length - close.length) / piece.length)) + close
    const texts = [
      fill("\n", "", "{}"),
      fill("\\u0041", '["', '"]'),
      fill("a", '["', '"]'),
      fill("a", '["', ""),
      fill('"a":1,', "{", '"b":1}'),
      fill("[],", "[", "[]]"),
      fill("9", "[", "]"),
      fill(", ", "[1", "]"),
    ]
    const started = performance.now()
    for (const text of texts) parseJsonText(text)
    // Some 0.2 s in all; a quadratic reader would need minutes for one.
    assert.isBelow(performance.now() - started, 10_000)
  })
})
