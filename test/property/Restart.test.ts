import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { heldOf, pendingOf } from "../../src/domain/Decide.ts"
import { Verdict } from "../../src/domain/Health.ts"
import { plan } from "../../src/domain/Plan.ts"
import type { RouteTable, Vpc } from "../../src/domain/Vpc.ts"
import { empty, type World } from "../../src/domain/World.ts"
import { WorldEvent } from "../../src/domain/WorldEvent.ts"
import { after, eventsOf, later, showScene, worldOf } from "../support/domain/Deciding.ts"
import { Ec2Model } from "../support/domain/Ec2Model.ts"
import { runs } from "../support/domain/Runs.ts"
import { anyScene, type Scene } from "../support/domain/Scenes.ts"
import { anyShuffle } from "../support/domain/Shuffle.ts"

/** Lets EC2 do all that is pending, until nothing is. */
const carryOut = (model: Ec2Model, start: World, now: number): World => {
  let world = start
  for (let round = 0; pendingOf(world).length > 0; round++) {
    if (round > 20) throw new Error("no end of writes")
    for (const action of pendingOf(world)) {
      assert.isUndefined(model.write(action), JSON.stringify(action))
      world = after(world, [WorldEvent.WriteDone({ action, at: now })], now)
    }
  }
  return world
}

const routesIn = (vpc: Vpc): ReadonlyMap<string, string> =>
  new Map(
    [...vpc.tables.values()].flatMap(({ id, routes }) =>
      routes.map(({ destination, target }) => [`${id} ${destination}`, JSON.stringify(target)]),
    ),
  )

/** The scene as the daemon leaves it after it has done all it can. */
const settled = (drawn: Scene): { readonly scene: Scene; readonly model: Ec2Model } => {
  const model = new Ec2Model(drawn.vpc)
  const scene = { ...drawn, vpc: model.read() }
  const { brake } = carryOut(model, worldOf(scene), later)
  // What is held for the operator is judged anew after a restart without a state: the hour before is not remembered.
  fc.pre(brake === undefined)
  return { scene: { ...scene, vpc: model.read() }, model }
}

/** Starts anew on the same tables: verdicts come in one by one, and what is decided meanwhile is done at once. */
const restart = (scene: Scene, model: Ec2Model, shuffle: <A>(list: Iterable<A>) => Array<A>): World => {
  let now = 1_000
  let world = after(
    empty(scene.policy),
    [WorldEvent.SpecAccepted({ spec: scene.spec, at: now }), WorldEvent.VpcRead({ vpc: model.read(), readAt: now })],
    now,
  )
  for (const host of scene.drained) world = after(world, [WorldEvent.HostDrained({ host })], now)
  for (const [host, verdict] of shuffle(scene.health)) {
    now += 100
    world = after(world, [WorldEvent.VerdictsReached({ verdicts: [{ host, verdict }] })], now)
    world = carryOut(model, world, now)
  }
  now += 10_000
  world = after(world, [WorldEvent.TimeCame({ at: now })], now)
  return carryOut(model, world, now)
}

describe("a restart", () => {
  it("moves, creates and deletes nothing where all was settled, in whatever order the hosts answer", () => {
    fc.assert(
      fc.property(anyScene, anyShuffle, (drawn, shuffle) => {
        const { scene, model } = settled(drawn)
        const before = routesIn(model.read())
        restart(scene, model, shuffle)
        assert.deepStrictEqual(routesIn(model.read()), before)
      }),
      runs(400),
    )
  })

  it("never takes a route from a healthy host that most tables name, in whatever order the hosts answer", () => {
    fc.assert(
      fc.property(anyScene, anyShuffle, (drawn, shuffle) => {
        const model = new Ec2Model(drawn.vpc)
        const scene = { ...drawn, vpc: model.read() }
        const before = model.read()
        const keepers = majorities(scene)
        restart(scene, model, shuffle)
        const after = model.read()
        const lost = keepers.filter(([range, interfaceId]) =>
          [...before.tables].some(
            ([id, table]) => names(table, range, interfaceId) && !names(after.tables.get(id), range, interfaceId),
          ),
        )
        assert.deepStrictEqual(
          lost.map(([range]) => showScene(scene, range)),
          [],
        )
      }),
      runs(700),
    )
  })

  it("ends in the same plan as if all had been known at once, where nothing was lost meanwhile", () => {
    fc.assert(
      fc.property(anyScene, anyShuffle, (drawn, shuffle) => {
        const scene = { ...settled(drawn).scene, drained: new Set<never>() }
        const world = after(empty(scene.policy), shuffleVerdicts(scene, shuffle), later)
        const known = plan(scene.spec, scene.health, scene.vpc, scene.policy)
        const decided = [...world.decisions].flatMap(([, { write }]) => write)
        assert.sameDeepMembers([...known.actions], decided)
      }),
      runs(300),
    )
  })
})

describe("a spec that was restored at the start", () => {
  it("deletes nothing; accepted again, it does what it would have done without a restart", () => {
    fc.assert(
      fc.property(anyScene, (scene) => {
        const { spec, drained } = scene
        const durable = {
          spec,
          drained,
          named: new Set(spec.keys()),
          confirmed: [],
          letGo: new Map(),
          brake: undefined,
          hour: [],
        }
        const events = [WorldEvent.Restored({ durable, at: 0 }), ...eventsOf(scene).slice(1)]
        const restored = after(empty(scene.policy), events, later)
        const known = worldOf(scene)
        const placing = pendingOf(known).filter(({ _tag }) => _tag !== "DeleteRoute")
        assert.deepStrictEqual([...pendingOf(restored)], placing)
        const accepted = after(restored, [WorldEvent.SpecAccepted({ spec, at: later })], later)
        assert.deepStrictEqual([pendingOf(accepted), heldOf(accepted)], [pendingOf(known), heldOf(known)])
      }),
      runs(300),
    )
  })
})

const shuffleVerdicts = (scene: Scene, shuffle: <A>(list: Iterable<A>) => Array<A>): ReadonlyArray<WorldEvent> => [
  ...eventsOf({ ...scene, health: new Map() }),
  ...shuffle(scene.health).map(([host, verdict]) => WorldEvent.VerdictsReached({ verdicts: [{ host, verdict }] })),
]

const names = (table: RouteTable | undefined, range: string, interfaceId: string): boolean =>
  table?.routes.some(
    ({ destination, target }) =>
      destination === range && target._tag === "Interface" && target.interfaceId === interfaceId,
  ) === true

/** For each destination the interface of a healthy host that more than half of all tables name by an active route. */
const majorities = ({ spec, health, vpc, drained, policy }: Scene): ReadonlyArray<readonly [string, string]> =>
  [...(policy.tables._tag === "Named" ? [] : spec)].flatMap(([range, hosts]) => {
    const names = [...vpc.tables.values()].flatMap(({ routes, edge }) =>
      routes.flatMap(({ destination, target, state, origin }) =>
        !edge && destination === range && state === "active" && origin === "CreateRoute" && target._tag === "Interface"
          ? [target.interfaceId]
          : [],
      ),
    )
    return [...new Set(names)].flatMap((interfaceId) => {
      const one = vpc.interfaces.get(interfaceId)
      const isUp = one?.instanceId !== undefined && !/stop|shut|term/.test(vpc.instances.get(one.instanceId) ?? "")
      const healthy = hosts.some(
        (host) =>
          one?.addresses.includes(host) === true &&
          Verdict.$is("Healthy")(health.get(host)) &&
          !drained.has(host) &&
          [...vpc.interfaces.values()].filter(({ addresses }) => addresses.includes(host)).length === 1,
      )
      const count = names.filter((name) => name === interfaceId).length
      return isUp && healthy && count > vpc.tables.size / 2 ? [[range, interfaceId] as const] : []
    })
  })
