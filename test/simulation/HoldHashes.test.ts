import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { entryOf } from "../../src/runtime/LogFormat.ts"
import { Reconciler } from "../../src/runtime/Reconciler.ts"
import { pass, Specs } from "../support/runtime/SimulatedDaemon.ts"
import { stand } from "../support/runtime/ZoneStand.ts"
/** The warnings that name a hash to confirm, as the log has them. */
const hashesLogged = () => {
  const hashes: Array<string> = []
  const logger = Logger.make((logged) => {
    const { level, message } = entryOf(logged)
    const hash = /^held: (?:\d+ of \d+ hosts|.* not deleted) .*confirm (?:the plan )?([0-9a-f]{16})/.exec(
      `${message}`,
    )?.[1]
    if (level === "Warn" && hash !== undefined) hashes.push(hash)
  })
  return { hashes, layer: Layer.fresh(Logger.layer([logger])) }
}

describe("what is held", () => {
  {
    const { hashes, layer: logged } = hashesLogged()
    const { addresses, die, layer, settled } = stand(30, 3)
    it.effect("is let go by the hash that the log has last, also when more hosts join those that failed", () =>
      Effect.gen(function* () {
        const reconciler = yield* Reconciler
        yield* settled
        die(addresses.slice(0, 24))
        yield* pass(6_000, 10)
        const [first] = (yield* reconciler.status).holds
        assert.strictEqual(hashes.at(-1), first?.hash)
        die(addresses.slice(24, 25))
        yield* pass(4_000, 10)
        const [second] = (yield* reconciler.status).holds
        assert.notStrictEqual(second?.hash, first?.hash)
        assert.strictEqual(hashes.at(-1), second?.hash)
        // Each host's failure makes another hash; the log is not filled with them.
        assert.isAtMost(hashes.length, 4)
        assert.isTrue(yield* reconciler.confirm(hashes.at(-1) ?? ""))
      }).pipe(Effect.provide(layer.pipe(Layer.provideMerge(logged)))),
    )
  }

  {
    const { hashes, layer: logged } = hashesLogged()
    const { addresses, layer, settled } = stand(3, 1)
    it.effect("is let go by the hash that the log has last, also when a deletion is no longer asked for", () =>
      Effect.gen(function* () {
        const reconciler = yield* Reconciler
        const { accept } = yield* Specs
        const spec = (size: number) =>
          Object.fromEntries(Array.from({ length: size }, (_, n) => [`10.66.${n}.0/24`, addresses]))
        yield* settled
        yield* accept(spec(3))
        yield* pass(3_000)
        const [first] = (yield* reconciler.status).holds
        assert.strictEqual(hashes.at(-1), first?.hash)
        yield* accept(spec(4))
        yield* pass(3_000)
        const [second] = (yield* reconciler.status).holds
        assert.notStrictEqual(second?.hash, first?.hash)
        assert.strictEqual(hashes.at(-1), second?.hash)
        assert.isTrue(yield* reconciler.confirm(hashes.at(-1) ?? ""))
      }).pipe(Effect.provide(layer.pipe(Layer.provideMerge(logged)))),
    )
  }
})
