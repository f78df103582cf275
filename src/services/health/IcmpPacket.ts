import type { Family } from "../../domain/Ip.ts"

/** What tells our echo packets from everybody else's. */
export interface Echo {
  /** 0–65535. */
  readonly identifier: number
  /** 0–65535. */
  readonly sequence: number
  /** Eight bytes that only we and the hosts we asked know. */
  readonly cookie: Uint8Array
}

// RFC 792 and RFC 4443: type, code, checksum, identifier, sequence; then the data that the reply repeats.
const types = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const
const headerLength = 8
const cookieLength = 8

/** The Internet checksum (RFC 1071) of whole bytes; 0 over a packet that carries its own right checksum. */
export const checksum = (bytes: Uint8Array): number => {
  let sum = 0
  for (let index = 0; index < bytes.length; index += 2) sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** An echo request of 16 bytes. The checksum of ICMPv6 covers the IP header and is left to the kernel. */
export const encodeRequest = (family: Family, { cookie, identifier, sequence }: Echo): Uint8Array => {
  const bytes = new Uint8Array(headerLength + cookieLength)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, types[family].request)
  view.setUint16(4, identifier)
  view.setUint16(6, sequence)
  bytes.set(cookie.subarray(0, cookieLength), headerLength)
  if (family === 4) view.setUint16(2, checksum(bytes))
  return bytes
}

/**
 * Reads an echo reply as a raw socket delivers it: IPv4 with its IP header, IPv6 without. `undefined` for anything else,
 * and for an IPv4 packet with a wrong checksum (of ICMPv6 the kernel checks it).
 */
export const decodeReply = (family: Family, message: Uint8Array): Echo | undefined => {
  const bytes = family === 4 ? payloadOfIpv4(message) : message
  if (bytes === undefined || bytes.length < headerLength + cookieLength) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint8(0) !== types[family].reply || view.getUint8(1) !== 0) return undefined
  if (family === 4 && checksum(bytes) !== 0) return undefined
  return {
    identifier: view.getUint16(4),
    sequence: view.getUint16(6),
    cookie: bytes.subarray(headerLength, headerLength + cookieLength),
  }
}

/** What all our requests carry. */
export type OwnMark = Pick<Echo, "cookie" | "identifier">

/** The sequence of a reply to one of our own requests, as {@link decodeReply} reads it; undefined: it is none. */
export const sequenceOfOwn = (own: OwnMark, family: Family, message: Uint8Array): number | undefined => {
  const echo = decodeReply(family, message)
  return echo?.identifier === own.identifier && sameCookie(echo.cookie, own.cookie) ? echo.sequence : undefined
}

/** Whether two cookies are the same. */
export const sameCookie = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])

// RFC 791: version and header length in words share the first byte; the protocol is the tenth.
const payloadOfIpv4 = (message: Uint8Array): Uint8Array | undefined => {
  const first = message[0] ?? 0
  const length = (first & 0xf) * 4
  return first >> 4 === 4 && length >= 20 && message[9] === 1 ? message.subarray(length) : undefined
}
