import { checksum, encodeRequest, type OwnMark } from "../../../src/services/health/IcmpPacket.ts"

/** A reply as it arrives. */
export interface Arrival {
  readonly family: 4 | 6
  readonly message: Uint8Array
  readonly source: string
}

/** A whole number from 0 to below `size`. */
export type Throw = (size: number) => number

interface Asked {
  readonly host: string
  readonly sequence: number
}

/** What the host that was asked would send. IPv4 with its header and right checksums, as whoever forges one makes them. */
export const genuine = (own: OwnMark, { host, sequence }: Asked, optionWords = 0): Arrival => {
  const family = host.includes(":") ? 6 : 4
  return sealed(family, host, encodeRequest(family, { ...own, sequence }), optionWords)
}

const sealed = (family: 4 | 6, source: string, echo: Uint8Array, optionWords: number): Arrival => {
  const reply = Uint8Array.from(echo)
  reply[0] = family === 4 ? 0 : 129
  if (family === 6) return { family, message: reply, source }
  reply[2] = 0
  reply[3] = 0
  const sum = checksum(reply)
  reply[2] = sum >> 8
  reply[3] = sum & 0xff
  const message = new Uint8Array(20 + 4 * optionWords + reply.length)
  message[0] = 0x45 + optionWords
  message[9] = 1
  message.set(reply, 20 + 4 * optionWords)
  return { family, message, source }
}

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const changed = Uint8Array.from(bytes)
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return changed
}

const randomBytes = (dice: Throw, length: number): Uint8Array => Uint8Array.from({ length }, () => dice(256))

type Forgery = (own: OwnMark, asked: Asked, dice: Throw) => Arrival

const others = ["10.214.9.9", "10.99.0.1", "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1"] as const
const others6 = ["fd00:214::9", "::1", "fe80::1%eth0", "::ffff:10.214.0.1", "ff02::1"] as const

/** In each of them one thing at the least is not as the host would send it; all else, checksums included, is. */
const forgeries: ReadonlyArray<Forgery> = [
  // Off the path nobody knows the cookie: one bit of it is wrong, or all of it is a guess.
  ({ cookie, identifier }, asked, dice) => genuine({ identifier, cookie: flipped(cookie, dice(64)) }, asked, dice(11)),
  ({ identifier }, asked, dice) => genuine({ identifier, cookie: randomBytes(dice, 8) }, asked),
  ({ identifier }, asked) => genuine({ identifier, cookie: new Uint8Array(8) }, asked),
  // Another process of this machine, or an opening before.
  ({ cookie, identifier }, asked, dice) =>
    genuine({ cookie, identifier: (identifier + 1 + dice(0xffff)) & 0xffff }, asked),
  // To a probe that was not sent, or not to this host.
  (own, { host, sequence }, dice) => genuine(own, { host, sequence: (sequence + 1 + dice(0xffff)) & 0xffff }),
  // From somebody else.
  (own, { host, sequence }, dice) => {
    const from = host.includes(":") ? others6 : others
    return { ...genuine(own, { host, sequence }), source: from[dice(from.length)] ?? "" }
  },
  // No echo reply: another type, another code.
  (own, asked, dice) => {
    const { family, message, source } = genuine(own, asked)
    const echo = message.slice(family === 4 ? 20 : 0)
    const { message: again } = sealed(family, source, echo, 0)
    const at = family === 4 ? 20 : 0
    const byte = dice(2)
    again[at + byte] = ((again[at + byte] ?? 0) + 1 + dice(255)) & 0xff
    if (family === 4) {
      again[at + 2] = 0
      again[at + 3] = 0
      const sum = checksum(again.subarray(at))
      again[at + 2] = sum >> 8
      again[at + 3] = sum & 0xff
    }
    return { family, message: again, source }
  },
  // Cut off, or shifted by some bytes.
  (own, asked, dice) => {
    const { message, ...rest } = genuine(own, asked)
    return { ...rest, message: message.subarray(0, dice(message.length)) }
  },
  (own, asked, dice) => {
    const { message, ...rest } = genuine(own, asked)
    return { ...rest, message: Uint8Array.from([...randomBytes(dice, 1 + dice(7)), ...message]) }
  },
  // Of the other family.
  (own, asked) => {
    const { family, ...rest } = genuine(own, asked)
    return { ...rest, family: family === 4 ? 6 : 4 }
  },
  // Our own question, as a socket on loopback hears it.
  (own, { host, sequence }) => {
    const family = host.includes(":") ? 6 : 4
    const header = family === 4 ? [0x45, ...Array<number>(8).fill(0), 1, ...Array<number>(10).fill(0)] : []
    const message = Uint8Array.from([...header, ...encodeRequest(family, { ...own, sequence })])
    return { family, message, source: host }
  },
  (_, { host }, dice) => ({
    family: host.includes(":") ? 6 : 4,
    message: randomBytes(dice, dice(80)),
    source: host,
  }),
]

/** A reply that nobody who was asked has sent. */
export const forged: Forgery = (own, asked, dice) =>
  (forgeries[dice(forgeries.length)] ?? (() => genuine(own, asked)))(own, asked, dice)
