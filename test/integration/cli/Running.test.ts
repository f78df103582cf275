import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { childrenOf } from "../../support/process/Children.ts"
import { start } from "./Running.ts"

describe("a process that a test starts", () => {
  it.live("is gone with the test, also where another program runs it that does not take it along", () =>
    Effect.gen(function* () {
      // As `script` does: its end is a hangup for the daemon, which goes on.
      const under = ["sh", "-c", 'script -qec "$*" /dev/null; true', "sh"]
      const family: Array<number> = []
      const add = (pid: number): void => {
        family.push(pid)
        childrenOf(pid).forEach(add)
      }
      yield* Effect.scoped(
        Effect.gen(function* () {
          const daemon = yield* start(["-m", "http", "--simulate", "-p", "0"], { under })
          yield* daemon.until("HTTP", () => daemon.stdout().includes("HTTP on"))
          add(daemon.process.pid ?? 0)
        }),
      )
      assert.isAtLeast(family.length, 3)
      yield* Effect.repeat(
        Effect.delay(
          Effect.sync(() => family.filter((pid) => existsSync(`/proc/${pid}`))),
          20,
        ),
        { until: (left) => left.length === 0, times: 100 },
      ).pipe(Effect.map((left) => assert.deepStrictEqual(left, [])))
    }),
  )
})
