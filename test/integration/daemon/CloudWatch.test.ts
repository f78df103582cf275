import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { motoAlarms } from "../../support/cloudwatch/MotoAlarms.ts"
import { allHealthy, carried } from "../../support/daemon/Look.ts"
import { a, b, everywhere, stand } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"

const net = "10.66.17.0/24"
const http = ["-m", "http", "--health", "cloudwatch"] as const
const often = ["--alarm-interval", "1"] as const

/** A stand, and a status check alarm for each of these hosts, named after it. */
const alarmed = (...hosts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { endpoint } = yield* Moto
    const alarms = yield* motoAlarms(endpoint)
    const standing = yield* stand
    const nameOf = (host: string) => `${standing.vpc.id} ${host}`
    for (const host of hosts) yield* alarms.put(nameOf(host), { instance: standing.vpc.host(host).instanceId })
    return { ...standing, alarms, nameOf }
  })

describe.concurrent("hosts watched by CloudWatch alarms", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("an alarm moves the routes in every table; when it is over nothing moves back", () =>
      Effect.gen(function* () {
        const { alarms, carriers, daemon: start, nameOf, proxy, writes } = yield* alarmed(a, b)
        const daemon = yield* start(...http, ...often, "--route-recheck-interval", "1")
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const first = yield* carried(daemon, net)
        const second = first === a ? b : a
        yield* allHealthy(daemon)
        yield* proxy.forget
        yield* alarms.set(nameOf(first), "ALARM", "1 datapoint was greater than the threshold")
        yield* carried(daemon, net, second)
        assert.deepStrictEqual(yield* carriers(net), everywhere(second))
        const { failed_hosts } = yield* daemon.status
        assert.strictEqual(
          failed_hosts[0]?.reason,
          `alarm ${nameOf(first)}: 1 datapoint was greater than the threshold`,
        )

        yield* alarms.set(nameOf(first), "OK")
        yield* allHealthy(daemon)
        yield* daemon.rechecks(1)
        assert.deepStrictEqual(yield* carriers(net), everywhere(second))
        assert.lengthOf(yield* writes, 4)

        yield* alarms.set(nameOf(second), "ALARM")
        yield* carried(daemon, net, first)
      }),
    )
  })
})
