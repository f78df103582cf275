import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { awsCli } from "../../support/cloudwatch/AwsCli.ts"
import { stateChange } from "../../support/cloudwatch/StateChange.ts"
import { allHealthy, carried } from "../../support/daemon/Look.ts"
import { a, b, stand } from "../../support/daemon/Stand.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { applied } from "./Terraform.ts"

const text = readFileSync(new URL("../../../docs/cloudwatch.md", import.meta.url), "utf8")
const blocks = (language: string) =>
  [...text.matchAll(new RegExp("```" + language + "\n([\\s\\S]*?)```", "g"))].map(([, lines = ""]) => lines)

const net = "10.66.17.0/24"
const name = (host: string) => `vpc-router-alarms-router-${host === a ? "a" : "b"}`

/** What CloudWatch tells EventBridge, and moto's does not. */
const tell = (endpoint: string, change: Parameters<typeof stateChange>[0]) => {
  const { detail, resources, source, "detail-type": kind } = stateChange(change)
  const entry = { Source: source, DetailType: kind, Resources: resources, Detail: JSON.stringify(detail) }
  return awsCli(endpoint, `aws events put-events --entries "$ENTRIES"`, { ENTRIES: JSON.stringify([entry]) })
}

const Outputs = Schema.fromJsonString(
  Schema.Struct({
    alarm_queue_url: Schema.Struct({ value: Schema.String }),
    alarms: Schema.Struct({ value: Schema.Array(Schema.String) }),
  }),
)
const decode = Schema.decodeSync(Outputs)

describe("docs/cloudwatch.md", () => {
  it.live(
    "its commands make alarms, queue, rule and policy; a change that EventBridge hears of moves the routes, and its drill does",
    () =>
      Effect.gen(function* () {
        const { endpoint } = yield* Moto
        const standing = yield* stand
        const [alarm = "", queue = "", drill = ""] = blocks("sh")
        assert.lengthOf(blocks("sh"), 3)
        for (const host of [a, b])
          yield* awsCli(endpoint, alarm.replaceAll("vpc-router-alarms-router-a", name(host)), {
            INSTANCE: standing.vpc.host(host).instanceId,
          })
        yield* awsCli(endpoint, queue)
        const policy = yield* awsCli(
          endpoint,
          `aws sqs get-queue-attributes --queue-url $(aws sqs get-queue-url --queue-name vpc-router-alarms --query QueueUrl --output text) --attribute-names Policy --query Attributes.Policy --output text
         aws events describe-rule --name vpc-router-alarms --query Arn --output text`,
        )
        const [statement = "", rule = ""] = policy.trim().split("\n")
        assert.deepInclude(JSON.parse(statement).Statement[0], {
          Principal: { Service: "events.amazonaws.com" },
          Condition: { ArnEquals: { "aws:SourceArn": rule } },
        })

        const url = `${standing.island.endpoint}/123456789012/vpc-router-alarms`
        const daemon = yield* standing.daemon("-m", "http", "--health", "cloudwatch", "--alarm-queue-url", url)
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        yield* allHealthy(daemon)
        const first = yield* carried(daemon, net)
        const second = first === a ? b : a
        yield* awsCli(endpoint, drill.replaceAll("vpc-router-alarms-router-a", name(first)))
        yield* carried(daemon, net, second)
        const { failed_hosts } = yield* daemon.status
        assert.include(failed_hosts[0]?.reason ?? "", `alarm ${name(first)}: a drill`)

        const healed = { name: name(first), instance: standing.vpc.host(first).instanceId, value: "OK" } as const
        yield* tell(endpoint, { ...healed, at: Date.now() })
        yield* allHealthy(daemon)
        // No rule lets this one through.
        yield* tell(endpoint, { ...healed, name: `other ${name(second)}`, value: "ALARM", at: Date.now() })
        yield* tell(endpoint, { ...healed, name: name(second), value: "ALARM", at: Date.now() })
        yield* carried(daemon, net, first)
      }).pipe(Effect.scoped, Effect.provide(Moto.layer)),
  )

  it.live(
    "its terraform makes the same, where there are terraform and its AWS provider; a second plan is empty",
    () => {
      const [root = ""] = blocks("hcl")
      const both = `${root.replaceAll("./deploy/terraform", "./module")}
output "alarms" {
  value = module.vpc_router_alarms.alarms
}
`
      return applied(both, (outputs) =>
        Effect.gen(function* () {
          const { endpoint } = yield* Moto
          const { alarm_queue_url, alarms } = decode(outputs)
          assert.deepStrictEqual(alarms.value, ["vpc-router-alarms-router-a", "vpc-router-alarms-router-b"])
          const change = { instance: "i-0123456789abcdef0", value: "ALARM", at: Date.now() } as const
          yield* tell(endpoint, { ...change, name: "another alarm" })
          yield* tell(endpoint, { ...change, name: "vpc-router-alarms-router-a" })
          const received = yield* awsCli(
            endpoint,
            `aws sqs receive-message --queue-url ${alarm_queue_url.value} --max-number-of-messages 10 --query 'Messages[].Body' --output text
           aws cloudwatch describe-alarms --query 'MetricAlarms[].TreatMissingData' --output text`,
          )
          assert.match(received, /"alarmName": ?"vpc-router-alarms-router-a"/)
          assert.notInclude(received, "another alarm")
          assert.match(received, /breaching\tbreaching/)
        }).pipe(Effect.scoped, Effect.orDie),
      )
    },
  )
})
