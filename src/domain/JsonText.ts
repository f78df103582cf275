import { Result } from "effect"
import { quote, showPath } from "./JsonPath.ts"
import { allSteps, type Steps } from "./Steps.ts"

/** The longest text that is read, in UTF-16 units; no UTF-8 text of 1 MiB is longer. */
export const maxJsonLength = 1024 * 1024

/** How deep lists and objects may nest. A route spec needs two. */
export const maxJsonDepth = 32

/** How many members or items are read in one step. */
const itemsPerStep = 64

/** A place in the text; both count from 1, columns in UTF-16 units. */
export interface TextPlace {
  readonly line: number
  readonly column: number
}

/** What a JSON text says, with nothing swallowed: every member of an object is there, repeated and odd keys too. */
export type JsonNode =
  | { readonly _tag: "Scalar"; readonly value: string | number | boolean | null }
  | { readonly _tag: "List"; readonly items: ReadonlyArray<JsonNode> }
  | { readonly _tag: "Object"; readonly members: ReadonlyArray<JsonMember> }

export interface JsonMember {
  readonly key: string
  readonly value: JsonNode
  readonly place: TextPlace
  /** Where the same key stood first in this object; `JSON.parse` would keep only the last of them. */
  readonly repeats: TextPlace | undefined
}

/** Why a text is no JSON, or is past a limit: the innermost node that was being read, and what was expected there. */
export interface JsonFault {
  readonly path: string
  readonly message: string
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
])
const literals: ReadonlyArray<readonly [string, boolean | null]> = [
  ["true", true],
  ["false", false],
  ["null", null],
]

/** Reads RFC 8259 from left to right, each character once. A reader returns `undefined` for a fault. */
class Scanner {
  readonly text: string
  /** Set by the reader that returned `undefined`. */
  fault: JsonFault = { path: showPath([]), message: "not JSON" }
  private at: number
  private line = 1
  private lineStart: number
  private readonly path: Array<string | number> = []

  constructor(text: string) {
    this.text = text
    // A byte order mark is not content (RFC 8259, section 8.1, lets a parser ignore it).
    this.at = text.charCodeAt(0) === 0xfeff ? 1 : 0
    this.lineStart = this.at
  }

  *document(): Steps<JsonNode | undefined> {
    this.space()
    if (this.at === this.text.length) return this.malformed("the text is empty")
    const node = this.opensContainer() ? yield* this.container() : this.scalar()
    if (node === undefined) return undefined
    this.space()
    return this.at === this.text.length ? node : this.expected("nothing after the end of the value")
  }

  private opensContainer(): boolean {
    this.space()
    const first = this.text[this.at]
    return first === "{" || first === "["
  }

  private *container(): Steps<JsonNode | undefined> {
    if (this.path.length >= maxJsonDepth) return this.fail(`nested deeper than ${maxJsonDepth} levels`)
    return yield* this.text[this.at] === "{" ? this.object() : this.list()
  }

  private scalar(): JsonNode | undefined {
    if (this.text[this.at] === '"') {
      const value = this.string()
      return value === undefined ? undefined : { _tag: "Scalar", value }
    }
    for (const [word, value] of literals) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length
        return { _tag: "Scalar", value }
      }
    }
    numberPattern.lastIndex = this.at
    const digits = numberPattern.exec(this.text)?.[0]
    if (digits === undefined) return this.expected("a value")
    this.at += digits.length
    return { _tag: "Scalar", value: Number(digits) }
  }

  private *list(): Steps<JsonNode | undefined> {
    const items: Array<JsonNode> = []
    this.at++
    if (this.took("]")) return { _tag: "List", items }
    for (;;) {
      this.path.push(items.length)
      const item = this.opensContainer() ? yield* this.container() : this.scalar()
      if (item === undefined) return undefined
      this.path.pop()
      items.push(item)
      if (items.length % itemsPerStep === 0) yield
      if (this.took("]")) return { _tag: "List", items }
      if (!this.took(",")) return this.expected('"," or "]"')
    }
  }

  private *object(): Steps<JsonNode | undefined> {
    const members: Array<JsonMember> = []
    const seen = new Map<string, TextPlace>()
    this.at++
    if (this.took("}")) return { _tag: "Object", members }
    for (;;) {
      this.space()
      if (this.text[this.at] !== '"') return this.expected("a key in double quotes")
      const place = this.place()
      const key = this.string()
      if (key === undefined) return undefined
      this.path.push(key)
      if (!this.took(":")) return this.expected('":"')
      const value = this.opensContainer() ? yield* this.container() : this.scalar()
      if (value === undefined) return undefined
      this.path.pop()
      const repeats = seen.get(key)
      if (repeats === undefined) seen.set(key, place)
      members.push({ key, value, place, repeats })
      if (members.length % itemsPerStep === 0) yield
      if (this.took("}")) return { _tag: "Object", members }
      if (!this.took(",")) return this.expected('"," or "}"')
    }
  }

  private string(): string | undefined {
    const opened = this.place()
    let value = ""
    let start = ++this.at
    for (; this.at < this.text.length; this.at++) {
      const code = this.text.charCodeAt(this.at)
      if (code === 0x22) return value + this.text.slice(start, this.at++)
      if (code < 0x20) return this.expected("a closing double quote, or the character as an escape")
      if (code !== 0x5c) continue
      value += this.text.slice(start, this.at++)
      const escaped = this.escape()
      if (escaped === undefined) return undefined
      value += escaped
      start = this.at + 1
    }
    return this.malformed(`the string that begins in line ${opened.line}, column ${opened.column} is not closed`)
  }

  /** Stands on the character after the backslash, and leaves `at` on the last one of the escape. */
  private escape(): string | undefined {
    const letter = this.text[this.at] ?? ""
    if (letter === "u") {
      const digits = this.text.slice(this.at + 1, this.at + 5)
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) return this.malformed("expected four hexadecimal digits after \\u")
      this.at += 4
      return String.fromCharCode(Number.parseInt(digits, 16))
    }
    return escapes.get(letter) ?? this.expected('one of "\\/bfnrtu after a backslash')
  }

  private took(character: string): boolean {
    this.space()
    if (this.text[this.at] !== character) return false
    this.at++
    return true
  }

  // Line breaks stand only between tokens (in strings they are escaped), so this is the only place that counts them.
  private space(): void {
    for (; ; this.at++) {
      const code = this.text.charCodeAt(this.at)
      if (code === 0x0a) {
        this.line++
        this.lineStart = this.at + 1
      } else if (code !== 0x20 && code !== 0x09 && code !== 0x0d) return
    }
  }

  private place(): TextPlace {
    return { line: this.line, column: this.at - this.lineStart + 1 }
  }

  private expected(what: string): undefined {
    const got = this.text.codePointAt(this.at)
    if (got === undefined) return this.malformed(`expected ${what}, but the text ends`)
    const character = String.fromCodePoint(got)
    return this.malformed(`expected ${what}, got ${quote(character)}${this.hint(character)}`)
  }

  /** The usual cause, where the character gives it away. */
  private hint(character: string): string {
    if (character === "'") return " (JSON takes double quotes)"
    if (character === "/" || character === "#") return " (JSON has no comments)"
    const before = this.text.slice(Math.max(0, this.at - 100), this.at)
    return /[\]}]/.test(character) && /,\s*$/.test(before) ? " (a comma too many before it?)" : ""
  }

  private malformed(message: string): undefined {
    return this.fail(`not JSON: ${message}`)
  }

  private fail(message: string): undefined {
    const { line, column } = this.place()
    this.fault = { path: showPath(this.path), message: `line ${line}, column ${column}: ${message}` }
    return undefined
  }
}

/**
 * Parses a JSON text strictly, in time linear in its length. It takes what `JSON.parse` takes, and a byte order mark
 * before it, up to {@link maxJsonLength} and {@link maxJsonDepth}.
 */
export const parseJsonText = (text: string): Result.Result<JsonNode, JsonFault> => allSteps(parseJsonSteps(text))

/** {@link parseJsonText} in steps. */
export function* parseJsonSteps(text: string): Steps<Result.Result<JsonNode, JsonFault>> {
  if (text.length > maxJsonLength) {
    const message = `expected at most ${maxJsonLength} characters (1 MiB), got ${text.length}`
    return Result.fail({ path: showPath([]), message })
  }
  const scanner = new Scanner(text)
  const node = yield* scanner.document()
  return node === undefined ? Result.fail(scanner.fault) : Result.succeed(node)
}
