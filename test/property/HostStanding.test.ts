import { assert, describe, it } from "@effect/vitest"
import { Reason } from "../../src/domain/Action.ts"
import type { Withheld } from "../../src/domain/Guards.ts"
import { Verdict } from "../../src/domain/Health.ts"
import { HoldReason } from "../../src/domain/Hold.ts"
import { type HostFacts, HostStanding, standingOf, whyNot } from "../../src/domain/HostStanding.ts"
import { defaultPolicy } from "../../src/domain/Policy.ts"
import type { InstanceState, NetworkInterface } from "../../src/domain/Vpc.ts"
import { indexVpc } from "../../src/domain/VpcIndex.ts"
import { otherAccount } from "../support/domain/Pools.ts"
import { hostAt, interfaceAt, smallVpc } from "../support/domain/Small.ts"

const host = hostAt("a")
const interfaceId = interfaceAt("a")
const healthy: HostFacts = {
  host,
  verdict: Verdict.Healthy({ since: 0 }),
  drained: false,
  sighting: undefined,
  refusedByEc2: false,
}
const failed = Verdict.Failed({ since: 0, reason: "3 probes lost" })
const withheld = { reason: HoldReason.AfterCutOff() }
const held = "its host failed while nobody was heard, and has a moment to answer, too"

interface Change {
  readonly facts?: Partial<HostFacts>
  /** `undefined`: the reading lacks it. */
  readonly networkInterface?: Partial<NetworkInterface> | undefined
  readonly instance?: InstanceState
}

const standing = ({ facts = {}, instance = "running", ...change }: Change): HostStanding => {
  const a = "networkInterface" in change ? change.networkInterface : {}
  const vpc = smallVpc({ routes: {}, interfaces: { a }, instances: { a: instance } })
  return standingOf({ ...healthy, ...facts }, indexVpc(vpc, defaultPolicy))
}

/** What a host may do, and in the words that the operator reads, why it cannot take a route. */
const told = (change: Change) => {
  const found = standing(change)
  return found._tag === "Able" ? [found] : [found, whyNot(found)]
}

const keeping = (why: string, more: { readonly withheld?: Withheld } = {}) => [
  HostStanding.Keeping({ host, interfaceId, why, absent: false, ...more }),
  why,
]

const losing = (why: string) => [
  HostStanding.Losing({ host, interfaceId, reason: Reason.HostFailed({ host, why }) }),
  why,
]

describe("a host may gain routes", () => {
  it("when it is healthy; those that forward worse, or relapsed, come after", () => {
    const able = { host, interfaceId, lastResort: false, damped: false }
    assert.deepStrictEqual(standing({}), HostStanding.Able(able))
    assert.deepStrictEqual(
      standing({ networkInterface: { sourceDestCheck: true } }),
      HostStanding.Able({ ...able, lastResort: true }),
    )
    assert.deepStrictEqual(standing({ facts: { damped: true } }), HostStanding.Able({ ...able, damped: true }))
    assert.deepStrictEqual(standing({ instance: "pending" }), HostStanding.Able(able))
  })
})

describe("a host keeps its routes and gains none", () => {
  it("while nothing is proven of it, and says why", () => {
    assert.deepStrictEqual(told({ facts: { verdict: undefined } }), keeping("has not answered yet"))
    assert.deepStrictEqual(told({ facts: { verdict: Verdict.Unknown({ since: 0 }) } }), keeping("has not answered yet"))
    assert.deepStrictEqual(
      told({ facts: { verdict: Verdict.Unwatched({ since: 0, why: "no alarm" }) } }),
      keeping("unwatched: no alarm"),
    )
    assert.deepStrictEqual(
      told({ facts: { verdict: Verdict.Healthy({ since: 0, silentSince: 1 }) } }),
      keeping("does not answer at present"),
    )
  })

  it("while EC2 would not have them lead to its interface, and says why", () => {
    const foreign = "its interface belongs to a service or another account"
    assert.deepStrictEqual(told({ networkInterface: { requesterManaged: true } }), keeping(foreign))
    assert.deepStrictEqual(told({ networkInterface: { ownerId: otherAccount } }), keeping(foreign))
    assert.deepStrictEqual(
      told({ networkInterface: { instanceId: undefined } }),
      keeping("its interface is not attached to an instance"),
    )
    assert.deepStrictEqual(told({ facts: { refusedByEc2: true } }), keeping("EC2 refused its interface a moment ago"))
  })

  it("while a guard holds its failure", () => {
    assert.deepStrictEqual(told({ facts: { verdict: failed, withheld } }), keeping(held, { withheld }))
    const absent = standing({ facts: { verdict: failed, withheld }, networkInterface: undefined })
    assert.deepInclude(absent, { _tag: "Keeping", why: held, absent: true, interfaceId: undefined, withheld })
    const gone = { interfaceId, gone: true }
    const away = standing({ facts: { verdict: failed, withheld, sighting: gone }, networkInterface: undefined })
    assert.deepInclude(away, { _tag: "Keeping", absent: false, interfaceId })
  })

  it("while it is missing from one reading, or from all of them but answers", () => {
    const why = "no interface of the VPC owns its address"
    const [seen, gone] = [false, true].map((isGone) => ({ interfaceId, gone: isGone }))
    for (const [facts, interfaceBefore, absent] of [
      [{}, undefined, true],
      [{ verdict: undefined }, undefined, true],
      [{ sighting: seen }, interfaceId, true],
      [{ verdict: undefined, sighting: seen }, interfaceId, true],
      [{ sighting: gone }, interfaceId, false],
    ] as const)
      assert.deepStrictEqual(
        standing({ facts, networkInterface: undefined }),
        HostStanding.Keeping({ host, interfaceId: interfaceBefore, why, absent }),
      )
  })
})

describe("a host loses its routes", () => {
  it("when it failed, whatever EC2 shows", () => {
    assert.deepStrictEqual(told({ facts: { verdict: failed } }), losing("3 probes lost"))
    assert.deepStrictEqual(
      told({ facts: { verdict: failed, drained: true }, instance: "stopped" }),
      losing("3 probes lost"),
    )
    assert.deepStrictEqual(
      told({ facts: { verdict: failed, sighting: { interfaceId, gone: false } }, networkInterface: undefined }),
      losing("3 probes lost"),
    )
  })

  it("when its instance does not run, even if a guard holds its failure", () => {
    for (const instance of ["stopping", "stopped", "shutting-down", "terminated"] as const) {
      assert.deepStrictEqual(told({ instance }), losing(`its instance is ${instance}`))
      assert.deepStrictEqual(
        told({ instance, facts: { verdict: failed, withheld } }),
        losing(`its instance is ${instance}`),
      )
      assert.deepStrictEqual(told({ instance, facts: { drained: true } }), losing(`its instance is ${instance}`))
    }
  })

  it("when it is drained, even if a guard holds its failure", () => {
    for (const facts of [{ drained: true }, { drained: true, verdict: failed, withheld }]) {
      const found = standing({ facts })
      assert.deepStrictEqual(found, HostStanding.Losing({ host, interfaceId, reason: Reason.HostDrained({ host }) }))
      assert.strictEqual(found._tag === "Losing" && whyNot(found), "is drained")
    }
  })

  it("when it is silent and gone from the VPC", () => {
    const sighting = { interfaceId, gone: true }
    const away = (verdict: Verdict | undefined) => ({ facts: { verdict, sighting }, networkInterface: undefined })
    const words = "no interface of the VPC owns its address, and"
    assert.deepStrictEqual(told(away(undefined)), losing(`${words} it does not answer`))
    assert.deepStrictEqual(told(away(Verdict.Unknown({ since: 0 }))), losing(`${words} it does not answer`))
    assert.deepStrictEqual(
      told(away(Verdict.Unwatched({ since: 0, why: "no alarm" }))),
      losing(`${words} nothing watches it (no alarm)`),
    )
  })
})
