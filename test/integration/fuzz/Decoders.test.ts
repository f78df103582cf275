import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import fc from "fast-check"
import { runs } from "../../support/domain/Runs.ts"
import type { Decode, Outcome } from "../../support/fuzz/Decoder.ts"
import { decoders } from "../../support/fuzz/Decoders.ts"
import { mutantOf } from "../../support/fuzz/Mutants.ts"
import { type StandIn, standIn } from "../../support/fuzz/StandIn.ts"
import { structureMutantOf } from "../../support/fuzz/Structures.ts"

/** A fault in words, as a log would have it. */
const words = (fault: unknown): string =>
  fault instanceof Error ? `${fault.name} ${fault.message}` : JSON.stringify(fault)

const shown = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes).toString("latin1"))

/** Reads, within a time that only what hangs exceeds. Whatever was not foreseen is thrown, with what was read. */
const read = async (decode: Decode, bytes: Uint8Array): Promise<Outcome> => {
  const exit = await Effect.runPromiseExit(Effect.timeout(decode(bytes), "20 seconds"))
  if (Exit.isFailure(exit)) throw new Error(`over ${shown(bytes)}`, { cause: exit.cause })
  if ("fault" in exit.value) assert.match(words(exit.value.fault), /\w/, shown(bytes))
  return exit.value
}

const mutants = (valid: fc.Arbitrary<Uint8Array>) =>
  fc.oneof(
    { weight: 8, arbitrary: mutantOf(valid) },
    { weight: 8, arbitrary: structureMutantOf(valid) },
    { weight: 1, arbitrary: fc.uint8Array() },
  )

describe("whatever is read from outside, the outcome is a value or a fault that says why:", () => {
  const scope = Scope.makeUnsafe()
  let there: StandIn

  beforeAll(async () => {
    there = await Effect.runPromise(Scope.provide(standIn, scope))
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  for (const { costly = false, name, open, valid } of decoders)
    it(name, async () => {
      const own = Scope.makeUnsafe()
      try {
        const decode = await Effect.runPromise(Scope.provide(open(there), own))
        let faults = 0
        await fc.assert(
          fc.asyncProperty(valid, async (bytes) => {
            const outcome = await read(decode, bytes)
            assert("value" in outcome, `${shown(bytes)}: ${JSON.stringify(outcome)}`)
          }),
          runs(3),
        )
        await fc.assert(
          fc.asyncProperty(mutants(valid), async (bytes) => {
            if ("fault" in (await read(decode, bytes))) faults++
          }),
          runs(costly ? 25 : 250),
        )
        // Mutants that are all taken would try nothing.
        assert.isAbove(faults, costly ? 1 : 20)
      } finally {
        await Effect.runPromise(Scope.close(own, Exit.void))
      }
    })
})
