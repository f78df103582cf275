import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Effect } from "effect"
import type { Namespace } from "../test/support/netns/Namespaces.ts"
import { temporaryFolder } from "../test/support/TemporaryFolder.ts"

/** Something that watches hosts, and when it last called each of them dead or alive. Times in Unix milliseconds. */
export interface Watcher {
  readonly downAt: ReadonlyMap<string, number>
  readonly upAt: ReadonlyMap<string, number>
}

/** Runs a program in a namespace until the scope closes; gives each line that it prints to either output. */
const lines = (inside: Namespace, command: string, args: ReadonlyArray<string>, onLine: (line: string) => void) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn("ip", ["netns", "exec", inside.name, command, ...args], { stdio: ["ignore", "pipe", "pipe"] })
      createInterface(child.stdout).on("line", onLine)
      createInterface(child.stderr).on("line", onLine)
      return child
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )

const birdConfig = (id: string, sessions: ReadonlyArray<{ readonly local: string; readonly neighbor: string }>) => `
router id ${id};
log stderr all;
protocol device { }
protocol bfd watch {
  debug { events };
  interface "*" { min rx interval 300 ms; min tx interval 300 ms; idle tx interval 300 ms; multiplier 3; };
${sessions.map(({ local, neighbor }) => `  neighbor ${neighbor} dev "zone-a" local ${local};`).join("\n")}
}
`

/** BFD between two BIRDs, 300 ms × 3 on both ends; one session a host. */
export const bird = Effect.fnUntraced(function* (
  monitor: Namespace,
  hosts: Namespace,
  pairs: ReadonlyArray<{ readonly local: string; readonly neighbor: string }>,
) {
  const place = yield* temporaryFolder
  const downAt = new Map<string, number>()
  const upAt = new Map<string, number>()
  const run = (inside: Namespace, name: string, config: string, onLine: (line: string) => void) => {
    writeFileSync(join(place, `${name}.conf`), config)
    const args = ["-f", "-c", join(place, `${name}.conf`), "-s", join(place, `${name}.ctl`)]
    return lines(inside, "bird", args, onLine)
  }
  const turned = pairs.map(({ local, neighbor }) => ({ local: neighbor, neighbor: local }))
  yield* run(hosts, "hosts", birdConfig("10.0.0.2", turned), () => undefined)
  yield* run(monitor, "monitor", birdConfig("10.0.0.1", pairs), (line) => {
    const [, host, state] = /Session to (\S+) changed state from \S+ to (\S+)/.exec(line) ?? []
    if (host === undefined) return
    if (state === "Up") upAt.set(host, Date.now())
    else if (state === "Down") downAt.set(host, Date.now())
  })
  return { downAt, upAt } satisfies Watcher
})

/** HAProxy with its default check: a connection every 2 s, failed after three. */
export const haproxy = Effect.fnUntraced(function* (monitor: Namespace, hosts: Namespace, all: ReadonlyArray<string>) {
  const place = yield* temporaryFolder
  const downAt = new Map<string, number>()
  const upAt = new Map<string, number>()
  const accept = `require("node:net").createServer((one) => one.on("error", () => undefined).end()).listen(80, "0.0.0.0", 4096)`
  yield* lines(hosts, process.execPath, ["-e", accept], () => undefined)
  const config = `
global
  log stderr local0
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen idle
  bind 127.0.0.1:8404
backend hosts
  log global
  option log-health-checks
${all.map((host) => `  server ${host} ${host}:80 check`).join("\n")}
`
  writeFileSync(join(place, "haproxy.cfg"), config)
  yield* lines(monitor, "haproxy", ["-db", "-f", join(place, "haproxy.cfg")], (line) => {
    const [, host, state] = /Server hosts\/(\S+) is (DOWN|UP)/.exec(line) ?? []
    if (host === undefined) return
    if (state === "DOWN") downAt.set(host, Date.now())
    else upAt.set(host, Date.now())
  })
  return { downAt, upAt } satisfies Watcher
})
