import { StopInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { cidr } from "../../../src/domain/Cidr.ts"
import { AccountId, InterfaceId } from "../../../src/domain/Ids.ts"
import * as AwsEc2 from "../../../src/services/ec2/AwsEc2.ts"
import { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import { awsClient } from "../../support/ec2/AwsClient.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { makeMotoVpc } from "../../support/ec2/MotoVpc.ts"
import { contract, type ContractCase, destination, interfaceOf, refusal, routeAt, type Stand } from "./Contract.ts"

/** Where moto 5.2.1 is not like EC2: what it does in place of the promise of that name. */
const differences: Readonly<Record<string, { readonly moto: string; readonly case: ContractCase }>> = {
  "a route to an interface also names its instance and owner": {
    moto: "names the interface only",
    case: Effect.fnUntraced(function* (subject) {
      const { ec2, stand } = subject
      const cell = { table: stand.tableA, cidr: destination }
      yield* ec2.createRoute(cell, stand.a.interfaceId)
      const target = (yield* routeAt(subject, cell))?.target
      assert.deepInclude(target, { _tag: "Interface", interfaceId: stand.a.interfaceId, instanceId: undefined })
    }),
  },
  "creating a route that is there is refused, asks for a new reading, and changes nothing": {
    moto: "overwrites the route",
    case: Effect.fnUntraced(function* (subject) {
      const { ec2, stand } = subject
      const cell = { table: stand.tableA, cidr: destination }
      yield* ec2.createRoute(cell, stand.a.interfaceId)
      yield* ec2.createRoute(cell, stand.b.interfaceId)
      assert.strictEqual(interfaceOf(yield* routeAt(subject, cell)), stand.b.interfaceId)
    }),
  },
  "a replace that is refused leaves the route as it was": {
    moto: "loses the route's target",
    case: Effect.fnUntraced(function* (subject) {
      const { ec2, stand } = subject
      const cell = { table: stand.tableA, cidr: cidr("0.0.0.0/0") }
      const error = yield* refusal(ec2.replaceRoute(cell, InterfaceId("eni-0123456789abcdef0")))
      assert.strictEqual(error.code, "InvalidNetworkInterfaceID.NotFound")
      assert.deepInclude((yield* routeAt(subject, cell))?.target, { _tag: "Other", kind: "Unknown" })
    }),
  },
  "a destination inside the VPC that is no whole subnet is refused": {
    moto: "takes it",
    case: ({ ec2, stand }) =>
      ec2.createRoute({ table: stand.tableA, cidr: cidr("10.33.20.0/25") }, stand.a.interfaceId),
  },
  "a destination that EC2 keeps for itself is refused": {
    moto: "takes it",
    case: ({ ec2, stand }) =>
      ec2.createRoute({ table: stand.tableA, cidr: cidr("169.254.169.254/32") }, stand.a.interfaceId),
  },
  "a local route can neither be created again nor deleted": {
    moto: "deletes it",
    case: Effect.fnUntraced(function* (subject) {
      const { ec2, stand } = subject
      const cell = { table: stand.tableA, cidr: cidr("10.33.0.0/16") }
      yield* ec2.deleteRoute(cell)
      assert.isUndefined(yield* routeAt(subject, cell))
    }),
  },
  "a stopped instance's route is a blackhole": {
    moto: "keeps it active",
    case: Effect.fnUntraced(function* (subject) {
      const { ec2, stand } = subject
      const cell = { table: stand.tableA, cidr: destination }
      yield* ec2.createRoute(cell, stand.a.interfaceId)
      yield* stand.stop(stand.a)
      assert.strictEqual((yield* ec2.snapshot).instances.get(stand.a.instanceId), "stopped")
      assert.strictEqual((yield* routeAt(subject, cell))?.state, "active")
    }),
  },
  "a terminated instance's route is a blackhole and its interface is gone": {
    moto: "keeps the route active and the interface attached",
    case: Effect.fnUntraced(function* (subject) {
      const { ec2, stand } = subject
      const cell = { table: stand.tableA, cidr: destination }
      yield* ec2.createRoute(cell, stand.a.interfaceId)
      yield* stand.terminate(stand.a)
      const vpc = yield* ec2.snapshot
      assert.strictEqual(vpc.instances.get(stand.a.instanceId), "terminated")
      assert.strictEqual(vpc.interfaces.get(stand.a.interfaceId)?.instanceId, stand.a.instanceId)
      assert.strictEqual((yield* routeAt(subject, cell))?.state, "active")
    }),
  },
  "writes are throttled after a burst, each kind by itself": {
    moto: "never throttles",
    case: ({ ec2, stand }) =>
      Effect.forEach(
        Array.from({ length: 60 }, (_, n) => cidr(`10.66.${n}.0/24`)),
        (range) => ec2.createRoute({ table: stand.tableA, cidr: range }, stand.a.interfaceId),
        { discard: true },
      ),
  },
}

const unknown = Object.keys(differences).filter((name) => !contract.some(([known]) => known === name))
if (unknown.length > 0) throw new Error(`no such promises: ${unknown.join("; ")}`)

const motoStand = Effect.gen(function* () {
  const moto = yield* Moto
  yield* moto.reset
  const client = yield* awsClient(moto.endpoint)
  const vpc = yield* makeMotoVpc(client)
  const stand: Stand = {
    vpcId: vpc.id,
    ownerId: AccountId("123456789012"),
    ranges: [cidr("10.33.0.0/16"), cidr(vpc.ipv6)],
    main: vpc.table("main"),
    tableA: vpc.table("a"),
    subnetA: vpc.subnet("a"),
    tableB: vpc.table("b"),
    a: vpc.host("10.33.20.93"),
    b: vpc.host("10.33.30.22"),
    checked: vpc.host("10.33.40.101"),
    internetGateway: vpc.internetGateway,
    natGateway: vpc.natGateway,
    stop: ({ instanceId }) =>
      Effect.promise(() => client.send(new StopInstancesCommand({ InstanceIds: [instanceId] }))),
    terminate: ({ instanceId }) =>
      Effect.promise(() => client.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }))),
  }
  return stand
})

describe("the Ec2 port on the AWS SDK, against moto", () => {
  layer(Moto.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    for (const [name, promise] of contract) {
      const difference = differences[name]
      it.effect(difference === undefined ? name : `moto differs (${difference.moto}): ${name}`, () =>
        Effect.gen(function* () {
          yield* withEnvironment(awsEnvironment((yield* Moto).endpoint))
          const stand = yield* motoStand
          const context = yield* Layer.build(AwsEc2.layer({ vpcId: stand.vpcId }))
          const ec2 = yield* Ec2.pipe(Effect.provide(context))
          yield* (difference?.case ?? promise)({ ec2, stand })
        }),
      )
    }
  })
})
