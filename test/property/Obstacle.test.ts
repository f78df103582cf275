import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { Action, Reason } from "../../src/domain/Action.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { ip } from "../../src/domain/Ip.ts"
import { blocks, type Obstacle, obstacle } from "../../src/domain/Obstacle.ts"
import { RouteTarget } from "../../src/domain/Vpc.ts"
import type { Disposition } from "../../src/domain/WriteFailure.ts"
import { interfaceIds } from "../support/domain/Pools.ts"
import { runs } from "../support/domain/Runs.ts"
import { destination, hostAt, interfaceAt, tableAt } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const second = 1_000
const minute = 60 * second

const cell = { table: tableAt(1), cidr: cidr("192.168.0.0/16") }
const before = RouteTarget.Interface({ interfaceId: interfaceAt("x") })

const anyWrite: fc.Arbitrary<Action> = fc
  .tuple(fc.constantFrom("create", "failover", "repair", "delete"), fc.constantFrom(...interfaceIds.slice(0, 2)))
  .map(([kind, interfaceId]) => {
    const placing = { ...cell, interfaceId, host: ip("10.33.20.1") }
    if (kind === "create") return Action.CreateRoute({ ...placing, reason: Reason.Missing(), urgency: "creation" })
    if (kind === "delete")
      return Action.DeleteRoute({ ...cell, before, reason: Reason.NotInSpec(), urgency: "deletion" })
    const urgency = kind === "failover" ? "failover" : "repair"
    return Action.ReplaceRoute({ ...placing, before, reason: Reason.Blackhole(), urgency })
  })

const dispositions: ReadonlyArray<Disposition> = ["throttled", "transient", "refresh", "denied", "full", "refused"]

const anyFailures = fc.array(
  fc.record({
    action: anyWrite,
    disposition: fc.constantFrom(...dispositions),
    after: fc.nat(10 * minute),
  }),
  { minLength: 1, maxLength: 20, size: "max" },
)

describe("what EC2 did not do", () => {
  it("is tried again: no obstacle stands longer than an hour, and none shorter than a second", () => {
    fc.assert(
      fc.property(anyFailures, (failures) => {
        let stands: Obstacle | undefined
        let at = 0
        for (const { action, disposition, after } of failures) {
          at += after
          stands = obstacle(stands, action, { disposition, code: "C", message: "m" }, at)
          assert.isAtLeast(stands.until - at, second)
          assert.isAtMost(stands.until - at, 60 * minute)
          assert.isTrue(blocks(stands, action, at))
          assert.isFalse(blocks(stands, action, stands.until))
        }
      }),
      runs(500),
    )
  })

  it("waits longer with every failure in a row; at most five seconds if it is a failover and the trouble can pass", () => {
    fc.assert(
      fc.property(anyWrite, fc.constantFrom(...dispositions), (action, disposition) => {
        let stands: Obstacle | undefined
        let waited = 0
        for (let n = 1; n <= 15; n++) {
          stands = obstacle(stands, action, { disposition, code: "C", message: "m" }, 0)
          assert.strictEqual(stands.attempts, n)
          assert.isAtLeast(stands.until, waited)
          waited = stands.until
          const canPass = disposition === "throttled" || disposition === "transient" || disposition === "refresh"
          assert.isFalse(action.urgency === "failover" && canPass && waited > 5 * second)
        }
      }),
      runs(100),
    )
  })

  it("waits at last as long as the trouble is worth: a failover five seconds, unless the trouble does not pass", () => {
    const waits = { throttled: 60, transient: 60, refresh: 60, denied: 300, full: 300, refused: 3_600 }
    for (const disposition of dispositions)
      for (const urgency of ["failover", "repair"] as const) {
        const placing = { ...cell, interfaceId: interfaceAt("a"), host: hostAt("a"), before }
        const action = Action.ReplaceRoute({ ...placing, reason: Reason.Blackhole(), urgency })
        let stands: Obstacle | undefined
        for (let n = 1; n <= 15; n++) stands = obstacle(stands, action, { disposition, code: "C", message: "m" }, 0)
        const canPass = waits[disposition] === 60
        assert.strictEqual(stands?.until, (urgency === "failover" && canPass ? 5 : waits[disposition]) * second)
      }
  })

  it("is counted anew when another write fails, or the same one for another reason", () => {
    fc.assert(
      fc.property(anyWrite, anyWrite, fc.constantFrom(...dispositions), (first, next, disposition) => {
        const once = obstacle(undefined, first, { disposition: "throttled", code: "C", message: "m" }, 0)
        const { attempts } = obstacle(once, next, { disposition, code: "C", message: "m" }, 0)
        const isSame = blocks(once, next, 0) && disposition === "throttled"
        assert.strictEqual(attempts, isSame ? 2 : 1)
      }),
      runs(300),
    )
  })

  it("stands in the way of the same write only, not of another to the same cell", () => {
    fc.assert(
      fc.property(anyWrite, anyWrite, (refused, wanted) => {
        const stands = obstacle(undefined, refused, { disposition: "refused", code: "C", message: "m" }, 0)
        const to = (action: Action): string => (action._tag === "DeleteRoute" ? "nowhere" : action.interfaceId)
        const isSame = refused._tag === wanted._tag && to(refused) === to(wanted)
        assert.strictEqual(blocks(stands, wanted, 1), isSame)
      }),
      runs(300),
    )
  })
})

const failing = (): Story =>
  new Story({
    spec: { [destination]: "abc", "172.16.0.0/12": "b" },
    health: { a: "failed", b: "healthy", c: "healthy" },
    routes: { [destination]: "a", "172.16.0.0/12": "b" },
  })

describe("a write that failed", () => {
  it("is held with EC2's code, tried again by itself when its time has come, and forgotten when it succeeds", () => {
    const story = failing()
    const [wanted] = story.pending
    story.refused("RequestTimeout")
    assert.deepStrictEqual([story.pending, story.held], [[], ["rtb-1 WriteFailed"]])
    assert.strictEqual(story.nextAt, story.now + second)
    story.wait(second)
    assert.deepStrictEqual([story.pending, story.held], [[wanted], []])
    story.done()
    assert.deepStrictEqual([story.pending, story.held, [...story.world.obstacles]], [[], [], []])
  })

  it("does not keep the route from a third host, when the second fails as well", () => {
    const story = failing()
    const first = story.pending[0]!
    story.refused("InvalidParameterValue")
    assert.deepStrictEqual(story.pending, [])
    story.fails(first.endsWith("b") ? "b" : "c")
    assert.deepStrictEqual(story.pending, [`rtb-1 failover:${first.endsWith("b") ? "c" : "b"}`])
  })

  it("for want of room in the table is tried as soon as we delete a route there", () => {
    const full = new Story({
      spec: { [destination]: "a", "172.16.0.0/12": "a" },
      health: { a: "healthy" },
      routes: { [destination]: "-", "172.16.0.0/12": "a" },
    })
    full.refused("RouteLimitExceeded")
    assert.deepStrictEqual(full.held, ["rtb-1 WriteFailed"])
    full.spec({ [destination]: "a", "172.16.0.0/12": "" }).done("172.16.0.0/12 rtb-1 delete")
    assert.deepStrictEqual(full.pending, ["rtb-1 create:a"])
  })
})

describe("an interface that EC2 does not know", () => {
  it("takes no route for half a minute; then it is tried again", () => {
    const story = failing()
    const first = story.pending[0]!.endsWith("b") ? ("b" as const) : ("c" as const)
    const second = first === "b" ? "c" : "b"
    story.refused("InvalidNetworkInterfaceID.NotFound")
    assert.deepStrictEqual(story.pending, [`rtb-1 failover:${second}`])
    story.fails(second)
    assert.deepStrictEqual(story.pending, [])
    assert.isAtMost(story.nextAt!, story.now + 30_000)
    story.wait(30_000)
    assert.deepStrictEqual(story.pending, [`rtb-1 failover:${first}`])
  })

  it("nor does one that EC2 refuses by name, so that another host takes the route at once", () => {
    const story = failing()
    const [wanted] = story.actions
    const first = story.pending[0]!.endsWith("b") ? ("b" as const) : ("c" as const)
    const second = first === "b" ? "c" : "b"
    const named = `route table rtb-1 and network interface ${interfaceAt(first)} belong to different networks`
    story.fault(wanted!, "InvalidParameterValue", named)
    assert.deepStrictEqual(story.pending, [`rtb-1 failover:${second}`])
    // With the other one gone, too, the refused one is not tried over and over.
    story.fails(second).wait(31_000)
    assert.deepStrictEqual(story.pending, [])
    story.wait(60 * minute)
    assert.deepStrictEqual(story.pending, [`rtb-1 failover:${first}`])
  })

  it("takes routes on, when it was the destination that EC2 refused", () => {
    const story = failing()
    story.fault(story.actions[0]!, "InvalidParameterValue", `The destination ${destination} is more specific than`)
    assert.deepStrictEqual(story.pending, [])
  })

  it("is not held against its host, when a reading shows the host at another interface", () => {
    const story = new Story({
      spec: { [destination]: "ab" },
      health: { a: "failed", b: "healthy" },
      routes: { [destination]: "a" },
    })
    story.refused("InvalidNetworkInterfaceID.NotFound").wait(1000)
    assert.deepStrictEqual(story.pending, [])
    story.reads("a", 0, { interfaces: { b: { addresses: [] }, d: { addresses: [hostAt("b")] } } })
    assert.deepStrictEqual(story.pending, ["rtb-1 failover:d"])
  })

  it("is not held against the other hosts' interfaces, nor taken from those routes that lead to it", () => {
    const story = failing()
    story.recovers("a").spec({ [destination]: "b", "172.16.0.0/12": "b" })
    story.refused("InvalidNetworkInterfaceID.NotFound")
    assert.deepStrictEqual(story.pending, [])
    story.spec({ [destination]: "c", "172.16.0.0/12": "bc" }).recovers("c")
    assert.deepStrictEqual(story.pending, ["rtb-1 repair:c"])
  })
})
