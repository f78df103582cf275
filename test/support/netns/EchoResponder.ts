/**
 * A program that answers pings in place of the kernel, each after a random delay: `node EchoResponder.ts LEAST MOST SEED [FORGED]`, milliseconds. It
 * answers for whatever address of this namespace was asked, and prints "ready" once it does. With FORGED, each ping gets so many answers,
 * in each of which cookie, identifier or sequence are not those of the ping, and how many were sent is printed. The kernel's own answers
 * have to be off.
 */
import { createRequire } from "node:module"
import { writeSync } from "node:fs"
import { checksum } from "../../../src/services/health/IcmpPacket.ts"
import { randomness } from "../detection/Randomness.ts"

const [, , least = "0", most = "0", seed = "1", forgeries = "0"] = process.argv

// The package has no types; see src/services/health/RawSocket.ts.
const raw: {
  readonly createSocket: (options: { readonly protocol: number }) => {
    readonly on: (event: string, listener: (message: Buffer, source: string) => void) => void
    readonly send: (buffer: Buffer, offset: number, length: number, to: string, after: () => void) => void
    readonly setOption: (level: number, option: number, value: number) => void
  }
} = createRequire(import.meta.url)("raw-socket")

const icmp = 1
const socket = raw.createSocket({ protocol: icmp })
// IPPROTO_IP, IP_HDRINCL: we write the IP header, so that the answer comes from the address that was asked.
socket.setOption(0, 3, 1)

const random = randomness(Number(seed))

/** The answer to a ping, with its IP header, after what `change` does to the echo. */
const answerTo = (message: Buffer, headerLength: number, change: (echo: Buffer) => void): Buffer => {
  const body = Buffer.from(message.subarray(headerLength))
  body[0] = 0
  change(body)
  body.writeUInt16BE(0, 2)
  body.writeUInt16BE(checksum(body), 2)
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + body.length, 2)
  header[8] = 64
  header[9] = icmp
  message.copy(header, 12, 16, 20)
  message.copy(header, 16, 12, 16)
  return Buffer.concat([header, body])
}

/** Behind type, code and checksum: two bytes of identifier, two of sequence, and the cookie. One bit of them, any one. */
const forge = (echo: Buffer): void => {
  const bit = Math.floor(random() * 12 * 8)
  const at = 4 + (bit >> 3)
  echo[at] = (echo[at] ?? 0) ^ (1 << (bit & 7))
}

let forged = 0
socket.on("message", (message, source) => {
  const headerLength = ((message[0] ?? 0) & 0xf) * 4
  // Echo requests only.
  if (message[headerLength] !== 8) return
  const send = (answer: Buffer): void => socket.send(answer, 0, answer.length, source, () => undefined)
  if (forgeries !== "0") {
    for (let count = 0; count < Number(forgeries); count++) send(answerTo(message, headerLength, forge))
    writeSync(1, `${(forged += Number(forgeries))}\n`)
    return
  }
  const answer = answerTo(message, headerLength, () => undefined)
  const delay = Number(least) + random() * (Number(most) - Number(least))
  setTimeout(() => send(answer), delay)
})
writeSync(1, "ready\n")
