import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import { Action, Reason } from "../../src/domain/Action.ts"
import { cidr } from "../../src/domain/Cidr.ts"
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
  })
  .map(({ routes, named, drained, confirmed }) => ({
    // The spec's own decoder would refuse IPv4 hosts for an IPv6 CIDR.
    spec: new Map(routes.map(([range, hosts]) => [range, range.includes(":") ? [] : hosts.toSorted()])),
    named: new Set(named),
    drained: new Set(drained),
    confirmed,
  }))

describe("the text of a state file", () => {
  it("gives back what was kept", () => {
    fc.assert(
      fc.property(aState, (state) => {
        const read = Result.getOrThrow(decodeState(encodeState(state)))
        assert.deepStrictEqual(encodeState(read), encodeState(state))
        assert.deepStrictEqual(new Map([...read.spec].toSorted()), new Map([...state.spec].toSorted()))
        assert.deepStrictEqual(read.drained, new Set([...state.drained].toSorted()))
        assert.strictEqual(read.confirmed.length, state.confirmed.length)
      }),
    )
  })

  it("cut anywhere, it is told from a whole one and never taken for a smaller state", () => {
    fc.assert(
      fc.property(aState, fc.nat(), (state, at) => {
        const text = encodeState(state)
        assert.isTrue(Result.isFailure(decodeState(text.slice(0, at % text.length))))
      }),
    )
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
