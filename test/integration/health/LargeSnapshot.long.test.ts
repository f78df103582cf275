import { spawn } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule, Schema } from "effect"
import { scopedChild } from "../../support/process/Children.ts"
import { awsEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { destinationOf, hostOf, largeVpcId } from "../../support/ec2/LargeEc2.ts"
import { serveLargeVpc } from "../../support/ec2/LargeStand.ts"
import { namespace } from "../../support/netns/Namespaces.ts"

const main = fileURLToPath(new URL("../../../dist/main.js", import.meta.url))
const stallsModule = fileURLToPath(new URL("../../support/daemon/LoopStalls.mjs", import.meta.url))

const size = { tables: 200, routes: 1_000, hosts: 10_000 }
const watched = 1_000

const Stalls = Schema.fromJsonString(Schema.Struct({ count: Schema.Finite, p99: Schema.Finite, max: Schema.Finite }))

describe("a VPC of 200 tables with 1,000 routes each and 10,000 hosts, read again and again", () => {
  it.live("holds the event loop up for no more than 20 ms in 99 of 100 cases, and fails none of 1,000 hosts", () =>
    Effect.gen(function* () {
      const inside = yield* namespace()
      yield* inside.ip("route add local 10.214.0.0/16 dev lo")
      const wrapper = ["ip", "netns", "exec", inside.name]
      const { endpoint } = yield* serveLargeVpc(size, wrapper)
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "vpc-router-"))),
        (made) => Effect.promise(() => rm(made, { recursive: true })),
      )
      const [spec, figures] = [join(folder, "spec.json"), join(folder, "stalls.json")]
      const routes = Array.from({ length: watched }, (_, n) => [
        destinationOf(n),
        [hostOf(n), hostOf((n + 1) % watched)],
      ])
      yield* Effect.promise(() => writeFile(spec, JSON.stringify(Object.fromEntries(routes))))
      const options = ["--mode", "configfile", "--file", spec, "--vpc", largeVpcId, "--region", "us-east-1"]
      const more = ["--port", "0", "--dry-run", "--log-format", "json", "--log-level", "debug"]
      const args = [...wrapper, process.execPath, "--import", stallsModule, main, ...options, ...more]
      const lines: Array<string> = []
      const daemon = yield* scopedChild(() =>
        spawn(args[0] ?? "", [...args.slice(1), "--route-recheck-interval", "5"], {
          stdio: ["ignore", "pipe", "inherit"],
          env: { ...process.env, ...awsEnvironment(endpoint), STALLS_FILE: figures },
        }),
      )
      createInterface(daemon.stdout).on("line", (line) => lines.push(line))

      /** What the event loop did since this was last asked. */
      const stalls = Effect.gen(function* () {
        yield* Effect.promise(() => rm(figures, { force: true }))
        daemon.kill("SIGUSR2")
        return yield* Effect.tryPromise({
          try: () => readFile(figures, "utf8"),
          catch: () => "none yet" as const,
        }).pipe(
          Effect.flatMap(Schema.decodeUnknownEffect(Stalls)),
          Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 }),
        )
      })
      const healthy = () => lines.filter((line) => line.includes("is healthy")).length
      yield* Effect.repeat(Effect.sleep("100 millis"), { until: () => healthy() >= watched, times: 600 })
      assert.isAtLeast(healthy(), watched)
      yield* Effect.sleep("10 seconds")
      const atStart = yield* stalls
      yield* Effect.sleep("30 seconds")
      const { count, max, p99 } = yield* stalls
      console.log(
        `stalls while reading: p99 ${p99.toFixed(1)} ms, longest ${max.toFixed(0)} ms of ${count} (at the start ${atStart.p99.toFixed(1)} and ${atStart.max.toFixed(0)} ms)`,
      )
      assert.deepStrictEqual(
        lines.filter((line) => /host \S+ failed|internal error/.test(line)),
        [],
      )
      // The aim is 20 ms, on a machine that has nothing else to do; read in one go it was seconds.
      assert.isBelow(p99, 150)
    }),
  )
})
