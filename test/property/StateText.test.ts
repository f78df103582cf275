import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import { Action, Reason } from "../../src/domain/Action.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { brakeFor } from "../../src/domain/DeletionBrake.ts"
import type { Durable } from "../../src/domain/Durable.ts"
import { AccountId, InstanceId, InterfaceId, RouteTableId } from "../../src/domain/Ids.ts"
import { ip } from "../../src/domain/Ip.ts"
import { RouteTarget } from "../../src/domain/Vpc.ts"
import { decodeState, encodeState } from "../../src/services/state/StateText.ts"

const byte = fc.integer({ min: 0, max: 255 })
const aCidr = fc.oneof(
  fc.tuple(byte, byte).map(([a, b]) => cidr(`10.${a}.${b}.0/24`)),
  byte.map((a) => cidr(`fd00:0:0:${a.toString(16)}::/64`)),
)
const anIp = fc.tuple(byte, byte).map(([a, b]) => ip(`10.33.${a}.${b}`))
const aTarget = fc.oneof(
  fc.record({ i: byte, instance: fc.option(byte, { nil: undefined }) }).map(({ i, instance }) =>
    RouteTarget.Interface({
      interfaceId: InterfaceId(`eni-${i}`),
      instanceId: instance === undefined ? undefined : InstanceId(`i-${instance}`),
      ownerId: instance === undefined ? undefined : AccountId("123456789012"),
    }),
  ),
  byte.map((i) => RouteTarget.Instance({ instanceId: InstanceId(`i-${i}`), ownerId: undefined })),
)
const aDeletion = fc.record({ table: byte, range: aCidr, before: aTarget }).map(({ table, range, before }) =>
  Action.DeleteRoute({
    table: RouteTableId(`rtb-${table}`),
    cidr: range,
    before,
    reason: Reason.NotInSpec(),
    urgency: "deletion",
  }),
)
const aState: fc.Arbitrary<Durable> = fc
  .record({
    routes: fc.uniqueArray(fc.tuple(aCidr, fc.uniqueArray(anIp, { maxLength: 4 })), { selector: ([range]) => range }),
    named: fc.array(aCidr),
    drained: fc.array(anIp),
    confirmed: fc.uniqueArray(aDeletion, { selector: ({ table, cidr: range }) => `${table} ${range}`, maxLength: 5 }),
    letGo: fc.array(fc.tuple(anIp, fc.nat(2_000_000_000)), { maxLength: 5 }).map((some) => new Map(some)),
    held: fc.uniqueArray(aDeletion, { selector: ({ table, cidr: range }) => `${table} ${range}`, maxLength: 5 }),
    hour: fc.uniqueArray(
      fc.record({ minute: fc.nat(30_000_000), owned: fc.nat(9_999), deleted: fc.uniqueArray(aCidr, { maxLength: 4 }) }),
      { selector: ({ minute }) => minute, maxLength: 61 },
    ),
  })
  .map(({ routes, named, drained, confirmed, letGo, held, hour }) => {
    // The spec's own decoder would refuse IPv4 hosts for an IPv6 CIDR.
    const spec = new Map(routes.map(([range, hosts]) => [range, range.includes(":") ? [] : hosts.toSorted()]))
    const deleted = hour.map((minute) => ({ ...minute, deleted: minute.deleted.toSorted() }))
    return {
      spec,
      named: new Set(named),
      drained: new Set(drained),
      confirmed,
      letGo,
      brake: brakeFor(spec, held),
      hour: deleted,
    }
  })

describe("the text of a state file", () => {
  it("gives back what was kept", () => {
    fc.assert(
      fc.property(aState, (state) => {
        const kept = { vpc: "vpc-1", state }
        const { state: read, vpc } = Result.getOrThrow(decodeState(encodeState(kept)))
        assert.strictEqual(vpc, "vpc-1")
        assert.deepStrictEqual(encodeState({ vpc, state: read }), encodeState(kept))
        assert.deepStrictEqual(new Map([...read.spec].toSorted()), new Map([...state.spec].toSorted()))
        assert.deepStrictEqual(read.drained, new Set([...state.drained].toSorted()))
        assert.strictEqual(read.confirmed.length, state.confirmed.length)
        assert.deepStrictEqual(read.letGo, new Map([...state.letGo].toSorted()))
        assert.deepStrictEqual(read.hour, state.hour)
        assert.strictEqual(read.brake?.hash, state.brake?.hash)
        assert.strictEqual(read.brake?.cause, state.brake?.cause)
      }),
    )
  })

  it("cut anywhere, it is told from a whole one and never taken for a smaller state", () => {
    fc.assert(
      fc.property(aState, fc.nat(), (state, at) => {
        const text = encodeState({ vpc: "vpc-1", state })
        assert.isTrue(Result.isFailure(decodeState(text.slice(0, at % text.length))))
      }),
    )
  })

  it("that is damaged: the place, what was expected and what was found, on one line", () => {
    const whole = {
      version: 1,
      route_spec: { "10.66.17.0/24": ["10.33.20.93"] },
      named: ["10.66.17.0/24"],
      drained: [],
      confirmed: [],
    }
    const cases: ReadonlyArray<readonly [text: string | object, words: string]> = [
      ["", "$: line 1, column 1: not JSON: the text is empty"],
      ["\n{\n", "$: line 3, column 1: not JSON: "],
      ['{"version": 1,\n "named": [x', '$["named"][0]: line 2, column 12: not JSON: '],
      ["null", "$: expected an object, got null"],
      [[], "$: expected an object, got a list"],
      [
        {},
        '$["version"]: expected a value, got nothing; $["route_spec"]: expected a value, got nothing; $["named"]: expected a value, got nothing; and 2 more',
      ],
      [{ ...whole, version: 2 }, '$["version"]: expected 1, got the number 2'],
      [{ ...whole, drained: undefined }, '$["drained"]: expected a value, got nothing'],
      [{ ...whole, drained: "10.33.20.93" }, '$["drained"]: expected a list, got "10.33.20.93"'],
      [{ ...whole, named: ["10.66.17.0/24", 7] }, '$["named"][1]: expected text, got the number 7'],
      [{ ...whole, named: ["10.66.17.0/24", "a\nb"] }, '$["named"][1]: expected a CIDR, got "a\\nb"'],
      [{ ...whole, drained: ["10.33.20"] }, '$["drained"][0]: expected an IP address, got "10.33.20"'],
      [{ ...whole, route_spec: [] }, '$["route_spec"]: expected an object, got a list'],
      [
        { ...whole, route_spec: { "10.66.17.0/24": ["x"] } },
        '$["route_spec"]["10.66.17.0/24"][0]: expected a host\'s IP address, got "x"',
      ],
      [
        { ...whole, route_spec: { "10.66.17.0/24": "10.33.20.93" } },
        '$["route_spec"]["10.66.17.0/24"]: expected a list, got "10.33.20.93"',
      ],
      [{ ...whole, confirmed: [{ table: "rtb-1" }] }, '$["confirmed"][0]["cidr"]: expected a value, got nothing; '],
      [
        { ...whole, confirmed: [{ table: "rtb-1", cidr: "x", target: { interface: "eni-1" } }] },
        '$["confirmed"][0]["cidr"]: expected a CIDR, got "x"',
      ],
      [
        { ...whole, last_hour: [{ since: 0, routes: 1, deleted: ["x"] }] },
        '$["last_hour"][0]["deleted"][0]: expected a CIDR, got "x"',
      ],
    ]
    for (const [given, words] of cases) {
      const why = Result.getOrThrow(Result.flip(decodeState(typeof given === "string" ? given : JSON.stringify(given))))
      assert.isTrue(why.startsWith(words), `${why}\n${words}`)
      assert.notMatch(why, /\n/)
    }
  })

  it("of a version that kept neither its VPC nor the hour: nothing is held, and the hour begins anew", () => {
    const old = { version: 1, route_spec: { "10.66.17.0/24": ["10.33.20.93"] }, named: [], drained: [], confirmed: [] }
    const { state, vpc } = Result.getOrThrow(decodeState(JSON.stringify(old)))
    assert.deepStrictEqual([vpc, state.spec.size, state.hour, state.brake], [undefined, 1, [], undefined])
  })

  it("whatever the file holds, reading it never throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const read = decodeState(text)
        assert.isTrue(Result.isFailure(read) || text.includes('"version"'))
      }),
    )
  })
})
