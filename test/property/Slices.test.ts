import { assert, describe, it } from "@effect/vitest"
import { applySteps } from "../../src/domain/Apply.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { decideSteps } from "../../src/domain/Decide.ts"
import { ip } from "../../src/domain/Ip.ts"
import type { Steps } from "../../src/domain/Steps.ts"
import { empty } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { routeTo, uniformVpc } from "../support/domain/UniformVpc.ts"

const [tables, destinations] = [40, 30]
const ranges = Array.from({ length: destinations }, (_, n) => cidr(`10.200.${n}.0/24`))

const counted = <A>(steps: Steps<A>): { readonly value: A; readonly count: number } => {
  for (let count = 0; ; count++) {
    const step = steps.next()
    if (step.done === true) return { value: step.value, count }
  }
}

describe("a large reading", () => {
  it("is taken a table at a time, and decided a destination at a time", () => {
    const host = ip("10.0.0.1")
    const spec = new Map(ranges.map((range) => [range, [host]]))
    const vpc = uniformVpc({
      cidrs: [cidr("10.0.0.0/16")],
      tables,
      routes: ranges.map((range) => routeTo(range, 0)),
      hosts: [host],
    })
    const accepted = counted(applySteps(empty(), WorldEvent.SpecAccepted({ spec, at: 0 }))).value[0]
    const read = counted(applySteps(accepted, WorldEvent.VpcRead({ vpc, readAt: 1 })))
    assert.isAtLeast(read.count, tables + destinations)
    const [world, dirty] = read.value
    assert.strictEqual(dirty.size, destinations)
    const decided = counted(decideSteps(world, dirty, 2))
    assert.isAtLeast(decided.count, destinations)
    assert.strictEqual(world.decisions, accepted.decisions)
  })
})
