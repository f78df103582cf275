import { Result } from "effect"
import fc from "fast-check"
import { type Cidr, parseCidr } from "../../../src/domain/Cidr.ts"
import { AccountId, InstanceId, InterfaceId, RouteTableId } from "../../../src/domain/Ids.ts"
import { type Ip, ip } from "../../../src/domain/Ip.ts"

/** Destinations as people write them: some twice, with and without host bits; inside the VPC; default routes. */
const destinationTexts = [
  "10.66.17.0/24",
  "10.66.17.93/24",
  "10.66.0.0/16",
  "192.168.7.1/32",
  "0.0.0.0/0",
  "10.33.20.0/24",
  "10.33.20.77/24",
  "172.16.9.9/12",
  "2001:DB8:FF::1/48",
  "2001:db8:ff:0::/48",
  "::/0",
  "2001:db8:1:20::/64",
] as const

const parsed = (text: string): Cidr =>
  Result.getOrThrowWith(parseCidr(text), (problem) => new Error(`${text}: ${problem}`)).cidr

/** Every destination that a scene can hold. */
export const destinations: ReadonlyArray<Cidr> = [...new Set(destinationTexts.map(parsed))]
/** A destination, through the parser. */
export const anyDestination: fc.Arbitrary<Cidr> = fc.constantFrom(...destinationTexts).map(parsed)
/** Ranges for `--own` and `--ignore-routes`. */
export const anyRange: fc.Arbitrary<Cidr> = fc
  .constantFrom("10.0.0.0/8", "10.66.0.0/16", "10.66.17.0/24", "0.0.0.0/0", "::/0", "10.33.0.0/16", "172.16.0.0/12")
  .map(parsed)

/** The VPC's own ranges. */
export const vpcRanges: ReadonlyArray<Cidr> = ["10.33.0.0/16", "2001:db8:1::/56"].map(parsed)

const v4 = ["10.33.20.1", "10.33.20.2", "10.33.20.3", "10.33.20.4", "10.33.30.5", "10.33.30.6"].map(ip)
const v6 = ["2001:db8:1:20::a", "2001:db8:1:20::b", "2001:db8:1:30::c"].map(ip)
/** Hosts that a VPC may have. */
export const hosts: ReadonlyArray<Ip> = [...v4, ...v6]
/** A host of no VPC. */
export const strangers: ReadonlyArray<Ip> = ["10.99.0.1", "2001:db8:99::1"].map(ip)

/** Hosts that a spec may list for a destination: its family, and sometimes one that is in no VPC. */
export const hostsFor = (destination: Cidr): ReadonlyArray<Ip> =>
  [...hosts, ...strangers].filter((host) => host.includes(":") === destination.includes(":"))

export const interfaceIds: ReadonlyArray<InterfaceId> = ["a", "b", "c", "d", "e", "f", "g"].map((x) =>
  InterfaceId(`eni-${x}`),
)
export const instanceIds: ReadonlyArray<InstanceId> = ["a", "b", "c", "d", "e", "f", "g"].map((x) =>
  InstanceId(`i-${x}`),
)
export const tableIds: ReadonlyArray<RouteTableId> = ["1", "2", "3", "4"].map((x) => RouteTableId(`rtb-${x}`))
export const ourAccount = AccountId("111111111111")
export const otherAccount = AccountId("222222222222")
