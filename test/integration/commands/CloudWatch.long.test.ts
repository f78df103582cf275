import { assert, describe, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { motoAlarms } from "../../support/cloudwatch/MotoAlarms.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { finish } from "../cli/Running.ts"
import { folder } from "./Folder.ts"
import { motoStand } from "./MotoStand.ts"

const Plan = Schema.fromJsonString(
  Schema.Struct({
    changes: Schema.Array(Schema.Struct({ host: Schema.NullOr(Schema.String) })),
    hosts: Schema.Array(Schema.Struct({ ip: Schema.String, verdict: Schema.String })),
  }),
)
const Check = Schema.fromJsonString(
  Schema.Struct({
    findings: Schema.Array(Schema.Struct({ level: Schema.String, about: Schema.String, words: Schema.String })),
  }),
)

const hosts = ["10.33.20.93", "10.33.20.101", "10.33.30.22"] as const
const cloudwatch = ["--health", "cloudwatch"] as const
/** A daemon's queue: what a command took from it, the daemon would not get. */
const queue = { VPC_ROUTER_ALARM_QUEUE_URL: "http://127.0.0.1:1/123456789012/alarms" }

describe.concurrent("commands, where hosts are watched by alarms", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("plan goes by the alarms, says which host none covers, and takes nothing from the daemon's queue", () =>
      Effect.gen(function* () {
        const { args, environment, proxy, vpc } = yield* motoStand
        const alarms = yield* motoAlarms((yield* Moto).endpoint)
        for (const host of hosts.slice(0, 2))
          yield* alarms.put(`${vpc.id} ${host}`, { instance: vpc.host(host).instanceId })
        yield* alarms.set(`${vpc.id} ${hosts[0]}`, "ALARM")
        const file = (yield* folder).write("spec.json", { "10.55.0.0/16": hosts })
        const { stdout } = yield* finish(["plan", file, ...args, ...cloudwatch, "--json"], {
          environment: { ...environment, ...queue },
        })
        const plan = yield* Schema.decodeEffect(Plan)(stdout)
        assert.deepStrictEqual(
          plan.hosts.map(({ ip, verdict }) => [ip, verdict]),
          [
            ["10.33.20.101", "healthy"],
            ["10.33.20.93", "failed"],
            ["10.33.30.22", "unwatched"],
          ],
        )
        assert.deepStrictEqual([...new Set(plan.changes.map(({ host }) => host))], ["10.33.20.101"])
        assert.isFalse((yield* proxy.calls).has("ReceiveMessage"))
      }),
    )

    it.effect("check names the right that is missing", () =>
      Effect.gen(function* () {
        const { args, environment, proxy } = yield* motoStand
        yield* proxy.addRule({
          action: "DescribeAlarms",
          fault: {
            _tag: "Answer",
            status: 400,
            contentType: "application/x-amz-json-1.0",
            body: JSON.stringify({ __type: "AccessDeniedException", message: "not authorized" }),
          },
        })
        const file = (yield* folder).write("spec.json", { "10.55.0.0/16": hosts.slice(0, 1) })
        const { stdout } = yield* finish(["check", file, ...args, ...cloudwatch, "--json"], { environment })
        const { findings } = yield* Schema.decodeEffect(Check)(stdout)
        const denied = findings.find(({ about }) => about === "check cloudwatch")
        assert.deepInclude(denied, { level: "fail" })
        assert.include(denied?.words ?? "", "cloudwatch:DescribeAlarms is not allowed")
      }),
    )
  })
})
