import { isIPv4, isIPv6 } from "node:net"

/** What a spec file asks for: hosts by destination, all in canonical text. */
export type Asked = ReadonlyMap<string, ReadonlySet<string>>

/** An address in canonical text, by Node and by the URL parser, which writes RFC 5952 as well. */
const address = (text: string): string | undefined => {
  if (isIPv4(text)) return text
  return isIPv6(text) && !text.includes("%") ? new URL(`http://[${text}]`).hostname.slice(1, -1) : undefined
}

const bitsOf = (text: string): string => {
  if (isIPv4(text))
    return text
      .split(".")
      .map((part) => Number(part).toString(2).padStart(8, "0"))
      .join("")
  // The URL parser writes no dotted part, so that groups are all there is.
  const [head = "", tail] = text.split("::")
  const groups = (part: string): ReadonlyArray<string> => part.split(":").filter((group) => group !== "")
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length
  return [...groups(head), ...Array<string>(missing).fill("0"), ...groups(tail ?? "")]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"))
    .join("")
}

const addressOf = (bits: string): string =>
  bits.length === 32
    ? (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)).join(".")
    : (address((bits.match(/.{16}/g) ?? []).map((group) => Number.parseInt(group, 2).toString(16)).join(":")) ?? "")

/** A destination without its host bits, in canonical text. */
const network = (text: string): string | undefined => {
  const [, base = "", length = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const canonical = address(base)
  if (canonical === undefined) return undefined
  const bits = bitsOf(canonical)
  const prefix = Number(length)
  return prefix > bits.length ? undefined : `${addressOf(bits.slice(0, prefix).padEnd(bits.length, "0"))}/${prefix}`
}

/** The keys of the outermost object, with those that are there twice. The text is known to be JSON. */
const outerKeys = (text: string): ReadonlyArray<string> => {
  const keys: Array<string> = []
  let depth = 0
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[^"]/g) ?? []
  const signs = tokens.filter((token) => token.trim() !== "")
  signs.forEach((token, index) => {
    if (token === "{" || token === "[") depth++
    else if (token === "}" || token === "]") depth--
    else if (depth === 1 && token.startsWith('"') && signs[index + 1] === ":") keys.push(JSON.parse(token) as string)
  })
  return keys
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * What the bytes of a spec file ask for; undefined: nothing that can be told for sure. By Node's own parsers alone, a slow
 * and simple reading that shares no code with `src`.
 */
export const askedBy = (bytes: Uint8Array): Asked | undefined => {
  const buffer = Buffer.from(bytes)
  const decoded = buffer.toString("utf8")
  if (!Buffer.from(decoded, "utf8").equals(buffer)) return undefined
  const text = decoded.replace(/^\ufeff/, "")
  const value = parsed(text)
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined
  const keys = outerKeys(text)
  const asked = new Map<string, ReadonlySet<string>>()
  for (const key of keys) {
    const hosts: unknown = Object.getOwnPropertyDescriptor(value, key)?.value
    const destination = network(key)
    if (destination === undefined || asked.has(destination) || !Array.isArray(hosts)) return undefined
    const addresses = hosts.map((host) => (typeof host === "string" ? address(host) : undefined))
    const known = addresses.filter((host) => host !== undefined)
    const isOneFamily = known.every((host) => host.includes(":") === destination.includes(":"))
    if (known.length !== addresses.length || !isOneFamily) return undefined
    asked.set(destination, new Set(known))
  }
  return asked
}
