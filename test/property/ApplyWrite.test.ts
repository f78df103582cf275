import { assert, describe, it } from "@effect/vitest"
import { Action, Reason } from "../../src/domain/Action.ts"
import { isAlreadySo, writeDone, writeFailed, writeUnanswered } from "../../src/domain/ApplyWrite.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { deletionKey } from "../../src/domain/DeletionBrake.ts"
import { InstanceId, InterfaceId } from "../../src/domain/Ids.ts"
import { RouteTarget } from "../../src/domain/Vpc.ts"
import { cellsOf, empty, obstacleAt, type World, writeTo } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { dispositionOf } from "../../src/domain/WriteFailure.ts"
import { destination, hostAt, interfaceAt, type Letter, tableAt } from "../support/domain/Small.ts"
import { Story } from "../support/domain/Story.ts"

const other = cidr("172.16.0.0/12")
const at = 2_000_000

const cell = (range = destination, table = 1) => ({ cidr: range, table: tableAt(table) })
const placing = (letter: Letter) => ({ interfaceId: interfaceAt(letter), host: hostAt(letter) })
const create = (letter: Letter, where = cell()): Action =>
  Action.CreateRoute({ ...where, ...placing(letter), reason: Reason.Missing(), urgency: "creation" })
/** To an interface that no reading shows. */
const toUnseen = Action.CreateRoute({
  ...cell(),
  interfaceId: InterfaceId("eni-unseen"),
  host: hostAt("b"),
  reason: Reason.Missing(),
  urgency: "creation",
})
const before = RouteTarget.Interface({ interfaceId: interfaceAt("a") })
const replace = (letter: Letter, where = cell()): Action =>
  Action.ReplaceRoute({ ...where, ...placing(letter), before, reason: Reason.Blackhole(), urgency: "repair" })
const remove = (where = cell()) =>
  Action.DeleteRoute({ ...where, before, reason: Reason.NotInSpec(), urgency: "deletion" })

const failure = (action: Action, code: string, message = "as told") =>
  WorldEvent.WriteFailed({ action, code, message, disposition: dispositionOf(code, 400, message), at })

/** A world that has read these routes; its spec names other things. */
const reading = (routes: Readonly<Record<string, string>>): World =>
  new Story({ spec: { "10.9.0.0/16": "ab", "10.8.0.0/16": "b" }, health: {}, routes }).world
const presentIn = (world: World, where = cell()) => cellsOf(world, where.cidr)(where.table).present

describe("a write that EC2 did", () => {
  it("leaves a route of ours, whose interface was seen, and at the instance that a reading shows there", () => {
    const [world, dirty] = writeDone(reading({ [destination]: "-" }), create("b"), at)
    assert.deepStrictEqual(presentIn(world), {
      target: RouteTarget.Interface({ interfaceId: interfaceAt("b"), instanceId: InstanceId("i-b") }),
      interfaceId: interfaceAt("b"),
      blackhole: false,
      owned: true,
      interfaceSeen: true,
    })
    assert.deepStrictEqual([...dirty], [destination])
  })

  it("is known by what it was decided upon, though a reading has shown it before the answer came", () => {
    const former = (world: World, action: Action) =>
      writeTo(writeDone(world, action, at)[0], cell())?.before.map((route) => route?.interfaceId ?? "none")
    assert.deepStrictEqual(former(reading({ [destination]: "b" }), replace("b")), ["eni-a", "eni-b"])
    assert.deepStrictEqual(former(reading({ [destination]: "b" }), create("b")), ["none", "eni-b"])
  })

  it("counts where nothing was read yet, or the interface is in no reading", () => {
    for (const world of [empty(), reading({ [destination]: "-" })]) {
      const [after] = writeDone(world, toUnseen, at)
      assert.strictEqual(presentIn(after)?.interfaceId, "eni-unseen")
    }
  })

  it("changes how many routes are ours by one, by none, or by one less; not in a table out of scope", () => {
    const world = reading({ [destination]: "a -", [other]: "- -" })
    const ownedAfter = (action: Action, from = world): number => writeDone(from, action, at)[0].owned
    assert.strictEqual(world.owned, 1)
    assert.strictEqual(ownedAfter(create("b", cell(other))), 2)
    assert.strictEqual(ownedAfter(replace("b")), 1)
    assert.strictEqual(ownedAfter(remove()), 0)
    assert.strictEqual(ownedAfter(create("b", cell(other, 9))), 1)
    assert.strictEqual(ownedAfter(create("b"), empty()), 0)
  })

  it("is noted for the deletion brake if it deletes what the operator did not confirm, and not otherwise", () => {
    const world = reading({ [destination]: "a" })
    const noted = (action: Action, from = world) =>
      writeDone(from, action, at)[0].highWater.flatMap(({ deleted }) => deleted)
    assert.deepStrictEqual(noted(remove()), [destination])
    assert.deepStrictEqual(noted(remove(), { ...world, confirmed: new Map([[deletionKey(remove()), remove()]]) }), [])
    assert.deepStrictEqual(noted(replace("b")), [])
  })

  it("makes room in its table if it deletes: what had none there is tried again", () => {
    let world = reading({ [destination]: "a a" })
    const third = cidr("10.1.0.0/16")
    for (const [code, where] of [
      ["RouteLimitExceeded", cell(other, 1)],
      ["RouteLimitExceeded", cell(third, 2)],
      ["RouteLimitExceeded", cell(cidr("10.2.0.0/16"), 2)],
      ["UnauthorizedOperation", cell(third, 1)],
    ] as const)
      world = writeFailed(world, failure(create("b", where), code))[0]
    const [room, dirty] = writeDone(world, remove(), at)
    assert.deepStrictEqual([...dirty].sort(), [other, destination])
    assert.isUndefined(obstacleAt(room, cell(other, 1)))
    assert.isDefined(obstacleAt(room, cell(third, 2)))
    assert.isDefined(obstacleAt(room, cell(third, 1)))
    const [same, only] = writeDone(world, replace("b"), at)
    assert.deepStrictEqual([...only], [destination])
    assert.isDefined(obstacleAt(same, cell(other, 1)))
  })
})

describe("a write without an answer", () => {
  it("leaves what was read, or nothing where nothing was, and what may stand there instead", () => {
    for (const world of [reading({ [destination]: "a" }), empty()]) {
      const [after, dirty] = writeUnanswered(world, replace("b"), at)
      assert.deepStrictEqual([...dirty], [destination])
      assert.strictEqual(presentIn(after), presentIn(world))
      assert.strictEqual(cellsOf(after, destination)(tableAt(1)).attempted?.[0]?.interfaceId, interfaceAt("b"))
    }
  })
})

describe("a write that EC2 refused", () => {
  const created = writeDone(reading({ [destination]: "-" }), create("a"), at - 1_000)[0]

  it("is none that failed, if our route is there already, or none is that we would delete", () => {
    assert.isTrue(isAlreadySo(created, failure(create("b"), "RouteAlreadyExists")))
    assert.isTrue(isAlreadySo(created, failure(remove(), "InvalidRoute.NotFound")))
    assert.isFalse(isAlreadySo(created, failure(replace("b"), "InvalidRoute.NotFound")))
    assert.isFalse(isAlreadySo(created, failure(create("b"), "RouteLimitExceeded")))
    assert.isFalse(isAlreadySo(reading({ [destination]: "-" }), failure(create("b"), "RouteAlreadyExists")))
    assert.isFalse(isAlreadySo(empty(), failure(create("b"), "RouteAlreadyExists")))
  })

  it("tells nothing of a cell in which a reading has shown a route of another kind", () => {
    const world = reading({ [destination]: "igw-1" })
    const written = writeDone(world, create("a"), at - 1_000)[0]
    assert.isFalse(isAlreadySo(written, failure(create("b"), "RouteAlreadyExists")))
    assert.isFalse(isAlreadySo(world, failure(remove(), "InvalidRoute.NotFound")))
  })

  it("may have been done, if that is no refusal but a failure of EC2", () => {
    const [after] = writeFailed(created, failure(replace("b"), "InternalError"))
    assert.strictEqual(cellsOf(after, destination)(tableAt(1)).attempted?.[0]?.interfaceId, interfaceAt("b"))
    const [refused] = writeFailed(created, failure(replace("b"), "UnauthorizedOperation"))
    assert.notProperty(cellsOf(refused, destination)(tableAt(1)), "attempted")
  })

  it("leaves the route that we wrote, and not the one that it asked for", () => {
    const tried = writeUnanswered(created, remove(), at - 500)[0]
    const [after, dirty] = writeFailed(tried, failure(create("b"), "RouteAlreadyExists"))
    assert.strictEqual(presentIn(after)?.interfaceId, interfaceAt("a"))
    assert.deepStrictEqual([...dirty], [destination])
  })

  it("counts as a deletion of ours where one without an answer is open, and only there", () => {
    const world = reading({ [destination]: "a" })
    const noted = (from: World) =>
      writeFailed(from, failure(remove(), "InvalidRoute.NotFound"))[0].highWater.flatMap(({ deleted }) => deleted)
    assert.deepStrictEqual(noted(world), [])
    assert.deepStrictEqual(noted(writeUnanswered(world, replace("b"), at - 1)[0]), [])
    assert.deepStrictEqual(noted(writeUnanswered(world, remove(), at - 1)[0]), [destination])
    assert.deepStrictEqual(noted(writeUnanswered(created, remove(), at - 1)[0]), [destination])
    const tried = writeUnanswered(world, replace("b"), at - 2)[0]
    assert.deepStrictEqual(noted(writeUnanswered(tried, remove(), at - 1)[0]), [destination])
  })

  it("makes the next reading count, if what EC2 says speaks against what we believe", () => {
    const deleted = writeDone(reading({ [destination]: "a" }), remove(), at - 1_000)[0]
    const isDoubted = (world: World, action: Action, code: string): boolean => {
      const known = writeTo(world, cell())?.before.length ?? 0
      const after = writeTo(writeFailed(world, failure(action, code))[0], cell())
      return known > 0 && after?.before.length === 0
    }
    assert.isTrue(isDoubted(deleted, create("b"), "RouteAlreadyExists"))
    assert.isFalse(isDoubted(deleted, replace("b"), "InvalidRouteTableID.NotFound"))
    assert.isFalse(isDoubted(deleted, create("b"), "UnauthorizedOperation"))
    assert.isTrue(isDoubted(created, replace("b"), "InvalidRouteTableID.NotFound"))
    assert.isFalse(isDoubted(created, create("b"), "InvalidRouteTableID.NotFound"))
  })

  it("does not do so any more once EC2 has twice said the contrary", () => {
    let world = writeDone(reading({ [destination]: "a" }), remove(), at - 1_000)[0]
    const contradict = () => writeTo(writeFailed(world, failure(create("b"), "RouteAlreadyExists"))[0], cell())
    for (const isDoubted of [true, true, false]) {
      assert.strictEqual(contradict()?.before.length === 0, isDoubted)
      world = writeFailed(world, failure(remove(), "InvalidRoute.NotFound"))[0]
    }
  })

  it("of a cell that we have not written leaves no trace in the log", () => {
    const world = reading({ [destination]: "-" })
    assert.isUndefined(writeTo(writeFailed(world, failure(create("b"), "RouteAlreadyExists"))[0], cell()))
    assert.isUndefined(writeTo(writeFailed(empty(), failure(create("b"), "RouteAlreadyExists"))[0], cell()))
  })
})

describe("an interface that EC2 will not have", () => {
  const code = "InvalidNetworkInterfaceID.NotFound"
  const world = reading({ [destination]: "a" })

  it("is believed to be none for 30 s, and every destination of its hosts is decided anew", () => {
    const [after, dirty] = writeFailed(world, failure(replace("b"), code))
    assert.deepStrictEqual([...after.refusedInterfaces], [[interfaceAt("b"), at + 30_000]])
    assert.deepStrictEqual([...dirty].sort(), ["10.8.0.0/16", "10.9.0.0/16", destination])
    assert.isDefined(obstacleAt(after, cell()))
  })

  it("is forgotten when that time is over and another one is refused", () => {
    const known = new Map([
      [interfaceAt("c"), at],
      [interfaceAt("d"), at + 1],
    ])
    const [after] = writeFailed({ ...world, refusedInterfaces: known }, failure(replace("b"), code))
    assert.deepStrictEqual([...after.refusedInterfaces.keys()], [interfaceAt("d"), interfaceAt("b")])
  })

  it("may have no host of the spec, may be in no reading, and is no matter of a deletion", () => {
    assert.deepStrictEqual([...writeFailed(world, failure(replace("e"), code))[1]], [destination])
    for (const from of [world, empty()])
      assert.deepStrictEqual([...writeFailed(from, failure(toUnseen, code))[1]], [destination])
    const [after] = writeFailed(world, failure(remove(), code))
    assert.strictEqual(after.refusedInterfaces.size, 0)
    assert.strictEqual(writeFailed(world, failure(replace("b"), "UnauthorizedOperation"))[0].refusedInterfaces.size, 0)
  })
})
