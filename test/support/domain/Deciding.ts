import { HashMap } from "effect"
import type { Action } from "../../../src/domain/Action.ts"
import { apply } from "../../../src/domain/Apply.ts"
import type { Cidr } from "../../../src/domain/Cidr.ts"
import { decide, heldOf } from "../../../src/domain/Decide.ts"
import type { Millis } from "../../../src/domain/Health.ts"
import type { Held } from "../../../src/domain/Hold.ts"
import { allCidrs, type CidrDecision, empty, type World } from "../../../src/domain/World.ts"
import { WorldEvent } from "../../../src/domain/WorldEvent.ts"
import type { Expected, Outcome } from "./Oracle.ts"
import type { Scene } from "./Scenes.ts"

/** Long after everything began: no first answer is waited for any more. */
export const later: Millis = 1_000_000_000

/** Takes events one after another and decides after each, as the reconcile loop does. */
export const after = (world: World, events: ReadonlyArray<WorldEvent>, now: Millis): World =>
  events.reduce((before, event) => {
    const [next, dirty] = apply(before, event)
    return decide(next, dirty, now).world
  }, world)

/** What a scene consists of, as events. */
export const eventsOf = ({ spec, health, vpc, drained }: Scene): ReadonlyArray<WorldEvent> => [
  WorldEvent.SpecAccepted({ spec, at: 0 }),
  WorldEvent.VpcRead({ vpc, readAt: 0 }),
  WorldEvent.VerdictsReached({ verdicts: [...health].map(([host, verdict]) => ({ host, verdict })) }),
  ...[...drained].map((host) => WorldEvent.HostDrained({ host })),
]

/** The world of a process that has just started and met this scene, decided at `now`. */
export const worldOf = (scene: Scene, now: Millis = later): World => after(empty(scene.policy), eventsOf(scene), now)

/** The same world, with every CIDR decided anew. */
export const decidedAnew = (world: World, now: Millis): World => decide(world, allCidrs(world), now).world

export const decisionsOf = (world: World): ReadonlyMap<Cidr, CidrDecision> =>
  new Map([...world.decisions].toSorted(([a], [b]) => (a < b ? -1 : 1)))

/** Everything decided and planned, with the deletions that the brake holds. */
export const planned = (world: World): ReadonlyArray<Action> =>
  [...HashMap.values(world.decisions)].flatMap(({ write }) => write)

/** A plan in the words of the oracle. */
export const outcomeOf = (destination: string, actions: ReadonlyArray<Action>, held: ReadonlyArray<Held>): Outcome => {
  const cells = new Map<string, Expected>()
  const put = (table: string, expected: Expected): void => {
    if (cells.has(table)) throw new Error(`two outcomes for ${destination} in ${table}`)
    cells.set(table, expected)
  }
  for (const action of actions.filter(({ cidr }) => cidr === destination)) {
    if (action._tag === "DeleteRoute") put(action.table, { do: "delete" })
    else if (action._tag === "CreateRoute")
      put(action.table, { do: "create", host: action.host, interfaceId: action.interfaceId })
    else
      put(action.table, {
        do: "replace",
        host: action.host,
        interfaceId: action.interfaceId,
        urgency: action.urgency,
      })
  }
  const mine = held.filter(({ cidr }) => cidr === destination)
  for (const { table, reason } of mine) if (table !== undefined) put(table, { do: "hold", why: reason._tag })
  const general = mine.filter(({ table }) => table === undefined)
  if (general.length > 1) throw new Error(`two holds for the whole of ${destination}`)
  return { cells, general: general[0]?.reason._tag }
}

/** What a world has decided for one destination, in the words of the oracle; the brake apart. */
export const decidedFor = (world: World, destination: string): Outcome =>
  outcomeOf(
    destination,
    planned(world),
    heldOf(world).filter(({ reason }) => reason._tag !== "DeletionBrake"),
  )

const inOrder = (outcome: Outcome) => ({
  general: outcome.general,
  cells: [...outcome.cells].toSorted(([a], [b]) => (a < b ? -1 : 1)),
})

/** Outcomes as texts, to compare and to show. */
export const show = (outcome: Outcome): string => JSON.stringify(inOrder(outcome))

/** What bears on one destination, for a failure's message. */
export const showScene = ({ spec, health, vpc, policy, drained }: Scene, destination: string): string => {
  const tables = [...vpc.tables.values()].map(({ id, main, edge, tags, routes }) => {
    const here = routes
      .filter((route) => route.destination === destination)
      .map(({ target, state, origin }) => `${JSON.stringify(target)} ${state} ${origin}`)
    return `${id}${main ? " main" : ""}${edge ? " edge" : ""} ${[...tags.keys()].join()}: ${here.join(" | ") || "-"}`
  })
  const interfaces = [...vpc.interfaces.values()].map((one) => JSON.stringify(one))
  const verdicts = [...health].map(([host, { _tag }]) => `${host} ${_tag}`)
  const listed = [...spec].find(([named]) => named === destination)?.[1]
  return [
    `${destination}: ${listed === undefined ? "not in the spec" : `[${listed.join(", ")}]`}`,
    ...tables,
    ...interfaces,
    `instances: ${JSON.stringify([...vpc.instances])}`,
    `verdicts: ${verdicts.join(", ")}; drained: ${[...drained].join(", ")}`,
    `policy: ${JSON.stringify(policy)}`,
  ].join("\n")
}
