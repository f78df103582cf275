import { writeFile } from "node:fs/promises"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { motoAlarms } from "../../support/cloudwatch/MotoAlarms.ts"
import { motoQueue } from "../../support/cloudwatch/MotoQueue.ts"
import { stateChange, type StateChangePlan } from "../../support/cloudwatch/StateChange.ts"
import { type RunningDaemon, startDaemon } from "../../support/daemon/Daemon.ts"
import { allHealthy, carried, failed } from "../../support/daemon/Look.ts"
import { a, b, c, everywhere, stand } from "../../support/daemon/Stand.ts"
import type { Fault } from "../../support/ec2/Fault.ts"
import { Moto } from "../../support/ec2/Moto.ts"

const net = "10.66.17.0/24"
const http = ["-m", "http", "--health", "cloudwatch"] as const
const often = ["--alarm-interval", "1"] as const
/** What is heard of sooner, is heard of by the queue. */
const seldom = ["--alarm-interval", "3600"] as const

/** A stand, and a status check alarm for each of these hosts, named after it. */
const alarmed = (...hosts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { endpoint } = yield* Moto
    const alarms = yield* motoAlarms(endpoint)
    const standing = yield* stand
    const nameOf = (host: string) => `${standing.vpc.id} ${host}`
    for (const host of hosts) yield* alarms.put(nameOf(host), { instance: standing.vpc.host(host).instanceId })
    const queue = yield* motoQueue(endpoint, standing.vpc.id)
    const event = (host: string, change: Pick<StateChangePlan, "at" | "value">) =>
      stateChange({ ...change, name: nameOf(host), instance: standing.vpc.host(host).instanceId })
    return {
      ...standing,
      alarms,
      nameOf,
      queue,
      queueArgs: ["--alarm-queue-url", `${standing.island.endpoint}${queue.path}`],
      event,
    }
  })

/** An error as services with a JSON protocol answer it. */
const jsonError = (status: number, code: string, message: string): Fault => ({
  _tag: "Answer",
  status,
  contentType: "application/x-amz-json-1.0",
  body: JSON.stringify({ __type: `com.amazonaws#${code}`, message }),
})

const denied = jsonError(400, "AccessDeniedException", "User: arn:aws:iam::123456789012:role/x is not authorized")

const checkOf = (daemon: RunningDaemon, name: string, state: "up" | "down") =>
  Effect.map(
    daemon.until(`${name} is ${state}`, ({ sources }) =>
      sources.health.checks.some((check) => check.name === name && check.state === state),
    ),
    ({ sources }) => sources.health.checks.find((check) => check.name === name),
  )

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
        assert.include(
          failed_hosts[0]?.reason ?? "",
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

    it.effect(
      "a host that no alarm covers is unwatched at once, gets no route, and is one as soon as it has an alarm",
      () =>
        Effect.gen(function* () {
          const { alarms, carriers, daemon: start, nameOf, vpc } = yield* alarmed(a)
          // A busy router is a healthy one.
          const { instanceId } = vpc.host(b)
          yield* alarms.put(`${nameOf(b)} cpu`, { instance: instanceId, metric: "CPUUtilization" })
          const daemon = yield* start(...http, ...often)
          yield* daemon.post("/route_spec", { [net]: [a, b] })
          yield* carried(daemon, net, a)
          const { hosts } = yield* daemon.status
          const unwatched = hosts.find(({ ip }) => ip === b)
          assert.deepInclude(unwatched, { verdict: "unwatched", able: false })
          assert.include(unwatched?.reason ?? "", `no alarm covers ${instanceId}`)
          const { level } = yield* daemon.logged(`host ${b} is unwatched: cloudwatch: no alarm covers ${instanceId}`)
          assert.strictEqual(level, "warn")
          const { text } = yield* daemon.get("/metrics")
          assert.match(text, /vpc_router_hosts\{verdict="unwatched"\} 1/)
          yield* daemon.until("a condition of it", ({ conditions }) =>
            conditions.some(({ words }) => words === `a host is not watched by cloudwatch: ${b}`),
          )

          yield* alarms.put(nameOf(b), { instance: instanceId, metric: "StatusCheckFailed_System" })
          yield* allHealthy(daemon)
          yield* alarms.set(nameOf(a), "ALARM")
          yield* carried(daemon, net, b)
          yield* alarms.remove(nameOf(b))
          yield* daemon.until("the host is unwatched again", (status) =>
            status.hosts.some(({ ip, verdict }) => ip === b && verdict === "unwatched"),
          )
          assert.deepStrictEqual(yield* carriers(net), everywhere(b))
        }),
    )

    it.effect("an instance that stops loses its routes although no alarm goes off, and before EC2 is read again", () =>
      Effect.gen(function* () {
        const { carriers, daemon: start, stop } = yield* alarmed(a, b)
        const daemon = yield* start(...http, ...seldom, "--ec2-interval", "1", "--route-recheck-interval", "0")
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        yield* allHealthy(daemon)
        const first = yield* carried(daemon, net)
        yield* stop(first)
        const second = yield* carried(daemon, net, first === a ? b : a)
        assert.deepStrictEqual(yield* carriers(net), everywhere(second))
        const { failed_hosts, sources } = yield* daemon.status
        assert.match(failed_hosts[0]?.reason ?? "", /^ec2: /)
        assert.strictEqual(sources.health.name, "cloudwatch,ec2")
      }),
    )

    it.effect(
      "without the right to read alarms the source is down and says which it lacks; routes stay until it has it",
      () =>
        Effect.gen(function* () {
          const { alarms, carriers, daemon: start, nameOf, proxy } = yield* alarmed(a, b)
          const daemon = yield* start(...http, ...often)
          yield* daemon.post("/route_spec", { [net]: [a, b] })
          const first = yield* carried(daemon, net)
          yield* proxy.addRule({ action: "DescribeAlarms", fault: denied })
          const down = yield* checkOf(daemon, "cloudwatch", "down")
          assert.match(down?.why ?? "", /^cloudwatch:DescribeAlarms is not allowed: AccessDeniedException: User:/)
          yield* alarms.set(nameOf(first), "ALARM")
          const { hosts } = yield* daemon.until("all hosts are unknown", (status) =>
            status.hosts.every(({ verdict }) => verdict === "unknown"),
          )
          assert.lengthOf(hosts, 2)
          assert.deepStrictEqual(yield* carriers(net), everywhere(first))
          yield* proxy.clearRules
          yield* carried(daemon, net, first === a ? b : a)
        }),
    )

    it.effect("while CloudWatch throttles on and on, or cannot be reached, the source says so", () =>
      Effect.gen(function* () {
        const { daemon: start, proxy } = yield* alarmed(a)
        yield* proxy.addRule({
          action: "DescribeAlarms",
          times: 1,
          fault: jsonError(400, "ThrottlingException", "Rate exceeded"),
        })
        yield* proxy.addRule({ action: "DescribeAlarms", times: 1, fault: { _tag: "Cut" } })
        const daemon = yield* start(...http, ...often)
        yield* daemon.post("/route_spec", { [net]: [a] })
        const throttled = yield* daemon.logged("health source cloudwatch is down: CloudWatch throttles")
        assert.match(throttled.message, /cloudwatch:DescribeAlarms: ThrottlingException: Rate exceeded/)
        yield* daemon.logged("health source cloudwatch is down: CloudWatch cannot be reached")
        yield* allHealthy(daemon)
      }),
    )

    it.effect("an event on the queue moves the routes while no poll is due, and is removed", () =>
      Effect.gen(function* () {
        const { alarms, carriers, daemon: start, event, nameOf, queue, queueArgs } = yield* alarmed(a, b)
        const daemon = yield* start(...http, ...seldom, ...queueArgs)
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const first = yield* carried(daemon, net)
        const second = first === a ? b : a
        yield* checkOf(daemon, "alarm-queue", "up")
        yield* queue.send("no event at all")
        yield* alarms.set(nameOf(first), "ALARM")
        const at = Date.now()
        yield* queue.send(event(first, { value: "ALARM", at }))
        yield* queue.send(event(first, { value: "ALARM", at }))
        yield* carried(daemon, net, second)
        // Late: it was OK before.
        yield* queue.send(event(first, { value: "OK", at: at - 5_000 }))
        yield* queue.drained
        yield* failed(daemon, first)
        assert.deepStrictEqual(yield* carriers(net), everywhere(second))
        yield* daemon.logged("removed from the alarm queue, as it is no event")
        const { text } = yield* daemon.get("/metrics")
        assert.match(text, /vpc_router_alarm_messages_total\{kind="change"\} 3\n/)
        assert.match(text, /vpc_router_alarm_messages_total\{kind="malformed"\} 1\n/)
        assert.match(text, /vpc_router_alarm_polls_total\{result="done"\} 1\n/)
        assert.match(text, /vpc_router_check_up\{check="alarm-queue"\} 1\n/)
        yield* queue.send(event(first, { value: "OK", at: at + 1 }))
        yield* allHealthy(daemon)
        // It waits for messages, 20 s at a time, and ends all the same.
        const from = performance.now()
        yield* daemon.signal("SIGTERM")
        assert.strictEqual((yield* daemon.exit).code, 0)
        assert.isBelow(performance.now() - from, 10_000)
      }),
    )

    it.effect("a queue that is not there, denied or throttled is shown; polls go on, and the source stays up", () =>
      Effect.gen(function* () {
        const { alarms, daemon: start, event, nameOf, proxy, queue, queueArgs } = yield* alarmed(a, b)
        yield* proxy.addRule({
          action: "ReceiveMessage",
          fault: jsonError(400, "QueueDoesNotExist", "The specified queue does not exist."),
        })
        const daemon = yield* start(...http, ...often, ...queueArgs)
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const first = yield* carried(daemon, net)
        const missing = yield* checkOf(daemon, "alarm-queue", "down")
        assert.match(missing?.why ?? "", /^SQS refuses sqs:ReceiveMessage: QueueDoesNotExist/)
        yield* proxy.clearRules
        yield* proxy.addRule({ action: "ReceiveMessage", fault: denied })
        yield* daemon.until("it is denied", ({ sources }) =>
          sources.health.checks.some(({ why }) => why?.startsWith("sqs:ReceiveMessage is not allowed") === true),
        )
        yield* proxy.clearRules
        yield* proxy.addRule({ action: "ReceiveMessage", fault: jsonError(400, "RequestThrottled", "Rate exceeded") })
        yield* daemon.until("it is throttled", ({ sources }) =>
          sources.health.checks.some(({ why }) => why?.includes("RequestThrottled") === true),
        )
        yield* alarms.set(nameOf(first), "ALARM")
        yield* carried(daemon, net, first === a ? b : a)
        assert.strictEqual((yield* daemon.status).sources.health.state, "up")
        yield* proxy.clearRules
        yield* checkOf(daemon, "alarm-queue", "up")
        yield* proxy.addRule({ action: "DescribeAlarms", fault: { _tag: "Hang" } })
        yield* queue.send(event(first, { value: "OK", at: Date.now() + 1_000 }))
        yield* daemon.until("it is healthy by the queue", ({ hosts }) =>
          hosts.every(({ verdict }) => verdict === "healthy"),
        )
      }),
    )

    it.effect("composite alarms, by a file that says which hosts they are for", () =>
      Effect.gen(function* () {
        const { daemon: start, island, proxy } = yield* alarmed()
        let value = "OK"
        // moto makes no composite alarms: the proxy adds one to its answer.
        const composite = () => ({
          AlarmName: "zone c has no way out",
          AlarmArn: "arn:aws:cloudwatch:us-east-1:123456789012:alarm:zone c has no way out",
          AlarmRule: "ALARM(nat) AND ALARM(link)",
          StateValue: value,
          StateReason: `it is ${value}`,
          StateUpdatedTimestamp: Date.now() / 1000,
        })
        yield* proxy.addRule({
          action: "DescribeAlarms",
          fault: {
            _tag: "Rewrite",
            change: (body) => JSON.stringify({ ...JSON.parse(body), CompositeAlarms: [composite()] }),
          },
        })
        const map = `${island.folder}/alarms.json`
        yield* Effect.promise(() => writeFile(map, JSON.stringify({ "zone c has no way out": [c], "not there": [a] })))
        const daemon = yield* start(...http, ...often, "--alarm-map", map)
        yield* daemon.post("/route_spec", { [net]: [a, c] })
        yield* carried(daemon, net, c)
        yield* daemon.logged("alarm not there: there is no such alarm")
        value = "ALARM"
        const { failed_hosts } = yield* failed(daemon, c)
        assert.include(failed_hosts[0]?.reason ?? "", "alarm zone c has no way out: it is ALARM")
      }),
    )

    it.effect("an alarm on the last page counts, behind 500 others on five pages", () =>
      Effect.gen(function* () {
        const { alarms, daemon: start, nameOf, proxy } = yield* alarmed(a, b)
        const others = Array.from({ length: 500 }, (_, index) => ({
          AlarmName: `other ${index}`,
          AlarmArn: `arn:aws:cloudwatch:us-east-1:123456789012:alarm:other ${index}`,
          Namespace: "AWS/EC2",
          MetricName: "StatusCheckFailed",
          Dimensions: [{ Name: "InstanceId", Value: `i-${index}` }],
          StateValue: "ALARM",
          StateUpdatedTimestamp: 1_790_000_000,
        }))
        // moto gives all at once: five pages of others come before what it has.
        let page = 0
        const paged = (body: string) => {
          const at = page++ % 6
          if (at === 5) return body
          const MetricAlarms = others.slice(100 * at, 100 * at + 100)
          return JSON.stringify({ MetricAlarms, CompositeAlarms: [], NextToken: `after page ${at}` })
        }
        yield* proxy.addRule({ action: "DescribeAlarms", fault: { _tag: "Rewrite", change: paged } })
        const daemon = yield* start(...http, ...often)
        yield* daemon.post("/route_spec", { [net]: [a, b] })
        const first = yield* carried(daemon, net)
        yield* allHealthy(daemon)
        yield* alarms.set(nameOf(first), "ALARM")
        yield* carried(daemon, net, first === a ? b : a)
        const asked = (yield* proxy.requests).flatMap(({ action, form }) =>
          action === "DescribeAlarms" ? [/after page \d/.exec([...form.keys()].join())?.[0] ?? "the first"] : [],
        )
        const [one, two, three, four, five] = [0, 1, 2, 3, 4].map((at) => `after page ${at}`)
        assert.deepStrictEqual(asked.slice(0, 7), ["the first", one, two, three, four, five, "the first"])
      }),
    )

    it.effect("a map with faults keeps it from starting, and all of them are told", () =>
      Effect.gen(function* () {
        const { island, vpc } = yield* alarmed()
        const map = `${island.folder}/faulty.json`
        yield* Effect.promise(() => writeFile(map, JSON.stringify({ one: "10.0.0.300", two: [] })))
        const args = ["-r", "us-east-1", "-v", vpc.id, ...http, "--alarm-map", map]
        const daemon = yield* startDaemon(island, { args })
        assert.strictEqual((yield* daemon.exit).code, 1)
        assert.match(daemon.errors(), /--alarm-map.*\$\["one"\]: expected a host's IP address/)
        assert.match(daemon.errors(), /--alarm-map.*\$\["two"\]: expected at least one host/)
      }),
    )
  })
})
