import { Effect, FileSystem, Layer, Logger, type Scope } from "effect"
import type { Action } from "../../../src/domain/Action.ts"
import { apply } from "../../../src/domain/Apply.ts"
import { decide } from "../../../src/domain/Decide.ts"
import { Verdict } from "../../../src/domain/Health.ts"
import { AccountId } from "../../../src/domain/Ids.ts"
import { ip } from "../../../src/domain/Ip.ts"
import { defaultPolicy } from "../../../src/domain/Policy.ts"
import { hostsOf, type RouteSpec } from "../../../src/domain/RouteSpec.ts"
import type { Route, Vpc } from "../../../src/domain/Vpc.ts"
import { empty, type World } from "../../../src/domain/World.ts"
import { WorldEvent } from "../../../src/domain/WorldEvent.ts"
import type { ConfigTrouble } from "../../../src/runtime/ConfigTrouble.ts"
import { makeSpecFeed } from "../../../src/runtime/SpecFeed.ts"
import * as FileConfig from "../../../src/services/config/FileConfig.ts"
import { Dice } from "../../simulation/days/Dice.ts"
import { Disk } from "../../simulation/days/Disk.ts"
import { beginning, VirtualTime } from "../../simulation/days/VirtualTime.ts"
import { later } from "../domain/Deciding.ts"
import { routeTo, uniformVpc } from "../domain/UniformVpc.ts"

const path = "/route-spec.json"
const ownerId = AccountId("123456789012")
const strangers = ["10.33.99.99", "2001:db8:99::99"].map(ip)

/** A VPC whose tables are just as the spec wants them; its hosts are those of the spec, and one more a family. */
const convergedOn = (spec: RouteSpec): Vpc => {
  const hosts = [...new Set([...hostsOf(spec), ...strangers])]
  const routes = [...spec].flatMap(([destination, [first]]): ReadonlyArray<Route> => {
    const at = hosts.findIndex((host) => host === first)
    return at < 0 ? [] : [routeTo(destination, at)]
  })
  return uniformVpc({ cidrs: [], tables: 2, routes, hosts, ownerId, zoneOf: () => "us-east-1a" })
}

/** What became of a file that took the place of a good one. */
export interface Aftermath {
  /** The spec in force. */
  readonly spec: RouteSpec | undefined
  readonly isTaken: boolean
  readonly trouble: ConfigTrouble | undefined
  /** Whether the world is the very one that it was before. */
  readonly isUntouched: boolean
  /** What is to be written at once, and deletions that wait for the operator. */
  readonly writes: ReadonlyArray<Action>
  readonly braked: ReadonlyArray<Action>
}

const run = Effect.fnUntraced(function* (
  good: Uint8Array,
  next: Uint8Array,
): Effect.fn.Return<Aftermath, never, Scope.Scope> {
  const disk = new Disk(new Dice("spec file"))
  let world: World = empty(defaultPolicy)
  let writes: ReadonlyArray<Action> = []
  let taken = 0
  const take = (event: WorldEvent) =>
    Effect.sync(() => {
      const [changed, dirty] = apply(world, event)
      const decision = decide(changed, dirty, later)
      world = decision.world
      writes = [...writes, ...decision.write]
      if (event._tag === "SpecAccepted") taken++
    })
  disk.put(path, good)
  const source = yield* Layer.build(
    Layer.provide(
      FileConfig.layer(path, { look: disk.look(path), answers: Effect.succeed(false) }),
      Layer.succeed(FileSystem.FileSystem, disk.files),
    ),
  )
  const feed = yield* makeSpecFeed({
    record: take,
    applyUnkept: take,
    isSpecInForce: () => world.spec !== undefined,
  }).pipe(Effect.provideContext(source))
  yield* Effect.sleep("1 second")
  if (world.spec === undefined) return yield* Effect.die(new Error("the good file was not taken"))
  const vpc = convergedOn(world.spec)
  yield* take(WorldEvent.VpcRead({ vpc, readAt: 0 }))
  const hosts = [...vpc.interfaces.values()].flatMap(({ addresses }) => addresses)
  const verdicts = hosts.map((host) => ({ host, verdict: Verdict.Healthy({ since: 0 }) }))
  yield* take(WorldEvent.VerdictsReached({ verdicts }))
  if (writes.length > 0) return yield* Effect.die(new Error("the tables were not as the good file wants them"))
  const before = world
  taken = 0
  disk.put(path, next)
  yield* Effect.sleep("1 second")
  return {
    spec: world.spec,
    isTaken: taken > 0,
    trouble: yield* feed.trouble,
    isUntouched: world === before,
    writes,
    braked: world.brake?.deletions ?? [],
  }
})

/**
 * The file of mode `configfile` on a disk of its own, in virtual time, with all of the real code from its bytes to the
 * decision: first `good`, whose routes stand in the VPC and whose hosts are healthy; then `next`, for a second.
 */
export const replaced = (good: Uint8Array, next: Uint8Array): Aftermath => {
  const dice = new Dice("spec file")
  const time = new VirtualTime(dice)
  const lane = time.lane("file", dice)
  let aftermath: Aftermath | undefined
  lane.fork(
    run(good, next).pipe(
      Effect.scoped,
      Effect.provide(Logger.layer([])),
      Effect.map((found) => (aftermath = found)),
    ),
  )
  time.run(beginning + 60_000, () => undefined)
  lane.kill()
  if (aftermath === undefined) throw new Error("it did not come to an end")
  return aftermath
}
