import { StopInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { InstanceId } from "../../../src/domain/Ids.ts"
import { ip } from "../../../src/domain/Ip.ts"
import type { InstanceStatus } from "../../../src/domain/InstanceStatus.ts"
import * as AwsInstanceStatuses from "../../../src/services/ec2/AwsInstanceStatuses.ts"
import { defaultTopology } from "../../../src/services/ec2/DefaultTopology.ts"
import type { Ec2Error } from "../../../src/services/ec2/Ec2.ts"
import type { InstanceStatuses } from "../../../src/services/ec2/InstanceStatuses.ts"
import * as SimulatedInstanceStatuses from "../../../src/services/ec2/SimulatedInstanceStatuses.ts"
import { stop, terminate } from "../../../src/services/ec2/SimulatedHosts.ts"
import { schedule, setCheck } from "../../../src/services/ec2/SimulatedStatuses.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { awsClient } from "../../support/ec2/AwsClient.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { serveEc2 } from "../../support/ec2/Ec2Wire.ts"
import { FaultProxy } from "../../support/ec2/FaultProxy.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { makeMotoVpc } from "../../support/ec2/MotoVpc.ts"

/** Three running instances, and what may happen to them. */
interface Subject {
  readonly statuses: InstanceStatuses["Service"]
  readonly a: InstanceId
  readonly b: InstanceId
  readonly c: InstanceId
  readonly stop: (instance: InstanceId) => Effect.Effect<void>
  readonly terminate: (instance: InstanceId) => Effect.Effect<void>
}

const fine = { system: "ok", instance: "ok" } as const

type Unexpected = Ec2Error | ReadonlyMap<InstanceId, InstanceStatus>

const contract: ReadonlyArray<readonly [promise: string, (subject: Subject) => Effect.Effect<void, Unexpected>]> = [
  [
    "running instances are told with their checks, and no others than were asked for",
    Effect.fnUntraced(function* ({ a, b, statuses }) {
      const found = yield* statuses.read([a, b])
      assert.deepStrictEqual([...found.keys()].toSorted(), [a, b].toSorted())
      for (const { checks, events, state } of found.values()) {
        assert.strictEqual(state, "running")
        assert.deepInclude(checks, fine)
        assert.deepStrictEqual(events, [])
      }
    }),
  ],
  [
    "instances that are stopped or terminated are told as well",
    Effect.fnUntraced(function* ({ a, b, c, statuses, stop, terminate }) {
      yield* stop(a)
      yield* terminate(b)
      const found = yield* statuses.read([a, b, c])
      assert.deepStrictEqual(
        [a, b, c].map((id) => found.get(id)?.state),
        ["stopped", "terminated", "running"],
      )
    }),
  ],
  [
    "an instance that EC2 does not know fails the call, which names it",
    Effect.fnUntraced(function* ({ a, statuses }) {
      const stranger = InstanceId("i-0123456789abcdef0")
      const { code, message } = yield* Effect.flip(statuses.read([a, stranger]))
      assert.strictEqual(code, "InvalidInstanceID.NotFound")
      assert.include(message, stranger)
      assert.notInclude(message, a)
    }),
  ],
]

const [hostA, hostB, hostC] = [ip("10.33.20.93"), ip("10.33.20.101"), ip("10.33.30.22")] as const
const [a, b, c] = [InstanceId("i-0a20093"), InstanceId("i-0a20101"), InstanceId("i-0b30022")] as const
const hostOf = (id: InstanceId) => (id === a ? hostA : id === b ? hostB : hostC)

const simulated = Effect.fnUntraced(function* (statuses: InstanceStatuses["Service"]) {
  const { change } = yield* Simulation
  return {
    statuses,
    a,
    b,
    c,
    stop: (id: InstanceId) => Effect.orDie(change(stop(hostOf(id)))),
    terminate: (id: InstanceId) => Effect.orDie(change(terminate(hostOf(id)))),
  }
})

const inProcess = Effect.flatMap(Simulation, (simulation) => simulated(SimulatedInstanceStatuses.make(simulation)))

const overTheWire = (largestPage: number) =>
  Effect.gen(function* () {
    const { endpoint } = yield* serveEc2({ largestPage })
    yield* withEnvironment(awsEnvironment(endpoint))
    return yield* simulated(yield* AwsInstanceStatuses.make(undefined))
  })

const subjects = [
  ["in process", inProcess],
  ["over EC2's wire", overTheWire(1_000)],
  ["over EC2's wire in pages of two", overTheWire(2)],
] as const

describe.each(subjects)("the status of instances of the simulated VPC, %s", (_, subject) => {
  for (const [promise, holds] of contract)
    it.live(promise, () =>
      Effect.flatMap(subject, holds).pipe(Effect.provide(Simulation.layer(defaultTopology)), Effect.scoped),
    )

  it.live("checks that are impaired, and events to come, are told", () =>
    Effect.gen(function* () {
      const { statuses } = yield* subject
      const { change } = yield* Simulation
      const event = {
        id: "event-1",
        code: "instance-stop",
        description: "hardware fails",
        notBefore: 1_800_000_000_000,
      }
      yield* change(setCheck(hostA, "system", "impaired"))
      yield* change(setCheck(hostA, "ebs", "insufficient-data"))
      yield* change(schedule(hostA, [event]))
      const found = (yield* statuses.read([a])).get(a)
      assert.deepStrictEqual(found?.checks, { system: "impaired", instance: "ok", ebs: "insufficient-data" })
      assert.deepStrictEqual(found?.events, [event])
    }).pipe(Effect.provide(Simulation.layer(defaultTopology)), Effect.scoped),
  )
})

layer(Moto.layer, { excludeTestServices: true, timeout: "60 seconds" })("the status of instances of moto", (it) => {
  for (const [promise, holds] of contract)
    it.effect(promise, () =>
      Effect.gen(function* () {
        const { endpoint, reset } = yield* Moto
        yield* reset
        yield* withEnvironment(awsEnvironment(endpoint))
        const client = yield* awsClient(endpoint)
        const vpc = yield* makeMotoVpc(client)
        const ids = (id: InstanceId) => ({ InstanceIds: [id] })
        yield* holds({
          statuses: yield* AwsInstanceStatuses.make(undefined),
          a: vpc.host("10.33.20.93").instanceId,
          b: vpc.host("10.33.20.101").instanceId,
          c: vpc.host("10.33.30.22").instanceId,
          stop: (id) => Effect.promise(() => client.send(new StopInstancesCommand(ids(id)))),
          terminate: (id) => Effect.promise(() => client.send(new TerminateInstancesCommand(ids(id)))),
        })
      }),
    )
})

describe("an answer of DescribeInstanceStatus", () => {
  const answering = (body: string) =>
    Effect.gen(function* () {
      const proxy = yield* FaultProxy
      yield* proxy.addRule({
        action: "DescribeInstanceStatus",
        fault: { _tag: "Answer", status: 200, contentType: "text/xml", body },
      })
      yield* withEnvironment(awsEnvironment(proxy.endpoint))
      return yield* AwsInstanceStatuses.make(undefined)
    })
  const answer = (inner: string) =>
    `<DescribeInstanceStatusResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>${inner}</DescribeInstanceStatusResponse>`
  const proxied = FaultProxy.layer("http://127.0.0.1:9")

  it.live.each([
    ["has no list", answer("")],
    ["is some proxy's page", "<html><body>Welcome</body></html>"],
    [
      "has an instance without a state",
      answer("<instanceStatusSet><item><instanceId>i-1</instanceId></item></instanceStatusSet>"),
    ],
    ["names a next page for ever", answer("<instanceStatusSet/><nextToken>again</nextToken>")],
  ] as const)("that %s is none", ([, body]) =>
    Effect.gen(function* () {
      const statuses = yield* answering(body)
      assert.strictEqual((yield* Effect.flip(statuses.read([InstanceId("i-1")]))).code, "UndecodableAnswer")
    }).pipe(Effect.provide(proxied), Effect.scoped),
  )

  it.live("may have results that we do not know, and events that are over", () =>
    Effect.gen(function* () {
      const event = (id: string, description: string) =>
        `<item><instanceEventId>${id}</instanceEventId><code>system-reboot</code><description>${description}</description></item>`
      const statuses = yield* answering(
        answer(
          "<instanceStatusSet><item><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState>" +
            "<systemStatus><status>wobbly</status></systemStatus><instanceStatus><status>ok</status></instanceStatus>" +
            `<eventsSet>${event("e-2", "[Completed] done")}${event("e-3", "[Canceled] not any more")}${event("e-1", "a  new\nhost")}</eventsSet>` +
            "</item></instanceStatusSet>",
        ),
      )
      assert.deepStrictEqual(
        [...(yield* statuses.read([InstanceId("i-1")]))],
        [
          [
            InstanceId("i-1"),
            {
              state: "running",
              checks: { system: "insufficient-data", instance: "ok", ebs: "not-applicable" },
              events: [{ id: "e-1", code: "system-reboot", description: "a new host", notBefore: undefined }],
            },
          ],
        ],
      )
    }).pipe(Effect.provide(proxied), Effect.scoped),
  )
})
