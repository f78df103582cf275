import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { dispositionOf, listedCodes } from "../../../src/domain/WriteFailure.ts"
import { sideBySide } from "../../support/SideBySide.ts"
import { describeCalls, setUp, simulated } from "./AwsEc2Stand.ts"
import { refusal } from "./Contract.ts"
import { playedSituations, playSituation } from "./FaultMatrixSituations.ts"
import { playedReadings } from "./FaultMatrixReadings.ts"
import { playAnswer, playedTransports, playTransport } from "./FaultMatrixWrites.ts"
import { answerRows, consequences, readingRows, situations, transportRows } from "./FaultTables.ts"

/** Codes that no answer of EC2 to a write has: nothing was sent, or the answer says nothing. */
const withoutAnswer = [
  "AnswerTooLarge",
  "CredentialsProviderError",
  "RegionMissing",
  "TokenProviderError",
  "UnconfirmedAnswer",
]

describe("docs/ec2-faults.md", () => {
  it("has every code of EC2 that is told apart by name, and says what it is taken for", () => {
    const documented = new Set(answerRows.map(({ code }) => code))
    assert.deepStrictEqual(
      listedCodes.filter((code) => !documented.has(code)),
      withoutAnswer,
    )
    for (const { code = "SomethingNew", disposition, message, name, status } of answerRows)
      assert.strictEqual(dispositionOf(code, status, message), disposition, name)
  })

  it("says what follows from each", () => {
    const taken = new Set(answerRows.map(({ disposition }) => disposition))
    assert.sameMembers([...taken], [...consequences.keys()])
  })

  it("has what the long tests play, and nothing else", () => {
    assert.sameMembers([...situations], [...playedSituations])
    assert.sameMembers(
      transportRows.map(({ name }) => name),
      [...playedTransports],
    )
    assert.sameMembers(
      readingRows.map(({ name }) => name),
      [...playedReadings],
    )
  })
})

/** One of each kind; the long tests play them all. */
describe("a few rows of the fault matrix", () => {
  const few = <Row extends { readonly name: string }>(rows: ReadonlyArray<Row>, ...names: ReadonlyArray<string>) =>
    rows.filter(({ name }) => names.includes(name))
  sideBySide(few(answerRows, "UnauthorizedOperation (HTTP 403) is denied"), 1, playAnswer)
  sideBySide(few(transportRows, "the connection is cut, although it was done"), 1, playTransport)
  sideBySide([{ name: "somebody else's route is there already" }], 1, playSituation)
})

describe("an answer that ends too early", () => {
  it.live.each(describeCalls)("is no reading, wherever %s ends", (action) =>
    simulated(
      Effect.gen(function* () {
        const { ec2, proxy } = yield* setUp()
        const whole = { length: 0 }
        yield* proxy.addRule({
          action,
          times: 1,
          fault: { _tag: "Rewrite", change: (body) => ((whole.length = body.trimEnd().length), body) },
        })
        yield* ec2.snapshot
        const cuts = Array.from({ length: 5 }, (_, n) => Math.floor((whole.length * (n + 0.5)) / 5))
        for (const end of [...cuts, whole.length - 1]) {
          yield* proxy.addRule({ action, times: 1, fault: { _tag: "Rewrite", change: (body) => body.slice(0, end) } })
          assert.strictEqual((yield* refusal(ec2.snapshot)).operation, action, `${end} of ${whole.length}`)
        }
      }),
    ),
  )
})
