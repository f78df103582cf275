import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { InstanceId } from "../../../src/domain/Ids.ts"
import type { Vpc } from "../../../src/domain/Vpc.ts"
import { RouteTarget } from "../../../src/domain/Vpc.ts"
import { decodeTarget } from "../../../src/services/ec2/AwsEc2Target.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { decodeTopology } from "../../../src/services/ec2/Topology.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { serveEc2 } from "../../support/ec2/Ec2Wire.ts"
import { makeEc2 } from "./AwsEc2Stand.ts"

const targets = [
  ["igw-0001", "GatewayId"],
  ["vgw-0001", "GatewayId"],
  ["vpce-0001", "GatewayId"],
  ["nat-0001", "NatGatewayId"],
  ["tgw-0001", "TransitGatewayId"],
  ["pcx-0001", "VpcPeeringConnectionId"],
  ["eigw-0001", "EgressOnlyInternetGatewayId"],
  ["lgw-0001", "LocalGatewayId"],
  ["cagw-0001", "CarrierGatewayId"],
  ["arn:aws:networkmanager::123456789012:core-network/core-network-0001", "CoreNetworkArn"],
  ["arn:aws:odb:us-east-1:123456789012:odb-network/odbnet-0001", "OdbNetworkArn"],
] as const

const topology = Result.getOrThrow(
  decodeTopology({
    vpc: { id: "vpc-0001", owner: "210987654321", cidrs: ["10.0.0.0/16", "10.1.0.0/16", "2001:db8::/56"] },
    subnets: [
      { id: "subnet-0001", zone: "us-east-1a", cidrs: ["10.0.1.0/24", "2001:db8:0:1::/64"] },
      { id: "subnet-0002", zone: "us-east-1b", cidrs: ["10.1.2.0/24"] },
    ],
    hosts: [
      { interface: "eni-0001", instance: "i-0001", addresses: ["10.0.1.1", "10.0.1.2", "2001:db8:0:1::1"] },
      { interface: "eni-0002", instance: "i-0002", addresses: ["10.1.2.1"], state: "stopped", sourceDestCheck: true },
      { interface: "eni-0003", instance: "i-0003", addresses: ["10.1.2.2"], state: "terminated" },
      { interface: "eni-0004", addresses: ["10.1.2.3"] },
      { interface: "eni-0005", addresses: ["10.1.2.4"], requesterManaged: true, owner: "999999999999" },
      { interface: "eni-0006", addresses: ["2001:db8:0:1::6"], zone: "us-east-1c" },
    ],
    tables: [
      {
        id: "rtb-0001",
        main: true,
        tags: { Name: `<a> & "b"`, "": "" },
        routes: [
          ...targets.map(([target], n) => ({ destination: `172.16.${n}.0/24`, target, gone: n % 2 === 1 })),
          { destination: "192.168.1.0/24", target: "10.0.1.2" },
          { destination: "192.168.2.0/24", target: "i-0002" },
          { destination: "192.168.3.0/24", target: "eni-0003" },
          { destination: "192.168.4.0/24", target: "eni-0004" },
          { destination: "192.168.5.0/24", target: "eni-0005" },
          { destination: "192.168.6.0/24", target: "eni-deleted", gone: true },
          { destination: "2001:db8:ffff::/48", target: "10.0.1.1" },
          { destination: "192.168.1.0/24", target: "vgw-0001", propagated: true },
          { destination: "pl-0001", target: "igw-0001", maxEntries: 7 },
        ],
      },
      { id: "rtb-0002", subnets: ["subnet-0002", "subnet-0001"] },
      { id: "rtb-0003", edge: "igw-0001", routes: [{ destination: "10.0.1.0/24", target: "eni-0001" }] },
    ],
  }),
)

/** The same, whatever the order of its parts. */
const sorted = (vpc: Vpc) => {
  const byText = <A>(items: Iterable<A>) => [...items].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  return {
    ...vpc,
    cidrs: byText(vpc.cidrs),
    instances: byText(vpc.instances),
    interfaces: byText(vpc.interfaces.values()),
    tables: byText(vpc.tables.values()).map((table) => ({
      ...table,
      tags: byText(table.tags),
      subnets: byText(table.subnets),
      routes: byText(table.routes),
    })),
  }
}

describe("every kind of route, interface and table", () => {
  it.live("comes through the wire and the AWS layer as it is", () =>
    Effect.gen(function* () {
      yield* withEnvironment(awsEnvironment((yield* serveEc2({ largestPage: 2 })).endpoint))
      const simulation = yield* Simulation
      const read = yield* (yield* makeEc2(topology.vpc.id)).snapshot
      const truth = yield* simulation.truth
      assert.deepStrictEqual(sorted(read), sorted(truth))

      const main = [...read.tables.values()].find((table) => table.main)
      const kinds = new Map(
        main?.routes.flatMap(({ target }) => (target._tag === "Other" ? [[target.id, target.kind] as const] : [])),
      )
      for (const [id, kind] of targets) assert.strictEqual(kinds.get(id), kind)
      assert.lengthOf(main?.prefixListRoutes ?? [], 1)
      const blackholes = main?.routes
        .filter(({ state }) => state === "blackhole")
        .map(({ destination }) => `${destination}`)
      assert.includeMembers(blackholes ?? [], [
        "172.16.1.0/24",
        "192.168.2.0/24",
        "192.168.3.0/24",
        "192.168.4.0/24",
        "192.168.6.0/24",
      ])
      assert.deepStrictEqual(
        [...read.tables.values()].filter(({ edge }) => edge).map(({ id }) => id),
        ["rtb-0003"],
      )
    }).pipe(Effect.provide(Simulation.layer(topology))),
  )

  it("a target of a kind that is not known yet is nobody's, not an error", () => {
    assert.deepStrictEqual(decodeTarget({}), RouteTarget.Other({ kind: "Unknown", id: "unknown" }))
  })

  it("a route that names an instance only is an instance's", () => {
    const target = decodeTarget({ InstanceId: "i-0001" })
    assert.deepStrictEqual(target, RouteTarget.Instance({ instanceId: InstanceId("i-0001"), ownerId: undefined }))
  })
})
