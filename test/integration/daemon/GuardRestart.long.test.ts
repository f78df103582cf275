import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { allHealthy, carried } from "../../support/daemon/Look.ts"
import { a, b, c, checked, stand } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

const net = "10.66.17.0/24"
const icmp = ["-m", "http", "-H", "icmpecho"] as const

describe("a daemon", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("that is killed when the operator let failures go acts upon them after the restart, as it was told", () =>
      Effect.gen(function* () {
        const here = yield* stand
        const file = join(yield* temporaryFolder, "state.json")
        const run = here.daemon(...icmp, "--state-file", file)
        const carrier = yield* Effect.gen(function* () {
          const daemon = yield* run
          yield* daemon.post("/route_spec", { [net]: [a, b, c, checked] })
          yield* allHealthy(daemon)
          const carrier = yield* carried(daemon, net)
          yield* here.island.fail(a, b, c, checked)
          const { holds } = yield* daemon.until(
            "all four are held",
            ({ holds }) => holds[0]?.kind === "mass_failure" && holds[0].hosts.length === 4,
          )
          assert.strictEqual((yield* daemon.post(`/held/${holds[0]?.hash}/confirm`)).status, 200)
          yield* daemon.signal("SIGKILL")
          yield* daemon.exit
          return carrier
        }).pipe(Effect.scoped)
        const kept = JSON.parse(yield* Effect.promise(() => readFile(file, "utf8")))
        assert.deepStrictEqual(
          kept.let_go.map(({ host }: { readonly host: string }) => host),
          [a, b, c, checked].toSorted(),
        )
        // One of four is well by now: the failures of the others would be held as those of most hosts.
        const [first = b] = [a, b, c].filter((host) => host !== carrier)
        yield* here.island.heal(first)
        const daemon = yield* run
        yield* carried(daemon, net, first)
        assert.deepStrictEqual((yield* daemon.status).holds, [])
        yield* daemon.until("three have failed", ({ failed_hosts }) => failed_hosts.length === 3)
      }),
    )
  })
})
