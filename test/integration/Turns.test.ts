import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import type { Steps } from "../../src/domain/Steps.ts"
import { nowUnsafe } from "../../src/services/Now.ts"
import { withoutStall } from "../../src/services/Turns.ts"

describe("long work that cannot wait", () => {
  it.live("lets the event loop go round between its turns, and comes to its value", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      function* work(): Steps<string> {
        for (let step = 0; step < 50; step++) {
          const until = nowUnsafe(clock) + 1
          while (nowUnsafe(clock) < until);
          yield
        }
        return "done"
      }
      let rounds = 0
      const count = (): NodeJS.Immediate => setImmediate(() => (rounds++, (next = count())))
      let next = count()
      const value = yield* withoutStall(work())
      clearImmediate(next)
      assert.strictEqual(value, "done")
      // 50 ms in turns of four or five.
      assert.isAtLeast(rounds, 8)
    }),
  )
})
