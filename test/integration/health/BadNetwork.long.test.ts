import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { addresses, allAre, everFailed, heal, lose, loseInSpells, zone } from "../../support/netns/HostNetwork.ts"
import { namespace } from "../../support/netns/Namespaces.ts"
import { answerLate } from "../../support/netns/Responding.ts"
import { runProber } from "../../support/netns/RunningProber.ts"

describe.concurrent("between network namespaces, for minutes", () => {
  it.live("1 % random loss and bursts of it fail none of 500 hosts, and slow answers none of 100", () =>
    Effect.gen(function* () {
      const monitor = yield* namespace()
      const [lossy, slow] = [yield* zone(monitor, "zone-a", 214), yield* zone(monitor, "zone-b", 216)]
      yield* answerLate(slow, 20, 200, 11)
      const [inLossy, inSlow] = [addresses(214, 500), addresses(216, 100)]
      const prober = yield* runProber(monitor, "icmpecho", [...inLossy, ...inSlow])
      yield* allAre(prober, [...inLossy, ...inSlow], "Healthy")
      yield* lose(lossy, "numgen random mod 100 < 1")
      yield* Effect.sleep("60 seconds")
      yield* heal(lossy)
      const lost = yield* loseInSpells(lossy, { times: 60, lasts: 80, pauses: [700, 1_200] })
      assert.isAbove(lost, 60)
      assert.deepStrictEqual(everFailed(prober), [])
      yield* heal(lossy)
    }),
  )

  it.live(
    "a prober that is stopped for 5 s again and again, amid loss, fails no host that lives and finds the dead one",
    () =>
      Effect.gen(function* () {
        const monitor = yield* namespace()
        const hosts = yield* zone(monitor, "zone-a", 214)
        const all = addresses(214, 200)
        const prober = yield* runProber(monitor, "icmpecho", all)
        yield* allAre(prober, all, "Healthy")
        yield* lose(hosts, "numgen random mod 100 < 1")
        for (let round = 0; round < 8; round++) {
          prober.signal("SIGSTOP")
          yield* Effect.sleep("5 seconds")
          prober.signal("SIGCONT")
          yield* Effect.sleep(300 * (round + 1))
        }
        assert.deepStrictEqual(everFailed(prober), [])
        const [, victim = ""] = all
        yield* hosts.nft(`add element inet test dead { ${victim} }`)
        yield* allAre(prober, [victim], "Failed")
        assert.deepStrictEqual(everFailed(prober), [victim])
      }),
  )

  it.live("a link that flaps twenty times is found each time, and no other host of its zone fails", () =>
    Effect.gen(function* () {
      const monitor = yield* namespace()
      const hosts = yield* zone(monitor, "zone-a", 214)
      const all = addresses(214, 100)
      const [, flapping = ""] = all
      const prober = yield* runProber(monitor, "icmpecho:fast", all)
      yield* allAre(prober, all, "Healthy")
      for (let round = 0; round < 20; round++) {
        yield* hosts.nft(`add element inet test dead { ${flapping} }`)
        yield* allAre(prober, [flapping], "Failed")
        yield* hosts.nft("flush set inet test dead")
        yield* allAre(prober, [flapping], "Healthy")
      }
      assert.deepStrictEqual(new Set(everFailed(prober)), new Set([flapping]))
      assert.lengthOf(everFailed(prober), 20)
    }),
  )
})
