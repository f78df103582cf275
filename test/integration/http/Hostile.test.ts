import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { start } from "../cli/Running.ts"
import { ask, problem, read } from "./Ask.ts"
import { hostilePosts } from "./Hostile.ts"

const spec = { "10.66.17.0/24": ["10.33.20.93", "10.33.30.22"] }

describe("a daemon that hostile clients post to", () => {
  it.live("refuses each with its status, goes on, and keeps the spec that it has", () =>
    Effect.gen(function* () {
      const { url: starting } = yield* start(["--mode", "http", "--simulate", "--port", "0"])
      const url = yield* starting
      const headers = { "content-type": "application/json" }
      const good = { method: "POST", path: "/route_spec", headers, body: JSON.stringify(spec) }
      assert.strictEqual((yield* ask(url, good)).status, 200)
      for (const { body, headers: given = {}, name, status } of hostilePosts) {
        const answer = yield* ask(url, { method: "POST", path: "/route_spec", headers: given, body })
        assert.isAbove(problem(answer, status).length, 5, name)
        // Whoever posts much nonsense does not get it back.
        assert.isBelow(answer.text.length, 100_000, name)
        assert.deepStrictEqual(read(yield* ask(url, { path: "/route_spec" })), spec, name)
      }
      assert.strictEqual((yield* ask(url, { path: "/healthz" })).status, 200)
    }).pipe(Effect.scoped),
  )
})
