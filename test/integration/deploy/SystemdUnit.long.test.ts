import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Schedule, Schema } from "effect"
import { StatusJson } from "../../../src/services/http/StatusJson.ts"
import { run, ToolFailed } from "../../support/netns/Tools.ts"
import { type PrivateSystemd, privateSystemd } from "./PrivateSystemd.ts"

const deploy = fileURLToPath(new URL("../../../deploy/systemd/", import.meta.url))
const unit = join(deploy, "vpc-router.service")

const hosts = ["10.33.20.93", "10.33.30.22"]
const range = "10.66.17.0/24"

/** Hosts in the set drop whatever is sent to them. */
const filter = `
  table ip hosts {
    set dead { type ipv4_addr; }
    chain input { type filter hook input priority 0; ip daddr @dead drop; }
  }`

/** Turns to circles on SIGUSR2, and serves nobody from then on. */
const stuck = `--import=data:text/javascript,process.on('SIGUSR2',()=>{for(;;);})`

/** The hosts are real; what is simulated is the VPC that they are said to be in. */
const topology = {
  vpc: { id: "vpc-350d6a51", cidrs: ["10.33.0.0/16"] },
  subnets: [],
  hosts: hosts.map((host, n) => ({ interface: `eni-${n}`, instance: `i-${n}`, addresses: [host] })),
  tables: [{ id: "rtb-main", main: true }, { id: "rtb-other" }],
}

const environment = [
  "VPC_ROUTER_MODE=http",
  "VPC_ROUTER_SIMULATE=/etc/vpc-router/topology.json",
  "VPC_ROUTER_HEALTH=icmpecho",
  "VPC_ROUTER_STATE_FILE=/var/lib/vpc-router/state.json",
  `NODE_OPTIONS="${stuck}"`,
]

class Unit extends Context.Service<Unit, PrivateSystemd>()("test/Unit") {
  static readonly layer = Layer.effect(
    Unit,
    Effect.tap(
      privateSystemd({
        unit,
        dropIn: [
          // Sooner than in earnest; and what it logs is not for a journal, which does not run here.
          "WatchdogSec=2",
          "StandardOutput=append:/run/vpc-router.log",
          "StandardError=append:/run/vpc-router.log",
        ],
        files: {
          "etc/vpc-router/environment": environment.join("\n"),
          "etc/vpc-router/topology.json": JSON.stringify(topology),
        },
      }),
      Effect.fnUntraced(function* ({ inside }) {
        for (const host of hosts) yield* inside("ip", "address", "add", `${host}/32`, "dev", "lo")
        yield* inside("nft", filter)
      }),
    ),
  )
}

const ask = Effect.fnUntraced(function* (path: string, method = "GET", body?: string) {
  const { inside } = yield* Unit
  const headers = { "content-type": "application/json" }
  const request = JSON.stringify({ method, ...(body === undefined ? {} : { headers, body }) })
  const script = `fetch("http://localhost:33289${path}", ${request}).then((r) => r.text()).then(console.log)`
  return yield* inside("/usr/local/bin/node", "-e", script)
})

const status = Effect.flatMap(ask("/status"), Schema.decodeEffect(Schema.fromJsonString(StatusJson)))

/** Waits until the status is so, at most 20 s. */
const until = (what: string, holds: (status: StatusJson) => boolean) =>
  status.pipe(
    Effect.filterOrFail(holds, (seen) => new ToolFailed({ message: `${what}: ${JSON.stringify(seen)}` })),
    Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 100 }),
  )

const carriers = ({ tables }: StatusJson) =>
  new Set(tables.flatMap(({ cells }) => cells.flatMap(({ cidr, ip }) => (cidr === range ? [ip] : []))))

describe("the unit", () => {
  it.live("systemd-analyze security gives it at most 2.0", () =>
    run("systemd-analyze", ["security", "--offline=true", "--no-pager", "--threshold=20", unit]),
  )
})

layer(Unit.layer, { timeout: "1 minute", excludeTestServices: true })("the unit, run by a real systemd", (it) => {
  it.effect("runs without root, with CAP_NET_RAW and no other capability, and under a filter of system calls", () =>
    Effect.gen(function* () {
      const { inside, show } = yield* Unit
      const { MainPID } = yield* show("MainPID")
      const facts = yield* inside("grep", "-E", "^(Uid|Cap|NoNewPrivs|Seccomp:)", `/proc/${MainPID}/status`)
      const fact = (name: string) => new RegExp(`^${name}:\\s+(\\w+)`, "m").exec(facts)?.[1]
      assert.notStrictEqual(fact("Uid"), "0")
      const netRaw = "0000000000002000"
      assert.deepStrictEqual(["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(fact), [
        netRaw,
        netRaw,
        netRaw,
        netRaw,
        netRaw,
      ])
      assert.deepStrictEqual([fact("NoNewPrivs"), fact("Seccomp")], ["1", "2"])
    }),
  )

  it.effect("pings hosts, and moves the routes of one that falls silent", () =>
    Effect.gen(function* () {
      const { inside } = yield* Unit
      assert.include(yield* ask("/route_spec", "POST", JSON.stringify({ [range]: hosts })), `"accepted":true`)
      const before = yield* until("three routes to one host", (seen) => carriers(seen).size === 1)
      const [failing = ""] = carriers(before)
      yield* inside("nft", `add element ip hosts dead { ${failing} }`)
      yield* until("all routes by the other host", (seen) => carriers(seen).size === 1 && !carriers(seen).has(failing))
    }),
  )

  it.effect("is started anew by systemd when it is stuck, and knows the spec again", () =>
    Effect.gen(function* () {
      const { inside, show } = yield* Unit
      const before = yield* show("MainPID", "NRestarts")
      yield* inside("kill", "-USR2", before["MainPID"] ?? "")
      const after = yield* show("MainPID", "NRestarts", "ActiveState").pipe(
        Effect.filterOrFail(
          ({ ActiveState, MainPID, NRestarts }) =>
            ActiveState === "active" && MainPID !== before["MainPID"] && NRestarts !== before["NRestarts"],
          (seen) => new ToolFailed({ message: JSON.stringify(seen) }),
        ),
        Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 100 }),
      )
      assert.strictEqual(Number(after["NRestarts"]), Number(before["NRestarts"]) + 1)
      assert.deepStrictEqual(Object.keys(JSON.parse(yield* ask("/route_spec"))), [range])
    }),
  )

  it.effect("ends in peace when systemd stops it", () =>
    Effect.gen(function* () {
      const { inside, log, show } = yield* Unit
      yield* inside("systemctl", "stop", "vpc-router.service")
      assert.deepStrictEqual(yield* show("Result", "ExecMainStatus", "ActiveState"), {
        Result: "success",
        ExecMainStatus: "0",
        ActiveState: "inactive",
      })
      assert.include(yield* log, "SIGTERM: ending; the routes stay as they are")
    }),
  )
})
