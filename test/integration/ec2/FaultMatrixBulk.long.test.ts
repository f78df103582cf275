import { CreateRouteCommand } from "@aws-sdk/client-ec2"
import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect, type Scope } from "effect"
import { routeWrites } from "../../../src/domain/TokenBucket.ts"
import { awsClient } from "../../support/ec2/AwsClient.ts"
import { type FaultProxyHandle, startFaultProxy } from "../../support/ec2/FaultProxy.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { makeMotoVpc, type MotoVpcPlan } from "../../support/ec2/MotoVpc.ts"
import { type AwsDaemon, startAwsDaemon } from "../../support/runtime/AwsDaemon.ts"
import { isSettled } from "./FaultMatrixStand.ts"

const { capacity, refillPerSecond } = routeWrites
const [a, b] = ["10.33.1.11", "10.33.1.12"] as const
const names = ["main", "one", "two", "faulty"] as const
const others = names.length - 1

const plan: MotoVpcPlan = {
  cidr: "10.33.0.0/16",
  subnets: [{ name: "s", zone: "us-east-1a", cidr: "10.33.1.0/24" }],
  hosts: [
    { subnet: "s", address: a },
    { subnet: "s", address: b },
  ],
  tables: names.slice(1).map((name) => ({ name, subnets: [] })),
}

/** A failover that is to be made, in four tables. */
interface Bulk {
  readonly daemon: AwsDaemon
  readonly proxy: FaultProxyHandle
  /** The id of the table in which faults are. */
  readonly faulty: string
  /** The host fails that carries everything. */
  readonly fail: Effect.Effect<void>
  /** The table and the status of each replacement that was asked for, in their order. */
  readonly replaced: Effect.Effect<ReadonlyArray<{ readonly isFaulty: boolean; readonly status: number | undefined }>>
  /** Waits until so many are done. Gives the milliseconds that took. */
  readonly done: (count: number) => Effect.Effect<number>
}

/** `cells` routes lead to a host, in four tables of moto; the daemon is in front of it, with EC2's buckets between them. */
const bulk = (cells: number): Effect.Effect<Bulk, never, Moto | Scope.Scope> =>
  Effect.gen(function* () {
    const moto = yield* Moto
    const client = yield* awsClient(moto.endpoint)
    const vpc = yield* makeMotoVpc(client, plan)
    const ranges = Array.from({ length: cells / names.length }, (_, n) => `10.66.${n}.0/24`)
    const NetworkInterfaceId = vpc.host(a).interfaceId
    for (const DestinationCidrBlock of ranges)
      yield* Effect.promise(() =>
        Promise.all(
          names.map((name) =>
            client.send(
              new CreateRouteCommand({ RouteTableId: vpc.table(name), DestinationCidrBlock, NetworkInterfaceId }),
            ),
          ),
        ),
      )
    const proxy = yield* startFaultProxy(moto.endpoint)
    const daemon = yield* startAwsDaemon({ endpoint: proxy.endpoint, vpcId: vpc.id, recheckInterval: 30_000 })
    yield* daemon.accept(Object.fromEntries(ranges.map((range) => [range, [a, b]])))
    yield* daemon.say("healthy", a, b)
    yield* daemon.until("everything on its host", (status) => status.readAt !== undefined && isSettled(status))
    yield* proxy.throttleAsEc2
    const faulty = vpc.table("faulty")
    const replaced = Effect.map(proxy.requests, (requests) =>
      requests.flatMap(({ action, form, status }) =>
        action === "ReplaceRoute" ? [{ isFaulty: form.get("RouteTableId") === faulty, status }] : [],
      ),
    )
    return {
      daemon,
      proxy,
      faulty,
      fail: daemon.say("failed", a),
      replaced,
      done: Effect.fnUntraced(function* (count) {
        const clock = yield* Clock.Clock
        const from = clock.currentTimeMillisUnsafe()
        const holds = Effect.map(replaced, (all) => all.filter(({ status }) => status === 200).length >= count)
        while (!(yield* holds)) yield* Effect.sleep("20 millis")
        return clock.currentTimeMillisUnsafe() - from
      }),
    }
  })

/** The positions, in order of all replacements asked for, of those that were done in tables without a fault. */
const positions = ({ replaced }: Bulk) =>
  Effect.map(replaced, (all) => all.flatMap(({ isFaulty, status }, at) => (isFaulty || status !== 200 ? [] : [at])))

/** Milliseconds that so many calls take by EC2's bucket when `tokens` are in it. */
const ideal = (calls: number, tokens: number = capacity): number =>
  (Math.max(0, calls - tokens) / refillPerSecond) * 1_000

/** How much longer than the bucket does it may take; what does not depend on the number of writes is in it. */
const factor = 1.2

/** How far those overtake each other that are on the wire at once: 7 places where the machine had much to do, of 32. */
const overtaking = 16

describe.concurrent("a failover of many routes, over HTTP, under EC2's buckets of 50 and 5 a second", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("takes a call a write, and the time that the bucket takes", () =>
      Effect.gen(function* () {
        const { done, fail, replaced } = yield* bulk(120)
        yield* fail
        assert.isAtMost(yield* done(120), factor * ideal(120))
        // The tokens are taken as they are refilled: one that overtakes another on its way may come too soon.
        assert.isAtMost((yield* replaced).length / 120, 1.1)
      }),
    )

    it.effect("takes at most 1.1 calls a write while somebody else of the account takes half", () =>
      Effect.gen(function* () {
        const { daemon, done, fail, proxy, replaced } = yield* bulk(100)
        let taken = 0
        const take = Effect.map(proxy.takeTokens("ReplaceRoute", 1), (found) => void (taken += found))
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(take, Effect.sleep(2_000 / refillPerSecond))))
        yield* fail
        const took = yield* done(100)
        assert.isAtMost(took, factor * ideal(100 + taken))
        assert.isAtLeast(taken, (took / 1_000) * refillPerSecond * 0.35)
        const { length } = yield* replaced
        assert.isAtMost(length / 100, 1.1)
        assert.deepStrictEqual(
          daemon.log().filter(({ words }) => words.startsWith("not done")),
          [],
        )
      }),
    )

    it.effect("is done 1.2 times what the bucket takes, at most, after an outage in which every write failed", () =>
      Effect.gen(function* () {
        const { daemon, done, fail, proxy, replaced } = yield* bulk(60)
        yield* proxy.addRule({ action: "ReplaceRoute", fault: { _tag: "Error", status: 503, code: "Unavailable" } })
        yield* fail
        while ((yield* replaced).filter(({ status }) => status === 503).length < 60) yield* Effect.sleep("20 millis")
        yield* proxy.clearRules
        const least = ideal(60, yield* proxy.tokens("ReplaceRoute"))
        assert.isAtLeast(least, 8_000)
        assert.isAtMost(yield* done(60), factor * least)
        yield* daemon.until("everything in order", isSettled)
      }),
    )

    it.effect("is no later in other tables because one is denied: none of their writes comes later in the order", () =>
      Effect.gen(function* () {
        const [plain, denied] = [yield* bulk(80), yield* bulk(80)]
        const { proxy, faulty } = denied
        yield* proxy.addRule({
          action: "ReplaceRoute",
          containing: faulty,
          fault: { _tag: "Error", status: 403, code: "UnauthorizedOperation" },
        })
        const [, took] = yield* Effect.all(
          [plain, denied].map(({ done, fail }) => Effect.andThen(fail, done(others * (80 / names.length)))),
          { concurrency: "unbounded" },
        )
        assert.isAtMost(took ?? Infinity, factor * ideal(80))
        yield* plain.done(80)
        const [without, beside] = [yield* positions(plain), yield* positions(denied)]
        assert.lengthOf(beside, without.length)
        for (const [nth, at] of beside.entries())
          assert.isAtMost(at, (without[nth] ?? Infinity) + overtaking, `write ${nth}`)
        // The order of tables is by id, which moto draws: what is last beside the denial is not later than all without it.
        assert.isBelow(beside.at(-1) ?? Infinity, (yield* plain.replaced).length)
        // One that overtakes another on its way may find no token, with or without the denial.
        const calls = (yield* denied.replaced).filter(({ isFaulty }) => !isFaulty).length
        assert.isAtMost(calls / without.length, 1.1)
      }),
    )

    it.effect("is over in other tables before the first write is given up in a table that hangs", () =>
      Effect.gen(function* () {
        const { done, fail, faulty, proxy, replaced } = yield* bulk(40)
        yield* proxy.addRule({ action: "ReplaceRoute", containing: faulty, fault: { _tag: "Hang" } })
        yield* fail
        yield* done(30)
        const hanging = (yield* replaced).filter(({ isFaulty }) => isFaulty)
        // Those that went out first are still waited for.
        assert.isAtMost(hanging.length, 8)
        yield* proxy.clearRules
        yield* done(40)
      }),
    )
  })
})
