import { CreateRouteCommand, DeleteRouteCommand, DescribeRouteTablesCommand, type EC2Client } from "@aws-sdk/client-ec2"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, type Scope } from "effect"
import { InterfaceId } from "../../../src/domain/Ids.ts"
import { readThrown } from "../../../src/services/AwsThrown.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { decodeTopology } from "../../../src/services/ec2/Topology.ts"
import { awsClient } from "../../support/ec2/AwsClient.ts"
import { serveEc2 } from "../../support/ec2/Ec2Wire.ts"

const topology = Result.getOrThrow(
  decodeTopology({
    vpc: { id: "vpc-1", cidrs: ["10.33.0.0/16"] },
    hosts: [
      { interface: "eni-1", instance: "i-1", addresses: ["10.33.20.93"] },
      { interface: "eni-2", instance: "i-2", addresses: ["10.33.20.94"] },
      { interface: "eni-3", instance: "i-2", addresses: ["10.33.20.95"] },
    ],
    tables: [{ id: "rtb-1", main: true }],
  }),
)

const table = "rtb-1"

const onWire = <A, E>(
  use: (client: EC2Client) => Effect.Effect<A, E, Simulation | Scope.Scope>,
): Effect.Effect<A, E, Scope.Scope> =>
  Effect.gen(function* () {
    const client = yield* awsClient((yield* serveEc2()).endpoint)
    return yield* use(client)
  }).pipe(Effect.provide(Simulation.layer(topology)))

const send = <A>(call: () => Promise<A>) => Effect.tryPromise({ try: call, catch: readThrown })

const routes = Effect.flatMap(Simulation, (simulation) =>
  Effect.map(simulation.truth, (vpc) => [...vpc.tables.values()].flatMap((one) => one.routes)),
)

describe("the simulated VPC on EC2's wire", () => {
  it.live("clears host bits of a destination", () =>
    onWire((client) =>
      Effect.gen(function* () {
        const input = { RouteTableId: table, DestinationCidrBlock: "10.66.17.99/24", NetworkInterfaceId: "eni-1" }
        yield* send(() => client.send(new CreateRouteCommand(input)))
        assert.isTrue((yield* routes).some(({ destination }) => destination === "10.66.17.0/24"))
      }),
    ),
  )

  it.live("takes an instance for its interface, if it has only one", () =>
    onWire((client) =>
      Effect.gen(function* () {
        const input = { RouteTableId: table, DestinationCidrBlock: "10.66.17.0/24" }
        yield* send(() => client.send(new CreateRouteCommand({ ...input, InstanceId: "i-1" })))
        const made = (yield* routes).find(({ destination }) => destination === "10.66.17.0/24")
        assert.isTrue(made?.target._tag === "Interface" && made.target.interfaceId === InterfaceId("eni-1"))
        const other = { ...input, DestinationCidrBlock: "10.66.18.0/24", InstanceId: "i-2" }
        const error = yield* Effect.flip(send(() => client.send(new CreateRouteCommand(other))))
        assert.strictEqual(error.code, "InvalidInstanceID")
      }),
    ),
  )

  it.live("writes nothing on a dry run", () =>
    onWire((client) =>
      Effect.gen(function* () {
        const input = { RouteTableId: table, DestinationCidrBlock: "10.66.17.0/24", NetworkInterfaceId: "eni-1" }
        const error = yield* Effect.flip(send(() => client.send(new CreateRouteCommand({ ...input, DryRun: true }))))
        assert.strictEqual(error.code, "DryRunOperation")
        assert.lengthOf(yield* routes, 1)
      }),
    ),
  )

  const wrong: ReadonlyArray<readonly [what: string, code: string, call: (client: EC2Client) => Promise<object>]> = [
    [
      "a page of four tables",
      "InvalidParameterValue",
      (client) => client.send(new DescribeRouteTablesCommand({ MaxResults: 4 })),
    ],
    [
      "a page of 101 tables",
      "InvalidParameterValue",
      (client) => client.send(new DescribeRouteTablesCommand({ MaxResults: 101 })),
    ],
    [
      "a filter that is not there",
      "InvalidParameterValue",
      (client) => client.send(new DescribeRouteTablesCommand({ Filters: [{ Name: "colour", Values: ["red"] }] })),
    ],
    [
      "a token of another call",
      "InvalidNextToken",
      (client) => client.send(new DescribeRouteTablesCommand({ NextToken: btoa("DescribeVpcs 2") })),
    ],
    [
      "two destinations",
      "InvalidParameterCombination",
      (client) =>
        client.send(
          new DeleteRouteCommand({
            RouteTableId: table,
            DestinationCidrBlock: "10.66.17.0/24",
            DestinationIpv6CidrBlock: "2001:db8::/32",
          }),
        ),
    ],
    [
      "an IPv6 range in the IPv4 field",
      "InvalidParameterValue",
      (client) => client.send(new DeleteRouteCommand({ RouteTableId: table, DestinationCidrBlock: "2001:db8::/32" })),
    ],
  ]
  for (const [what, code, call] of wrong) {
    it.live(`refuses ${what}`, () =>
      onWire((client) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* Effect.flip(send(() => call(client)))).code, code)
        }),
      ),
    )
  }
})
