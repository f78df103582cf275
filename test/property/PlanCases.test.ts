import { assert, describe, it } from "@effect/vitest"
import { describe as inWords } from "../../src/domain/Action.ts"
import { cidr } from "../../src/domain/Cidr.ts"
import { heldOf, pendingOf } from "../../src/domain/Decide.ts"
import { holdWords } from "../../src/domain/Hold.ts"
import { TableScope, TableSelector } from "../../src/domain/Policy.ts"
import { RouteTarget } from "../../src/domain/Vpc.ts"
import { empty } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { after, worldOf } from "../support/domain/Deciding.ts"
import { otherAccount } from "../support/domain/Pools.ts"
import { destination, hostAt, interfaceAt, small, type SmallScene, tableAt } from "../support/domain/Small.ts"
import { outcome } from "../support/domain/Outcomes.ts"
import { Story } from "../support/domain/Story.ts"

const listed = { [destination]: "ab" }
const routes = (row: string) => ({ [destination]: row })

describe("a destination that the spec lists with hosts", () => {
  it("is created where it is missing", () => {
    assert.strictEqual(
      outcome({ spec: { [destination]: "a" }, health: { a: "healthy" }, routes: routes("- -") }),
      "create:a create:a",
    )
  })

  it("is not created while a route leads to a host that nothing is proven of", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "unknown", b: "healthy" }, routes: routes("a -") }),
      "held:Unproven held:Unproven",
    )
  })

  it("stays at a host that nothing watches, and is not created at one", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "unwatched", b: "healthy" }, routes: routes("a -") }),
      "held:Unproven held:Unproven",
    )
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "failed", b: "unwatched" }, routes: routes("a -") }),
      "- - all:NoHealthyHost",
    )
  })

  it("is not created, if it is a default route, unless the operator names the tables", () => {
    const scene = { spec: { "0.0.0.0/0": "a" }, health: { a: "healthy" }, routes: { "0.0.0.0/0": "- a" } } as const
    assert.strictEqual(outcome(scene, "0.0.0.0/0"), "held:DefaultRoute -")
    assert.strictEqual(outcome({ ...scene, policy: { tables: TableScope.All() } }, "0.0.0.0/0"), "create:a -")
    const selectors = [TableSelector.Id({ id: tableAt(1) })]
    assert.strictEqual(
      outcome({ ...scene, policy: { tables: TableScope.Named({ selectors }) } }, "0.0.0.0/0"),
      "create:a -",
    )
  })

  it("leaves a route of another kind alone and shows the conflict, whatever the hosts are like", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "healthy" }, routes: routes("igw-1 -") }),
      "held:Conflict create:a",
    )
    assert.strictEqual(
      outcome({ spec: listed, health: {}, routes: routes("igw-1 -") }),
      "held:Conflict - all:HealthUnknown",
    )
  })

  it("stays at the healthy host that carries it", () => {
    assert.strictEqual(outcome({ spec: listed, health: { a: "healthy", b: "healthy" }, routes: routes("b b") }), "- -")
  })

  it("stays at the host that carries it even where EC2 calls the route a blackhole: writing it again changes nothing", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "healthy", b: "healthy" }, routes: routes("b b!") }),
      "- held:Blackhole",
    )
  })

  it("moves off a failed host, and off a host whose instance is stopped", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "failed", b: "healthy" }, routes: routes("a a -") }),
      "failover:b failover:b create:b",
    )
    assert.strictEqual(
      outcome({
        spec: listed,
        health: { a: "healthy", b: "healthy" },
        routes: routes("a a"),
        instances: { a: "stopped" },
      }),
      "failover:b failover:b",
    )
  })

  it("moves off a drained host without haste", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "drained", b: "healthy" }, routes: routes("a a") }),
      "repair:b repair:b",
    )
  })

  it("moves off a blackhole", () => {
    assert.strictEqual(outcome({ spec: listed, health: { b: "healthy" }, routes: routes("a! b") }), "failover:b -")
    assert.strictEqual(
      outcome({ spec: listed, health: { b: "healthy" }, routes: routes("x! -") }),
      "failover:b create:b",
    )
  })

  it("stays at a host that nothing is proven of", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "unknown", b: "healthy" }, routes: routes("a b") }),
      "held:Unproven -",
    )
  })

  it("goes to the host that most tables name, where tables disagree", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "healthy", b: "healthy" }, routes: routes("a b a") }),
      "- repair:a -",
    )
  })

  it("goes to a host whose interface checks source and destination only if there is no other", () => {
    const checks = { sourceDestCheck: true }
    const scene = { spec: listed, health: { a: "healthy", b: "healthy" }, routes: routes("-") } as const
    assert.strictEqual(outcome({ ...scene, interfaces: { a: checks } }), "create:b")
    assert.strictEqual(outcome({ ...scene, interfaces: { b: checks } }), "create:a")
    assert.strictEqual(outcome({ ...scene, health: { a: "healthy" }, interfaces: { a: checks } }), "create:a")
  })

  it("goes to a host that relapsed only if there is no other", () => {
    for (const [relapsed, steady] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      const story = new Story({ spec: listed, health: { a: "healthy", b: "healthy" }, routes: routes("-") })
      story.wait(60_000).fails(relapsed).wait(1000).recovers(relapsed).wait(1000).fails(relapsed).wait(1000)
      assert.deepStrictEqual(story.recovers(relapsed).pending, [`rtb-1 create:${steady}`])
      assert.deepStrictEqual(story.fails(steady).pending, [`rtb-1 create:${relapsed}`])
    }
  })

  it("is mended where the route leads to an interface of none of its hosts", () => {
    assert.strictEqual(outcome({ spec: listed, health: { a: "healthy" }, routes: routes("c a") }), "repair:a -")
  })

  it("stays as it is while no host is healthy", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "failed", b: "unknown" }, routes: routes("a! b c -") }),
      "- - - - all:NoHealthyHost",
    )
    assert.strictEqual(outcome({ spec: listed, health: {}, routes: routes("a c -") }), "- - - all:HealthUnknown")
  })

  it("is said to have no healthy host, too, when it is a guard that holds what became of its hosts", () => {
    const story = new Story({
      spec: { ...listed, "172.16.0.0/12": "c" },
      health: { a: "healthy", b: "healthy", c: "healthy" },
      routes: routes("a"),
    }).wait(60_000)
    story.fails("a").fails("b").fails("c")
    assert.strictEqual(story.world.guards.withheld.size, 3)
    assert.deepStrictEqual([story.pending, story.held], [[], ["172.16.0.0/12 * NoHealthyHost", "* NoHealthyHost"]])
  })
})

describe("a destination that the spec does not list, or lists without hosts", () => {
  const withdrawn = { [destination]: "", "172.16.0.0/12": "a" }

  it("is deleted wherever the route is ours", () => {
    assert.strictEqual(
      outcome({ spec: { "172.16.0.0/12": "a" }, health: {}, routes: routes("a b! igw-1 -") }),
      "delete delete - -",
    )
    assert.strictEqual(outcome({ spec: withdrawn, health: {}, routes: routes("a c igw-1 -") }), "delete delete - -")
  })

  it("is protected, if it is a default route or lies inside the VPC, unless a spec named it or --own covers it", () => {
    const own = { own: [cidr("0.0.0.0/0")] }
    for (const range of ["0.0.0.0/0", "10.33.20.0/24"]) {
      const scene = { spec: { "172.16.0.0/12": "a" }, health: {}, routes: { [range]: "a" } }
      assert.strictEqual(outcome(scene, range), "held:Protected")
      assert.strictEqual(outcome({ ...scene, spec: { [range]: "" } }, range), "delete")
      assert.strictEqual(outcome({ ...scene, policy: own }, range), "delete")
    }
  })

  it("is deleted when a later spec drops it, wherever it lies: the operator named it once", () => {
    const inside = "10.33.20.0/24"
    const story = new Story({
      spec: { [inside]: "a", "172.16.0.0/12": "a" },
      health: { a: "healthy" },
      routes: { [inside]: "a", "10.33.30.0/24": "a" },
    }).allDone()
    assert.deepStrictEqual(story.spec({ "172.16.0.0/12": "a" }).pending, [`${inside} rtb-1 delete`])
    story.wait(1000).reads("-")
    assert.deepStrictEqual(story.pending, [`${inside} rtb-1 delete`])
    assert.deepStrictEqual(story.held, ["10.33.30.0/24 rtb-1 Protected"])
  })

  it("is not deleted after a restart until a spec is accepted", () => {
    const spec = { "172.16.0.0/12": "a" }
    const story = new Story({ spec, health: {}, routes: { "172.16.0.0/12": "a" } })
    story.restart({ "172.16.0.0/12": "a", ...routes("b") })
    assert.deepStrictEqual([story.pending, story.held.slice(1)], [[], ["rtb-1 Restored"]])
    assert.deepStrictEqual(story.spec(spec).pending, ["rtb-1 delete"])
  })

  it("is not deleted where a route of another kind may stand by now", () => {
    const story = new Story({ spec: { [destination]: "a" }, health: { a: "healthy" }, routes: routes("-") }).allDone()
    story.wait(1000).reads("igw-1").wait(1000).reads("a").spec(withdrawn)
    assert.deepStrictEqual([story.pending, story.held], [["172.16.0.0/12 rtb-1 create:a"], ["rtb-1 Conflict"]])
    assert.deepStrictEqual(
      heldOf(story.world).map(({ reason }) => holdWords(reason)),
      ["a route of another kind stands here (igw-1)"],
    )
  })

  it("is not deleted on the word of a reading that lacks the interface", () => {
    assert.strictEqual(outcome({ spec: withdrawn, health: {}, routes: routes("x x!") }), "held:InterfaceUnseen delete")
  })

  it("is deleted if it leads to an instance with several interfaces", () => {
    const interfaces = {
      b: { instanceId: small({ spec: {}, health: {}, routes: {} }).vpc.interfaces.get(interfaceAt("a"))!.instanceId },
    }
    assert.strictEqual(
      outcome({ spec: withdrawn, health: {}, routes: routes("i-a i-z"), interfaces }),
      "delete held:InterfaceUnseen",
    )
  })
})

describe("a destination out of our hands", () => {
  it("is held if the spec lists it, and never touched", () => {
    const scene = { spec: listed, health: { a: "healthy" }, routes: routes("- a c a!") } as const
    assert.strictEqual(outcome({ ...scene, policy: { ignore: [cidr("192.0.0.0/8")] } }), "- - - - all:Ignored")
    assert.strictEqual(outcome({ ...scene, policy: { own: [cidr("10.0.0.0/8")] } }), "- - - - all:NotOwned")
    assert.strictEqual(outcome({ ...scene, spec: {}, policy: { ignore: [cidr("192.0.0.0/8")] } }), "- - - -")
  })

  it("is no more spoken of when the spec drops it", () => {
    const policy = { ignore: [cidr("192.0.0.0/8")] }
    const story = new Story({ spec: listed, health: { a: "healthy" }, routes: routes("a"), policy })
    assert.deepStrictEqual(story.held, ["* Ignored"])
    assert.deepStrictEqual(story.spec({ "172.16.0.0/12": "" }).held, [])
  })

  it("is every destination in a table with an edge association", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "healthy" }, routes: routes("- c"), edge: [2] }),
      "create:a -",
    )
  })

  it("is every route to an interface of a service or of another account", () => {
    for (const change of [{ requesterManaged: true }, { ownerId: otherAccount }]) {
      const scene = { health: { a: "healthy" }, routes: routes("c -"), interfaces: { c: change } } as const
      assert.strictEqual(outcome({ ...scene, spec: listed }), "held:Conflict create:a")
      assert.strictEqual(outcome({ ...scene, spec: { "172.16.0.0/12": "a" } }), "- -")
    }
  })
})

describe("several hosts on one interface", () => {
  const shared = { b: undefined, a: { addresses: [hostAt("a"), hostAt("b")] } }

  it("keep each other's route: it stays while one of them is healthy", () => {
    assert.strictEqual(
      outcome({
        spec: { [destination]: "abc" },
        health: { a: "failed", b: "healthy", c: "healthy" },
        routes: routes("a a"),
        interfaces: shared,
      }),
      "- -",
    )
  })

  it("move without haste to where most tables lead, while one of them is healthy", () => {
    assert.strictEqual(
      outcome({
        spec: { [destination]: "abc" },
        health: { a: "failed", b: "healthy", c: "healthy" },
        routes: routes("a c c"),
        interfaces: shared,
      }),
      "repair:c - -",
    )
  })

  it("keep their route while nothing is proven of one of them, in whatever order they are listed", () => {
    for (const health of [
      { a: "failed", b: "unknown", c: "healthy" },
      { a: "unknown", b: "failed", c: "healthy" },
    ] as const)
      assert.strictEqual(
        outcome({ spec: { [destination]: "abc" }, health, routes: routes("a -"), interfaces: shared }),
        "held:Unproven held:Unproven",
      )
  })
})

describe("a reading that lacks something", () => {
  it("moves no route to an interface that it does not show: whose it is cannot be told", () => {
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "healthy", b: "healthy" }, routes: routes("x a") }),
      "held:InterfaceUnseen -",
    )
  })

  it("moves no route while it lacks a host that could be its host", () => {
    const interfaces = { a: { addresses: [] } }
    assert.strictEqual(
      outcome({ spec: listed, health: { a: "healthy", b: "healthy" }, routes: routes("a -"), interfaces }),
      "held:Unproven held:Unproven",
    )
  })
})

describe("the words", () => {
  it("of an action say what, where and why", () => {
    const world = worldOf(small({ spec: listed, health: { a: "failed", b: "healthy" }, routes: routes("a -") }))
    assert.deepStrictEqual(pendingOf(world).map(inWords), [
      "failover 192.168.0.0/16 in rtb-1 from eni-a to 10.33.20.2 (eni-b): host 10.33.20.1 failed: 3 probes lost",
      "create 192.168.0.0/16 in rtb-2 to 10.33.20.2 (eni-b): the route is missing",
    ])
  })

  it("of a hold say what stands in the way", () => {
    const world = worldOf(small({ spec: listed, health: { a: "failed" }, routes: routes("a igw-1") }))
    assert.deepStrictEqual(
      heldOf(world).map(({ reason }) => holdWords(reason)),
      [
        "no healthy host: 10.33.20.1 3 probes lost, 10.33.20.2 has not answered yet",
        "a route of another kind stands here (igw-1)",
      ],
    )
  })

  it("of a hold name hosts by address, in whatever order the spec lists them", () => {
    const { vpc } = small({ spec: {}, health: {}, routes: routes("-") })
    const spec = new Map([[destination, (["c", "a", "b"] as const).map(hostAt)]])
    const world = after(empty(), [WorldEvent.SpecAccepted({ spec, at: 0 }), WorldEvent.VpcRead({ vpc, readAt: 0 })], 1)
    const silent = [1, 2, 3].map((n) => `10.33.20.${n} has not answered yet`)
    assert.deepStrictEqual(
      heldOf(world).map(({ reason }) => holdWords(reason)),
      [`no host is known to be healthy yet: ${silent.join(", ")}`],
    )
  })

  it("of a move say why, whatever the reason is", () => {
    const why = (scene: Omit<SmallScene, "spec">) =>
      pendingOf(worldOf(small({ ...scene, spec: listed }))).map((action) => inWords(action).replace(/.*\): /, ""))
    const health = { a: "healthy", b: "healthy" } as const
    assert.deepStrictEqual(why({ health, routes: routes("a b a") }), [
      "another table carries this CIDR by a healthy host",
    ])
    assert.deepStrictEqual(why({ health, routes: routes("a c a") }), [
      "its interface owns the address of none of the CIDR's hosts",
    ])
    assert.deepStrictEqual(why({ health: { ...health, a: "drained" }, routes: routes("a") }), [
      "host 10.33.20.1 is drained",
    ])
  })

  it("of a write that mends what somebody changed back say so", () => {
    for (const row of ["-", "c"]) {
      const story = new Story({ spec: listed, health: { a: "healthy" }, routes: routes(row) }).allDone()
      const [action] = story.wait(60_000).reads("a").wait(60_000).reads(row).actions
      assert.strictEqual(action?.reason._tag, "ChangedBack")
    }
  })

  it("of a hold name what it is about", () => {
    const why = (scene: SmallScene) =>
      heldOf(worldOf(small(scene)))
        .filter(({ table }) => table !== undefined || scene.health.b === undefined)
        .map(({ reason }) => holdWords(reason))
    const unproven = (n: number) => `its host 10.33.20.${n} is not proven: has not answered yet`
    const spec = { [destination]: "abc" }
    const health = { c: "healthy" } as const
    assert.deepStrictEqual(why({ spec, health, routes: routes("a b b -") }), [1, 2, 2, 2].map(unproven))
    assert.deepStrictEqual(why({ spec, health, routes: routes("b a -") }), [2, 1, 1].map(unproven))
    assert.deepStrictEqual(why({ spec: listed, health: {}, routes: routes("a") }), [
      "no host is known to be healthy yet: 10.33.20.1 has not answered yet, 10.33.20.2 has not answered yet",
    ])
    assert.deepStrictEqual(why({ spec: listed, health: { b: "healthy" }, routes: routes("igw-1 b! x") }), [
      "a route of another kind stands here (igw-1)",
      "EC2 shows a blackhole although 10.33.20.2 owns the interface and answers",
      "eni-x is not in the last reading of EC2",
    ])
    const elsewhere = { "172.16.0.0/12": "" }
    const notDeleted = "no accepted spec named it and --own does not cover it"
    assert.deepStrictEqual(
      why({ spec: elsewhere, health: {}, routes: { "0.0.0.0/0": "a", "10.33.20.0/24": "a", [destination]: "x" } }),
      [
        `not deleted (default route): ${notDeleted}`,
        `not deleted (inside the VPC): ${notDeleted}`,
        "eni-x is not in the last reading of EC2",
      ],
    )
  })

  it("of a target are its id", () => {
    const world = worldOf(small({ spec: { [destination]: "" }, health: {}, routes: routes("a") }))
    assert.deepStrictEqual(
      pendingOf(world).map((action) => action._tag === "DeleteRoute" && action.before),
      [RouteTarget.Interface({ interfaceId: interfaceAt("a") })],
    )
  })
})
