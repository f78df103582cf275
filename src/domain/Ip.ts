import { Brand, Result } from "effect"
import { NetAddress } from "effect/net"

/** An IPv4 or IPv6 address in its canonical text (RFC 5952 for IPv6), so that equal addresses are equal strings. */
export type Ip = Brand.Branded<string, "Ip">
const canonical = Brand.nominal<Ip>()

/** `4` or `6`. */
export type Family = 4 | 6

/** Parses an address without prefix, port or zone. The failure says what is wrong, without repeating the input. */
export const parseIp = (text: string): Result.Result<Ip, string> =>
  Result.mapBoth(NetAddress.ipFromString(text), { onFailure: (error) => error.message, onSuccess: ofAddress })

/** The canonical text of a parsed address. */
export const ofAddress = (address: NetAddress.IpAddress): Ip => canonical(NetAddress.formatIp(address))

/** As {@link parseIp}, for literals in tests and tools: throws on a bad one. */
export const ip = (text: string): Ip =>
  Result.getOrThrowWith(parseIp(text), (problem) => new Error(`"${text}" is not an IP address: ${problem}`))

/** The address family, read off the canonical text. */
export const familyOf = (address: Ip): Family => (address.includes(":") ? 6 : 4)
