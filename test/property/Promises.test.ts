import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Action, cellKey, urgencies } from "../../src/domain/Action.ts"
import { pendingOf } from "../../src/domain/Decide.ts"
import { type Plan, plan } from "../../src/domain/Plan.ts"
import type { Route, RouteTable, Vpc } from "../../src/domain/Vpc.ts"
import { covers } from "../support/domain/Bits.ts"
import { showScene, worldOf } from "../support/domain/Deciding.ts"
import { Ec2Model } from "../support/domain/Ec2Model.ts"
import { runs } from "../support/domain/Runs.ts"
import { anyScene, type Scene } from "../support/domain/Scenes.ts"

// The promises, each by itself and in plain words. They say less than the oracle, but what they say needs no model.

const planOf = ({ spec, health, vpc, policy }: Scene): Plan => plan(spec, health, vpc, policy)

type Placing = Exclude<Action, { readonly _tag: "DeleteRoute" }>

/** Whether `list` holds `one`; a list that is not there holds nothing. */
const holds = (list: ReadonlyArray<string> | undefined, one: string): boolean => list?.includes(one) === true

const isPlacing = (action: Action): action is Placing => action._tag !== "DeleteRoute"

const staticRoute = (vpc: Vpc, action: Action): Route | undefined =>
  vpc.tables
    .get(action.table)
    ?.routes.find(({ destination, origin }) => destination === action.cidr && origin !== "EnableVgwRoutePropagation")

/** Of every scene, every write that is planned for it. */
const everyWrite = (check: (action: Action, scene: Scene) => void) =>
  fc.property(anyScene, (scene) => {
    for (const action of pendingOf(worldOf(scene))) {
      try {
        check(action, scene)
      } catch (error) {
        throw new Error(`${JSON.stringify(action)}\n${showScene(scene, action.cidr)}`, { cause: error })
      }
    }
  })

describe("whatever the VPC, the spec and the hosts are like", () => {
  it("no route ever moves onto a failed, unproven or drained host", () => {
    fc.assert(
      everyWrite((action, { health, drained }) => {
        if (!isPlacing(action)) return
        assert.strictEqual(health.get(action.host)?._tag, "Healthy")
        assert.isFalse(drained.has(action.host))
      }),
      runs(700),
    )
  })

  it("no route ever moves onto a host that the spec does not list for it", () => {
    fc.assert(
      everyWrite((action, { spec }) => {
        assert.isTrue(!isPlacing(action) || holds(spec.get(action.cidr), action.host))
      }),
      runs(700),
    )
  })

  it("every route is written to the interface that owns the host's address, attached to an instance that is up", () => {
    fc.assert(
      everyWrite((action, { vpc }) => {
        if (!isPlacing(action)) return
        const target = vpc.interfaces.get(action.interfaceId)
        assert.isTrue(holds(target?.addresses, action.host))
        assert.isDefined(target?.instanceId)
        assert.notInclude(
          ["stopped", "stopping", "terminated", "shutting-down"],
          vpc.instances.get(target!.instanceId!),
        )
      }),
      runs(700),
    )
  })

  it("no route moves off a healthy host, except to one that at least as many tables name", () => {
    fc.assert(
      everyWrite((action, { vpc, spec, health, drained, policy }) => {
        if (action._tag !== "ReplaceRoute") return
        const namedBy = (interfaceId: string): number =>
          [...vpc.tables.values()].filter((table) =>
            table.routes.some(
              ({ destination, target, state }) =>
                destination === action.cidr &&
                state === "active" &&
                target._tag === "Interface" &&
                target.interfaceId === interfaceId,
            ),
          ).length
        const before = staticRoute(vpc, action)
        if (before?.target._tag !== "Interface" || before.state === "blackhole") return
        if (policy.tables._tag === "Named" || [...vpc.tables.values()].some(({ edge }) => edge)) return
        const left = vpc.interfaces.get(before.target.interfaceId)
        const wasHealthy = (spec.get(action.cidr) ?? []).some(
          (host) =>
            left?.addresses.includes(host) === true && health.get(host)?._tag === "Healthy" && !drained.has(host),
        )
        const isUp = left?.instanceId !== undefined && !/stop|term|shut/.test(vpc.instances.get(left.instanceId) ?? "")
        // An address that two interfaces show belongs to one of them only.
        const isShared = left?.addresses.some((address) =>
          [...vpc.interfaces.values()].some((one) => one !== left && one.addresses.includes(address)),
        )
        // Votes are counted by interface; other routes of the CIDR make that hard to tell from outside.
        const foreign = [...vpc.tables.values()].some((table) =>
          table.routes.some(
            ({ destination, origin, target }) =>
              destination === action.cidr &&
              (origin !== "CreateRoute" || target._tag !== "Interface" || target.ownerId !== vpc.ownerId),
          ),
        )
        const losesVote = namedBy(action.interfaceId) < namedBy(before.target.interfaceId)
        assert.isFalse(wasHealthy && isUp && isShared === false && !foreign && losesVote)
      }),
      runs(700),
    )
  })

  it("only our own routes are replaced or deleted: static ones to an instance or interface of this account", () => {
    fc.assert(
      everyWrite((action, { vpc }) => {
        const route = staticRoute(vpc, action)
        if (action._tag === "CreateRoute") return assert.isUndefined(route)
        assert.strictEqual(route?.origin, "CreateRoute")
        assert.notStrictEqual(route?.target._tag, "Other")
        if (route?.target._tag === "Other") return
        if (vpc.ownerId !== undefined && route?.target.ownerId !== undefined)
          assert.strictEqual(route.target.ownerId, vpc.ownerId)
        const end = route?.target._tag === "Interface" ? vpc.interfaces.get(route.target.interfaceId) : undefined
        assert.notStrictEqual(end?.requesterManaged, true)
        if (vpc.ownerId !== undefined && end?.ownerId !== undefined) assert.strictEqual(end.ownerId, vpc.ownerId)
      }),
      runs(700),
    )
  })

  it("no table with an edge association is ever written, nor one that --tables does not name", () => {
    fc.assert(
      everyWrite((action, { vpc, policy: { tables } }) => {
        const table = vpc.tables.get(action.table)
        assert.strictEqual(table?.edge, false)
        if (tables._tag !== "Named") return
        assert.isTrue(
          tables.selectors.some((selector) =>
            selector._tag === "Main"
              ? table?.main
              : selector._tag === "Id"
                ? table?.id === selector.id
                : table?.tags.get(selector.key) === selector.value,
          ),
        )
      }),
      runs(700),
    )
  })

  it("nothing inside --ignore-routes or outside --own is ever written", () => {
    fc.assert(
      everyWrite((action, { policy: { own, ignore } }) => {
        assert.isFalse(ignore.some((range) => covers(range, action.cidr)))
        assert.isTrue(own.length === 0 || own.some((range) => covers(range, action.cidr)))
      }),
      runs(700),
    )
  })

  it("a default route is created only where the operator named the tables", () => {
    fc.assert(
      everyWrite((action, { policy }) => {
        const opensPath = action._tag === "CreateRoute" && action.cidr.endsWith("/0")
        assert.isFalse(opensPath && policy.tables._tag === "Every")
      }),
      runs(700),
    )
  })

  it("no route of a CIDR that has hosts in the spec is ever deleted: it is replaced in one step", () => {
    fc.assert(
      everyWrite((action, { spec }) => {
        assert.isFalse(action._tag === "DeleteRoute" && (spec.get(action.cidr) ?? []).length > 0)
      }),
      runs(700),
    )
  })

  it("a default route, or one inside the VPC, is deleted only if a spec named it or --own covers it", () => {
    fc.assert(
      everyWrite((action, { spec, vpc, policy }) => {
        const isProtected = action.cidr.endsWith("/0") || vpc.cidrs.some((range) => covers(range, action.cidr))
        const isNamed = spec.has(action.cidr) || policy.own.some((range) => covers(range, action.cidr))
        assert.isFalse(action._tag === "DeleteRoute" && isProtected && !isNamed)
      }),
      runs(700),
    )
  })

  it("every write changes its cell: none is made where the route is right already", () => {
    fc.assert(
      everyWrite((action, { vpc }) => {
        const route = staticRoute(vpc, action)
        assert.strictEqual(route === undefined, action._tag === "CreateRoute")
        const end = route?.target._tag === "Interface" ? route.target.interfaceId : undefined
        assert.isFalse(action._tag === "ReplaceRoute" && end === action.interfaceId)
      }),
      runs(700),
    )
  })

  it("a cell is written at most once, and all routes of a CIDR go to one host", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const { actions } = planOf(scene)
        assert.strictEqual(new Set(actions.map(cellKey)).size, actions.length)
        const hosts = new Map(actions.filter(isPlacing).map(({ cidr, host }) => [cidr, host]))
        for (const { cidr, host } of actions.filter(isPlacing)) assert.strictEqual(host, hosts.get(cidr))
      }),
      runs(500),
    )
  })

  it("what is urgent comes first: failovers, repairs, creations, deletions; and each of them CIDR by CIDR", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const keys = planOf(scene).actions.map(
          ({ urgency, cidr, table }) => [urgencies.indexOf(urgency), cidr, table] as const,
        )
        const sorted = [...keys].sort(
          ([u, c, t], [v, d, w]) => u - v || (c < d ? -1 : c > d ? 1 : t < w ? -1 : t > w ? 1 : 0),
        )
        assert.deepStrictEqual(keys, sorted)
      }),
      runs(300),
    )
  })

  it("all that is not done is listed with its reason: each cell of a listed CIDR is right, written or held", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const { actions, held } = planOf(scene)
        const tables = [...scene.vpc.tables.values()].filter(({ edge }) => !edge)
        if (scene.policy.tables._tag === "Named") return
        for (const [range, hosts] of scene.spec) {
          if (hosts.length === 0) continue
          for (const table of tables) {
            const isWritten = actions.some((action) => action.cidr === range && action.table === table.id)
            const isHeld = held.some((hold) => hold.cidr === range && (hold.table ?? table.id) === table.id)
            assert.isTrue(isWritten || isHeld || isRight(scene, table, range), showScene(scene, range))
          }
        }
      }),
      runs(500),
    )
  })
})

/** Whether a table's route is active and leads to a healthy host of its destination. */
const isRight = ({ vpc, spec, health }: Scene, table: RouteTable, range: string): boolean =>
  table.routes.some(({ destination, target, state }) => {
    if (destination !== range || state !== "active" || target._tag === "Other") return false
    const ends = [...vpc.interfaces.values()].filter(({ id, instanceId }) =>
      target._tag === "Interface" ? id === target.interfaceId : instanceId === target.instanceId,
    )
    const hosts = spec.get(destination) ?? []
    return ends.some(({ addresses }) =>
      addresses.some((address) => hosts.includes(address) && health.get(address)?._tag === "Healthy"),
    )
  })

describe("without trustworthy news", () => {
  it("nothing is created or moved while no verdict is known", () => {
    fc.assert(
      everyWrite((action, { health }) => {
        if (health.size === 0) assert.strictEqual(action._tag, "DeleteRoute")
      }),
      runs(700),
    )
    fc.assert(
      fc.property(anyScene, (scene) => {
        const { actions } = planOf({ ...scene, health: new Map() })
        assert.isFalse(actions.some(isPlacing))
      }),
      runs(300),
    )
  })

  it("every existing route stays while none of its hosts is healthy", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const health = new Map([...scene.health].filter(([, { _tag }]) => _tag !== "Healthy"))
        const { actions } = planOf({ ...scene, health })
        for (const action of actions) assert.deepStrictEqual(scene.spec.get(action.cidr) ?? [], [])
      }),
      runs(300),
    )
  })

  it("an empty spec deletes nothing before the operator confirms it", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        assert.deepStrictEqual(pendingOf(worldOf({ ...scene, spec: new Map() })), [])
      }),
      runs(300),
    )
  })
})

describe("when a plan is carried out by EC2's rules", () => {
  /** The scene after its plan was carried out, and what EC2 refused. */
  const carriedOut = (scene: Scene, quota: number) => {
    const model = new Ec2Model(scene.vpc, quota)
    const vpc = model.read()
    const refused = new Set<string>()
    for (const action of planOf({ ...scene, vpc }).actions) {
      const code = model.write(action)
      if (code === undefined) continue
      assert.strictEqual(code, "RouteLimitExceeded", showScene({ ...scene, vpc }, action.cidr))
      refused.add(cellKey(action))
    }
    return { before: { ...scene, vpc }, settled: { ...scene, vpc: model.read() }, refused }
  }

  it("every write is accepted, but where a table is full", () => {
    fc.assert(
      fc.property(anyScene, fc.constantFrom(3, 5, 500), (scene, quota) => {
        assert.isDefined(carriedOut(scene, quota))
      }),
      runs(500),
    )
  })

  it("the next plan is empty, apart from what EC2 refused", () => {
    fc.assert(
      fc.property(anyScene, fc.constantFrom(5, 500), (scene, quota) => {
        const { before, settled, refused } = carriedOut(scene, quota)
        for (const action of planOf(settled).actions)
          assert.isTrue(
            refused.has(cellKey(action)),
            `${JSON.stringify(action)}\nbefore:\n${showScene(before, action.cidr)}\nafter:\n${showScene(settled, action.cidr)}`,
          )
      }),
      runs(800),
    )
  })

  it("every table in scope ends with an active route to one and the same healthy host, or with a reason why not", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const { settled } = carriedOut(scene, 500)
        const { held } = planOf(settled)
        for (const [range, hosts] of settled.spec) {
          if (hosts.length === 0 || settled.policy.tables._tag === "Named") continue
          const ends = new Set<string>()
          for (const table of settled.vpc.tables.values()) {
            if (table.edge) continue
            if (held.some((hold) => hold.cidr === range && (hold.table ?? table.id) === table.id)) continue
            assert.isTrue(isRight(settled, table, range), showScene(settled, range))
            const { target } = table.routes.find(({ destination }) => destination === range)!
            // A route that names an instance leads to its only interface.
            if (target._tag === "Interface") ends.add(target.interfaceId)
          }
          assert.isAtMost(ends.size, 1, showScene(settled, range))
        }
      }),
      runs(500),
    )
  })
})
