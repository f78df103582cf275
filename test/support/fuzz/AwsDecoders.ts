import { createHash } from "node:crypto"
import { Effect, Layer, Result, Schema } from "effect"
import fc from "fast-check"
import { cidr } from "../../../src/domain/Cidr.ts"
import { InstanceId, InterfaceId, RouteTableId, VpcId } from "../../../src/domain/Ids.ts"
import { readAlarmMessage } from "../../../src/domain/AlarmEvent.ts"
import type { Vpc } from "../../../src/domain/Vpc.ts"
import * as AwsEc2 from "../../../src/services/ec2/AwsEc2.ts"
import * as AwsInstanceStatuses from "../../../src/services/ec2/AwsInstanceStatuses.ts"
import * as AwsPreflight from "../../../src/services/ec2/AwsPreflight.ts"
import { defaultTopology } from "../../../src/services/ec2/DefaultTopology.ts"
import { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import { whereAmI } from "../../../src/services/ec2/Metadata.ts"
import { Preflight } from "../../../src/services/ec2/Preflight.ts"
import * as AwsAlarmQueue from "../../../src/services/health/cloudwatch/AwsAlarmQueue.ts"
import * as AwsAlarms from "../../../src/services/health/cloudwatch/AwsAlarms.ts"
import { instance } from "../../integration/metadata/MetadataServer.ts"
import { arnOf, stateChange } from "../cloudwatch/StateChange.ts"
import { awsEnvironment, withEnvironment } from "../ec2/AwsEnvironment.ts"
import { answerXml, described, errorXml, statusXml } from "../ec2/Ec2WireXml.ts"
import { bytesOf, type Decoder, pure, textOf, told } from "./Decoder.ts"
import type { Reply, StandIn } from "./StandIn.ts"

const { vpc } = defaultTopology
const xml = "text/xml;charset=UTF-8"
const cell = { table: RouteTableId("rtb-1"), cidr: cidr("10.66.17.0/24") }

const answerTo = (action: string): string => {
  const shows = described[action]
  const set = shows === undefined ? undefined : shows(vpc)
  return answerXml(action, "request-1", set === undefined ? { return: true } : { [set.element]: set.items })
}

/** The AWS layer, to which one action is answered with the bytes, and all others as EC2 does. */
const ec2 = (standIn: StandIn, action: string, status = 200) =>
  Effect.gen(function* () {
    yield* withEnvironment(awsEnvironment(standIn.endpoint))
    const layer = yield* Layer.build(AwsEc2.layer({ vpcId: vpc.id }))
    const answering = (bytes: Uint8Array): void =>
      standIn.answerBy((request): Reply =>
        request.action === action ? { status, type: xml, body: bytes } : { type: xml, body: answerTo(request.action) },
      )
    return { answering, port: yield* Effect.provideContext(Ec2, layer) }
  })

const Texts = Schema.Array(Schema.String)
const Shape = Schema.Struct({
  ids: Texts,
  optional: Schema.Array(Schema.UndefinedOr(Schema.String)),
  flags: Schema.Array(Schema.Boolean),
})
const decodeShape = Schema.decodeUnknownSync(Shape)

/** Throws if anything in it is not of the type that it is said to have: the SDK hands on what it finds. */
const wellShaped = (found: Vpc): Vpc => {
  const tables = [...found.tables.values()]
  const interfaces = [...found.interfaces.values()]
  const routes = tables.flatMap((table) => table.routes)
  const targets = [...routes, ...tables.flatMap(({ prefixListRoutes }) => prefixListRoutes)].map(({ target }) => target)
  decodeShape({
    ids: [
      found.id,
      ...found.cidrs,
      ...found.tables.keys(),
      ...[...found.instances].flat(),
      ...tables.flatMap(({ id, subnets, tags }) => [id, ...subnets, ...[...tags].flat()]),
      ...routes.flatMap(({ destination, origin, state }) => [destination, origin, state]),
      ...tables.flatMap((table) => table.prefixListRoutes.map(({ prefixListId }) => prefixListId)),
      ...targets.flatMap((target) => (target._tag === "Other" ? [target.kind, target.id] : [])),
      ...interfaces.flatMap(({ addresses, id }) => [id, ...addresses]),
    ],
    optional: [
      found.ownerId,
      ...interfaces.flatMap(({ instanceId, ownerId, zone }) => [instanceId, ownerId, zone]),
      ...targets.flatMap((target) => (target._tag === "Other" ? [] : [target.instanceId, target.ownerId])),
      ...targets.flatMap((target) => (target._tag === "Interface" ? [target.interfaceId] : [])),
    ],
    flags: [
      ...tables.flatMap(({ edge, main }) => [edge, main]),
      ...interfaces.flatMap(({ requesterManaged, sourceDestCheck }) => [requesterManaged, sourceDestCheck]),
    ],
  })
  return found
}

const errorCodes = ["RequestLimitExceeded", "UnauthorizedOperation", "InvalidRoute.NotFound", "InternalError"] as const

const describeCalls = ["DescribeVpcs", "DescribeRouteTables", "DescribeNetworkInterfaces", "DescribeInstances"]

const readings = describeCalls.map((action): Decoder => ({
  name: `EC2's answer to ${action}`,
  files: [
    "src/services/ec2/AwsEc2.ts",
    "src/services/ec2/AwsEc2Decode.ts",
    "src/services/ec2/AwsEc2Target.ts",
    "src/services/ec2/AwsClient.ts",
    "src/services/ec2/ReadSnapshot.ts",
    "src/services/AwsTransport.ts",
  ],
  costly: true,
  valid: fc.constant(bytesOf(answerTo(action))),
  open: (standIn) =>
    Effect.map(
      ec2(standIn, action),
      ({ answering, port }) =>
        (bytes) =>
          told(
            Effect.andThen(
              Effect.sync(() => answering(bytes)),
              Effect.map(port.snapshot, wellShaped),
            ),
          ),
    ),
}))

const writes: ReadonlyArray<Decoder> = [
  {
    name: "EC2's answer to a write",
    files: ["src/services/ec2/AwsConfirmation.ts"],
    costly: true,
    valid: fc.constant(bytesOf(answerTo("ReplaceRoute"))),
    open: (standIn) =>
      Effect.map(
        ec2(standIn, "ReplaceRoute"),
        ({ answering, port }) =>
          (bytes) =>
            told(
              Effect.andThen(
                Effect.sync(() => answering(bytes)),
                port.replaceRoute(cell, InterfaceId("eni-1")),
              ),
            ),
      ),
  },
  {
    name: "EC2's errors",
    files: ["src/services/AwsThrown.ts", "src/services/AwsCallWords.ts", "src/services/ec2/AwsEc2Error.ts"],
    costly: true,
    valid: fc.constantFrom(...errorCodes).map((code) => bytesOf(errorXml(code, "what EC2 says of it", "request-1"))),
    open: (standIn) =>
      Effect.gen(function* () {
        const { answering, port } = yield* ec2(standIn, "DeleteRoute", 400)
        return (bytes) =>
          Effect.sync(() => answering(bytes)).pipe(
            Effect.andThen(port.deleteRoute(cell)),
            // An error is what is to be read here; one of another code is no error of EC2's.
            Effect.flip,
            Effect.flatMap((error) =>
              Effect.fromResult(
                errorCodes.some((code) => code === error.code) ? Result.succeed(error) : Result.fail(error),
              ),
            ),
            told,
          )
      }),
  },
  {
    name: "EC2's answer to DescribeInstanceStatus",
    files: ["src/services/ec2/AwsInstanceStatuses.ts"],
    costly: true,
    valid: fc.constantFrom("ok" as const, "impaired" as const).map((result) =>
      bytesOf(
        answerXml("DescribeInstanceStatus", "request-1", {
          instanceStatusSet: [
            statusXml([
              InstanceId("i-1"),
              {
                state: "running",
                checks: { system: result, instance: "ok", ebs: "ok" },
                events: [{ id: "e-1", code: "system-reboot", description: "a reboot", notBefore: 1_790_000_000_000 }],
              },
            ]),
          ],
        }),
      ),
    ),
    open: (standIn) =>
      Effect.gen(function* () {
        yield* withEnvironment(awsEnvironment(standIn.endpoint))
        const { read } = yield* AwsInstanceStatuses.make(undefined)
        return (bytes) => {
          standIn.answerBy(() => ({ type: xml, body: bytes }))
          return told(read([InstanceId("i-1")]))
        }
      }),
  },
  {
    name: "EC2's answer to DescribeManagedPrefixLists",
    files: ["src/services/ec2/AwsPreflight.ts"],
    costly: true,
    valid: fc.constant(
      bytesOf(
        answerXml("DescribeManagedPrefixLists", "request-1", {
          prefixListSet: [{ prefixListId: "pl-1", addressFamily: "IPv4", maxEntries: 20, state: "create-complete" }],
        }),
      ),
    ),
    open: (standIn) =>
      Effect.gen(function* () {
        yield* withEnvironment(awsEnvironment(standIn.endpoint))
        const built = yield* Layer.build(AwsPreflight.layer({ region: "us-east-1", vpcId: VpcId("vpc-1") }))
        const { prefixLists } = yield* Effect.provideContext(Preflight, built)
        return (bytes) => {
          standIn.answerBy(() => ({ type: xml, body: bytes }))
          return told(prefixLists(["pl-1"]))
        }
      }),
  },
]

const now = Date.UTC(2026, 10, 23, 12)
const event = fc
  .record({
    value: fc.constantFrom("OK" as const, "ALARM" as const, "INSUFFICIENT_DATA" as const),
    at: fc.constantFrom(now, now - 800),
    name: fc.constantFrom("router-a is down", "état"),
  })
  .map((plan) => JSON.stringify(stateChange(plan)))

const json = "application/x-amz-json-1.0"

const alarms: ReadonlyArray<Decoder> = [
  {
    name: "an alarm event",
    files: ["src/domain/AlarmEvent.ts", "src/services/health/cloudwatch/AlarmEvents.ts"],
    valid: event.map(bytesOf),
    open: pure((bytes) => {
      const message = readAlarmMessage(textOf(bytes), now)
      return message._tag === "Malformed" ? Result.fail(message.why) : Result.succeed(message)
    }),
  },
  {
    name: "SQS's answer to ReceiveMessage",
    files: ["src/services/health/cloudwatch/AwsAlarmQueue.ts", "src/services/health/cloudwatch/AlarmCalls.ts"],
    costly: true,
    valid: event.map((Body) => {
      const MD5OfBody = createHash("md5").update(Body).digest("hex")
      return bytesOf(JSON.stringify({ Messages: [{ MessageId: "m-1", ReceiptHandle: "r-1", MD5OfBody, Body }] }))
    }),
    open: (standIn) =>
      Effect.gen(function* () {
        yield* withEnvironment(awsEnvironment(standIn.endpoint))
        const queueUrl = `${standIn.endpoint}/123456789012/alarms`
        const queue = yield* AwsAlarmQueue.make({ region: "us-east-1", queueUrl })
        return (bytes) => {
          standIn.answerBy(() => ({ type: json, body: bytes }))
          return told(
            Effect.map(queue.receive(1), (messages) => messages.map(({ body }) => readAlarmMessage(body, now)._tag)),
          )
        }
      }),
  },
  {
    name: "CloudWatch's answer to DescribeAlarms",
    files: ["src/services/health/cloudwatch/AwsAlarms.ts", "src/services/health/cloudwatch/AwsAlarmDecode.ts"],
    costly: true,
    valid: fc.constantFrom("OK", "ALARM").map((StateValue) =>
      bytesOf(
        JSON.stringify({
          MetricAlarms: [
            {
              AlarmName: "router-a is down",
              AlarmArn: arnOf("router-a is down"),
              Namespace: "AWS/EC2",
              MetricName: "StatusCheckFailed",
              Dimensions: [{ Name: "InstanceId", Value: "i-1" }],
              StateValue,
              StateReason: "Threshold Crossed",
              StateUpdatedTimestamp: 1_790_000_000.123,
            },
          ],
          CompositeAlarms: [],
        }),
      ),
    ),
    open: (standIn) =>
      Effect.gen(function* () {
        yield* withEnvironment(awsEnvironment(standIn.endpoint))
        const scope = { prefixes: [""], names: new Set(["zone b"]), hostsOf: new Map() }
        return (bytes) => {
          standIn.answerBy(() => ({ type: json, body: bytes }))
          // Made anew each time, since its calls keep to a rate.
          return AwsAlarms.make({ region: undefined, scope }).pipe(
            Effect.flatMap(({ poll }) => poll),
            Effect.scoped,
            told,
          )
        }
      }),
  },
]

const texts = instance("us-east-1", [["02:42:ac:11:00:02", "eni-1", "vpc-350d6a51"]])
const separator = "\n;\n"

const metadata: Decoder = {
  name: "instance metadata",
  files: ["src/services/ec2/Metadata.ts"],
  costly: true,
  valid: fc.constant(bytesOf(["a-token==", ...Object.values(texts)].join(separator))),
  open: (standIn) =>
    Effect.succeed((bytes) => {
      // One text for all that is asked, in this order.
      const paths = ["api/token", ...Object.keys(texts)]
      const answers = Buffer.from(bytes).toString("latin1").split(separator)
      standIn.answerBy(({ path }) => {
        const body = answers[paths.findIndex((known) => path.endsWith(known))]
        return body === undefined ? { status: 404, body: "" } : { body: Buffer.from(body, "latin1") }
      })
      return told(whereAmI({ vpcId: undefined, region: undefined }, standIn.endpoint))
    }),
}

export const awsDecoders: ReadonlyArray<Decoder> = [...readings, ...writes, ...alarms, metadata]
