import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { Fault } from "../../support/ec2/Fault.ts"
import { describeCalls } from "./AwsEc2Stand.ts"
import { a, endsRight, isSettled, onStand, tables } from "./FaultMatrixStand.ts"
import type { ReadingRow } from "./FaultTables.ts"

const page = "<html><body>Welcome</body></html>"

const answer = (body: string): Fault => ({ _tag: "Answer", status: 200, contentType: "text/xml", body })

/** What the proxy does in a row of "Readings". Only the call's second page, where it says so. */
const faultFor = (
  name: string,
  call: string,
): { readonly fault: Fault; readonly isSecondPage?: boolean } | undefined => {
  const error = (status: number, code: string): Fault => ({ _tag: "Error", status, code })
  const faults: Readonly<Record<string, Fault>> = {
    "it is throttled": error(503, "RequestLimitExceeded"),
    "it is denied": error(403, "UnauthorizedOperation"),
    "EC2 fails": error(500, "InternalError"),
    "EC2 fails at the second page": error(503, "Unavailable"),
    "the connection is cut": { _tag: "Cut" },
    "the connection is cut halfway through the answer": { _tag: "CutHalfway" },
    "an answer that ends too early": { _tag: "Rewrite", change: (body) => body.slice(0, body.length - 30) },
    "a page of somebody else's, with 200": answer(page),
    "an answer without its list": answer(`<${call}Response><requestId>1</requestId></${call}Response>`),
    "the same page again and again": {
      _tag: "Rewrite",
      change: (body) =>
        body
          .replace(/<nextToken>[^<]*<\/nextToken>/, "")
          .replace(`</${call}Response>`, `<nextToken>again</nextToken></${call}Response>`),
    },
    "no answer within 5 s": { _tag: "Hang" },
    "a byte of an answer every 0.2 s": { _tag: "Drip" },
    "an answer without an end": { _tag: "Endless", status: 200 },
  }
  const fault = faults[name]
  return fault === undefined ? undefined : { fault, isSecondPage: name === "EC2 fails at the second page" }
}

/** A page with nothing on it, which names the page that it was asked for by. */
const emptyPage = (call: string): string =>
  `<${call}Response><requestId>1</requestId><vpcSet/><routeTableSet/><networkInterfaceSet/><reservationSet/><nextToken>again</nextToken></${call}Response>`

/** The calls of which there is a second page when there is room for two items on one. */
const paged = describeCalls.filter((call) => call !== "DescribeVpcs")

/** One call after the other has the fault; a host fails and a spec comes while the first one has it. */
export const playReading = ({ code, name }: ReadingRow): Effect.Effect<void> =>
  onStand(
    Effect.fnUntraced(function* (stand) {
      const { leap, log, proxy, trigger, until } = stand
      for (const [at, call] of (name.includes("second page") ? paged : describeCalls).entries()) {
        const found = faultFor(name, call)
        if (found === undefined) throw new Error(`docs/ec2-faults.md: nothing plays "${name}"`)
        const containing = found.isSecondPage === true ? btoa(`${call} 2`) : []
        if (name === "the same page again and again")
          yield* proxy.addRule({ action: call, containing: "again", fault: answer(emptyPage(call)) })
        yield* proxy.addRule({ action: call, containing, fault: found.fault })
        const asked = yield* Effect.forkScoped(proxy.nextRequest(call), { startImmediately: true })
        // Past the pause after a reading, and to the next one; a call that is under way has more time than that.
        yield* leap(2_000)
        yield* Effect.sleep("50 millis")
        yield* leap(10_000)
        if (found.fault._tag === "Drip") {
          yield* Fiber.join(asked)
          // The other calls are done by then.
          yield* Effect.sleep("100 millis")
          yield* leap(15_000)
        }
        yield* until(`${call} to fail`, ({ refresh }) => refresh.failing?.error.operation === call)
        const { readAt } = yield* stand.status
        assert.strictEqual((yield* stand.status).refresh.failing?.error.code, code)
        const words = `EC2 cannot be read: ${call}: ${code}: `
        yield* until("the condition", ({ conditions }) => conditions.get("ec2")?.words.startsWith(words) === true)
        if (at === 0) {
          yield* trigger
          yield* until("the writes", (status) => isSettled(status) && status.failed.length === 1)
          for (const table of tables) assert.notInclude(Object.values(yield* stand.contents(table)), "eni-a", a)
          assert.lengthOf(yield* stand.writes, 12)
        }
        assert.strictEqual((yield* stand.status).readAt, readAt)
        yield* proxy.clearRules
        yield* until(`${call} to go on`, ({ refresh }) => refresh.failing === undefined)
        assert.isTrue(log().some((line) => line.level === "Warn" && line.words.startsWith(words)))
        yield* until("the word that it is over", () =>
          log().some((line) => line.words.startsWith("over after ") && line.words.includes(`read: ${call}: `)),
        )
      }
      yield* endsRight(stand)
      assert.lengthOf(yield* stand.writes, 12)
    }),
    { largestPage: 2, recheckInterval: 10_000 },
  )
