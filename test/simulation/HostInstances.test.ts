import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { ip } from "../../src/domain/Ip.ts"
import { HostInstances } from "../../src/services/health/HostInstances.ts"
import { replace, terminate } from "../../src/services/ec2/SimulatedHosts.ts"
import { Simulation } from "../../src/services/ec2/Simulation.ts"
import { daemon, pass, Specs } from "../support/runtime/SimulatedDaemon.ts"

const [a, b, service] = ["10.33.20.93", "10.33.30.22", "10.33.20.250"] as const
const both = [
  [a, "i-0a20093"],
  [b, "i-0b30022"],
]

const known = Effect.gen(function* () {
  const { current } = yield* HostInstances
  const instances = yield* current
  return instances === undefined ? undefined : [...instances]
})

describe("the instances behind the hosts", () => {
  it.effect("are unknown before EC2 was read, and those of the spec's hosts from then on", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* known)
      yield* pass(200)
      assert.deepStrictEqual(yield* known, [])
      yield* (yield* Specs).accept({ "10.66.17.0/24": [a, b, service, "10.33.99.9"] })
      yield* pass(100)
      assert.deepStrictEqual(yield* known, both)
      yield* (yield* Specs).accept({ "10.66.17.0/24": [b] })
      yield* pass(100)
      assert.deepStrictEqual(yield* known, both.slice(1))
    }).pipe(Effect.provide(daemon())),
  )

  it.effect("stay known when an address vanishes with its instance, until another instance has it", () =>
    Effect.gen(function* () {
      const { change } = yield* Simulation
      yield* (yield* Specs).accept({ "10.66.17.0/24": [a, b] })
      yield* pass(2_000)
      const { changes } = yield* HostInstances
      const seen = yield* Effect.forkChild(Stream.runCollect(Stream.take(changes, 2)))
      yield* change(terminate(ip(a)))
      yield* pass(61_000, 100)
      assert.deepStrictEqual(yield* known, both)
      yield* change(replace(ip(a)))
      yield* pass(31_000, 100)
      const after = [
        [a, "i-0000005e000000001"],
        [b, "i-0b30022"],
      ]
      assert.deepStrictEqual(yield* known, after)
      assert.deepStrictEqual(
        (yield* Fiber.join(seen)).map((instances) => [...instances]),
        [both, after],
      )
    }).pipe(Effect.provide(daemon())),
  )
})
