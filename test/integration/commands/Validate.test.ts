import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { finish } from "../cli/Running.ts"
import { fed, folder } from "./Folder.ts"

describe("vpc-router validate", () => {
  it.live("a good spec is one line, and ends with 0", () =>
    Effect.gen(function* () {
      const file = (yield* folder).write("spec.json", {
        "10.66.17.0/24": ["10.33.20.93", "10.33.30.22"],
        "fd00::/64": [],
      })
      const { code, stderr, stdout } = yield* finish(["validate", file])
      assert.deepStrictEqual([code, stdout, stderr], [0, `${file}: ok: 2 CIDRs, 2 hosts\n`, ""])
    }),
  )

  it.live("what would be mended is a warning with its place, and still ends with 0", () =>
    Effect.gen(function* () {
      const file = (yield* folder).write("spec.json", { "10.66.17.9/24": ["10.33.20.93", "10.33.20.93"] })
      const { code, stdout } = yield* finish(["validate", file])
      assert.strictEqual(code, 0)
      assert.match(stdout, /warning: \$\["10\.66\.17\.9\/24"\]: host bits cleared/)
      assert.match(stdout, /: ok: 1 CIDR, 1 host; 2 warnings\n$/)
    }),
  )

  it.live("every fault is a line with its place, also from standard input, and ends with 1", () =>
    Effect.gen(function* () {
      const file = (yield* folder).write("spec.json", `{"10.0.0.0/8": ["x", 7], "y": "10.0.0.1"}`)
      const { code, stderr, stdout } = yield* finish(["validate", "-"], { under: fed(file) })
      assert.deepStrictEqual([code, stderr], [1, ""])
      const starts = ['$["10.0.0.0/8"][0]: ', '$["10.0.0.0/8"][1]: ', '$["y"]: ', '$["y"]: ']
      const lines = stdout.trimEnd().split("\n")
      starts.forEach((begin, at) => assert.include(lines[at] ?? "", `standard input: fault: ${begin}`))
      assert.deepStrictEqual(lines.slice(starts.length), ["standard input: not accepted; 4 faults"])
    }),
  )

  it.live("--json says the same to programs", () =>
    Effect.gen(function* () {
      const { write } = yield* folder
      const good = yield* finish(["validate", "--json", write("good.json", { "10.0.0.0/8": ["10.33.20.93"] })])
      assert.deepStrictEqual(
        [good.code, JSON.parse(good.stdout)],
        [0, { valid: true, problems: [], warnings: [], cidrs: 1, hosts: 1 }],
      )
      const bad = yield* finish(["validate", "--json", write("bad.json", "{")])
      const { problems, valid } = JSON.parse(bad.stdout)
      assert.deepStrictEqual([bad.code, valid, problems.length, problems[0].path], [1, false, 1, "$"])
    }),
  )

  it.live("what is no text of at most 1 MiB is said to be so; what cannot be read is on standard error", () =>
    Effect.gen(function* () {
      const { write } = yield* folder
      const huge = yield* finish(["validate", write("huge.json", " ".repeat(1024 * 1024 + 1))])
      assert.match(huge.stdout, /fault: \$: expected at most 1048576 bytes \(1 MiB\), got more\n/)
      assert.strictEqual(huge.code, 1)
      for (const [place, why] of [
        ["/nowhere/spec.json", "no such file"],
        ["/", "this is a directory, not a file"],
      ] as const) {
        const { code, stderr, stdout } = yield* finish(["validate", place])
        assert.deepStrictEqual([code, stdout], [1, ""])
        assert.match(stderr, new RegExp(`^vpc-router: ${place}: [^\n]*${why}[^\n]*\n$`))
      }
    }),
  )
})
