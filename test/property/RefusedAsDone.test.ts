import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Action } from "../../src/domain/Action.ts"
import { isAlreadySo } from "../../src/domain/ApplyWrite.ts"
import type { Millis } from "../../src/domain/Health.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { runs } from "../support/domain/Runs.ts"
import { destination, type Letter, tableAt } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

// EC2 refuses a write, because the cell is already so, or because there is nothing to replace; and readings say otherwise.

const second = 1_000
const minute = 60 * second

/** Guards that hold nothing, however many hosts fail. */
const policy = { guards: { massFailure: undefined, failoverLimit: undefined, damping: undefined, settle: 0 } }
const gone = "There is no route defined for '192.168.0.0/16' in the route table."

/** We created the route, and readings still show none when they are no longer taken for stale. */
const createdUnseen = (): Story =>
  new Story({
    spec: { [destination]: "abc" },
    health: { a: "healthy" },
    routes: { [destination]: "-" },
    policy,
  })
    .done("rtb-1 create:a")
    .wait(11 * second)
    .reads("-")

describe("a route that EC2 says is there, when readings show none", () => {
  it("is the one that we wrote: nothing is wanted, held or shown as failed", () => {
    const story = createdUnseen()
    assert.deepStrictEqual(story.pending, ["rtb-1 create:a"])
    story.refused("RouteAlreadyExists")
    assert.deepStrictEqual([story.pending, story.held], [[], []])
    assert.deepStrictEqual([story.wait(second).reads("-").pending, story.held], [[], []])
    assert.strictEqual(story.world.owned, 1)
  })

  it("is moved at once when its host fails, without a reading", () => {
    const story = createdUnseen().refused("RouteAlreadyExists").wait(second).reads("-").recovers("b").fails("a")
    assert.deepStrictEqual(story.pending, ["rtb-1 failover:b"])
  })

  it("is moved at once when its host fails before EC2 has said so: that takes one refusal", () => {
    const story = createdUnseen().recovers("b").fails("a")
    assert.deepStrictEqual(story.pending, ["rtb-1 create:b"])
    assert.deepStrictEqual(story.refused("RouteAlreadyExists").pending, ["rtb-1 failover:b"])
  })

  it("is asked for again after 40, 80 and 160 s, and at last every five minutes", () => {
    const story = createdUnseen()
    const asked: Array<Millis> = []
    for (const start = story.now; story.now < start + 20 * minute; story.wait(second).reads("-"))
      if (story.pending.length > 0) {
        asked.push((story.now - start) / second)
        story.refused("RouteAlreadyExists")
      }
    assert.deepStrictEqual(asked, [0, 40, 120, 280, 580, 880, 1180])
  })

  it("is created when it was deleted after all", () => {
    const story = createdUnseen()
      .refused("RouteAlreadyExists")
      .wait(41 * second)
      .reads("-")
    assert.deepStrictEqual(story.done("rtb-1 create:a").wait(second).reads("a").pending, [])
  })

  it("was not changed back by anybody", () => {
    const story = createdUnseen()
    for (let n = 0; n < 4; n++) {
      story.refused("RouteAlreadyExists")
      while (story.pending.length === 0) story.wait(second).reads("-")
      assert.deepStrictEqual(story.held, [])
    }
    for (const [, row] of story.world.writes) for (const { reversals } of row.values()) assert.isAtMost(reversals, 1)
  })

  it("is the one whose creation got no answer", () => {
    const story = new Story({
      spec: { [destination]: "ab" },
      health: { a: "healthy" },
      routes: { [destination]: "-" },
      policy,
    })
    story.take(WorldEvent.WriteUnanswered({ action: story.actions[0]!, at: story.now }))
    story.wait(second).refused("RouteAlreadyExists")
    assert.deepStrictEqual([story.pending, story.held], [[], []])
    assert.deepStrictEqual(story.wait(second).reads("-").pending, [])
    assert.deepStrictEqual(story.recovers("b").fails("a").pending, ["rtb-1 failover:b"])
  })

  it("is somebody else's, if we never wrote one there: the next reading tells", () => {
    const story = new Story({ spec: { [destination]: "ab" }, health: { a: "healthy" }, routes: { [destination]: "-" } })
    story.refused("RouteAlreadyExists").recovers("b").fails("a")
    assert.deepStrictEqual(story.pending, ["rtb-1 create:b"])
    story.wait(second).reads("igw-1")
    assert.deepStrictEqual([story.pending, story.held], [[], ["rtb-1 Conflict"]])
  })

  it("is somebody else's, if a reading has shown one since; also when older readings follow, for five minutes", () => {
    const story = createdUnseen().reads("-").wait(second).reads("igw-1").wait(second).reads("-")
    assert.deepStrictEqual(story.refused("RouteAlreadyExists").recovers("b").fails("a").pending, ["rtb-1 create:b"])
    story
      .refused("RouteAlreadyExists")
      .wait(2 * minute)
      .reads("a")
    assert.deepStrictEqual([story.pending, story.held], [[], ["rtb-1 Conflict"]])
    assert.deepStrictEqual(story.wait(3 * minute).reads("a").pending, ["rtb-1 failover:b"])
  })
})

describe("a route that EC2 says is gone, when readings show it", () => {
  const carried = (): Story =>
    new Story({
      spec: { [destination]: "ab" },
      health: { a: "healthy", b: "healthy" },
      routes: { [destination]: "a" },
      policy,
    })

  it("is created at once, when it was to be moved", () => {
    for (const [code, message] of [
      ["InvalidParameterValue", gone],
      ["InvalidRoute.NotFound", ""],
    ] as const) {
      const story = carried().fails("a")
      story.fault(story.actions[0]!, code, message)
      assert.deepStrictEqual(story.pending, ["rtb-1 create:b"])
      assert.deepStrictEqual(story.allDone().wait(second).reads("a").pending, [])
      assert.deepStrictEqual(story.wait(minute).reads("b").fails("b").recovers("a").pending, ["rtb-1 failover:a"])
    }
  })

  it("is not deleted again, and nothing is held; it is asked for after 40, 80 and 160 s", () => {
    const story = carried()
      .spec({ [destination]: "" })
      .refused("InvalidRoute.NotFound")
    const asked: Array<Millis> = []
    assert.strictEqual(story.world.owned, 0)
    for (const start = story.now; story.now < start + 10 * minute; story.wait(second).reads("a")) {
      assert.deepStrictEqual(story.held, [])
      if (story.pending.length === 0) continue
      asked.push((story.now - start) / second)
      story.refused("InvalidRoute.NotFound")
    }
    assert.deepStrictEqual(asked, [40, 120, 280, 580])
  })

  it("is deleted when somebody put it there again", () => {
    const story = carried()
      .spec({ [destination]: "" })
      .refused("InvalidRoute.NotFound")
    assert.deepStrictEqual(
      story
        .wait(41 * second)
        .reads("a")
        .done("rtb-1 delete")
        .wait(second)
        .reads("-").pending,
      [],
    )
  })

  it("counts as deleted by us when a try of that had no answer", () => {
    const story = carried().spec({ [destination]: "" })
    story.take(WorldEvent.WriteUnanswered({ action: story.actions[0]!, at: story.now }))
    story.refused("InvalidRoute.NotFound")
    assert.deepStrictEqual(
      story.world.highWater.flatMap(({ deleted }) => deleted),
      [destination],
    )
  })
})

const letters = ["a", "b", "c"] as const

type Step =
  | { readonly _tag: "Turns"; readonly letter: Letter }
  | { readonly _tag: "Reads"; readonly lags: ReadonlyArray<Millis> }
  | { readonly _tag: "Spec"; readonly hosts: string }
  | { readonly _tag: "Hand"; readonly table: number; readonly content: string }

/** Most readings are a moment old; and then there are days on which they are up to five minutes old. */
const anyLag = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 15 * second }) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 5 * minute }) },
  { weight: 1, arbitrary: fc.constant(5 * minute) },
)

const turns = fc.constantFrom(...letters).map((letter): Step => ({ _tag: "Turns", letter }))
const reads = fc.array(anyLag, { minLength: 2, maxLength: 2 }).map((lags): Step => ({ _tag: "Reads", lags }))
const specs = fc.constantFrom("abc", "ab", "").map((hosts): Step => ({ _tag: "Spec", hosts }))
const hands = fc
  .tuple(fc.nat(1), fc.constantFrom("igw-1", "-", "a", "b"))
  .map(([table, content]): Step => ({ _tag: "Hand", table, content }))

const anyPause = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: 1, max: second }) },
  { weight: 4, arbitrary: fc.integer({ min: second, max: 40 * second }) },
)

interface Course {
  readonly after: Millis
  readonly step: Step
}
/** Steps of these kinds, each as often as its weight says. */
const courseOf = (...steps: ReadonlyArray<fc.WeightedArbitrary<Step>>): fc.Arbitrary<ReadonlyArray<Course>> =>
  fc.array(fc.record({ after: anyPause, step: fc.oneof(...steps) }), { maxLength: 40, size: "max" })

/** Keeps the spec from being empty. Its host never answers. */
const elsewhere = { "172.16.0.0/12": "e" }

/** Two cells as they are and were; hosts; and what is written, at once and by EC2's rules. */
class Truth {
  readonly story = new Story({
    spec: { [destination]: "abc", ...elsewhere },
    health: { a: "healthy", b: "healthy", c: "healthy" },
    routes: { [destination]: "- -" },
    policy,
  })
  readonly up = new Set<string>(letters)
  readonly past: Array<{ readonly at: Millis; readonly cells: ReadonlyArray<string> }> = []
  cells: ReadonlyArray<string> = ["-", "-"]
  /** What the last reading showed. */
  read: ReadonlyArray<string> = ["-", "-"]
  readonly refused: Array<{ readonly at: Millis; readonly write: string; readonly isSo: boolean }> = []
  /** The last write of ours to the cell, and the last foreign route that a reading showed after that. */
  readonly shownForeign: Array<Millis | undefined> = [undefined, undefined]
  readonly writtenAt: Array<Millis> = [-Infinity, -Infinity]

  constructor() {
    this.#note()
    this.drain()
  }

  #note(): void {
    this.past.push({ at: this.story.now, cells: this.cells })
  }

  #put(at: number, content: string): void {
    this.cells = this.cells.map((one, i) => (i === at ? content : one))
    this.#note()
  }

  cellsAt(at: Millis): ReadonlyArray<string> {
    return this.past.findLast((one) => one.at <= at)?.cells ?? ["-", "-"]
  }

  /** All that is wanted is sent and answered. Gives the writes. */
  drain(): void {
    for (let rounds = 0; rounds < 4; rounds++) for (const action of this.story.actions) this.write(action)
  }

  write(action: Action): void {
    const { story } = this
    const at = action.table === tableAt(1) ? 0 : 1
    const isThere = this.cells[at] !== "-"
    story.now += 1
    if (isThere === (action._tag === "CreateRoute")) {
      const code = isThere
        ? "RouteAlreadyExists"
        : action._tag === "DeleteRoute"
          ? "InvalidRoute.NotFound"
          : "InvalidParameterValue"
      const disposition = "refresh"
      const event = WorldEvent.WriteFailed({ action, disposition, code, message: gone, at: story.now })
      const to = action._tag === "DeleteRoute" ? "" : action.interfaceId
      this.refused.push({ at: story.now, write: `${action._tag} ${at} ${to}`, isSo: isAlreadySo(story.world, event) })
      return void story.take(event)
    }
    const shown = this.shownForeign[at]
    if (action._tag !== "CreateRoute" && this.cells[at] === "igw-1" && shown !== undefined)
      assert.fail(`written over igw-1, which a reading showed ${story.now - shown} ms ago: ${JSON.stringify(action)}`)
    this.#put(at, action._tag === "DeleteRoute" ? "-" : action.interfaceId.replace("eni-", ""))
    this.shownForeign[at] = undefined
    this.writtenAt[at] = story.now
    story.take(WorldEvent.WriteDone({ action, at: story.now }))
  }

  take({ after, step }: Course): void {
    const { story } = this
    story.wait(after)
    switch (step._tag) {
      case "Turns": {
        const isUp = !this.up.has(step.letter)
        if (!isUp && this.up.size === 1) break
        if (isUp) this.up.add(step.letter)
        else this.up.delete(step.letter)
        if (isUp) story.recovers(step.letter)
        else story.fails(step.letter)
        break
      }
      case "Spec": {
        story.spec({ [destination]: step.hosts, ...elsewhere })
        break
      }
      case "Hand": {
        this.#put(step.table, step.content)
        return
      }
      case "Reads": {
        const cells = [0, 1].map((i) => this.cellsAt(story.now - (step.lags[i] ?? 0))[i] ?? "-")
        for (const [i, cell] of cells.entries())
          if (cell === "igw-1" && story.now - (this.writtenAt[i] ?? -Infinity) <= 5 * minute)
            this.shownForeign[i] = story.now
        this.read = cells
        story.reads(cells.join(" "))
      }
    }
    this.drain()
  }
}

describe("while readings are up to five minutes older than the writes", () => {
  it("no cell gets the same answer of EC2 more than five times in five minutes", () => {
    fc.assert(
      fc.property(
        courseOf({ weight: 6, arbitrary: reads }, { weight: 1, arbitrary: turns }, { weight: 1, arbitrary: specs }),
        (course) => {
          const truth = new Truth()
          for (const one of course) truth.take(one)
          for (const { at, write } of truth.refused) {
            const same = truth.refused.filter((one) => one.write === write && one.at >= at && one.at < at + 5 * minute)
            assert.isAtMost(same.length, 4, write)
          }
          assert.deepStrictEqual(
            truth.refused.filter(({ isSo, write }) => !isSo && !write.startsWith("Replace")),
            [],
          )
        },
      ),
      runs(100),
    )
  })

  it("no route stays at a failed host while another one is up, whatever readings show", () => {
    fc.assert(
      fc.property(courseOf({ weight: 4, arbitrary: reads }, { weight: 1, arbitrary: turns }), (course) => {
        const truth = new Truth()
        for (const one of course) {
          truth.take(one)
          for (const [i, cell] of truth.cells.entries()) {
            // Readings that go on showing another host, which is up, are believed at last: somebody may have moved it there.
            if (truth.read[i] !== cell && truth.up.has(truth.read[i] ?? "")) continue
            assert.isTrue(truth.up.has(cell), `${truth.cells.join(" ")}: ${[...truth.up].join()}`)
          }
        }
      }),
      runs(100),
    )
  })

  it("no route of another kind is written over that a reading has shown since our last write", () => {
    fc.assert(
      fc.property(
        courseOf(
          { weight: 6, arbitrary: reads },
          { weight: 2, arbitrary: turns },
          { weight: 1, arbitrary: specs },
          { weight: 2, arbitrary: hands },
        ),
        (course) => {
          const truth = new Truth()
          assert.doesNotThrow(() => course.forEach((one) => truth.take(one)))
        },
      ),
      runs(150),
    )
  })
})
