import { assert, describe, it } from "@effect/vitest"
import { Action, Reason } from "../../src/domain/Action.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { begin, complete, type Failovers, isUnderWay, isUnverified, verify, wrote } from "../../src/domain/Failover.ts"
import { Verdict } from "../../src/domain/Health.ts"
import { InterfaceId, RouteTableId, VpcId } from "../../src/domain/Ids.ts"
import { ip } from "../../src/domain/Ip.ts"
import { defaultPolicy } from "../../src/domain/Policy.ts"
import { type RouteTable, RouteTarget } from "../../src/domain/Vpc.ts"
import { indexVpc } from "../../src/domain/VpcIndex.ts"

const [dead, alive] = [ip("10.0.0.1"), ip("10.0.0.2")]
const [from, to, elsewhere] = [InterfaceId("eni-1"), InterfaceId("eni-2"), InterfaceId("eni-3")]
const [first, second] = [RouteTableId("rtb-1"), RouteTableId("rtb-2")]
const range = cidr("10.66.0.0/16")
const target = (interfaceId: InterfaceId) => RouteTarget.Interface({ interfaceId, instanceId: undefined })

const move = (
  table: RouteTableId,
  interfaceId = to,
  reason: Reason = Reason.HostFailed({ host: dead, why: "silent" }),
) =>
  Action.ReplaceRoute({
    table,
    cidr: range,
    host: alive,
    interfaceId,
    before: target(from),
    reason,
    urgency: "failover",
  })

/** A reading in which each of these tables leads the CIDR to that interface. */
const reading = (tablesAndRoutes: Readonly<Record<string, InterfaceId | "no route">>) => {
  const table = ([name, to]: readonly [string, InterfaceId | "no route"]): readonly [RouteTableId, RouteTable] => {
    const id = RouteTableId(name)
    const routes =
      to === "no route"
        ? []
        : [{ destination: range, target: target(to), state: "active", origin: "CreateRoute" } as const]
    return [id, { id, main: false, edge: false, subnets: [], tags: new Map(), routes, prefixListRoutes: [] }]
  }
  const tables = new Map(Object.entries(tablesAndRoutes).map(table))
  const vpc = { id: VpcId("vpc-1"), ownerId: undefined, cidrs: [], tables, interfaces: new Map(), instances: new Map() }
  return indexVpc(vpc, defaultPolicy)
}

const failed = (since = 1_000, silentSince: number | undefined = 100): Failovers =>
  begin([], { host: dead, verdict: Verdict.Failed({ since, reason: "silent", silentSince }) })

/** Both tables were written, at 1,010 and 1,020, and nothing is left. */
const moved = (): Failovers => complete(wrote(wrote(failed(), move(first), 1_010), move(second), 1_020), [])[0]

describe("the stages of a failover", () => {
  it("begin with the silence and end with a reading that shows the routes", () => {
    const [after, verified] = verify(moved(), reading({ "rtb-1": to, "rtb-2": to }), 1_500, 1_600)
    assert.deepInclude(after[0], {
      silentSince: 100,
      failedAt: 1_000,
      firstWriteAt: 1_010,
      lastWriteAt: 1_020,
      completedAt: 1_020,
      verifiedAt: 1_600,
      moved: 2,
    })
    assert.deepStrictEqual(verified, after)
  })

  it("are not complete while a write of it is left", () => {
    const [half, done] = complete(wrote(failed(), move(first), 1_010), [move(second)])
    assert.deepStrictEqual(done, [])
    assert.isTrue(isUnderWay(half))
    const [whole, completed] = complete(wrote(half, move(second), 1_020), [])
    assert.lengthOf(completed, 1)
    assert.isFalse(isUnderWay(whole))
  })

  it("are complete although writes of other failovers are left", () => {
    const other = move(second, to, Reason.HostFailed({ host: alive, why: "silent" }))
    assert.lengthOf(complete(wrote(failed(), move(first), 1_010), [other])[1], 1)
  })

  it("are verified by no reading that began before the last write, and by none that shows another route", () => {
    for (const [readAt, routes] of [
      [1_020, { "rtb-1": to, "rtb-2": to }],
      [1_500, { "rtb-1": to, "rtb-2": from }],
      [1_500, { "rtb-1": to, "rtb-2": elsewhere }],
      [1_500, { "rtb-1": to, "rtb-2": "no route" }],
      [1_500, { "rtb-1": "no route", "rtb-2": "no route" }],
    ] as const)
      assert.isUndefined(verify(moved(), reading(routes), readAt, 2_000)[0][0]?.verifiedAt)
  })

  it("are verified although a table is gone, or a later write of ours moved a route on", () => {
    assert.strictEqual(verify(moved(), reading({ "rtb-1": to }), 1_500, 1_600)[0][0]?.verifiedAt, 1_600)
    const onward = wrote(moved(), move(second, elsewhere, Reason.HostDrained({ host: alive })), 1_200)
    const shown = reading({ "rtb-1": to, "rtb-2": elsewhere })
    assert.strictEqual(verify(onward, shown, 1_500, 1_600)[0][0]?.verifiedAt, 1_600)
  })

  it("are verified although the spec had a route deleted meanwhile, whatever stands there since", () => {
    const dropped = Action.DeleteRoute({
      table: second,
      cidr: range,
      before: target(to),
      reason: Reason.NotInSpec(),
      urgency: "deletion",
    })
    for (const since of ["no route", elsewhere] as const) {
      const shown = reading({ "rtb-1": to, "rtb-2": since })
      assert.strictEqual(verify(wrote(moved(), dropped, 1_200), shown, 1_500, 1_600)[0][0]?.verifiedAt, 1_600)
    }
  })

  it("are verified once, and say so until then", () => {
    assert.isFalse(isUnverified(failed()))
    assert.isFalse(isUnverified(wrote(failed(), move(first), 1_010)))
    assert.isTrue(isUnverified(moved()))
    const shown = reading({ "rtb-1": to, "rtb-2": to })
    const [verified] = verify(moved(), shown, 1_500, 1_600)
    assert.isFalse(isUnverified(verified))
    assert.deepStrictEqual(verify(verified, shown, 2_500, 2_600), [verified, []])
    assert.isTrue(isUnverified([...verified, ...moved()]), "one of two")
  })

  it("are complete again after what came late, and verified only by a reading after that", () => {
    const [complete1, again] = complete(moved(), [])
    assert.deepStrictEqual(again, [])
    const late = wrote(complete1, move(first), 5_000)
    assert.isTrue(isUnderWay(late))
    const shown = reading({ "rtb-1": to, "rtb-2": to })
    assert.deepStrictEqual(verify(late, shown, 6_000, 6_100)[1], [])
    const [complete2] = complete(late, [])
    assert.deepInclude(complete2[0], { completedAt: 5_000, completions: 2, moved: 3, firstWriteAt: 1_010 })
    assert.deepStrictEqual(verify(complete2, shown, 4_000, 6_100)[1], [])
    assert.lengthOf(verify(complete2, shown, 6_000, 6_100)[1], 1)
  })

  it("are neither under way nor complete where nothing was written", () => {
    assert.isFalse(isUnderWay(failed()))
    assert.deepStrictEqual(complete(failed(), []), [failed(), []])
    assert.deepStrictEqual(verify(failed(), reading({}), 1_500, 1_600), [failed(), []])
  })

  it("of hosts that fail at the same time are told apart", () => {
    const also = ip("10.0.0.3")
    const two = begin(failed(), { host: also, verdict: Verdict.Failed({ since: 1_000, reason: "silent" }) })
    assert.deepStrictEqual(
      two.map(({ host }) => host),
      [also, dead],
    )
    const one = wrote(two, move(first), 1_010)
    assert.deepStrictEqual(
      one.map((failover) => failover.moved),
      [0, 1],
    )
    assert.isTrue(isUnderWay(one))
    const drained = wrote(two, move(second, to, Reason.HostDrained({ host: also })), 1_010)
    assert.deepStrictEqual(drained, two)
    assert.lengthOf(complete(one, [move(second, to, Reason.HostDrained({ host: dead }))])[1], 1)
    const back = begin(two, { host: dead, verdict: Verdict.Healthy({ since: 5_000 }) })
    const said = begin(back, { host: dead, verdict: Verdict.Healthy({ since: 7_000 }) })
    assert.deepStrictEqual(
      said.map(({ endedAt }) => endedAt),
      [undefined, 5_000],
    )
  })

  it("belong to one failure: writes after the host came back and was lost otherwise are not counted to it", () => {
    const back = begin(moved(), { host: dead, verdict: Verdict.Healthy({ since: 5_000 }) })
    assert.deepStrictEqual(wrote(back, move(first), 9_000), back)
    const unwritten = begin(failed(), { host: dead, verdict: Verdict.Healthy({ since: 5_000 }) })
    assert.strictEqual(wrote(unwritten, move(first), 6_000)[0]?.moved, 1)
    assert.strictEqual(wrote(unwritten, move(first), 65_000)[0]?.moved, 1, "it was under way for a minute")
    assert.strictEqual(wrote(unwritten, move(first), 65_001)[0]?.moved, 0)
  })

  it("are remembered of the last 50 failovers, and a verdict that is said again begins none", () => {
    let failovers = failed()
    assert.strictEqual(
      begin(failovers, { host: dead, verdict: Verdict.Failed({ since: 1_000, reason: "x" }) }),
      failovers,
    )
    for (let since = 2_000; since < 60_000; since += 1_000)
      failovers = begin(failovers, { host: dead, verdict: Verdict.Failed({ since, reason: "x" }) })
    assert.lengthOf(failovers, 50)
    assert.strictEqual(failovers[0]?.failedAt, 59_000)
  })
})
