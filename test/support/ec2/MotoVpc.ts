import {
  AssignIpv6AddressesCommand,
  AssignPrivateIpAddressesCommand,
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateNatGatewayCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSubnetCommand,
  CreateTagsCommand,
  CreateVpcCommand,
  DescribeRouteTablesCommand,
  type EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2"
import { Effect } from "effect"
import { InstanceId, InterfaceId, RouteTableId, SubnetId, VpcId } from "../../../src/domain/Ids.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"

/** A machine to set up: its primary address, which lies in the subnet, and more of them. */
export interface MotoHostPlan {
  readonly subnet: string
  readonly address: string
  readonly secondary?: ReadonlyArray<string>
  /** The last part of an IPv6 address in the subnet's /64, such as `93`. */
  readonly ipv6?: string
  /** Off by default, as a machine that forwards traffic needs it. */
  readonly sourceDestCheck?: boolean
}

/** What to set up. Names are the test's own; moto gives the ids. */
export interface MotoVpcPlan {
  readonly cidr: string
  /** `ipv6` is the subnet's number in the VPC's /56, two hexadecimal digits. */
  readonly subnets: ReadonlyArray<{
    readonly name: string
    readonly zone: string
    readonly cidr: string
    readonly ipv6?: string
  }>
  readonly hosts: ReadonlyArray<MotoHostPlan>
  /** Beside the main table, which is there by itself. */
  readonly tables: ReadonlyArray<{ readonly name: string; readonly subnets: ReadonlyArray<string> }>
}

export interface MotoHost {
  readonly address: Ip
  readonly addresses: ReadonlyArray<Ip>
  readonly interfaceId: InterfaceId
  readonly instanceId: InstanceId
}

/** The VPC that stands. Lookups throw on a name that the plan does not have. */
export interface MotoVpc {
  readonly id: VpcId
  /** The VPC's IPv6 range, `…::/56`, which moto draws at random. */
  readonly ipv6: string
  readonly table: (name: string) => RouteTableId
  readonly subnet: (name: string) => SubnetId
  /** By primary address. */
  readonly host: (address: string) => MotoHost
  readonly internetGateway: string
  readonly natGateway: string
}

/** Three zones, of which two have a route table of their own; the third uses the main one. */
export const threeZones: MotoVpcPlan = {
  cidr: "10.33.0.0/16",
  subnets: [
    { name: "a", zone: "us-east-1a", cidr: "10.33.20.0/24", ipv6: "20" },
    { name: "b", zone: "us-east-1b", cidr: "10.33.30.0/24", ipv6: "30" },
    { name: "c", zone: "us-east-1c", cidr: "10.33.40.0/24" },
  ],
  hosts: [
    { subnet: "a", address: "10.33.20.93", secondary: ["10.33.20.94"], ipv6: "93" },
    { subnet: "a", address: "10.33.20.101" },
    { subnet: "b", address: "10.33.30.22", ipv6: "22" },
    { subnet: "b", address: "10.33.30.101" },
    { subnet: "c", address: "10.33.40.11" },
    { subnet: "c", address: "10.33.40.101", sourceDestCheck: true },
  ],
  tables: [
    { name: "a", subnets: ["a"] },
    { name: "b", subnets: ["b"] },
  ],
}

const mustHave = <A>(value: A | null | undefined, what: string): A => {
  if (value === undefined || value === null) throw new Error(`moto gave no ${what}`)
  return value
}

const lookUp =
  <A>(what: string, found: ReadonlyMap<string, A>) =>
  (name: string): A =>
    mustHave(found.get(name), `${what} ${name}`)

/**
 * Sets a VPC up in moto: subnets in their zones, instances with fixed addresses, route tables with their associations,
 * an internet gateway as default route of each further table and a NAT gateway as the main table's.
 */
export const makeMotoVpc = (client: EC2Client, plan: MotoVpcPlan = threeZones): Effect.Effect<MotoVpc> =>
  Effect.promise(async () => {
    const created = await client.send(new CreateVpcCommand({ CidrBlock: plan.cidr, AmazonProvidedIpv6CidrBlock: true }))
    const vpcId = mustHave(created.Vpc?.VpcId, "VPC")
    const ipv6 = mustHave(created.Vpc?.Ipv6CidrBlockAssociationSet?.[0]?.Ipv6CidrBlock, "IPv6 range")
    const inSubnet = (number: string, rest: string): string => ipv6.replace("00::/56", `${number}::${rest}`)

    const subnets = new Map<string, SubnetId>()
    for (const { name, zone, cidr, ipv6: number } of plan.subnets) {
      const subnet = await client.send(
        new CreateSubnetCommand({
          VpcId: vpcId,
          CidrBlock: cidr,
          AvailabilityZone: zone,
          ...(number === undefined ? {} : { Ipv6CidrBlock: inSubnet(number, "/64") }),
        }),
      )
      subnets.set(name, SubnetId(mustHave(subnet.Subnet?.SubnetId, "subnet")))
    }

    const hosts = new Map<string, MotoHost>()
    for (const host of plan.hosts) {
      const ran = await client.send(
        new RunInstancesCommand({
          ImageId: "ami-12c6146b",
          MinCount: 1,
          MaxCount: 1,
          SubnetId: lookUp("subnet", subnets)(host.subnet),
          PrivateIpAddress: host.address,
        }),
      )
      const instance = mustHave(ran.Instances?.[0], "instance")
      const interfaceId = mustHave(instance.NetworkInterfaces?.[0]?.NetworkInterfaceId, "interface")
      if (host.secondary !== undefined) {
        const PrivateIpAddresses = [...host.secondary]
        await client.send(new AssignPrivateIpAddressesCommand({ NetworkInterfaceId: interfaceId, PrivateIpAddresses }))
      }
      const number = plan.subnets.find(({ name }) => name === host.subnet)?.ipv6
      const ipv6Addresses =
        host.ipv6 === undefined ? [] : [inSubnet(mustHave(number, "IPv6 range of the subnet"), host.ipv6)]
      if (ipv6Addresses.length > 0) {
        await client.send(
          new AssignIpv6AddressesCommand({ NetworkInterfaceId: interfaceId, Ipv6Addresses: ipv6Addresses }),
        )
      }
      const SourceDestCheck = { Value: host.sourceDestCheck ?? false }
      await client.send(
        new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: interfaceId, SourceDestCheck }),
      )
      hosts.set(host.address, {
        address: ip(host.address),
        addresses: [host.address, ...(host.secondary ?? []), ...ipv6Addresses].map(ip),
        interfaceId: InterfaceId(interfaceId),
        instanceId: InstanceId(mustHave(instance.InstanceId, "instance")),
      })
    }

    const gateway = await client.send(new CreateInternetGatewayCommand({}))
    const internetGateway = mustHave(gateway.InternetGateway?.InternetGatewayId, "internet gateway")
    await client.send(new AttachInternetGatewayCommand({ InternetGatewayId: internetGateway, VpcId: vpcId }))
    const firstSubnet = mustHave(subnets.values().next().value, "subnet")
    const nat = await client.send(new CreateNatGatewayCommand({ SubnetId: firstSubnet, ConnectivityType: "private" }))
    const natGateway = mustHave(nat.NatGateway?.NatGatewayId, "NAT gateway")

    const described = await client.send(
      new DescribeRouteTablesCommand({ Filters: [{ Name: "vpc-id", Values: [vpcId] }] }),
    )
    const main = RouteTableId(mustHave(described.RouteTables?.[0]?.RouteTableId, "main table"))
    const tables = new Map<string, RouteTableId>([["main", main]])
    await client.send(
      new CreateRouteCommand({ RouteTableId: main, DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: natGateway }),
    )
    for (const { name, subnets: associated } of plan.tables) {
      const table = await client.send(new CreateRouteTableCommand({ VpcId: vpcId }))
      const id = RouteTableId(mustHave(table.RouteTable?.RouteTableId, "route table"))
      tables.set(name, id)
      await client.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: "Name", Value: name }] }))
      for (const subnet of associated) {
        const SubnetId = lookUp("subnet", subnets)(subnet)
        await client.send(new AssociateRouteTableCommand({ RouteTableId: id, SubnetId }))
      }
      await client.send(
        new CreateRouteCommand({ RouteTableId: id, DestinationCidrBlock: "0.0.0.0/0", GatewayId: internetGateway }),
      )
    }

    return {
      id: VpcId(vpcId),
      ipv6,
      table: lookUp("route table", tables),
      subnet: lookUp("subnet", subnets),
      host: lookUp("host", hosts),
      internetGateway,
      natGateway,
    }
  })
