import { readFileSync } from "node:fs"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { freePort } from "../../support/ec2/FreePort.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { finish, start } from "../cli/Running.ts"
import { fed, folder } from "./Folder.ts"
import { motoStand, writesOf } from "./MotoStand.ts"

const Change = Schema.Struct({
  write: Schema.String,
  table: Schema.String,
  cidr: Schema.String,
  urgency: Schema.String,
  before: Schema.NullOr(Schema.String),
  host: Schema.NullOr(Schema.String),
  interface: Schema.NullOr(Schema.String),
  reason: Schema.String,
})
const PlanOutput = Schema.fromJsonString(
  Schema.Struct({
    vpc: Schema.String,
    changes: Schema.Array(Change),
    held: Schema.Array(
      Schema.Struct({ cidr: Schema.String, table: Schema.NullOr(Schema.String), reason: Schema.String }),
    ),
    hosts: Schema.Array(Schema.Struct({ ip: Schema.String, verdict: Schema.String })),
    brake: Schema.NullOr(Schema.Struct({ hash: Schema.String, deletions: Schema.Array(Schema.String) })),
  }),
)
const decodePlan = Schema.decodeUnknownEffect(PlanOutput)

/** Two tables that need every kind of write, and a host that never answers. */
const topology = {
  vpc: { id: "vpc-1", owner: "123456789012", cidrs: ["10.0.0.0/16"] },
  subnets: [{ id: "subnet-1", zone: "a", cidrs: ["10.0.1.0/24"] }],
  hosts: [
    { interface: "eni-1", instance: "i-1", addresses: ["10.0.1.1"] },
    { interface: "eni-2", instance: "i-2", addresses: ["10.0.1.2"] },
    { interface: "eni-3", instance: "i-3", addresses: ["10.0.1.3"], answers: false },
  ],
  tables: [
    {
      id: "rtb-1",
      main: true,
      tags: { Name: "main one" },
      routes: [
        { destination: "10.66.0.0/16", target: "eni-9", gone: true },
        { destination: "10.77.0.0/16", target: "10.0.1.2" },
        { destination: "10.88.0.0/16", target: "pcx-1" },
      ],
    },
    { id: "rtb-2", subnets: ["subnet-1"] },
  ],
}
const spec = {
  "10.55.0.0/16": ["10.0.1.1"],
  "10.66.0.0/16": ["10.0.1.1"],
  "10.88.0.0/16": ["10.0.1.2"],
  "10.99.0.0/16": ["10.0.1.3"],
}

const built = ["--simulate"]

describe("vpc-router plan", () => {
  it.live("shows every kind of change table by table, and ends with 2", () =>
    Effect.gen(function* () {
      const { write } = yield* folder
      const args = ["plan", write("spec.json", spec), "--simulate", write("topology.json", topology)]
      const { code, stderr, stdout } = yield* finish(args)
      const [first = "", second = ""] = [stdout.split("rtb-1 ")[1]?.split("rtb-2")[0], stdout.split("rtb-2")[1]]
      assert.match(first, /^\(main, "main one"\)/)
      assert.match(first, /\+ +10\.55\.0\.0\/16 +→ 10\.0\.1\.1 \(eni-1\) +the route is missing/)
      assert.match(first, /~ +10\.66\.0\.0\/16 +eni-9 → 10\.0\.1\.1 \(eni-1\) +the route is a blackhole/)
      assert.match(first, /- +10\.77\.0\.0\/16 +eni-2 +the CIDR is not in the spec/)
      assert.match(first, /! +10\.88\.0\.0\/16 +held +a route of another kind stands here \(pcx-1\)/)
      assert.match(second, /\+ +10\.88\.0\.0\/16 +→ 10\.0\.1\.2/)
      assert.match(stdout, /In every table\n +! +10\.99\.0\.0\/16 +held +no healthy host: 10\.0\.1\.3/)
      assert.match(stdout, /10\.0\.1\.3 +failed +never answered/)
      assert.match(stdout, /Plan: 4 to create, 1 to replace, 1 to delete; 2 held\. Nothing was written\.\n$/)
      assert.notInclude(stdout, "\u001B")
      assert.deepStrictEqual([code, stderr], [2, ""])
    }),
  )

  it.live("plans exactly what a daemon then writes", () =>
    Effect.gen(function* () {
      const { write } = yield* folder
      const { "10.99.0.0/16": _silent, ...answering } = spec
      const args = ["-f", write("spec.json", answering), "--simulate", write("topology.json", topology)]
      const { changes } = yield* Effect.flatMap(finish(["plan", ...args, "--json"]), ({ stdout }) => decodePlan(stdout))
      const planned = changes.map(({ cidr, host, table, write }) => [write, cidr, table, host].join(" "))
      const daemon = yield* start(["-m", "configfile", ...args, "-p", "0"])
      const written = () =>
        daemon.lines().flatMap(({ message }) => {
          const [, write = "", cidr, table, host = ""] =
            /^(create|failover|repair|delete) (\S+) in (\S+) (?:.*to (\S+) \(|\()/.exec(message) ?? []
          return cidr === undefined ? [] : [[write.replace(/failover|repair/, "replace"), cidr, table, host].join(" ")]
        })
      yield* daemon.until("all writes", () => written().length >= planned.length)
      assert.deepStrictEqual(written().sort(), planned.sort())
    }),
  )

  it.live("a --tables that matches nothing does not look as if there were nothing to do", () =>
    Effect.gen(function* () {
      const file = (yield* folder).write("spec.json", { "10.55.0.0/16": [] })
      const { stdout } = yield* finish(["plan", file, ...built, "--tables", "rtb-7"])
      assert.match(stdout, /^warning: --tables: rtb-7 matches no route table of vpc-350d6a51\n/)
      assert.include(stdout, "warning: --tables: no route table of vpc-350d6a51 is in scope")
    }),
  )

  it.live("prints what the README shows", () =>
    Effect.gen(function* () {
      const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8")
      const [, example = ""] = /`plan route-spec\.json --simulate`:\n\n```\n([^`]+)```/.exec(readme) ?? []
      const wanted = { "10.66.17.0/24": ["10.33.20.93", "10.33.30.22"], "172.20.0.0/16": ["10.33.20.101"] }
      const { stdout } = yield* finish(["plan", (yield* folder).write("route-spec.json", wanted), ...built])
      assert.isNotEmpty(example)
      assert.include(stdout, `\n${example}`)
    }),
  )

  it.live("nothing to do ends with 0; the spec may come on standard input", () =>
    Effect.gen(function* () {
      const file = (yield* folder).write("spec.json", { "10.55.0.0/16": [] })
      const { code, stdout } = yield* finish(["plan", "-", ...built], { under: fed(file) })
      assert.deepStrictEqual([code, stdout.trimEnd().split("\n").at(-1)], [0, "Nothing to write."])
    }),
  )

  it.live(
    "fixed options and the daemon's own way to put it do as well, and options that are about running are let pass",
    () =>
      Effect.gen(function* () {
        const fixed = ["--fixed_cidr", "10.55.0.0/16", "--fixed_hosts", "10.33.20.93:10.33.30.22"]
        const { code, stderr, stdout } = yield* finish(
          [
            "plan",
            "-m",
            "fixedconf",
            ...fixed,
            ...built,
            "--assume-healthy",
            "-p",
            "8080",
            "--log-format",
            "json",
            "--json",
          ],
          { environment: { VPC_ROUTER_ADDRESS: "0.0.0.0", VPC_ROUTER_ALLOW_UNAUTHENTICATED_WRITES: "true" } },
        )
        assert.deepStrictEqual([code, stderr], [2, ""])
        const { changes, hosts } = yield* decodePlan(stdout)
        assert.lengthOf(changes, 3)
        assert.deepStrictEqual(
          hosts.map(({ verdict }) => verdict),
          ["healthy", "healthy"],
        )
      }),
  )

  it.live("says which deletions the daemon would hold, under the hash that confirms them", () =>
    Effect.gen(function* () {
      const { write } = yield* folder
      const owned = ["10.71.0.0/16", "10.72.0.0/16", "10.73.0.0/16"].map((destination) => ({
        destination,
        target: "eni-1",
      }))
      const simulation = write("topology.json", { ...topology, tables: [{ id: "rtb-1", main: true, routes: owned }] })
      const args = ["-f", write("spec.json", { "10.55.0.0/16": ["10.0.1.1"] }), "--simulate", simulation]
      const { stdout } = yield* finish(["plan", ...args, "--json"])
      const { brake } = yield* decodePlan(stdout)
      assert.lengthOf(brake?.deletions ?? [], 3)
      const text = yield* finish(["plan", ...args])
      assert.include(text.stdout, `would hold 3 deletions until confirmed: POST /held/${brake?.hash}/confirm`)
      const daemon = yield* start(["-m", "configfile", ...args, "-p", "0"])
      yield* daemon.logged(`confirm the plan ${brake?.hash}`)
    }),
  )

  it.live("what keeps it from planning is one line each, and ends with 1", () =>
    Effect.gen(function* () {
      const { write } = yield* folder
      const faulty = write("faulty.json", `{"10.0.0.0/8": ["x"], "y": []}`)
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<string>]> = [
        [["plan", ...built], ["vpc-router: --file: expected the route spec"]],
        [["plan", "-m", "http", ...built], ["vpc-router: --file: expected the route spec"]],
        [["plan", "none.json", ...built], ["vpc-router: --file: none.json: no such file"]],
        [["plan", "a.json", "-f", "b.json", ...built], ["vpc-router: --file: expected this or a.json, not both"]],
        [["plan", "a.json", "b.json", ...built], ['vpc-router: expected at most one FILE, got "a.json" "b.json"']],
        [
          ["plan", faulty, ...built],
          [`vpc-router: ${faulty}: $["10.0.0.0/8"][0]: `, `vpc-router: ${faulty}: $["y"]: `],
        ],
        [
          ["plan", faulty],
          ["vpc-router: --region: ", "vpc-router: --vpc: "],
        ],
        [
          ["plan", faulty, ...built, "--tables", "maim", "--json=maybe"],
          ["vpc-router: --json: ", "vpc-router: --tables: "],
        ],
      ]
      for (const [args, starts] of cases) {
        const { code, stderr, stdout } = yield* finish(args)
        const lines = stderr.trimEnd().split("\n")
        assert.deepStrictEqual([code, stdout, lines.length], [1, "", starts.length], stderr)
        starts.forEach((begin, at) => assert.include(lines[at] ?? "", begin))
      }
    }),
  )
})

layer(Moto.layer, { excludeTestServices: true })("vpc-router plan at moto", (it) => {
  const hosts = ["10.33.20.93", "10.33.30.22"]

  it.effect("reads EC2 once, and writes nothing", () =>
    Effect.gen(function* () {
      const { args, environment, proxy, put, routes, vpc } = yield* motoStand
      yield* put("a", "10.77.0.0/16", vpc.host("10.33.30.22").interfaceId)
      const file = (yield* folder).write("spec.json", { "10.55.0.0/16": hosts, "10.77.0.0/16": ["10.33.20.93"] })
      const before = yield* routes
      const { code, stderr, stdout } = yield* finish(["plan", file, ...args, "--assume-healthy", "--json"], {
        environment,
      })
      assert.deepStrictEqual([code, stderr], [2, ""])
      const { changes, vpc: id } = yield* decodePlan(stdout)
      assert.strictEqual(id, vpc.id)
      assert.deepStrictEqual(changes.map(({ write }) => write).sort(), [
        ...Array.from({ length: 5 }, () => "create"),
        "replace",
      ])
      const calls = yield* proxy.calls
      const once = ["DescribeInstances", "DescribeNetworkInterfaces", "DescribeRouteTables", "DescribeVpcs"]
      assert.deepStrictEqual(
        [...calls].sort(),
        once.map((action) => [action, 1]),
      )
      assert.strictEqual(yield* routes, before)
    }),
  )

  it.effect("a read that IAM denies is named; one that passes is tried again", () =>
    Effect.gen(function* () {
      const { args, environment, proxy } = yield* motoStand
      const file = (yield* folder).write("spec.json", { "10.55.0.0/16": hosts })
      const plan = finish(["plan", file, ...args, "--assume-healthy"], { environment })
      yield* proxy.addRule({
        action: "DescribeInstances",
        times: 1,
        fault: { _tag: "Error", status: 503, code: "Unavailable" },
      })
      assert.strictEqual((yield* plan).code, 2)
      yield* proxy.addRule({
        action: "DescribeInstances",
        fault: { _tag: "Error", status: 403, code: "UnauthorizedOperation", message: "You are not authorized." },
      })
      const { code, stderr } = yield* plan
      assert.deepStrictEqual(
        [code, stderr],
        [1, "vpc-router: EC2: DescribeInstances: denied: UnauthorizedOperation: You are not authorized.\n"],
      )
      assert.deepStrictEqual(yield* writesOf(proxy), [])
    }),
  )

  it.effect("Ctrl-C while it waits ends it at once, without a plan", () =>
    Effect.gen(function* () {
      const { args, environment, proxy } = yield* motoStand
      const file = (yield* folder).write("spec.json", { "10.55.0.0/16": hosts })
      yield* proxy.addRule({ action: "DescribeInstances", fault: { _tag: "Hang" } })
      const asked = yield* Effect.forkChild(proxy.nextRequest("DescribeInstances"))
      const running = yield* start(["plan", file, ...args, "--assume-healthy"], { environment })
      yield* Fiber.join(asked)
      yield* running.send("SIGINT")
      const { code, signal, stderr, stdout } = yield* Effect.timeout(running.ended, "2 seconds")
      assert.deepStrictEqual([code, signal, stdout, stderr], [130, null, "", ""])
    }),
  )

  it.effect("an endpoint that nobody serves is one line", () =>
    Effect.gen(function* () {
      const { args, environment } = yield* motoStand
      const file = (yield* folder).write("spec.json", { "10.55.0.0/16": hosts })
      const nowhere = { ...environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${yield* freePort}` }
      const { code, stderr } = yield* finish(["plan", file, ...args, "--assume-healthy"], { environment: nowhere })
      assert.strictEqual(code, 1)
      assert.match(stderr, /^vpc-router: EC2: Describe\w+: ECONNREFUSED: [^\n]*\n$/)
    }),
  )
})
