import { assert } from "@effect/vitest"
import { Clock, Effect, Result, type Scope } from "effect"
import { cidr } from "../../../src/domain/Cidr.ts"
import { RouteTableId } from "../../../src/domain/Ids.ts"
import { ip } from "../../../src/domain/Ip.ts"
import { RouteTarget } from "../../../src/domain/Vpc.ts"
import * as SimulatedHosts from "../../../src/services/ec2/SimulatedHosts.ts"
import { deleteByHand, putByHand } from "../../../src/services/ec2/SimulatedRoutes.ts"
import { describeCalls } from "./AwsEc2Stand.ts"
import {
  a,
  b,
  c,
  changing,
  created,
  deleted,
  endsRight,
  failedOver,
  faulty,
  isSettled,
  kept,
  type MatrixStand,
  onStand,
  others,
  othersAreDone,
  repaired,
  rightContents,
  type StandOptions,
  tables,
  writeActions,
} from "./FaultMatrixStand.ts"

type Play = (stand: MatrixStand) => Effect.Effect<void, unknown, Scope.Scope>

/** After a write that EC2 did not do it is asked for again at most this much later: a failover, and any other. */
const [longestForFailover, longest] = [5_000, 60_000]

const cellOf = (range: string) => ({ table: RouteTableId(faulty), cidr: cidr(range) })

/** From now on readings show what the last one showed. */
const readingsStandStill = ({ proxy }: MatrixStand, calls: ReadonlyArray<string> = describeCalls) =>
  Effect.forEach(calls, (action) => proxy.addRule({ action, fault: { _tag: "Stale" } }), { discard: true })

const logs = ({ log }: MatrixStand, words: string) => log().some((line) => line.words.includes(words))

/** The lines that say that a write was not done. */
const inNotDone = ({ log }: MatrixStand) =>
  Effect.sync(() => log().filter(({ words }) => words.startsWith("not done: ")))

/** The writes to the faulty table, in words. */
const inFaulty = ({ writes }: MatrixStand) =>
  Effect.map(writes, (all) => all.flatMap(({ table, words }) => (table === faulty ? [words] : [])))

/** EC2 changes behind a reading that stands still; then the writes are wanted, and EC2 says `code` to one of them. */
const behindReading = Effect.fnUntraced(function* <E>(
  stand: MatrixStand,
  change: Effect.Effect<void, E>,
  code: string,
  then: Effect.Effect<void> = stand.trigger,
) {
  yield* readingsStandStill(stand)
  yield* change
  yield* then
  yield* stand.until(code, () => logs(stand, `: ${code}: `))
})

const withHand = (stand: MatrixStand, change: ReturnType<typeof deleteByHand>) => stand.simulation.change(change)

const happensTo = (stand: MatrixStand, event: SimulatedHosts.HostEvent) =>
  Effect.andThen(stand.simulation.change(event), stand.leapOverReading(20_000))

/** Each table has `destination` by `target`, and everything else as it was. */
const everywhere = Effect.fnUntraced(function* (stand: MatrixStand, destination: string, target: string) {
  for (const table of tables) assert.strictEqual((yield* stand.contents(table))[destination], target, table)
})

const moves = (
  stand: MatrixStand,
  range: string,
  event: SimulatedHosts.HostEvent,
  carrier: (words: string) => boolean,
) =>
  Effect.gen(function* () {
    yield* happensTo(stand, event)
    yield* stand.until("the move", isSettled)
    const words = (yield* stand.writes).map((write) => write.words)
    assert.lengthOf(words, tables.length)
    const target = words[0]?.split(" ")[2] ?? ""
    for (const one of words) assert.strictEqual(one, `ReplaceRoute ${range} ${target}`)
    assert.isTrue(carrier(target), target)
    yield* everywhere(stand, range, target)
  })

/** Every situation of the tables "what is so" of docs/ec2-faults.md. */
const plays: Readonly<Record<string, readonly [Play, StandOptions?]>> = {
  "the interface is gone": [
    Effect.fnUntraced(function* (stand) {
      const spec = { [failedOver]: [a, b, c], [repaired]: [b, c], [deleted]: [c], [kept]: [c] }
      yield* stand.accept(spec)
      const host = { [a]: "eni-a", [b]: "eni-b", [c]: "eni-c" }
      yield* behindReading(
        stand,
        stand.simulation.change(SimulatedHosts.terminate(ip(b))),
        "InvalidNetworkInterfaceID.NotFound",
        // The one of the two that does not live would be chosen if it were drawn; a spec that names it alone makes sure.
        Effect.andThen(stand.accept({ ...spec, [created]: [b] }), stand.say("failed", a)),
      )
      yield* stand.until("the other host everywhere", ({ pending }) => pending.length === 0)
      yield* everywhere(stand, failedOver, host[c])
      const toGone = (yield* stand.writes).filter(({ words }) => words.endsWith(host[b]))
      for (const { words } of toGone)
        assert.isAtMost(toGone.filter((one) => one.words === words).length, tables.length, words)
    }),
  ],
  "the table is gone": [
    Effect.fnUntraced(function* (stand) {
      const removal = stand.simulation.change((vpc) => {
        const left = new Map(vpc.tables)
        left.delete(RouteTableId(faulty))
        return Result.succeed({ ...vpc, tables: left })
      })
      yield* behindReading(stand, removal, "InvalidRouteTableID.NotFound")
      yield* stand.until("the others", ({ pending }) => pending.every(({ table }) => table === faulty))
      yield* othersAreDone(stand)
      yield* stand.proxy.clearRules
      yield* stand.leapOverReading(20_000)
      const { tables: shown } = yield* stand.until("nothing left to be wanted of it", isSettled)
      assert.sameMembers(
        shown.map(({ id }) => `${id}`),
        [...others],
      )
    }),
  ],
  "the route to be moved is gone": [
    Effect.fnUntraced(function* (stand) {
      yield* behindReading(stand, withHand(stand, deleteByHand(cellOf(failedOver))), "InvalidParameterValue")
      yield* stand.proxy.clearRules
      yield* stand.until("everything in order", isSettled)
      assert.deepStrictEqual(yield* stand.contents(faulty), rightContents)
      assert.include(yield* inFaulty(stand), `CreateRoute ${failedOver} eni-b`)
    }),
  ],
  "somebody else's route is there already": [
    Effect.fnUntraced(function* (stand) {
      const gateway = RouteTarget.Other({ kind: "GatewayId", id: "igw-1" })
      yield* behindReading(stand, withHand(stand, putByHand(cellOf(created), gateway)), "RouteAlreadyExists")
      yield* stand.proxy.clearRules
      const { held } = yield* stand.until(
        "the conflict",
        ({ held: all, pending }) => pending.length === 0 && all.length === 1 && all[0]?.reason._tag === "Conflict",
      )
      assert.strictEqual(held[0]?.table, faulty)
      assert.deepStrictEqual(yield* stand.contents(faulty), { ...rightContents, [created]: "igw-1" })
      yield* othersAreDone(stand)
    }),
  ],
  "the route to be deleted is gone": [
    Effect.fnUntraced(function* (stand) {
      yield* behindReading(stand, withHand(stand, deleteByHand(cellOf(deleted))), "InvalidRoute.NotFound")
      yield* stand.proxy.clearRules
      yield* endsRight(stand)
    }),
  ],
  "the table is full until a route is deleted": [
    Effect.fnUntraced(function* (stand) {
      yield* stand.trigger
      yield* endsRight(stand)
      assert.isTrue(logs(stand, ": RouteLimitExceeded: "))
      for (const table of tables) {
        const creations = (yield* stand.writes).filter((one) => one.table === table && one.words.startsWith("Create"))
        assert.isAtMost(creations.length, 2)
      }
    }),
    { spareRoutes: 0 },
  ],
  "readings are some seconds older than the writes": [
    Effect.fnUntraced(function* (stand) {
      yield* readingsStandStill(stand)
      yield* stand.trigger
      yield* stand.until("the writes", isSettled)
      yield* stand.leapOverReading(4_000)
      assert.lengthOf(yield* stand.writes, 12)
      yield* stand.proxy.clearRules
      yield* stand.leapOverReading(20_000)
      yield* endsRight(stand)
      assert.lengthOf(yield* stand.writes, 12)
    }),
    { recheckInterval: 2_500 },
  ],
  "readings are five minutes older than the writes": [
    Effect.fnUntraced(function* (stand) {
      yield* readingsStandStill(stand)
      yield* stand.trigger
      yield* stand.until("the writes", isSettled)
      for (let minutes = 0; minutes < 5; minutes += 0.5) {
        yield* stand.leapOverReading(30_000)
        yield* stand.until("what comes of it", ({ pending }) => pending.length === 0)
        for (const table of tables) assert.deepStrictEqual(yield* stand.contents(table), rightContents, table)
      }
      yield* stand.proxy.clearRules
      yield* stand.leapOverReading(20_000)
      yield* endsRight(stand)
      const words = (yield* stand.writes).map((one) => `${one.table} ${one.words}`)
      for (const one of new Set(words)) {
        const times = words.filter((other) => other === one).length
        assert.isAtMost(times, one.includes("ReplaceRoute") ? 6 : 4, one)
      }
      assert.deepStrictEqual(yield* inNotDone(stand), [])
    }),
  ],
  "readings are five minutes older than the writes, and the host of a new route fails meanwhile": [
    Effect.fnUntraced(function* (stand) {
      const spec = { [failedOver]: [a], [repaired]: [b], [deleted]: [c], [kept]: [c] }
      yield* readingsStandStill(stand)
      yield* stand.accept({ ...spec, [created]: [a] })
      yield* stand.until("the new route", isSettled)
      yield* everywhere(stand, created, "eni-a")
      yield* stand.leapOverReading(30_000)
      yield* stand.until("EC2's answer", ({ pending }) => pending.length === 0 && logs(stand, "already so: create"))
      yield* stand.accept({ ...spec, [created]: [a, b] })
      const count = (yield* stand.writes).length
      yield* stand.say("failed", a)
      yield* stand.until(
        "the move",
        ({ pending, queue }) =>
          logs(stand, `failover ${created} in`) && pending.length + queue.queued.length + queue.inFlight.length === 0,
      )
      yield* everywhere(stand, created, "eni-b")
      const words = (yield* stand.writes).slice(count).map((one) => one.words)
      assert.deepStrictEqual(
        words,
        tables.map(() => `ReplaceRoute ${created} eni-b`),
      )
      assert.deepStrictEqual(yield* inNotDone(stand), [])
    }),
  ],
  "the reading of interfaces alone is five minutes old": [
    Effect.fnUntraced(function* (stand) {
      yield* readingsStandStill(stand, ["DescribeNetworkInterfaces", "DescribeInstances"])
      yield* stand.trigger
      yield* stand.until("the writes", isSettled)
      for (let minutes = 0; minutes < 5; minutes++) yield* stand.leapOverReading(60_000)
      yield* endsRight(stand)
      assert.lengthOf(yield* stand.writes, 12)
    }),
  ],
  "EC2 has refused every write for five minutes": [
    Effect.fnUntraced(function* (stand) {
      for (const action of writeActions)
        yield* stand.proxy.addRule({ action, fault: { _tag: "Error", status: 503, code: "Unavailable" } })
      yield* stand.trigger
      for (let minutes = 0; minutes < 5; minutes++) {
        const before = stand.log().length
        yield* stand.leapOverReading(60_000)
        const isTried = (words: string) =>
          stand
            .log()
            .slice(before)
            .some((line) => line.words.startsWith("not done: ") && line.words.includes(words))
        yield* stand.until("a try of each", () =>
          changing.every((range) => tables.every((table) => isTried(` ${range} in ${table} `))),
        )
      }
      yield* stand.proxy.clearRules
      const clock = yield* Clock.Clock
      const from = clock.currentTimeMillisUnsafe()
      const isLed = Effect.map(
        Effect.forEach(tables, (table) => stand.contents(table)),
        (found) => found.every((routes) => routes[failedOver] === "eni-b"),
      )
      while (!(yield* isLed)) yield* Effect.sleep("20 millis")
      const took = clock.currentTimeMillisUnsafe() - from
      assert.isAtMost(took, 1.2 * longestForFailover)
      yield* stand.leap(longest - took)
      const rest = clock.currentTimeMillisUnsafe()
      yield* endsRight(stand)
      assert.isAtMost(clock.currentTimeMillisUnsafe() - rest, 0.2 * longest)
    }),
  ],
  "an instance is terminated, and no check says so": [
    (stand) => moves(stand, failedOver, SimulatedHosts.terminate(ip(a)), (target) => target === "eni-b"),
  ],
  "an instance is stopped, and no check says so": [
    (stand) => moves(stand, failedOver, SimulatedHosts.stop(ip(a)), (target) => target === "eni-b"),
  ],
  "the only host's instance is replaced under its address": [
    (stand) => moves(stand, repaired, SimulatedHosts.replace(ip(b)), (target) => !/^eni-[abc]$/.test(target)),
  ],
  "the only host's interface is detached": [
    Effect.fnUntraced(function* (stand) {
      const was = yield* stand.contents(faulty)
      yield* happensTo(stand, SimulatedHosts.detach(ip(c)))
      yield* stand.until("the hold", ({ held }) => held.some((one) => one.cidr === kept))
      assert.deepStrictEqual(yield* stand.writes, [])
      assert.deepStrictEqual(yield* stand.contents(faulty), was)
    }),
  ],
}

export const playedSituations: ReadonlyArray<string> = Object.keys(plays)

export const playSituation = ({ name }: { readonly name: string }): Effect.Effect<void> => {
  const [play, options] = plays[name] ?? []
  return play === undefined
    ? Effect.die(new Error(`docs/ec2-faults.md: nothing plays "${name}"`))
    : onStand(play, options)
}
