import { Writable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Layer, Logger } from "effect"
import * as fc from "fast-check"
import { entryOf, jsonLine, type LogEntry, prettyLine } from "../../src/runtime/LogFormat.ts"
import { streamSink } from "../../src/runtime/LogSink.ts"

const anEntry: fc.Arbitrary<LogEntry> = fc.record({
  at: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-01-01") }),
  level: fc.constantFrom("Debug", "Info", "Warn", "Error", "Fatal"),
  message: fc.string({ unit: "binary" }),
  fields: fc.dictionary(fc.string(), fc.jsonValue()),
  cause: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
})

/** What the logger is told becomes these entries. */
const logged = (effect: Effect.Effect<void>): Effect.Effect<ReadonlyArray<LogEntry>> => {
  const entries: Array<LogEntry> = []
  const collect = Logger.make((options) => void entries.push(entryOf(options)))
  return Effect.as(Effect.provide(effect, Layer.fresh(Logger.layer([collect]))), entries)
}

describe("a line of the log", () => {
  it("as JSON is one line with time, level and message, whatever the message and the fields are", () => {
    fc.assert(
      fc.property(anEntry, (entry) => {
        const line = jsonLine(entry)
        assert.notInclude(line, "\n")
        const parsed: unknown = JSON.parse(line)
        assert.deepInclude(parsed, {
          time: entry.at.toISOString(),
          level: entry.level.toLowerCase(),
          message: entry.message.toWellFormed(),
        })
      }),
    )
  })

  it("for people lets no control character of a message through, so that nobody forges lines or colours", () => {
    fc.assert(
      fc.property(anEntry, (entry) => {
        const [first = "", ...rest] = prettyLine({ withColours: false, withDate: false })(entry).split("\n")
        assert.match(first, /^\S+Z [A-Z]+ +/)
        for (const line of rest) assert.isTrue(line.startsWith("        "), line)
        // oxlint-disable-next-line no-control-regex
        assert.notMatch(`${first}${rest.join("")}`, /[\u0000-\u001f\u007f-\u009f]/)
      }),
    )
  })

  it.effect("has the annotations as fields and the cause with it, but no fibers and no spans", () =>
    Effect.gen(function* () {
      const [plain, failed] = yield* logged(
        Effect.logInfo("one", 2).pipe(
          Effect.annotateLogs("table", "rtb-1"),
          Effect.withLogSpan("span"),
          Effect.andThen(Effect.logError("broken", Cause.die(new Error("boom")))),
        ),
      )
      assert.deepInclude(plain, { level: "Info", message: "one 2", fields: { table: "rtb-1" }, cause: undefined })
      assert.deepInclude(failed, { level: "Error", message: "broken" })
      assert.include(failed?.cause ?? "", "boom")
    }),
  )
})

describe("a reader of the log that stops reading", () => {
  it("costs lines, not memory, and they are counted once it reads again", () => {
    let read: () => void = () => undefined
    const chunks: Array<string> = []
    const stream = new Writable({
      decodeStrings: false,
      write: (chunk, _, done) => {
        chunks.push(String(chunk))
        read = done
      },
    })
    const sink = streamSink(stream, false)
    const line = "x".repeat(1_000)
    for (let i = 0; i < 5_000; i++) sink.write(line, (count) => `${count} lost`)
    assert.isBelow(stream.writableLength, 2 * 1024 * 1024)
    while (stream.writableLength > 0) read()
    sink.write("again", (count) => `${count} lost`)
    const [, missed] = /^(\d+) lost\nagain\n$/.exec(chunks.at(-1) ?? "") ?? []
    assert.strictEqual(chunks.length - 1 + Number(missed), 5_000)
  })

  it("that goes away costs nothing but the lines", () => {
    const stream = new Writable({ write: (_, __, done) => done() })
    stream.destroy()
    streamSink(stream, false).write("line", String)
    assert.strictEqual(stream.writableLength, 0)
  })
})
