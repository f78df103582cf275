import { canonicalAddress } from "./Peer.ts"

const authority = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]@/?#\\]+))(?::([0-9]{1,5}))?$/i

/**
 * The host of a `Host` header (`name`, `name:port`, `[::1]:port`), without its port: an address in canonical form, a
 * name in lower case. Undefined: it is no such header.
 */
export const hostOf = (header: string): string | undefined => {
  const [, bracketed, plain] = authority.exec(header) ?? []
  if (bracketed !== undefined) return canonicalAddress(bracketed)
  return plain === undefined ? undefined : (canonicalAddress(plain) ?? plain.toLowerCase())
}

/** A name as an option gives it, in the form of {@link hostOf}: with or without a port, IPv6 with or without brackets. */
export const nameOf = (option: string): string => canonicalAddress(option) ?? hostOf(option) ?? option.toLowerCase()

/** The port that an `Origin` of scheme http leaves out. */
const withoutDefaultPort = (header: string): string => header.toLowerCase().replace(/:80$/, "")

/** Whether a page of `origin` came from the server that it calls `host`: scheme http, the same name, the same port. */
export const isSameOrigin = (origin: string, host: string): boolean =>
  origin.toLowerCase() === `http://${withoutDefaultPort(host)}`
