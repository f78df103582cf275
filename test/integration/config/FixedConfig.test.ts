import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Queue, Stream } from "effect"
import { encodeRouteSpec } from "../../../src/domain/RouteSpec.ts"
import { ConfigSource } from "../../../src/services/config/ConfigSource.ts"
import * as FixedConfig from "../../../src/services/config/FixedConfig.ts"

describe("FixedConfig", () => {
  it.effect("tells the spec of the command line once, and stays open", () =>
    Effect.gen(function* () {
      const { news, post } = yield* ConfigSource
      assert.isTrue(Option.isNone(post))
      const heard = yield* Queue.unbounded<string>()
      const listener = yield* Effect.forkChild(
        Stream.runForEach(news, (one) =>
          Queue.offer(heard, one._tag === "Accepted" ? JSON.stringify(encodeRouteSpec(one.spec)) : one._tag),
        ),
      )
      assert.strictEqual(yield* Queue.take(heard), '{"10.66.17.0/24":["10.33.20.93","10.33.30.22"]}')
      yield* Effect.yieldNow
      assert.isUndefined(listener.pollUnsafe())
      assert.strictEqual(yield* Queue.size(heard), 0)
    }).pipe(Effect.provide(FixedConfig.layer({ cidr: "10.66.17.0/24", hosts: "10.33.30.22:10.33.20.93" }))),
  )

  it.effect("is an error at the start if the flags make no spec", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Effect.provide(ConfigSource, FixedConfig.layer({ cidr: "10.66.17.0", hosts: "10.33.20.93:web" })),
      )
      assert.deepStrictEqual(
        error.problems.map(({ path }) => path),
        ["--fixed-cidr", "--fixed-hosts[1]"],
      )
    }),
  )
})
