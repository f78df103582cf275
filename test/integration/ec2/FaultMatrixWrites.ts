import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { blamesInterface, dispositionOf, findingOf } from "../../../src/domain/WriteFailure.ts"
import type { Fault } from "../../support/ec2/Fault.ts"
import { type AnswerRow, type Consequence, consequences, type TransportRow } from "./FaultTables.ts"
import {
  a,
  b,
  changing,
  created,
  endsRight,
  failedOver,
  faulty,
  foreignPage,
  inFaulty,
  isSettled,
  type MatrixStand,
  onStand,
  othersAreDone,
  repaired,
  rightContents,
  rightWrites,
  tables,
  triesInFaulty,
  writeActions,
} from "./FaultMatrixStand.ts"

/** Waits for longer than this are leapt over, but for the margin, in which a machine with much to do looks on. Seconds. */
const shortWait = 1
const margin = 10

/** How long an interface that EC2 does not know takes no route, as the document says. */
const refusalSeconds = 30

const consequenceOf = (disposition: string): Consequence => {
  const found = consequences.get(disposition)
  if (found === undefined) throw new Error(`docs/ec2-faults.md does not say what "${disposition}" leads to`)
  return found
}

/** The lines that say that a write to the faulty table was not done, by destination. */
const notDone = ({ log }: MatrixStand): ReadonlyMap<string, string> =>
  new Map(
    log().flatMap(({ words }) => {
      const [, range, where, why] = /^not done: \w+ (\S+) in (\S+) .*?: ((?:\S+): [^:]*)$/.exec(words) ?? []
      return where === faulty && range !== undefined && why !== undefined ? [[range, why] as const] : []
    }),
  )

const failures = (log: MatrixStand["log"]) => log().filter(({ words }) => words.startsWith("not done: "))

/** That the log spoke of a write that is held, and, once it is over, of that. */
const saysHeld = ({ log }: MatrixStand, code: string, blames: boolean) => {
  const held = new Map(changing.map((range) => [range, `held: ${range} in ${faulty}: ${code}: `]))
  // EC2's word that it does not know an interface is about the host: it may carry nothing, wherever.
  if (blames) {
    held.delete(repaired)
    held.delete(created)
    held.set(failedOver, `held: ${failedOver}: no healthy host: ${a} no reply, ${b} EC2 refused its interface`)
  }
  for (const words of held.values()) {
    const began = log().some((line) => line.level === "Warn" && line.words.startsWith(words))
    const ended = log().some((line) => line.words.startsWith("over after ") && line.words.includes(words))
    assert.isTrue(
      began && ended,
      `${words}\n${log()
        .map((line) => line.words)
        .join("\n")}`,
    )
  }
}

/** EC2 answers so for as long as the fault lasts. */
const lasting = (fault: Fault, code: string, message: string | undefined, { again, tries }: Consequence) =>
  onStand(
    Effect.fnUntraced(function* (stand) {
      const { proxy } = stand
      yield* inFaulty(proxy, fault)
      yield* stand.trigger
      yield* stand.until("the failures of the four writes", () => notDone(stand).size === changing.length)
      const counted = yield* triesInFaulty(stand)
      // Where it tries again a second later, and one after the other, the most urgent has been given up more than once.
      for (const [at, range] of changing.entries()) {
        const { length } = failures(stand.log).filter(({ words }) => words.includes(` ${range} in ${faulty} `))
        const count = counted[at] ?? 0
        assert.isTrue(count >= tries * length && count <= tries * (length + 1), `${count} tries, ${length} failures`)
      }
      yield* stand.until("the others", ({ pending }) => pending.every(({ table }) => table === faulty))
      yield* othersAreDone(stand)
      for (const [range, why] of notDone(stand))
        assert.isTrue(why.startsWith(`${code}: ${message ?? ""}`), `${range}: ${why}`)
      if (again > shortWait) {
        const { held } = yield* stand.status
        const failed = held.flatMap(({ reason }) => (reason._tag === "WriteFailed" ? [reason] : []))
        assert.strictEqual(failed.length, changing.length)
        for (const reason of failed) assert.strictEqual(reason.code, code)
        yield* stand.leapOverReading((again - margin) * 1_000)
        assert.deepStrictEqual(yield* triesInFaulty(stand), counted)
      }
      yield* proxy.clearRules
      const blames = blamesInterface({ disposition: "refresh", code, message: "" }, "")
      if (again > shortWait) yield* stand.leap(margin * 1_000)
      if (blames) yield* stand.leap(refusalSeconds * 1_000)
      yield* endsRight(stand)
      saysHeld(stand, code, blames)
    }),
  )

/** EC2 throttles the account, whatever the table, until it has said so a few times. */
const throttling = (fault: Fault) =>
  onStand(
    Effect.fnUntraced(function* (stand) {
      const { proxy, trigger, writes } = stand
      const times = 2
      for (const action of writeActions) yield* proxy.addRule({ action, times, fault })
      yield* trigger
      yield* endsRight(stand)
      assert.lengthOf(yield* writes, 12 + 3 * times)
      assert.deepStrictEqual(failures(stand.log), [])
    }),
  )

/** EC2 says that there is no route, although there is: one that was to be moved is created, which EC2 refuses, in turn. */
const denyingRoutes = (fault: Fault, code: string) =>
  onStand(
    Effect.fnUntraced(function* (stand) {
      const { contents, log, proxy, trigger, until, writes } = stand
      const before = yield* contents(faulty)
      for (const action of ["ReplaceRoute", "DeleteRoute"]) yield* proxy.addRule({ action, containing: faulty, fault })
      yield* trigger
      yield* until("the answers", () =>
        ["not done: failover", "not done: repair", "already so: delete"].every((words) =>
          log().some((line) => line.words.startsWith(words) && line.words.includes(`: ${code}: `)),
        ),
      )
      yield* until("the others", ({ pending }) => pending.every(({ table }) => table === faulty))
      yield* othersAreDone(stand)
      for (let seconds = 0; seconds < 150; seconds += 15) yield* stand.leapOverReading(15_000)
      assert.deepStrictEqual(yield* contents(faulty), { ...before, [created]: "eni-b" })
      for (const tries of yield* triesInFaulty(stand)) assert.isAtMost(tries, 20)
      yield* proxy.clearRules
      for (let seconds = 0; seconds < 450; seconds += 15) yield* stand.leapOverReading(15_000)
      yield* until("everything in order", isSettled)
      for (const table of tables) assert.deepStrictEqual(yield* contents(table), rightContents, table)
      const creations = new Set([`CreateRoute ${failedOver} eni-b`, `CreateRoute ${repaired} eni-c`])
      const wrong = (yield* writes).filter(({ words }) => !rightWrites.has(words) && !creations.has(words))
      assert.deepStrictEqual(wrong, [], "writes that nobody asked for")
    }),
  )

/** A row of "Answers to writes". */
export const playAnswer = (row: AnswerRow): Effect.Effect<void> => {
  const { disposition, message, status } = row
  const code = row.code ?? "SomethingNew"
  const fault: Fault = { _tag: "Error", status, code, ...(message === undefined ? {} : { message }) }
  if (disposition === "throttled") return throttling(fault)
  if (findingOf("DeleteRoute", { code, disposition: dispositionOf(code, status, message) }) === "gone")
    return denyingRoutes(fault, code)
  const consequence = consequenceOf(disposition)
  // Each try is a request, and one that is signed anew.
  const tries = code === "RequestExpired" ? 2 * consequence.tries : consequence.tries
  return lasting(fault, code, message ?? `injected ${code}`, { ...consequence, tries })
}

/** What the proxy does in a row of "Writes without a proper answer". */
const faults: Readonly<Record<string, Fault>> = {
  "no answer within 5 s": { _tag: "Hang" },
  "no answer within 5 s, although it was done": { _tag: "CommitThenTimeout" },
  "the connection is cut": { _tag: "Cut" },
  "the connection is cut, although it was done": { _tag: "CommitThenCut" },
  "the connection is cut halfway through the answer": { _tag: "CutHalfway" },
  "an answer that ends too early": { _tag: "Rewrite", change: (body) => body.slice(0, body.length / 4) },
  "a page of somebody else's, with 200": { _tag: "Answer", status: 200, contentType: "text/html", body: foreignPage },
  "a page of somebody else's, with 502": { _tag: "Answer", status: 502, contentType: "text/html", body: foreignPage },
  "nothing, with 503": { _tag: "Answer", status: 503, contentType: "text/xml", body: "" },
  "a byte of an answer every 0.2 s": { _tag: "Drip" },
  "an answer without an end": { _tag: "Endless", status: 200 },
  "the answer comes after 2 s": { _tag: "Delay", millis: 2_000 },
}

export const playedTransports: ReadonlyArray<string> = Object.keys(faults)

/** A row of "Writes without a proper answer". The first request for each cell has the fault. */
export const playTransport = ({ code, disposition, isDone, name }: TransportRow): Effect.Effect<void> =>
  onStand(
    Effect.fnUntraced(function* (stand) {
      const fault = faults[name]
      if (fault === undefined) throw new Error(`docs/ec2-faults.md: nothing plays "${name}"`)
      const { contents, log, proxy } = stand
      yield* inFaulty(proxy, fault, 1)
      yield* stand.trigger
      yield* stand.until("the others", ({ pending }) => pending.every(({ table }) => table === faulty))
      yield* othersAreDone(stand)
      yield* endsRight(stand)
      // Of what was done the next reading or the next try tells; what was not done is done by the next try.
      const said = failures(log).map(({ words }) => words)
      const counted = yield* triesInFaulty(stand)
      for (const [at, range] of changing.entries()) {
        const told = said.filter((words) => words.includes(` ${range} in ${faulty} `)).length
        const least = isDone || disposition === "done" ? 1 : 2
        const most = disposition === "done" ? 1 : 2 + (isDone ? told : 0)
        const count = counted[at] ?? 0
        assert.isTrue(count >= least && count <= most, `${range}: ${count} tries, ${told} failures`)
      }
      assert.deepStrictEqual(yield* contents(faulty), yield* contents("rtb-main"))
      if (disposition === "done") assert.deepStrictEqual(said, [])
      else if (disposition === "refresh") {
        assert.isAtLeast(said.length, changing.length)
        assert.lengthOf(
          said.filter((words) => words.includes(`: ${code}: `)),
          changing.length,
        )
      } else {
        // The next try of a write that was done is told so.
        const told = said.map((words) => /: (\S+): [^:]*$/.exec(words)?.[1] ?? words)
        const codes = isDone ? ["InvalidRoute.NotFound", "RouteAlreadyExists", "Superseded"] : []
        assert.includeMembers(codes, told)
      }
    }),
  )
