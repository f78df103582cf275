import { createRequire } from "node:module"
import { isMainThread } from "node:worker_threads"
import { Effect, Predicate, type Scope } from "effect"
import type { Family } from "../../domain/Ip.ts"
import { ProbeUnavailable } from "./Probe.ts"

/** What is used of a socket of the package raw-socket (which is CommonJS and has no types). */
interface Socket {
  readonly on: (event: "message" | "error" | "close", listener: (...news: ReadonlyArray<unknown>) => void) => unknown
  readonly send: (
    buffer: Buffer,
    offset: number,
    length: number,
    address: string,
    after: (error: unknown) => void,
  ) => unknown
  readonly setOption: (level: number, option: number, value: number | Buffer, length?: number) => unknown
  readonly close: () => unknown
  /** Reads one packet, if there is one; else it emits an error. */
  readonly onRecvReady: () => unknown
  /** Sends the first packet that waits. */
  readonly onSendReady: () => unknown
}

interface RawSocketModule {
  readonly createSocket: (options: { readonly protocol: number; readonly addressFamily: number }) => unknown
}

const isModule = (loaded: unknown): loaded is RawSocketModule =>
  Predicate.hasProperty(loaded, "createSocket") && Predicate.isFunction(loaded.createSocket)

const isSocket = (created: unknown): created is Socket =>
  (["on", "send", "setOption", "close", "onRecvReady", "onSendReady"] as const).every(
    (name) => Predicate.hasProperty(created, name) && Predicate.isFunction(created[name]),
  )

/** An ICMP socket that is open. */
export interface IcmpSocket {
  /** Sends one packet now; `failed` says why it did not leave this machine. */
  readonly send: (packet: Uint8Array, address: string, failed: (why: string) => void) => void
}

/** What a socket brings. `message` is valid only during the call. */
export interface IcmpListener {
  readonly message: (message: Uint8Array, source: string) => void
  readonly died: (why: string) => void
}

// Linux: socket(7), raw(7), icmp(7), ipv6(7).
const solSocket = 1
const soRcvbuf = 8
const soRcvbufForce = 33
const receiveBuffer = 4 * 1024 * 1024

/** Packets read in one go, so that whatever else waits has its turn. */
const mostAtOnce = 256

const families = {
  // ICMP_FILTER: a set bit blocks a type; all but echo reply (0).
  4: { protocol: 1, addressFamily: 1, filter: { level: 255, option: 1, mask: Buffer.from([0xfe, 0xff, 0xff, 0xff]) } },
  // ICMP6_FILTER, 256 bits: all but echo reply (129), which is bit 1 of byte 16.
  6: {
    protocol: 58,
    addressFamily: 2,
    filter: { level: 58, option: 1, mask: Buffer.alloc(32, 0xff).fill(0xfd, 16, 17) },
  },
} as const

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const unavailable = (why: string) => new ProbeUnavailable({ why })

const load: Effect.Effect<RawSocketModule, ProbeUnavailable> = Effect.suspend(() => {
  // It uses libuv's default loop, which a worker does not run: the process would crash.
  if (!isMainThread)
    return Effect.fail(unavailable("ICMP probes cannot run in a worker thread: start them in the main thread"))
  return Effect.try({
    // Not an import: it is optional, it is CommonJS with a compiled part, and so it must stay outside the bundle.
    try: (): unknown => createRequire(import.meta.url)("raw-socket"),
    catch: (error) => unavailable(whyNotLoaded(error)),
  }).pipe(
    Effect.filterOrFail(isModule, () =>
      unavailable("the package raw-socket has no createSocket: install raw-socket@1.8.1"),
    ),
  )
})

const whyNotLoaded = (error: unknown): string => {
  const code = Predicate.hasProperty(error, "code") ? error.code : undefined
  const [firstLine] = textOf(error).split("\n")
  const build = "Building it needs Python, make and a C++ compiler (Debian: apt-get install python3 make g++)."
  if (code === "MODULE_NOT_FOUND" && (firstLine ?? "").includes("'raw-socket'")) {
    return `ICMP probes need the optional package raw-socket, which is not installed: npm install raw-socket@1.8.1. ${build} Or use --health tcp.`
  }
  return `ICMP probes need the package raw-socket, which is installed but cannot be loaded by Node ${process.version} (${firstLine}): npm rebuild raw-socket. ${build} Or use --health tcp.`
}

const whyNotOpened = (family: Family, error: unknown): string => {
  const text = textOf(error)
  if (!/not permitted|permission denied/i.test(text)) return `cannot open a raw ICMPv${family} socket: ${text}`
  return (
    `ICMP probes need the capability CAP_NET_RAW (${text}): start as root, put AmbientCapabilities=CAP_NET_RAW into the ` +
    `systemd unit, add NET_RAW to the container's capabilities, or run setcap cap_net_raw+ep ${process.execPath}. Or use --health tcp.`
  )
}

/** Opens one raw ICMP socket for all hosts of a family. Needs CAP_NET_RAW. It closes with the scope. */
export const openIcmp = Effect.fnUntraced(function* (
  family: Family,
  listener: IcmpListener,
): Effect.fn.Return<IcmpSocket, ProbeUnavailable, Scope.Scope> {
  const { createSocket } = yield* load
  const { filter, ...kind } = families[family]
  let closed = false
  const socket = yield* Effect.acquireRelease(
    Effect.try({
      try: () => createSocket(kind),
      catch: (error) => unavailable(whyNotOpened(family, error)),
    }).pipe(
      Effect.filterOrFail(isSocket, () =>
        unavailable("the package raw-socket made no socket: install raw-socket@1.8.1"),
      ),
    ),
    (opened) =>
      Effect.sync(() => {
        closed = true
        opened.close()
      }),
  )
  // Both only save work, so a kernel that has no such option is no reason to stop.
  yield* Effect.ignore(Effect.try(() => socket.setOption(filter.level, filter.option, filter.mask, filter.mask.length)))
  // The default holds some 256 replies. Beyond the system's limit it needs CAP_NET_ADMIN; without it the limit applies.
  yield* Effect.try(() => socket.setOption(solSocket, soRcvbufForce, receiveBuffer)).pipe(
    Effect.catch(() => Effect.try(() => socket.setOption(solSocket, soRcvbuf, receiveBuffer))),
    Effect.ignore,
  )
  // By itself the package reads one packet and sends one each time the event loop comes round. On a machine that is busy that is too
  // few: replies would wait in the socket, and probes in a queue, until their time is over, though every timer is in time.
  let isReading = false
  let hasRead = false
  const readOn = () => {
    isReading = true
    for (let count = 0; count < mostAtOnce; count++) {
      hasRead = false
      socket.onRecvReady()
      if (!hasRead || closed) break
    }
    isReading = false
  }
  socket.on("message", (message, source) => {
    hasRead = true
    if (!closed && Buffer.isBuffer(message) && Predicate.isString(source)) listener.message(message, source)
    if (!isReading) readOn()
  })
  socket.on("error", (error) => {
    const why = textOf(error)
    // A wake without a message is no fault.
    if (!closed && !/temporarily unavailable|interrupted system call/i.test(why))
      listener.died(`raw ICMPv${family} socket: ${why}`)
  })
  socket.on("close", () => {
    if (!closed) listener.died(`raw ICMPv${family} socket: closed`)
  })
  return {
    send: (packet, address, failed) => {
      if (closed) return
      const buffer = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength)
      socket.send(buffer, 0, buffer.length, address, (error) => {
        if (!closed && error !== null && error !== undefined) failed(textOf(error))
      })
      socket.onSendReady()
    },
  }
})
