import { Schema } from "effect"
import { IpNetwork, type IpInterface, NetAddress } from "effect/net"

/** EC2 refuses these as destinations, and everything inside them (VPC user guide, "Subnet route tables"). */
export const refusedDestinations: ReadonlyArray<IpNetwork.IpNetwork> = [
  IpNetwork.fromStringUnsafe("169.254.168.0/22"),
  IpNetwork.fromStringUnsafe("fd00:ec2::/32"),
]

const ipv4Mapped = IpNetwork.fromStringUnsafe("::ffff:0:0/96")

const liesIn = (inner: IpNetwork.IpNetwork, outer: IpNetwork.IpNetwork): boolean =>
  inner.address._tag === outer.address._tag && IpNetwork.containsNetwork(outer, inner)

const destinationFault = (parsed: IpInterface.IpInterface): string | undefined => {
  const destination = IpNetwork.fromInterface(parsed)
  const refused = refusedDestinations.find((range) => liesIn(destination, range))
  if (refused !== undefined) return `EC2 refuses routes to ${IpNetwork.format(refused)} and to anything inside it`
  return liesIn(destination, ipv4Mapped) ? "this is an IPv4-mapped IPv6 range; write it as an IPv4 CIDR" : undefined
}

/** The destination of a route, `address/prefix`; host bits are still there. */
export const Destination = Schema.String.check(
  Schema.makeFilter((text: string) => text.includes("/") || "it has no prefix length"),
).pipe(Schema.decodeTo(Schema.IpInterfaceFromString.check(Schema.makeFilter(destinationFault))))

// Kinds of address that no network interface in a VPC can have.
const hostFault = (address: NetAddress.IpAddress): string | undefined => {
  if (NetAddress.isLoopback(address)) return "this is a loopback address"
  if (NetAddress.isLinkLocal(address)) return "this is a link-local address"
  if (NetAddress.isMulticast(address)) return "this is a multicast address"
  if (NetAddress.isIpv6Address(address)) {
    if (NetAddress.isUnspecified(address)) return "this is the unspecified address"
    return NetAddress.isIpv4Mapped(address) ? "this is an IPv4-mapped IPv6 address; write it as IPv4" : undefined
  }
  if (NetAddress.isBroadcast(address)) return "this is the broadcast address"
  return NetAddress.ipv4ToOctets(address)[0] === 0 ? 'this is in 0.0.0.0/8, "this network"' : undefined
}

// What people write in place of an address, told more plainly than a parser can.
const hostTextFault = (text: string): string | undefined => {
  if (text.includes("/")) return "a host is one address, without a prefix length"
  if (/^[\d.]+:\d+$/.test(text)) return "a host is an address without a port"
  return /^[^:]*[g-z][^:]*$/i.test(text) ? "names are not looked up" : undefined
}

/** The address of a host that may carry a route. */
export const HostAddress = Schema.String.check(Schema.makeFilter(hostTextFault)).pipe(
  Schema.decodeTo(Schema.IpAddressFromString.check(Schema.makeFilter(hostFault))),
)
