import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schedule, Schema } from "effect"
import { StatusJson } from "../../../src/services/http/StatusJson.ts"
import { runProcess } from "../../support/daemon/RunningProcess.ts"
import { start } from "../cli/Running.ts"
import { ask, read } from "./Ask.ts"

const program = fileURLToPath(new URL("FloodClients.ts", import.meta.url))
const host = "10.33.20.93"
const spec = Object.fromEntries(
  Array.from({ length: 200 }, (_, index) => [`10.66.${index}.0/24`, [host, "10.33.30.22", "10.33.40.11"]]),
)

const statusOf = (url: string) =>
  Effect.flatMap(ask(url, { path: "/status" }), ({ text }) =>
    Schema.decodeUnknownEffect(Schema.fromJsonString(StatusJson))(text),
  )

/** Delays too short to be told as such. Milliseconds. */
const unseen = 100

/** Begins a flood, and returns once it is on. */
const flood = Effect.fnUntraced(function* (url: string, kind: string) {
  const clients = yield* runProcess(process.execPath, [program, new URL(url).port, kind], process.env)
  yield* Effect.callback<void>((resume) => {
    const look = () => {
      if (clients.output() !== "" || clients.ended() !== undefined) resume(Effect.void)
    }
    clients.onChange(look)
    look()
  })
  assert.strictEqual(clients.errors(), "")
})

const kinds: ReadonlyArray<readonly [string, string]> = [
  ["ask for the status without waiting for answers", "status"],
  ["ask whether it is alive without waiting for answers", "healthz"],
  ["ask under a foreign name, and are refused", "refused"],
  ["post specs of 1 MiB that are nothing but faults", "specs"],
  ["post whatever may do harm: too long, too deep, keys twice, foreign names and pages, in chunks", "hostile"],
  ["hold a thousand connections and say little", "slow"],
]

describe("a host that hangs is found within the bound of its check, and its routes begin to move within a second, while clients", () => {
  for (const [what, kind] of kinds) {
    it.live(what, () =>
      Effect.gen(function* () {
        const { url: starting } = yield* start(["--mode", "http", "--simulate", "--port", "0"])
        const url = yield* starting
        const headers = { "content-type": "application/json" }
        yield* ask(url, { method: "POST", path: "/route_spec", headers, body: JSON.stringify(spec) })
        yield* Effect.repeat(statusOf(url), {
          until: ({ hosts }) => hosts.length === 3 && hosts.every(({ verdict }) => verdict === "healthy"),
          schedule: Schedule.spaced(100),
        })
        yield* flood(url, kind)
        // What the flood changes shows once it has gone on for a while.
        yield* Effect.sleep("2 seconds")
        const heldUp = ({ sources }: StatusJson) => sources.health.checks[0]?.held_up?.ms ?? 0
        const heldUpBefore = heldUp(yield* statusOf(url))
        const before = yield* Clock.currentTimeMillis
        assert.strictEqual((yield* ask(url, { method: "POST", path: `/simulation/hosts/${host}/fail` })).status, 200)
        const hung = yield* Clock.currentTimeMillis
        const status = yield* Effect.repeat(statusOf(url), {
          until: ({ failed_ips: ips, failovers: [latest] }) => ips.includes(host) && (latest?.moved ?? 0) > 0,
          schedule: Schedule.spaced(200),
        })
        const { failed_hosts: failed, failovers, sources } = status
        const took = Date.parse(failed[0]?.since ?? "") - hung
        // The bound that the status states, 1.45 s, and the time in which the process could see nothing, for want of a processor.
        const bound = sources.health.checks[0]?.bound_ms ?? Number.NaN
        assert.isAtMost(took, bound + heldUp(status) - heldUpBefore + unseen)
        // Without turns it was six to nine seconds.
        assert.isBelow(took, 3_000)
        assert.isBelow(hung - before, 3_000)
        // 50 to 150 ms, of which EC2 takes 25.
        assert.isBelow(failovers[0]?.first_write_ms ?? Infinity, 1_000)
        // Nothing that they said was taken for a spec.
        assert.deepStrictEqual(read(yield* ask(url, { path: "/route_spec" })), spec)
      }).pipe(Effect.scoped),
    )
  }
})
