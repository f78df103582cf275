import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { detectorOptions } from "../../src/domain/DetectorOptions.ts"
import { ip, parseIp } from "../../src/domain/Ip.ts"
import { ChangedVerdicts } from "../../src/services/health/ChangedVerdicts.ts"
import { type OwnMark, sequenceOfOwn } from "../../src/services/health/IcmpPacket.ts"
import { Watchlist } from "../../src/services/health/Watchlist.ts"
import { randomness } from "../support/detection/Randomness.ts"
import { runs } from "../support/domain/Runs.ts"
import { type Arrival, forged, genuine, type Throw } from "../support/fuzz/ForgedReplies.ts"

const hosts = ["10.214.0.1", "10.214.0.2", "10.214.0.3", "fd00:214::1", "fd00:214::2"].map(ip)

/** The way of a reply from the socket to the verdict. */
const watching = (own: OwnMark) => {
  const list = new Watchlist(detectorOptions(), new ChangedVerdicts(), 1)
  list.watch(new Set(hosts), 0)
  const asked = list.take(10, hosts.length)
  return {
    asked,
    /** How many replies were taken for one. */
    accepted: () => list.counts.answered,
    receive: ({ family, message, source }: Arrival): void => {
      const sequence = sequenceOfOwn(own, family, message)
      const host = parseIp(source)
      if (sequence !== undefined && Result.isSuccess(host)) list.replied(host.success, sequence, 20)
    },
  }
}

describe("echo replies", () => {
  it("that are forged are not accepted, however near they are to a genuine one", () => {
    const { numRuns, seed = Math.floor(randomness(performance.now())() * 1e9) } = runs(50_000)
    const random = randomness(seed)
    const dice: Throw = (size) => Math.floor(random() * size)
    let done = 0
    while (done < numRuns) {
      const own = { identifier: dice(0x10000), cookie: Uint8Array.from({ length: 8 }, () => dice(256)) }
      const { accepted, asked, receive } = watching(own)
      assert.lengthOf(asked, hosts.length)
      for (let count = 0; count < 1_000; count++, done++) {
        const probe = asked[dice(asked.length)]!
        const arrival = forged(own, probe, dice)
        receive(arrival)
        if (accepted() > 0)
          assert.fail(
            `seed ${seed}, ${done} replies: ${JSON.stringify({ ...arrival, message: [...arrival.message], own })}`,
          )
      }
      // Among all these the genuine ones are.
      for (const probe of asked) receive(genuine(own, probe))
      assert.strictEqual(accepted(), hosts.length)
    }
  })
})
