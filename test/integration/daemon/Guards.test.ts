import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { RunningDaemon } from "../../support/daemon/Daemon.ts"
import { allHealthy, carried, carrierOf } from "../../support/daemon/Look.ts"
import { a, b, c, everywhere, type Stand, stand } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"

const net = "10.66.17.0/24"
const anchors = ["10.33.1.1", "10.33.2.1"]
const icmp = ["-m", "http", "-H", "icmpecho"] as const

/** From one packet to the next nobody hears the daemon's pings any more. */
const cutOff = ({ island: { namespace } }: Stand) =>
  namespace.nft("add rule inet hosts input icmp type echo-request drop")
const reconnect = ({ island: { namespace } }: Stand) => namespace.nft("flush chain inet hosts input")

const holding = (daemon: RunningDaemon, kind: string) =>
  daemon.until(`${kind} is held`, ({ holds }) => holds.some((hold) => hold.kind === kind && hold.since !== null))

const isWell = (daemon: RunningDaemon, failed: number) =>
  daemon.until("nothing is held", ({ failed_hosts, held, holds }) => {
    return failed_hosts.length === failed && held.length === 0 && holds.length === 0
  })

describe.concurrent("a daemon whose network fails", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("knows by its anchors that it is cut off, writes nothing, and fails over what died meanwhile", () =>
      Effect.gen(function* () {
        const here = yield* stand
        const daemon = yield* here.daemon(...icmp, "--anchor", anchors.join())
        yield* daemon.post("/route_spec", { [net]: [a, b, c] })
        yield* allHealthy(daemon)
        const carrier = yield* carried(daemon, net)
        yield* daemon.until("both anchors answer", ({ anchors }) => anchors.every(({ counts }) => counts))
        const before = yield* here.writes

        yield* cutOff(here)
        const { anchors: shown, holds } = yield* holding(daemon, "monitor_cut_off")
        assert.deepStrictEqual(
          shown.map(({ ip, source }) => [ip, source]),
          anchors.map((ip) => [ip, "icmpecho"]),
        )
        assert.lengthOf(holds, 1)
        yield* daemon.logged("held: this monitor is cut off")
        yield* daemon.until("all three are silent", ({ failed_hosts }) => failed_hosts.length === 3)
        assert.include((yield* daemon.get("/metrics")).text, 'vpc_router_guard_holding{guard="monitor_cut_off"} 1')
        yield* here.island.fail(carrier)
        yield* reconnect(here)
        yield* here.island.namespace.nft("add rule inet hosts input ip daddr @dead drop")
        yield* daemon.until("two answer again", ({ failed_hosts }) => failed_hosts.length === 1)
        yield* daemon.until("its routes have moved", ({ routes }) => (routes[net]?.[0] ?? carrier) !== carrier)
        yield* isWell(daemon, 1)
        yield* daemon.logged(/^over after .*this monitor is cut off/)
        const since = (yield* here.writes).slice(before.length)
        assert.isTrue(since.every((write) => write.startsWith(`ReplaceRoute ${net}`)))
        assert.lengthOf(since, 4)
      }),
    )

    it.effect(
      "without anchors leaves every route where it is, when all hosts fall silent at once and when they return",
      () =>
        Effect.gen(function* () {
          const here = yield* stand
          const daemon = yield* here.daemon(...icmp)
          yield* daemon.post("/route_spec", { [net]: [a, b, c] })
          yield* allHealthy(daemon)
          const carrier = yield* carried(daemon, net)
          const before = yield* here.writes
          yield* cutOff(here)
          const { holds } = yield* holding(daemon, "mass_failure")
          yield* daemon.until("all three have failed", ({ failed_hosts }) => failed_hosts.length === 3)
          assert.isAtLeast(holds[0]?.hosts.length ?? 0, 1)
          yield* reconnect(here)
          yield* isWell(daemon, 0)
          assert.deepStrictEqual(yield* here.writes, before)
          assert.deepStrictEqual(yield* here.carriers(net), everywhere(carrier))
        }),
    )

    it.effect("whose anchors are gone for good fails over when the operator confirms exactly what is held", () =>
      Effect.gen(function* () {
        const here = yield* stand
        const daemon = yield* here.daemon(...icmp, "--anchor", anchors.join())
        yield* daemon.post("/route_spec", { [net]: [a, b, c] })
        yield* allHealthy(daemon)
        const carrier = yield* carried(daemon, net)
        yield* daemon.until("both anchors answer", ({ anchors }) => anchors.every(({ counts }) => counts))
        yield* here.island.fail(...anchors)
        const { holds } = yield* holding(daemon, "monitor_cut_off")
        yield* here.island.fail(carrier)
        yield* daemon.until("it has failed", ({ failed_hosts }) => failed_hosts.length === 1)
        assert.strictEqual(carrierOf(yield* daemon.status, net), carrier)
        assert.strictEqual((yield* daemon.post("/held/0123456789abcdef/confirm")).status, 404)
        assert.strictEqual((yield* daemon.post(`/held/${holds[0]?.hash}/confirm`)).status, 200)
        yield* daemon.until("its routes have moved", ({ routes }) => routes[net]?.[0] !== carrier)
        yield* carried(daemon, net)
        yield* isWell(daemon, 1)
      }),
    )
  })
})
