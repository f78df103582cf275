import { assert, describe, it } from "@effect/vitest"
import { plan } from "../../src/domain/Plan.ts"
import { type Policy, TableScope, TableSelector } from "../../src/domain/Policy.ts"
import { small, tableAt } from "../support/domain/Small.ts"

const one = "192.168.1.0/24"
const two = "192.168.2.0/24"
const three = "192.168.3.0/24"
const four = "192.168.4.0/24"
const five = "192.168.5.0/24"

/** In order: a move off a failed host, one to the right interface, a creation, and a deletion; and of each kind one more. */
const scene = small({
  spec: { [one]: "b", [two]: "ab", [three]: "b", [four]: "c", "10.1.0.0/16": "b", "10.2.0.0/16": "ab" },
  health: { a: "failed", b: "healthy", c: "unknown" },
  routes: {
    [one]: "- -",
    [two]: "a a",
    [three]: "d b",
    [four]: "- -",
    [five]: "b -",
    "10.1.0.0/16": "igw-1 b",
    "10.2.0.0/16": "b a",
  },
})

describe("the full plan", () => {
  it("is what to write, the most urgent first, and what is held, each in a fixed order", () => {
    const { actions, held } = plan(scene.spec, scene.health, scene.vpc, scene.policy)
    assert.deepStrictEqual(
      actions.map(({ cidr, table, urgency }) => `${urgency} ${cidr} ${table}`),
      [
        "failover 10.2.0.0/16 rtb-2",
        `failover ${two} rtb-1`,
        `failover ${two} rtb-2`,
        `repair ${three} rtb-1`,
        `creation ${one} rtb-1`,
        `creation ${one} rtb-2`,
        `deletion ${five} rtb-1`,
      ],
    )
    assert.deepStrictEqual(
      held.map(({ cidr, reason, table }) => `${cidr} ${table ?? "*"} ${reason._tag}`),
      ["10.1.0.0/16 rtb-1 Conflict", `${four} * HealthUnknown`],
    )
  })

  it("holds to the policy that it is given; by itself, to that of a daemon without options", () => {
    const tables = (policy?: Policy) =>
      new Set(plan(scene.spec, scene.health, scene.vpc, policy).actions.map(({ table }) => table))
    assert.sameMembers([...tables()], [tableAt(1), tableAt(2)])
    const main = { ...scene.policy, tables: TableScope.Named({ selectors: [TableSelector.Main()] }) }
    assert.sameMembers([...tables(main)], [tableAt(1)])
  })
})
