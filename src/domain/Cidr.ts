import { Brand, Result } from "effect"
import { IpInterface, IpNetwork, NetAddress } from "effect/net"
import type { Family, Ip } from "./Ip.ts"

/** A CIDR in canonical text: no host bits, RFC 5952 for IPv6. It is what EC2 stores, so equal ranges are equal strings. */
export type Cidr = Brand.Branded<string, "Cidr">
const canonical = Brand.nominal<Cidr>()

/** A parsed CIDR, and whether host bits had to be cleared, as EC2 clears them. */
export interface ParsedCidr {
  readonly cidr: Cidr
  readonly hadHostBits: boolean
}

/** Parses `address/prefix`; host bits are cleared. The failure says what is wrong, without repeating the input. */
export const parseCidr = (text: string): Result.Result<ParsedCidr, string> =>
  Result.mapBoth(IpInterface.fromString(text, { prefix: "required" }), {
    onFailure: (error) => error.message,
    onSuccess: ofInterface,
  })

/** The range that a parsed `address/prefix` lies in. */
export const ofInterface = (parsed: IpInterface.IpInterface): ParsedCidr => {
  const network = IpNetwork.fromInterface(parsed)
  const hadHostBits = NetAddress.formatIp(network.address) !== NetAddress.formatIp(parsed.address)
  return { cidr: canonical(IpNetwork.format(network)), hadHostBits }
}

/** As {@link parseCidr}, for literals in tests and tools: throws on a bad one. */
export const cidr = (text: string): Cidr =>
  Result.getOrThrowWith(parseCidr(text), (problem) => new Error(`"${text}" is not a CIDR: ${problem}`)).cidr

/** The range that holds only this address: /32 or /128. */
export const ofIp = (address: Ip): Cidr => canonical(`${address}/${address.includes(":") ? 128 : 32}`)

/** The address family, read off the canonical text. */
export const familyOf = (range: Cidr): Family => (range.includes(":") ? 6 : 4)

/** `0.0.0.0/0` or `::/0`. */
export const isDefaultRoute = (range: Cidr): boolean => range === "0.0.0.0/0" || range === "::/0"

/** Whether every address of `inner` lies in `outer`. A range contains itself; families never mix. */
export const contains = (outer: Cidr, inner: Cidr): boolean =>
  outer === inner ||
  (familyOf(outer) === familyOf(inner) &&
    IpNetwork.containsNetwork(IpNetwork.fromStringUnsafe(outer), IpNetwork.fromStringUnsafe(inner)))

/** Whether any of `ranges` contains `inner`. */
export const containedInAny = (ranges: Iterable<Cidr>, inner: Cidr): boolean => {
  for (const range of ranges) if (contains(range, inner)) return true
  return false
}
