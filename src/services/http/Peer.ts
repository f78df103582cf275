import { Option, Result } from "effect"
import { NetAddress } from "effect/net"

/** IPv4-mapped IPv6 (`::ffff:127.0.0.1`), as sockets that serve both families show it, is IPv4. */
const unmapped = (address: NetAddress.IpAddress): NetAddress.IpAddress =>
  NetAddress.isIpv6Address(address) ? Option.getOrElse(NetAddress.fromIpv4Mapped(address), () => address) : address

const parse = (address: string): NetAddress.IpAddress | undefined =>
  Option.getOrUndefined(Option.map(Result.getSuccess(NetAddress.ipFromString(address)), unmapped))

/** The canonical text of an address; undefined: it is none. */
export const canonicalAddress = (address: string): string | undefined => {
  const parsed = parse(address)
  return parsed === undefined ? undefined : NetAddress.formatIp(parsed)
}

/** A socket's address in the same form, without its zone (`%eth0`). */
export const socketAddress = (address: string | undefined): string | undefined =>
  address === undefined ? undefined : canonicalAddress(address.replace(/%.*$/, ""))

/** Whether a socket's remote address is loopback: 127.0.0.0/8 or ::1. One that is not known is not. */
export const isLoopback = (address: string | undefined): boolean => {
  const parsed = address === undefined ? undefined : parse(address)
  return parsed !== undefined && NetAddress.isLoopback(parsed)
}

/** Whether it stands for every address of the machine: `0.0.0.0` or `::`. */
export const isWildcard = (address: string): boolean => {
  const parsed = parse(address)
  return parsed !== undefined && NetAddress.isUnspecified(parsed)
}
