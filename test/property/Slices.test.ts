import { assert, describe, it } from "@effect/vitest"
import { applySteps } from "../../src/domain/Apply.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { decideSteps } from "../../src/domain/Decide.ts"
import { InterfaceId, RouteTableId, VpcId } from "../../src/domain/Ids.ts"
import { ip } from "../../src/domain/Ip.ts"
import type { Steps } from "../../src/domain/Steps.ts"
import { type RouteTable, RouteTarget, type Vpc } from "../../src/domain/Vpc.ts"
import { empty } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"

const [tables, destinations] = [40, 30]
const range = (n: number) => cidr(`10.200.${n}.0/24`)

const large = (): Vpc => {
  const interfaceId = InterfaceId("eni-1")
  const routes = Array.from({ length: destinations }, (_, n) => ({
    destination: range(n),
    target: RouteTarget.Interface({ interfaceId }),
    state: "active" as const,
    origin: "CreateRoute" as const,
  }))
  const table = (n: number): readonly [RouteTableId, RouteTable] => {
    const id = RouteTableId(`rtb-${n}`)
    return [id, { id, main: n === 0, edge: false, subnets: [], tags: new Map(), routes, prefixListRoutes: [] }]
  }
  return {
    id: VpcId("vpc-1"),
    ownerId: undefined,
    cidrs: [cidr("10.0.0.0/16")],
    tables: new Map(Array.from({ length: tables }, (_, n) => table(n))),
    interfaces: new Map(),
    instances: new Map(),
  }
}

const counted = <A>(steps: Steps<A>): { readonly value: A; readonly count: number } => {
  for (let count = 0; ; count++) {
    const step = steps.next()
    if (step.done === true) return { value: step.value, count }
  }
}

describe("a large reading", () => {
  it("is taken a table at a time, and decided a destination at a time", () => {
    const spec = new Map(Array.from({ length: destinations }, (_, n) => [range(n), [ip("10.0.0.1")]]))
    const accepted = counted(applySteps(empty(), WorldEvent.SpecAccepted({ spec, at: 0 }))).value[0]
    const read = counted(applySteps(accepted, WorldEvent.VpcRead({ vpc: large(), readAt: 1 })))
    assert.isAtLeast(read.count, tables + destinations)
    const [world, dirty] = read.value
    assert.strictEqual(dirty.size, destinations)
    const decided = counted(decideSteps(world, dirty, 2))
    assert.isAtLeast(decided.count, destinations)
    assert.strictEqual(world.decisions, accepted.decisions)
  })
})
