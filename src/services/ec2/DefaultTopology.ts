import { Result } from "effect"
import { decodeTopology, type Topology } from "./Topology.ts"

/**
 * The VPC that `--simulate` without a file shows: three zones, of which two have a route table of their own and the
 * third uses the main one, six hosts, an internet gateway, a NAT gateway, and a peering that somebody else routes to.
 */
export const defaultTopology: Topology = Result.getOrThrow(
  decodeTopology({
    vpc: { id: "vpc-350d6a51", owner: "123456789012", cidrs: ["10.33.0.0/16", "2600:1f18:33:3300::/56"] },
    subnets: [
      { id: "subnet-0a20", zone: "us-east-1a", cidrs: ["10.33.20.0/24", "2600:1f18:33:3320::/64"] },
      { id: "subnet-0b30", zone: "us-east-1b", cidrs: ["10.33.30.0/24", "2600:1f18:33:3330::/64"] },
      { id: "subnet-0c40", zone: "us-east-1c", cidrs: ["10.33.40.0/24"] },
    ],
    hosts: [
      {
        interface: "eni-0a20093",
        instance: "i-0a20093",
        addresses: ["10.33.20.93", "10.33.20.94", "2600:1f18:33:3320::93"],
      },
      { interface: "eni-0a20101", instance: "i-0a20101", addresses: ["10.33.20.101"] },
      {
        interface: "eni-0b30022",
        instance: "i-0b30022",
        addresses: ["10.33.30.22", "2600:1f18:33:3330::22"],
      },
      { interface: "eni-0b30101", instance: "i-0b30101", addresses: ["10.33.30.101"] },
      { interface: "eni-0c40011", instance: "i-0c40011", addresses: ["10.33.40.11"] },
      { interface: "eni-0c40101", instance: "i-0c40101", addresses: ["10.33.40.101"], sourceDestCheck: true },
      { interface: "eni-0a20250", addresses: ["10.33.20.250"], requesterManaged: true },
    ],
    tables: [
      {
        id: "rtb-00main",
        main: true,
        tags: { Name: "main" },
        routes: [{ destination: "0.0.0.0/0", target: "nat-0a20" }],
      },
      {
        id: "rtb-0a20",
        subnets: ["subnet-0a20"],
        tags: { Name: "zone a" },
        routes: [{ destination: "0.0.0.0/0", target: "igw-033" }],
      },
      {
        id: "rtb-0b30",
        subnets: ["subnet-0b30"],
        tags: { Name: "zone b" },
        routes: [
          { destination: "0.0.0.0/0", target: "nat-0a20" },
          { destination: "172.20.0.0/16", target: "pcx-0172" },
        ],
      },
    ],
    latencyMillis: 25,
  }),
)
