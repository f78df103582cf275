import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { StatusJson } from "../../../src/services/http/StatusJson.ts"
import type { Fault } from "../../support/ec2/Fault.ts"
import { faulty, type FaultRowsStand, makeFaultRowsStand, others, rangesOf, simulatedVpc } from "./FaultRowsStand.ts"

const error = (status: number, code: string): Fault => ({ _tag: "Error", status, code, message: `injected ${code}` })

const readings = ["DescribeVpcs", "DescribeRouteTables", "DescribeNetworkInterfaces", "DescribeInstances"] as const
const writeActions = ["CreateRoute", "ReplaceRoute", "DeleteRoute"] as const

/** The first call for each of the round's cells in the faulty table has the fault. */
const firstCalls = ({ proxy }: FaultRowsStand, n: number, fault: Fault) =>
  Effect.forEach(
    rangesOf(n),
    (range) => proxy.addRule({ action: "any", containing: [faulty, range], times: 1, fault }),
    {
      discard: true,
    },
  )

/** Waits until `GET /status` has the round's four writes in the faulty table as failed and held, with these codes. */
const namesFailures = ({ daemon }: FaultRowsStand, n: number, codes: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const ofRound = ({ cidr, table }: { readonly cidr: string; readonly table: string | null }) =>
      table === faulty && rangesOf(n).includes(cidr)
    const { failed_writes: failed, held } = yield* daemon.until(
      `the four failures of round ${n}`,
      ({ failed_writes, held: shown }) =>
        failed_writes.filter(ofRound).length === 4 && shown.filter(ofRound).length === 4,
    )
    for (const { code, message } of failed.filter(ofRound)) {
      assert.include(codes, code)
      assert.strictEqual(message, `injected ${code}`)
    }
    for (const { reason, words } of held.filter(ofRound)) {
      assert.strictEqual(reason, "write_failed")
      assert.isTrue(
        codes.some((code) => words.includes(`${code}: injected ${code}`)),
        words,
      )
    }
    assert.deepStrictEqual(
      failed.filter(({ table }) => table !== faulty),
      [],
    )
  })

/** Waits until `GET /status` shows that only the writes to the faulty table are not done. */
const namesPending = ({ daemon }: FaultRowsStand, n: number) =>
  daemon.until("what is under way", ({ pending }) => {
    const cells = pending.map(({ cidr, table }) => `${table} ${cidr}`)
    return cells.length > 0 && rangesOf(n).every((range) => cells.includes(`${faulty} ${range}`))
  })

/** A machine with much to do shows in the conditions, too. */
const ofEc2 = (conditions: StatusJson["conditions"]): ReadonlyArray<string> =>
  conditions.flatMap(({ words }) => (words.startsWith("EC2 ") ? [words] : []))

describe("the built daemon, in front of an EC2 with its limits, that goes through the rows of docs/ec2-faults.md", () => {
  it.live(
    "has every table right after each, writes nothing else meanwhile, and says in /status what is held",
    () =>
      Effect.gen(function* () {
        const stand = yield* makeFaultRowsStand
        const { allOver, begin, beginByTermination, daemon, over, overIn, proxy, writes } = stand

        // One table is denied: the others are done, and what is asked for again after 30 s goes on beside all that follows.
        yield* proxy.addRule({ action: "any", containing: faulty, fault: error(403, "UnauthorizedOperation") })
        yield* begin(0)
        yield* overIn(0, others)
        yield* namesFailures(stand, 0, ["UnauthorizedOperation"])
        yield* proxy.clearRules
        const late = [0]

        // Throttled: somebody else of the account has taken every token.
        for (const action of writeActions) yield* proxy.takeTokens(action, 50)
        yield* begin(1)
        yield* over(1, late)
        assert.isTrue((yield* writes).some(({ status }) => status === 503))

        // Timed out before it was done, and after: then readings show that it was, before the time is out.
        yield* firstCalls(stand, 2, { _tag: "Hang" })
        yield* begin(2)
        yield* namesPending(stand, 2)
        yield* overIn(2, others)
        yield* over(2, late)
        yield* proxy.clearRules
        yield* firstCalls(stand, 3, { _tag: "CommitThenTimeout" })
        yield* begin(3)
        yield* daemon.until("what is under way", ({ queue }) => queue.in_flight > 0)
        yield* overIn(3, others)
        yield* over(3, late)
        yield* daemon.until("the end of what was not answered", ({ queue }) => queue.in_flight + queue.queued === 0)
        yield* over(3, late)
        yield* proxy.clearRules

        // 500 and 503.
        const codes = ["InternalError", "Unavailable"] as const
        for (const action of writeActions) {
          const fault = action === "ReplaceRoute" ? error(500, codes[0]) : error(503, codes[1])
          yield* proxy.addRule({ action, containing: faulty, fault })
        }
        yield* begin(4)
        yield* overIn(4, others)
        yield* namesFailures(stand, 4, codes)
        yield* proxy.clearRules
        yield* over(4, late)

        // Readings that show what was before the writes.
        for (const action of readings) yield* proxy.addRule({ action, fault: { _tag: "Stale" } })
        yield* begin(5)
        yield* over(5, late)
        yield* daemon.rechecks(2)
        yield* over(5, late)
        yield* proxy.clearRules
        yield* daemon.rechecks(1)
        yield* overIn(5, others)

        // A reading that fails between its pages.
        yield* proxy.addRule({
          action: "DescribeRouteTables",
          containing: btoa("DescribeRouteTables 3"),
          fault: error(503, "Unavailable"),
        })
        const { last_refresh: refresh } = yield* daemon.until(
          "a reading that fails",
          ({ conditions, last_refresh }) => last_refresh.error !== null && ofEc2(conditions).length > 0,
        )
        assert.deepInclude(refresh.error, { operation: "DescribeRouteTables", code: "Unavailable" })
        assert.match(ofEc2((yield* daemon.status).conditions)[0] ?? "", /DescribeRouteTables: Unavailable: injected/)
        yield* begin(6)
        yield* over(6, late)
        assert.strictEqual((yield* daemon.status).last_refresh.at, refresh.at)
        yield* proxy.clearRules
        yield* daemon.until("readings again", ({ last_refresh }) => last_refresh.error === null)

        // An instance that is gone, and no check says so: a blackhole.
        yield* beginByTermination(7)
        yield* over(7, late)

        yield* daemon.until(
          "nothing failed or held",
          ({ failed_writes, held }) => failed_writes.length + held.length === 0,
        )
        yield* daemon.rechecks(1)
        yield* over(7, late)
        yield* allOver
        const { conditions, held } = yield* daemon.status
        assert.deepStrictEqual([...ofEc2(conditions), ...held], [])
      }).pipe(Effect.scoped, Effect.provide(simulatedVpc)),
    3 * 60_000,
  )
})
