import { Effect } from "effect"
import { cidr } from "../../../src/domain/Cidr.ts"
import { AccountId, InstanceId, InterfaceId, RouteTableId, SubnetId, VpcId } from "../../../src/domain/Ids.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"
import { defaultTopology } from "../../../src/services/ec2/DefaultTopology.ts"
import * as SimulatedHosts from "../../../src/services/ec2/SimulatedHosts.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import type { Topology } from "../../../src/services/ec2/Topology.ts"
import type { Stand, StandHost } from "./Contract.ts"

/** The default topology, without latency. */
export const standTopology: Topology = { ...defaultTopology, latencyMillis: 0 }

const host = (serial: string, ...addresses: ReadonlyArray<Ip>): StandHost => ({
  addresses,
  interfaceId: InterfaceId(`eni-${serial}`),
  instanceId: InstanceId(`i-${serial}`),
})

const primary = ({ addresses: [first] }: StandHost): Ip => {
  if (first === undefined) throw new Error("a host without an address")
  return first
}

/** The stand in the simulated VPC. */
export const simulatedStand = Effect.gen(function* () {
  const simulation = yield* Simulation
  const stand: Stand = {
    vpcId: VpcId("vpc-350d6a51"),
    ownerId: AccountId("123456789012"),
    ranges: [cidr("10.33.0.0/16"), cidr("2600:1f18:33:3300::/56")],
    main: RouteTableId("rtb-00main"),
    tableA: RouteTableId("rtb-0a20"),
    subnetA: SubnetId("subnet-0a20"),
    tableB: RouteTableId("rtb-0b30"),
    a: host("0a20093", ip("10.33.20.93"), ip("10.33.20.94"), ip("2600:1f18:33:3320::93")),
    b: host("0b30022", ip("10.33.30.22"), ip("2600:1f18:33:3330::22")),
    checked: host("0c40101", ip("10.33.40.101")),
    internetGateway: "igw-033",
    natGateway: "nat-0a20",
    stop: (one) => Effect.asVoid(Effect.orDie(simulation.change(SimulatedHosts.stop(primary(one))))),
    terminate: (one) => Effect.asVoid(Effect.orDie(simulation.change(SimulatedHosts.terminate(primary(one))))),
  }
  return stand
})
