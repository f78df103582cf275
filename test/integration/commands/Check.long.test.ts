import { chmodSync } from "node:fs"
import { dirname } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { freePort } from "../../support/ec2/FreePort.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { finish } from "../cli/Running.ts"
import { folder } from "./Folder.ts"
import { motoStand, writesOf } from "./MotoStand.ts"

const CheckOutput = Schema.fromJsonString(
  Schema.Struct({
    vpc: Schema.String,
    ready: Schema.Boolean,
    findings: Schema.Array(Schema.Struct({ level: Schema.String, about: Schema.String, words: Schema.String })),
  }),
)
const decodeCheck = Schema.decodeUnknownEffect(CheckOutput)

const hosts = ["10.33.20.93", "10.33.30.22"]
const spec = { "10.66.17.0/24": hosts }
const silent = {
  vpc: { id: "vpc-1", cidrs: ["10.0.0.0/16"] },
  hosts: [
    { interface: "eni-1", instance: "i-1", addresses: ["10.0.1.1"] },
    { interface: "eni-2", instance: "i-2", addresses: ["10.0.1.2"], answers: false },
    { interface: "eni-3", instance: "i-3", addresses: ["10.0.1.3"], state: "stopped" },
    { interface: "eni-4", instance: "i-4", addresses: ["10.0.1.4"], sourceDestCheck: true },
    { interface: "eni-5", addresses: ["10.0.1.5"], requesterManaged: true },
  ],
  tables: [
    {
      id: "rtb-1",
      main: true,
      routes: [
        { destination: "10.88.0.0/16", target: "pcx-1" },
        ...Array.from({ length: 498 }, (_, at) => ({
          destination: `172.16.${at >> 1}.${(at & 1) * 128}/25`,
          target: "pcx-1",
        })),
      ],
    },
    { id: "rtb-2", edge: "igw-1" },
  ],
}

describe("vpc-router check", () => {
  it.live("asks the anchors, with a spec or without, and says which of them guard nothing", () =>
    Effect.gen(function* () {
      const { write } = yield* folder
      const anchors = ["--anchor", "10.33.30.22,10.99.0.1"]
      const { code, stdout } = yield* finish(["check", write("spec.json", spec), "--simulate", ...anchors])
      assert.strictEqual(code, 0)
      assert.match(stdout, /\n +ok +anchor 10\.33\.30\.22 +answers simulated\n/)
      assert.match(stdout, /\n +warn +anchor 10\.33\.30\.22 +it is a host of the spec: /)
      assert.match(stdout, /\n +warn +anchor 10\.99\.0\.1 +did not answer: it counts for nothing until it does\n/)
      const bare = yield* finish(["check", "--simulate", "--mode", "http", "--anchor", "10.33.30.22"])
      assert.match(bare.stdout, /\n +ok +anchor 10\.33\.30\.22 +answers simulated\n/)
    }),
  )

  it.live("on the built-in simulated VPC a good spec is ready, and what cannot be looked at is said", () =>
    Effect.gen(function* () {
      const { write } = yield* folder
      const { code, stderr, stdout } = yield* finish(["check", write("spec.json", spec), "--simulate"])
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /^the simulated vpc-350d6a51\n/)
      assert.match(stdout, /\n +ok +tables +3 of 3 route tables of vpc-350d6a51 in scope\n/)
      assert.match(stdout, /\n +skip +writing +skipped: the VPC is simulated\n/)
      assert.match(stdout, /\n +ok +hosts +2 of 2 hosts of the spec are in the VPC, forward and answer\n/)
      assert.match(stdout, /\n +skip +way to the API +unknown: the VPC is simulated\n/)
      assert.match(stdout, /\nReady\. Nothing was written\.\n$/)
    }),
  )

  it.live(
    "finds hosts that are silent, stopped, foreign, unknown or do not forward, conflicts, and tables without room",
    () =>
      Effect.gen(function* () {
        const { write } = yield* folder
        const wanted = write("spec.json", {
          "10.55.0.0/16": ["10.0.1.1", "10.0.1.2", "10.0.1.3"],
          "10.56.0.0/16": ["10.0.1.4", "10.0.1.5", "10.0.9.9"],
          "10.57.0.0/16": ["10.0.1.1"],
          "10.88.0.0/16": ["10.0.1.1"],
          "10.99.0.0/16": ["10.0.1.2"],
        })
        const simulation = ["--simulate", write("topology.json", silent)]
        const { code, stdout } = yield* finish([
          "check",
          "--json",
          "-f",
          wanted,
          "--tables",
          "main,rtb-7",
          ...simulation,
        ])
        const { findings, ready } = yield* decodeCheck(stdout)
        assert.deepStrictEqual([code, ready], [1, false])
        const found = (level: string, about: string, words: RegExp) =>
          assert.isTrue(
            findings.some((one) => one.level === level && one.about === about && words.test(one.words)),
            `${level} ${about} ${words}\n${stdout}`,
          )
        found("fail", "10.0.1.2", /does not answer/)
        found("fail", "10.0.1.3", /its instance i-3 is stopped/)
        found("warn", "10.0.1.4", /SourceDestCheck of eni-4 is on/)
        found("fail", "10.0.1.5", /belongs to a service or another account/)
        found("fail", "10.0.9.9", /no interface of vpc-1 has this address/)
        found("warn", "10.88.0.0/16 in rtb-1", /a route of another kind stands here \(pcx-1\)/)
        found("fail", "10.99.0.0/16", /no healthy host: 10\.0\.1\.2/)
        found("warn", "rtb-1", /500 IPv4 routes and 3 to create: more than the default quota of 500/)
        found("fail", "--tables", /rtb-7 matches no route table of vpc-1/)
        found("ok", "tables", /1 of 2 route tables of vpc-1 in scope; 1 table of gateways left alone/)
        found("ok", "hosts", /1 of 6 hosts/)
      }),
  )

  it.live("without a spec, hosts and routes are not looked at; a way to watch that does not work is a failure", () =>
    Effect.gen(function* () {
      const bare = yield* finish(["check", "--simulate"])
      assert.strictEqual(bare.code, 0)
      assert.match(bare.stdout, /ok +room +the fullest table, rtb-0b30, comes to 3 of 500 IPv4 routes/)
      assert.match(bare.stdout, /skip +spec +not given \(--file\), so that hosts and routes are not looked at/)
      const fixed = ["--fixed-cidr", "10.66.17.0/24", "--fixed-hosts", hosts.join(":")]
      const under = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
      const bareOf = [...under, "--ambient-caps=-all", "--bounding-set=-all"]
      const topology = {
        vpc: { id: "vpc-1", cidrs: ["10.33.0.0/16"] },
        hosts: [],
        tables: [{ id: "rtb-1", main: true }],
      }
      const file = (yield* folder).write("topology.json", topology)
      chmodSync(dirname(file), 0o755)
      const ended = yield* finish(["check", ...fixed, "--simulate", file, "-H", "icmpecho"], { under: bareOf })
      const { code, stdout } = ended
      assert.strictEqual(code, 1)
      assert.match(stdout, /fail +watching hosts +--health icmpecho: ICMP probes need the capability CAP_NET_RAW/)
    }),
  )
})

layer(Moto.layer, { excludeTestServices: true })("vpc-router check at a custom endpoint", (it) => {
  it.effect("a check that cannot do its work, and a host that it does not watch, are found", () =>
    Effect.gen(function* () {
      const { args, environment, proxy } = yield* motoStand
      const { write } = yield* folder
      const file = write("strange.json", { "10.66.17.0/24": ["10.33.20.93", "10.33.20.200"] })
      const found = (json: string) =>
        Effect.map(decodeCheck(json), ({ findings }) => findings.map(({ about, words }) => `${about}: ${words}`))
      const health = ["--health", "ec2", "--json"]
      const seen = yield* finish(["check", file, ...args, ...health], { environment })
      const unwatched = "10.33.20.200: nothing watches it: no instance of the VPC is known to have its address"
      assert.include(yield* found(seen.stdout), unwatched)
      assert.isEmpty((yield* found(seen.stdout)).filter((words) => words.startsWith("10.33.20.93")))
      yield* proxy.addRule({
        action: "DescribeInstanceStatus",
        fault: { _tag: "Error", status: 403, code: "UnauthorizedOperation", message: "You are not authorized." },
      })
      const denied = yield* finish(["check", file, ...args, ...health], { environment })
      assert.include(
        yield* found(denied.stdout),
        "check ec2: it has no say: it needs ec2:DescribeInstanceStatus: UnauthorizedOperation: You are not authorized.",
      )
    }),
  )

  it.effect("reads, and sends no write at all, since an emulator would carry it out", () =>
    Effect.gen(function* () {
      const { args, environment, proxy, routes } = yield* motoStand
      const file = (yield* folder).write("spec.json", { "10.66.17.0/24": [...hosts, "10.33.40.101"] })
      const before = yield* routes
      const { code, stderr, stdout } = yield* finish(["check", file, ...args, "--assume-healthy"], { environment })
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(
        stdout,
        /ok +reading EC2 +allowed: DescribeVpcs, DescribeRouteTables, DescribeNetworkInterfaces, DescribeInstances\n/,
      )
      assert.match(stdout, /ok +clock +this machine's clock agrees with EC2's\n/)
      assert.match(stdout, /skip +writing +skipped: custom endpoint \(AWS_ENDPOINT_URL\)\n/)
      assert.match(stdout, /warn +10\.33\.40\.101 +SourceDestCheck of eni-\w+ is on/)
      assert.match(stdout, /skip +way to the API +unknown: this machine is not in vpc-\w+\n/)
      assert.match(stdout, /\nReady, with 1 warning\. Nothing was written\.\n$/)
      assert.deepStrictEqual(yield* writesOf(proxy), [])
      assert.strictEqual(yield* routes, before)
    }),
  )

  it.effect("an endpoint in a profile is a custom one, too", () =>
    Effect.gen(function* () {
      const { args, environment, proxy } = yield* motoStand
      const { write } = yield* folder
      const { AWS_ENDPOINT_URL, ...rest } = environment
      const profile = write("config", `[default]\nendpoint_url = ${AWS_ENDPOINT_URL}\n`)
      const { code, stdout } = yield* finish(["check", ...args], { environment: { ...rest, AWS_CONFIG_FILE: profile } })
      assert.strictEqual(code, 0)
      assert.match(stdout, /skip +writing +skipped: custom endpoint \(http:\/\/127\.0\.0\.1:\d+\)\n/)
      assert.deepStrictEqual(yield* writesOf(proxy), [])
    }),
  )

  it.effect("without credentials, and where nobody serves EC2, that is one failure", () =>
    Effect.gen(function* () {
      const { args, environment } = yield* motoStand
      const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _key, ...rest } = environment
      const nobody = yield* finish(["check", ...args], { environment: rest })
      assert.strictEqual(nobody.code, 1)
      assert.match(nobody.stdout, /\n +fail +reading EC2 +CredentialsProviderError: [^\n]+\n +skip +clock/)
      const nowhere = { ...environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${yield* freePort}` }
      const { code, stdout } = yield* finish(["check", ...args], { environment: nowhere })
      assert.strictEqual(code, 1)
      assert.match(stdout, /\n +fail +reading EC2 +ECONNREFUSED: [^\n]+\n +skip +clock[^\n]+\n +skip +the rest/)
      assert.match(stdout, /\nNot ready: 1 thing fails\./)
    }),
  )

  it.effect("names every read that IAM denies, and looks at nothing that needs it", () =>
    Effect.gen(function* () {
      const { args, environment, proxy } = yield* motoStand
      const user = "arn:aws:sts::123456789012:assumed-role/vpc-router/i-0123"
      for (const action of ["DescribeVpcs", "DescribeInstances"])
        yield* proxy.addRule({
          action,
          fault: {
            _tag: "Error",
            status: 403,
            code: "UnauthorizedOperation",
            message: `You are not authorized to perform this operation. User: ${user} is not authorized to perform: ec2:${action} because no identity-based policy allows the ec2:${action} action`,
          },
        })
      const { code, stderr, stdout } = yield* finish(["check", ...args], { environment })
      assert.deepStrictEqual([code, stderr], [1, ""])
      for (const action of ["DescribeVpcs", "DescribeInstances"])
        assert.match(
          stdout,
          new RegExp(
            `fail +reading EC2 +ec2:${action} is not allowed: because no identity-based policy allows the ec2:${action} action\n`,
          ),
        )
      assert.match(stdout, /ok +reading EC2 +ec2:DescribeRouteTables is allowed\n/)
      assert.match(stdout, /\nNot ready: 2 things fail\. Nothing was written\.\n$/)
    }),
  )
})
