import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Fiber, Random } from "effect"
import { carried } from "../../support/daemon/Look.ts"
import { a, b, everywhere, stand } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const net = "10.66.17.0/24"
const kills = 200
/** A POST is under way for some milliseconds; the kill comes before, within or after that. */
const longestDelay = 30

/** Specs that differ, and all ask for the same routes; in the order in which the daemon shows them. */
const specAt = (n: number) => ({ [`10.200.${n}.0/24`]: [], [net]: [a, b] })
const textOf = (spec: unknown) => JSON.stringify(spec)

describe("a daemon that is killed again and again", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect(
      `${kills} times at any moment: no spec is lost that was answered, no start fails, and no route is written`,
      () =>
        Effect.gen(function* () {
          const { carriers, daemon: start, proxy, writes } = yield* stand
          const path = yield* temporaryFolder
          const run = start("-m", "http", "--state-file", join(path, "state.json"), "--route-recheck-interval", "1")
          const first = yield* Effect.gen(function* () {
            const daemon = yield* run
            yield* daemon.post("/route_spec", specAt(0))
            const carrier = yield* carried(daemon, net)
            yield* daemon.signal("SIGKILL")
            yield* daemon.exit
            return carrier
          }).pipe(Effect.scoped)
          yield* proxy.forget

          // What may be found at the next start: the last spec that was answered, or any posted since.
          let possible = [textOf(specAt(0))]
          let answered = 0
          for (let n = 1; n <= kills; n++)
            yield* Effect.gen(function* () {
              const daemon = yield* run
              const found = textOf((yield* daemon.get("/route_spec")).json)
              assert.include(possible, found, `at start ${n}`)
              possible = [found]
              const spec = specAt(n % 256)
              const post = yield* Effect.forkChild(Effect.option(daemon.post("/route_spec", spec)))
              yield* Effect.sleep(yield* Random.nextBetween(0, longestDelay))
              yield* daemon.signal("SIGKILL")
              yield* daemon.exit
              const answer = yield* Fiber.join(post)
              if (answer._tag === "Some" && answer.value.status === 200) {
                possible = [textOf(spec)]
                answered++
              } else possible = [...possible, textOf(spec)]
            }).pipe(Effect.scoped)

          assert.isAbove(answered, 0)
          assert.isBelow(answered, kills)
          assert.deepStrictEqual(yield* writes, [])
          assert.deepStrictEqual(yield* carriers(net), everywhere(first))
          const left = yield* Effect.promise(() => readdir(path))
          assert.deepStrictEqual(
            left.filter((name) => name.includes("corrupt")),
            [],
          )
        }),
      15 * 60_000,
    )
  })
})
