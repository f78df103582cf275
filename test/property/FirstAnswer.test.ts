import { assert, describe, it } from "@effect/vitest"
import { firstAnswerPatience, heldOf } from "../../src/domain/Decide.ts"
import { holdWords } from "../../src/domain/Hold.ts"
import { highest } from "../support/domain/Highest.ts"
import { destination, hostAt, type Letter } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

/** Of `a` and `b`, the one that is preferred for the destination, and the other. */
const preferred: Letter = highest(destination, [hostAt("a"), hostAt("b")]) === hostAt("a") ? "a" : "b"
const other: Letter = preferred === "a" ? "b" : "a"

/** A spec that names two new hosts for a destination that `row` shows. */
const fresh = (row: string): Story =>
  new Story({ spec: {}, health: {}, routes: { [destination]: row } }).spec({ [destination]: "ab" })

describe("hosts that are new", () => {
  it("are given a moment: the first to answer does not get every route", () => {
    const story = fresh("- -").wait(100).recovers(other)
    assert.deepStrictEqual(story.pending, [])
    assert.deepStrictEqual(story.held, ["rtb-1 FirstAnswer", "rtb-2 FirstAnswer"])
    const [hold] = heldOf(story.world)
    assert.strictEqual(holdWords(hold!.reason), `waiting a moment for the first answer of ${hostAt(preferred)}`)
    story.wait(100).recovers(preferred)
    assert.deepStrictEqual(story.pending, [`rtb-1 create:${preferred}`, `rtb-2 create:${preferred}`])
  })

  it("are given no more than that moment", () => {
    const story = fresh("- -").wait(100).recovers(other)
    assert.strictEqual(story.nextAt, story.now - 100 + firstAnswerPatience)
    story.wait(firstAnswerPatience - 100)
    assert.deepStrictEqual(story.pending, [`rtb-1 create:${other}`, `rtb-2 create:${other}`])
  })

  it("are not waited for when the preferred one answers first, or the other has failed", () => {
    const creates = [`rtb-1 create:${preferred}`, `rtb-2 create:${preferred}`]
    assert.deepStrictEqual(fresh("- -").recovers(preferred).pending, creates)
    assert.deepStrictEqual(fresh("- -").fails(other).recovers(preferred).pending, creates)
  })

  it("are not waited for where a route already leads to the one that answers, or where traffic is lost", () => {
    assert.deepStrictEqual(fresh(`${other} -`).recovers(other).pending, [`rtb-2 create:${other}`])
    assert.deepStrictEqual(fresh("c! c!").recovers(other).pending, [
      `rtb-1 failover:${other}`,
      `rtb-2 failover:${other}`,
    ])
  })
})
