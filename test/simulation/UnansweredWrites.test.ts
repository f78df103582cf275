import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { RouteTableId } from "../../src/domain/Ids.ts"
import { ip } from "../../src/domain/Ip.ts"
import { Reconciler } from "../../src/runtime/Reconciler.ts"
import { Simulation } from "../../src/services/ec2/Simulation.ts"
import { carriers, daemon, pass, Specs } from "../support/runtime/SimulatedDaemon.ts"

const range = "10.66.17.0/24"
const hosts: ReadonlyArray<string> = ["10.33.20.93", "10.33.30.22"]
const everywhere = (carrier: string) => ({ "rtb-00main": carrier, "rtb-0a20": carrier, "rtb-0b30": carrier })

describe("a failover that EC2 does, and does not answer in two of three tables", () => {
  it.effect("is not undone when the old host returns while the writes are tried again and EC2 cannot be read", () =>
    Effect.gen(function* () {
      const { addFault, clearFaults, fail, heal } = yield* Simulation
      const { accept } = yield* Specs
      yield* pass(200)
      yield* accept({ [range]: hosts })
      yield* pass(2_000)
      const before = yield* carriers(range)
      const from = before["rtb-00main"] === "eni-0a20093" ? 0 : 1
      const to = everywhere(from === 0 ? "eni-0b30022" : "eni-0a20093")
      for (const id of ["rtb-0a20", "rtb-0b30"])
        yield* addFault({
          operation: "ReplaceRoute",
          table: RouteTableId(id),
          code: "TimeoutError",
          times: Infinity,
          committed: true,
        })
      yield* addFault({ operation: "DescribeRouteTables", code: "InternalError", times: Infinity })
      yield* fail(ip(hosts[from] ?? ""))
      yield* pass(2_000)
      assert.deepStrictEqual(yield* carriers(range), to)
      yield* heal(ip(hosts[from] ?? ""))
      for (let seconds = 0; seconds < 20; seconds++) {
        yield* pass(1_000, 50)
        assert.deepStrictEqual(yield* carriers(range), to)
      }
      yield* clearFaults
      yield* pass(60_000, 50)
      assert.deepStrictEqual(yield* carriers(range), to)
      const { held } = yield* (yield* Reconciler).status
      assert.deepStrictEqual(held, [])
    }).pipe(Effect.provide(daemon())),
  )
})
