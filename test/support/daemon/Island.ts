import { spawn } from "node:child_process"
import * as Net from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"
import { scopedChild } from "../process/Children.ts"
import { type Namespace, namespace } from "../netns/Namespaces.ts"
import { ToolFailed } from "../netns/Tools.ts"
import { checkPort, gatePort } from "./Ports.ts"
import { temporaryFolder } from "../TemporaryFolder.ts"

/**
 * A network that leads nowhere, in which every address of some ranges is a host: it answers pings and accepts connections
 * on port 22 until it is told not to. Only EC2's endpoint is reached from it, through a gate.
 */
export interface Island {
  readonly namespace: Namespace
  /** A folder for files of the test. */
  readonly folder: string
  /** EC2's endpoint, as seen from inside. */
  readonly endpoint: string
  /** Leads the gate to a port on 127.0.0.1 outside; undefined: it is shut, and who comes is sent away. */
  readonly leadTo: (port: number | undefined) => Effect.Effect<void>
  /** A connection to a port on 127.0.0.1 inside. */
  readonly enter: (port: number) => Net.Socket
  /** The host drops whatever is sent to it. */
  readonly fail: (...hosts: ReadonlyArray<string>) => Effect.Effect<void, ToolFailed>
  /** The host refuses TCP connections; it goes on answering pings. */
  readonly refuse: (host: string) => Effect.Effect<void, ToolFailed>
  /** The host drops every fourth ping. */
  readonly losePings: (host: string) => Effect.Effect<void, ToolFailed>
  /** How many pings it has dropped so. */
  readonly lostPings: Effect.Effect<number, ToolFailed>
  /** The host is as it was in the beginning. */
  readonly heal: (...hosts: ReadonlyArray<string>) => Effect.Effect<void, ToolFailed>
}

const agent = fileURLToPath(new URL("Agent.ts", import.meta.url))

const filter = `
  table inet hosts {
    set dead { type ipv4_addr; }
    set dead6 { type ipv6_addr; }
    set refusing { type ipv4_addr; }
    set losing { type ipv4_addr; }
    counter lost { }
    chain input {
      type filter hook input priority 0;
      ip daddr @dead drop
      ip6 daddr @dead6 drop
      ip daddr @refusing tcp dport ${checkPort} reject with tcp reset
      ip daddr @losing icmp type echo-request numgen inc mod 4 0 counter name lost drop
    }
  }`

const familyOf = (address: string) => (address.includes(":") ? "6" : "")

/** Starts the agent and waits until it is ready. */
const startAgent = Effect.fnUntraced(function* (name: string, inside: string, outside: string) {
  const args = ["netns", "exec", name, process.execPath, "--no-warnings", agent, inside, outside]
  const child = yield* scopedChild(() => spawn("ip", args, { stdio: ["pipe", "pipe", "pipe"] }))
  let trouble = ""
  child.stderr.on("data", (text: Buffer) => (trouble += text.toString()))
  child.stdin.on("error", () => undefined)
  yield* Effect.callback<void, ToolFailed>((resume) => {
    child.stdout.once("data", () => resume(Effect.void))
    child.once("error", ({ message }) => resume(Effect.fail(new ToolFailed({ message }))))
    child.once("exit", () => resume(Effect.fail(new ToolFailed({ message: `the agent ended: ${trouble}` }))))
  })
})

/** Listens on the file `outside` and leads what comes to the port that `target` gives. */
const startGate = (outside: string, target: () => number | undefined) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Net.Server; readonly open: Set<Net.Socket> }>((resume) => {
      const open = new Set<Net.Socket>()
      const keep = (socket: Net.Socket) => {
        open.add(socket)
        socket.on("close", () => open.delete(socket))
        socket.on("error", () => socket.destroy())
      }
      const server = Net.createServer((socket) => {
        keep(socket)
        const port = target()
        if (port === undefined) return void socket.destroy()
        const onward = Net.connect(port, "127.0.0.1")
        keep(onward)
        socket.pipe(onward).pipe(socket)
        socket.on("close", () => onward.destroy())
        onward.on("close", () => onward.readableEnded || socket.destroy())
      })
      server.listen(outside, () => resume(Effect.succeed({ server, open })))
    }),
    ({ open, server }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of open) socket.destroy()
      }),
  )

/** An island whose hosts have the addresses of `ranges` (IPv4 and IPv6). It sinks with the scope. */
export const island = Effect.fnUntraced(function* (
  ranges: ReadonlyArray<string>,
): Effect.fn.Return<Island, ToolFailed, Scope.Scope> {
  const folder = yield* temporaryFolder
  const net = yield* namespace()
  for (const range of ranges) yield* net.ip(`${familyOf(range) === "6" ? "-6 " : ""}route add local ${range} dev lo`)
  yield* net.nft(filter)
  const [inside, outside] = [join(folder, "in"), join(folder, "out")]
  let target: number | undefined
  const { open } = yield* startGate(outside, () => target)
  yield* startAgent(net.name, inside, outside)

  const inSet = (verb: "add" | "delete", set: string, hosts: ReadonlyArray<string>) =>
    net.nft(`${verb} element inet hosts ${set} { ${hosts.join(", ")} }`)
  const changed = new Map<string, Set<string>>()
  const put = Effect.fnUntraced(function* (set: string, hosts: ReadonlyArray<string>) {
    for (const host of hosts) {
      const name = set + (set === "dead" ? familyOf(host) : "")
      yield* inSet("add", name, [host])
      changed.set(host, (changed.get(host) ?? new Set()).add(name))
    }
  })

  return {
    namespace: net,
    folder,
    endpoint: `http://127.0.0.1:${gatePort}`,
    leadTo: (port) =>
      Effect.sync(() => {
        target = port
        for (const socket of open) socket.destroy()
      }),
    enter: (port) => {
      const socket = Net.connect(inside)
      socket.write(`${port}\n`)
      return socket
    },
    fail: (...hosts) => put("dead", hosts),
    refuse: (host) => put("refusing", [host]),
    losePings: (host) => put("losing", [host]),
    lostPings: Effect.map(net.exec("nft", "list", "counter", "inet", "hosts", "lost"), (text) =>
      Number(/packets (\d+)/.exec(text)?.[1] ?? Number.NaN),
    ),
    heal: Effect.fnUntraced(function* (...hosts: ReadonlyArray<string>) {
      for (const host of hosts) {
        for (const set of changed.get(host) ?? []) yield* inSet("delete", set, [host])
        changed.delete(host)
      }
    }),
  }
})
