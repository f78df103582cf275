import { CreateManagedPrefixListCommand } from "@aws-sdk/client-ec2"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { decodeRouteSpec } from "../../../src/domain/DecodeRouteSpec.ts"
import { InterfaceId, SubnetId } from "../../../src/domain/Ids.ts"
import { ip } from "../../../src/domain/Ip.ts"
import { findings } from "../../../src/runtime/commands/check/Checks.ts"
import { Watched } from "../../../src/runtime/commands/check/HostFindings.ts"
import { allHealthy } from "../../../src/runtime/commands/Verdicts.ts"
import { readOptions } from "../../../src/runtime/Options.ts"
import * as AwsEc2 from "../../../src/services/ec2/AwsEc2.ts"
import { whyCustom } from "../../../src/services/ec2/AwsEndpoint.ts"
import * as AwsPreflight from "../../../src/services/ec2/AwsPreflight.ts"
import { defaultTopology } from "../../../src/services/ec2/DefaultTopology.ts"
import { type Contact, Preflight } from "../../../src/services/ec2/Preflight.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { awsClient } from "../../support/ec2/AwsClient.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { type Ec2WireOptions, serveEc2 } from "../../support/ec2/Ec2Wire.ts"
import { startFaultProxy } from "../../support/ec2/FaultProxy.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { makeMotoVpc } from "../../support/ec2/MotoVpc.ts"
import { writesOf } from "./MotoStand.ts"

const aws = { vpcId: defaultTopology.vpc.id, region: "us-east-1" }
/** The wire server knows what a dry run is. Only a test may say so. */
const trusted = AwsPreflight.layer(aws, () => undefined)

const optionsOf = (given: Readonly<Record<string, ReadonlyArray<string>>> = {}) =>
  Result.getOrThrow(readOptions({ mode: ["http"], vpc: [aws.vpcId], region: [aws.region], ...given }, {}, new Map()))
    .options

const decoded = (spec: Readonly<Record<string, ReadonlyArray<string>>>) =>
  Result.getOrThrow(decodeRouteSpec(JSON.stringify(spec)))

const spec = { "10.66.17.0/24": ["10.33.20.93", "10.33.30.22"] }

/** All findings, each as `level about: words`, from a VPC behind a proxy at a server that speaks EC2's protocol. */
const check = (
  preflight: Layer.Layer<Preflight>,
  wanted: Readonly<Record<string, ReadonlyArray<string>>> = spec,
  given: Readonly<Record<string, ReadonlyArray<string>>> = {},
) => {
  const one = decoded(wanted)
  const health = allHealthy(new Set([...one.spec.values()].flat()))
  const input = {
    options: optionsOf(given),
    vpcWords: "a VPC",
    decoded: one,
    watched: Effect.succeed(Watched.Watched({ health, broken: [], anchors: new Map() })),
  }
  return findings(input).pipe(
    Effect.provide([AwsEc2.layer(aws), preflight, NodeFileSystem.layer]),
    Effect.map((found) => found.map(({ about, level, words }) => `${level} ${about}: ${words}`)),
  )
}

const stand = Effect.fnUntraced(function* (options: Ec2WireOptions = {}) {
  const wire = yield* serveEc2(options)
  const proxy = yield* startFaultProxy(wire.endpoint)
  yield* withEnvironment(awsEnvironment(proxy.endpoint))
  return proxy
})

const simulated = <A, E, R>(use: Effect.Effect<A, E, R>) =>
  Effect.scoped(use).pipe(Effect.provide(Simulation.layer(defaultTopology)))

const has = (found: ReadonlyArray<string>, pattern: RegExp) =>
  assert.isTrue(
    found.some((line) => pattern.test(line)),
    `${pattern} in\n${found.join("\n")}`,
  )

describe("dry runs", () => {
  it.live("each write is tried on each table, with DryRun, and nothing is written", () =>
    simulated(
      Effect.gen(function* () {
        const proxy = yield* stand()
        const simulation = yield* Simulation
        const before = yield* simulation.truth
        has(
          yield* check(trusted),
          /^ok writing: allowed by dry runs in 3 of 3 tables: CreateRoute, ReplaceRoute, DeleteRoute$/,
        )
        const writes = (yield* proxy.requests).filter(({ action }) => action.endsWith("Route"))
        assert.lengthOf(writes, 9)
        for (const { form } of writes) assert.strictEqual(form.get("DryRun"), "true")
        assert.deepStrictEqual((yield* simulation.truth).tables, before.tables)
      }),
    ),
  )

  it.live("a denied write is named with its action and resource; the rest is tried all the same", () =>
    simulated(
      Effect.gen(function* () {
        const proxy = yield* stand()
        const resource = "arn:aws:ec2:us-east-1:123456789012:route-table/rtb-0a20"
        const fault = (message: string) => ({
          _tag: "Error" as const,
          status: 403,
          code: "UnauthorizedOperation",
          message,
        })
        yield* proxy.addRule({
          action: "ReplaceRoute",
          containing: "rtb-0a20",
          fault: fault(
            `You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/r/i-1 is not authorized to perform: ec2:ReplaceRoute on resource: ${resource} because no identity-based policy allows the ec2:ReplaceRoute action. Encoded authorization failure message: AbCd`,
          ),
        })
        yield* proxy.addRule({
          action: "DeleteRoute",
          containing: "rtb-0b30",
          fault: fault("You are not authorized to perform this operation. Encoded authorization failure message: AbCd"),
        })
        const found = yield* check(trusted)
        has(
          found,
          /^fail rtb-0a20: ec2:ReplaceRoute on arn:\S+:route-table\/rtb-0a20 is not allowed: because no identity-based policy allows the ec2:ReplaceRoute action$/,
        )
        has(
          found,
          /^fail rtb-0b30: ec2:DeleteRoute on route-table\/rtb-0b30 is not allowed: UnauthorizedOperation: You are not authorized to perform this operation$/,
        )
        has(found, /^ok writing: allowed by dry runs in 1 of 3 tables/)
        assert.lengthOf(yield* writesOf(proxy), 9)
      }),
    ),
  )

  it.live("an answer that says neither yes nor no, or that it was done, is a warning", () =>
    simulated(
      Effect.gen(function* () {
        const proxy = yield* stand()
        yield* proxy.addRule({
          action: "CreateRoute",
          fault: { _tag: "Error", status: 400, code: "InvalidParameterValue", message: "odd" },
        })
        const done = `<DeleteRouteResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><return>true</return></DeleteRouteResponse>`
        yield* proxy.addRule({
          action: "DeleteRoute",
          fault: { _tag: "Answer", status: 200, contentType: "text/xml", body: done },
        })
        const found = yield* check(trusted)
        has(found, /^warn rtb-0a20: the dry run of CreateRoute says neither yes nor no: InvalidParameterValue: odd$/)
        has(
          found,
          /^warn rtb-0a20: the dry run of DeleteRoute says neither yes nor no: .* as if it had been carried out$/,
        )
      }),
    ),
  )

  it.live("at a custom endpoint no write leaves this machine, whoever asks for it", () =>
    simulated(
      Effect.gen(function* () {
        const proxy = yield* stand()
        const real = AwsPreflight.layer(aws)
        has(yield* check(real), /^skip writing: skipped: custom endpoint \(AWS_ENDPOINT_URL\)$/)
        const actions = ["CreateRoute", "ReplaceRoute", "DeleteRoute"] as const
        const { table, cidr } = {
          table: [...defaultTopology.vpc.tables.keys()][0]!,
          cidr: [...decoded(spec).spec.keys()][0]!,
        }
        const trials = yield* Effect.gen(function* () {
          const { tryWrite } = yield* Preflight
          return yield* Effect.forEach(actions, (action) =>
            tryWrite(action, { table, cidr }, InterfaceId("eni-0a20093")),
          )
        }).pipe(Effect.provide(real))
        for (const trial of trials) {
          assert.strictEqual(trial._tag, "Unclear")
          assert.match(JSON.stringify(trial), /NotSent: custom endpoint/)
        }
        assert.deepStrictEqual(yield* writesOf(proxy), [])
      }),
    ),
  )

  it("EC2 itself is told from everything else", () => {
    const https = (hostname: string, port?: number) => ({ protocol: "https:", hostname, port })
    const genuine = [
      "ec2.us-east-1.amazonaws.com",
      "ec2.us-gov-west-1.amazonaws.com",
      "ec2-fips.ca-central-1.amazonaws.com",
      "ec2.eu-west-1.api.aws",
      "ec2.cn-north-1.amazonaws.com.cn",
      "ec2.eusc-de-east-1.amazonaws.eu",
    ]
    for (const name of genuine) assert.isUndefined(whyCustom(https(name), {}), name)
    const others = [
      https("localhost.localstack.cloud", 4566),
      https("ec2.us-east-1.amazonaws.com.example.org"),
      https("ec2.us-east-1.localhost.localstack.cloud"),
      https("vpce-0a1b-2c3d.ec2.us-east-1.vpce.amazonaws.com"),
      https("ec2.us-east-1.amazonaws.com", 8443),
      { ...https("ec2.us-east-1.amazonaws.com"), protocol: "http:" },
      https("127.0.0.1"),
    ]
    for (const endpoint of others) assert.match(whyCustom(endpoint, {}) ?? "none", /^custom endpoint \(/)
    const name = "ec2.us-east-1.amazonaws.com"
    assert.strictEqual(whyCustom(https(name), {}, ["127.0.0.1"]), `custom endpoint (${name} is this machine)`)
    for (const variable of ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"])
      assert.strictEqual(whyCustom(https(name), { [variable]: `https://${name}` }), `custom endpoint (${variable})`)
  })
})

describe("the clock", () => {
  it.live("is compared with EC2's: within a minute it is fine, beyond five EC2 refuses signatures", () =>
    Effect.forEach(
      [
        [0, /^ok clock: this machine's clock agrees with EC2's$/],
        [-30_000, /^ok clock: this machine's clock is (29|30) s ahead of EC2's$/],
        [120_000, /^warn clock: this machine's clock is (1 min 59 s|2 min) behind EC2's$/],
        [-420_000, /^fail clock: this machine's clock is (6 min 59 s|7 min) ahead of EC2's, which refuses/],
      ] as const,
      ([clockOffsetMillis, pattern]) =>
        simulated(
          Effect.gen(function* () {
            yield* stand({ clockOffsetMillis })
            has(yield* check(trusted), pattern)
          }),
        ),
    ),
  )
})

describe("the way to the API", () => {
  /** A machine at this address of the VPC, in this subnet, from which the API is at this address. */
  const located = (from: string | undefined, subnet: string, address: string): Layer.Layer<Preflight> => {
    const met: Contact = {
      reads: [],
      endpoint: { hostname: "ec2.us-east-1.amazonaws.com", addresses: [ip(address)] },
      skew: undefined,
      untried: "not here",
    }
    return Layer.effect(
      Preflight,
      Effect.map(Preflight, (real) => ({
        ...real,
        contact: Effect.succeed(met),
        sourceTo: () => Effect.succeed(from === undefined ? undefined : ip(from)),
        subnetOf: () => Effect.succeed(SubnetId(subnet)),
      })),
    ).pipe(Layer.provide(trusted))
  }
  const api = "52.94.1.2"

  it.live("is told by the table of this machine's subnet, its own or the main one", () =>
    Effect.forEach(
      [
        [
          "10.33.20.101",
          "subnet-0a20",
          spec,
          /^ok way to the API: \S+ \(52\.94\.1\.2\) is reached from here by 0\.0\.0\.0\/0 in rtb-0a20 \(igw-033\), which vpc-router does not touch$/,
        ],
        ["10.33.40.11", "subnet-0c40", spec, /^ok way to the API: .* in rtb-00main \(nat-0a20\)/],
        [
          "10.33.20.101",
          "subnet-0a20",
          { "52.94.0.0/16": ["10.33.20.93"] },
          /^fail way to the API: .* is reached from here by 52\.94\.0\.0\/16 in rtb-0a20, which the spec manages/,
        ],
        // A route of another kind stands on it, and stays.
        [
          "10.33.20.101",
          "subnet-0a20",
          { "0.0.0.0/0": ["10.33.20.93"] },
          /^ok way to the API: .* by 0\.0\.0\.0\/0 in rtb-0a20 \(igw-033\)/,
        ],
        [undefined, "subnet-0a20", spec, /^skip way to the API: unknown: this machine is not in vpc-350d6a51$/],
      ] as const,
      ([from, subnet, wanted, pattern]) =>
        simulated(
          Effect.gen(function* () {
            yield* stand()
            has(yield* check(located(from, subnet, api), wanted), pattern)
          }),
        ),
    ),
  )

  it.live("over a route that the spec manages is a failure, unless the table is left out", () =>
    simulated(
      Effect.gen(function* () {
        yield* stand()
        const wanted = { "52.94.0.0/16": ["10.33.20.93"] }
        const at = located("10.33.20.101", "subnet-0a20", api)
        has(
          yield* check(at, wanted, { tables: ["main"] }),
          /^ok way to the API: .* in rtb-0a20 \(igw-033\), which vpc-router does not touch$/,
        )
        has(yield* check(at, wanted, { "ignore-routes": ["52.94.0.0/16"] }), /^ok way to the API: /)
      }),
    ),
  )
})

layer(Moto.layer, { excludeTestServices: true })("what is asked of EC2 besides", (it) => {
  it.effect("the subnet of an interface, and the sizes of prefix lists", () =>
    Effect.gen(function* () {
      const moto = yield* Moto
      yield* withEnvironment(awsEnvironment(moto.endpoint))
      const client = yield* awsClient(moto.endpoint)
      const vpc = yield* makeMotoVpc(client)
      const list = yield* Effect.promise(() =>
        client.send(
          new CreateManagedPrefixListCommand({ PrefixListName: "offices", MaxEntries: 42, AddressFamily: "IPv4" }),
        ),
      )
      const id = list.PrefixList?.PrefixListId ?? ""
      yield* Effect.gen(function* () {
        const { prefixLists, subnetOf } = yield* Preflight
        assert.strictEqual(yield* subnetOf(vpc.host("10.33.30.22").interfaceId), vpc.subnet("b"))
        assert.deepStrictEqual([...(yield* prefixLists([id]))], [[id, { family: 4, maxEntries: 42 }]])
      }).pipe(Effect.provide(AwsPreflight.layer({ ...aws, vpcId: vpc.id })))
    }),
  )
})
