import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { Fault } from "../../support/ec2/Fault.ts"
import { describeCalls } from "./AwsEc2Stand.ts"
import { a, endsRight, foreignPage, isSettled, type MatrixStand, onStand, tables } from "./FaultMatrixStand.ts"
import type { ReadingRow } from "./FaultTables.ts"

const answer = (body: string): Fault => ({ _tag: "Answer", status: 200, contentType: "text/xml", body })

const error = (status: number, code: string): Fault => ({ _tag: "Error", status, code })

/** What the proxy does to a call in a row of "Readings". */
const faults: Readonly<Record<string, (call: string) => Fault>> = {
  "it is throttled": () => error(503, "RequestLimitExceeded"),
  "it is denied": () => error(403, "UnauthorizedOperation"),
  "EC2 fails": () => error(500, "InternalError"),
  "EC2 fails at the second page": () => error(503, "Unavailable"),
  "the connection is cut": () => ({ _tag: "Cut" }),
  "the connection is cut halfway through the answer": () => ({ _tag: "CutHalfway" }),
  "an answer that ends too early": () => ({ _tag: "Rewrite", change: (body) => body.slice(0, body.length - 30) }),
  "a page of somebody else's, with 200": () => answer(foreignPage),
  "an answer without its list": (call) => answer(`<${call}Response><requestId>1</requestId></${call}Response>`),
  "the same page again and again": (call) => ({
    _tag: "Rewrite",
    change: (body) =>
      body
        .replace(/<nextToken>[^<]*<\/nextToken>/, "")
        .replace(`</${call}Response>`, `<nextToken>again</nextToken></${call}Response>`),
  }),
  "no answer within 5 s": () => ({ _tag: "Hang" }),
  "a byte of an answer every 0.2 s": () => ({ _tag: "Drip" }),
  "an answer without an end": () => ({ _tag: "Endless", status: 200 }),
}

export const playedReadings: ReadonlyArray<string> = Object.keys(faults)

/** A page with nothing on it, which names the page that it was asked for by. */
const emptyPage = (call: string): string =>
  `<${call}Response><requestId>1</requestId><vpcSet/><routeTableSet/><networkInterfaceSet/><reservationSet/><nextToken>again</nextToken></${call}Response>`

/** The calls of which there is a second page when there is room for two items on one. */
const paged = describeCalls.filter((call) => call !== "DescribeVpcs")

/** Waits until all calls but one are answered, the pages of each: nothing more comes of them for a while. From request `from` on. */
const allButAnswered = Effect.fnUntraced(function* ({ proxy }: MatrixStand, call: string, from: number) {
  let seen = 0
  for (;;) {
    const requests = (yield* proxy.requests).slice(from)
    const isQuiet = requests.length === seen
    if (isQuiet && requests.every(({ action, status }) => action === call || status !== undefined)) return
    seen = requests.length
    yield* Effect.sleep("100 millis")
  }
})

/** One call after the other has the fault; a host fails and a spec comes while the first one has it. */
export const playReading = ({ code, name }: ReadingRow): Effect.Effect<void> =>
  onStand(
    Effect.fnUntraced(function* (stand) {
      const { leap, log, proxy, trigger, until } = stand
      const isSecondPage = name.includes("second page")
      for (const [at, call] of (isSecondPage ? paged : describeCalls).entries()) {
        const fault = faults[name]?.(call)
        if (fault === undefined) throw new Error(`docs/ec2-faults.md: nothing plays "${name}"`)
        const containing = isSecondPage ? btoa(`${call} 2`) : []
        if (name === "the same page again and again")
          yield* proxy.addRule({ action: call, containing: "again", fault: answer(emptyPage(call)) })
        yield* proxy.addRule({ action: call, containing, fault })
        const before = (yield* proxy.requests).length
        const asked = yield* Effect.forkScoped(proxy.nextRequest(call), { startImmediately: true })
        // Past the pause after a reading, and to the next one; a call that is under way has more time than that.
        yield* leap(2_000)
        yield* Effect.sleep("50 millis")
        yield* leap(10_000)
        if (fault._tag === "Drip") {
          yield* Fiber.join(asked)
          yield* allButAnswered(stand, call, before)
          yield* leap(15_000)
        }
        yield* until(`${call} to fail`, ({ refresh }) => refresh.failing?.error.operation === call)
        const { readAt } = yield* stand.status
        assert.strictEqual((yield* stand.status).refresh.failing?.error.code, code)
        const words = `EC2 cannot be read: ${call}: ${code}: `
        yield* until("the condition", ({ conditions }) => conditions.get("ec2")?.words.startsWith(words) === true)
        yield* until("the warning", () => log().some((line) => line.level === "Warn" && line.words.startsWith(words)))
        if (at === 0) {
          yield* trigger
          yield* until("the writes", (status) => isSettled(status) && status.failed.length === 1)
          for (const table of tables) assert.notInclude(Object.values(yield* stand.contents(table)), "eni-a", a)
          assert.lengthOf(yield* stand.writes, 12)
        }
        assert.strictEqual((yield* stand.status).readAt, readAt)
        yield* proxy.clearRules
        yield* until(`${call} to go on`, ({ refresh }) => refresh.failing === undefined)
        yield* until("the word that it is over", () =>
          log().some((line) => line.words.startsWith("over after ") && line.words.includes(`read: ${call}: `)),
        )
      }
      yield* endsRight(stand)
      assert.lengthOf(yield* stand.writes, 12)
    }),
    { largestPage: 2, recheckInterval: 10_000 },
  )
