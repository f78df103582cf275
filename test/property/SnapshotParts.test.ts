import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Route, Vpc } from "../../src/domain/Vpc.ts"
import type { Reading } from "../../src/services/ec2/ReadSnapshot.ts"
import { SharedRoutes } from "../../src/services/ec2/SharedRoutes.ts"
import { assemble, type Known, type Part, receive, toSend } from "../../src/services/ec2/SnapshotParts.ts"
import { runs } from "../support/domain/Runs.ts"
import { anyVpc } from "../support/domain/Scenes.ts"

const readingOf = ({ cidrs, instances, interfaces, ownerId, tables }: Vpc): Reading => ({
  vpc: { cidrs, ownerId },
  tables: [...tables.values()],
  interfaces: [...interfaces.values()],
  instances: [...instances],
})

/** A reading by one thread, taken by another one: what passes between them is copied. */
const passed = (vpc: Vpc, before: Known | undefined, shared: SharedRoutes): Known => {
  const sent = structuredClone(toSend(readingOf(vpc), new Set(before?.contents.digests)))
  const routes: Array<Route> = []
  const parts = sent.parts.map((part): Part => {
    const received = receive(part, routes, shared)
    assert.isDefined(received)
    return received ?? {}
  })
  return assemble(vpc.id, before, sent.contents, parts)
}

const routesOf = ({ tables }: Vpc): ReadonlyArray<Route> => [...tables.values()].flatMap(({ routes }) => routes)

describe("readings of a large VPC that pass from one thread to another", () => {
  it("are what was read, whatever was read before", () => {
    fc.assert(
      fc.property(fc.array(anyVpc, { minLength: 1, maxLength: 4 }), (vpcs) => {
        const shared = new SharedRoutes()
        let known: Known | undefined
        for (const vpc of vpcs) {
          known = passed(vpc, known, shared)
          assert.deepStrictEqual(known.vpc, vpc)
        }
      }),
      runs(300),
    )
  })

  it("have equal routes as one object, also across readings, and are the same object where nothing has changed", () => {
    fc.assert(
      fc.property(anyVpc, anyVpc, (one, other) => {
        const shared = new SharedRoutes()
        const first = passed(one, undefined, shared)
        const again = passed(one, first, shared)
        assert.strictEqual(again.vpc, first.vpc)
        const second = passed(other, again, shared)
        const all = [...routesOf(first.vpc), ...routesOf(second.vpc)]
        assert.strictEqual(new Set(all).size, new Set(all.map((route) => JSON.stringify(route))).size)
      }),
      runs(300),
    )
  })

  it("are refused when a part names a route that did not come", () => {
    fc.assert(
      fc.property(anyVpc, (vpc) => {
        const { parts } = toSend(readingOf(vpc), new Set())
        for (const { newRoutes: _, ...part } of parts) {
          const isWhole = part.routes === undefined || part.routes.length === 0
          assert.strictEqual(receive(part, [], new SharedRoutes()) !== undefined, isWhole)
        }
      }),
      runs(50),
    )
  })
})
