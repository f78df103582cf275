import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { RouteTableId, VpcId } from "../../src/domain/Ids.ts"
import { normalise } from "../../src/runtime/Cli.ts"
import { helpText } from "../../src/runtime/Help.ts"
import type { GivenOptions, OptionProblem } from "../../src/runtime/OptionReader.ts"
import { type Options, readOptions, VpcChoice } from "../../src/runtime/Options.ts"
import { entryOf, type OptionName, optionNames, variableOf } from "../../src/runtime/OptionTable.ts"
import { version } from "../../src/runtime/Version.ts"

/** For each option: what it needs beside it, two good values, and bad ones. */
interface Samples {
  readonly beside?: GivenOptions
  readonly good: readonly [string, string]
  readonly bad: ReadonlyArray<string>
}

const fixed = { mode: ["fixedconf"], "fixed-cidr": ["10.66.0.0/16"], "fixed-hosts": ["10.0.0.1"] }
const tcp = { health: ["tcp"] }
const http = { health: ["http"] }
const icmp = { health: ["icmpecho"] }
const aws = { simulate: ["false"], vpc: ["vpc-350d6a51"], region: ["us-east-1"] }

const cloudwatch = { ...aws, health: ["cloudwatch"] }

const samples: Readonly<Record<OptionName, Samples>> = {
  mode: { beside: { file: ["spec.json"] }, good: ["configfile", "CONFIGFILE"], bad: ["confgfile", ""] },
  file: { beside: { mode: ["configfile"] }, good: ["a.json", "b.json"], bad: [""] },
  "fixed-cidr": { beside: fixed, good: ["10.66.0.0/16", "10.67.0.0/16"], bad: ["10.66.0.0/40", "10.66.0.0", ""] },
  "fixed-hosts": { beside: fixed, good: ["10.0.0.1:10.0.0.2", "10.0.0.3"], bad: ["10.0.0.300", "x:y", ""] },
  region: { beside: aws, good: ["us-east-1", "eu-west-2"], bad: ["useast1", "us east", "US-EAST-1"] },
  vpc: { beside: aws, good: ["vpc-350d6a51", "vpc-0a1b"], bad: ["350d6a51", "vpc_1", "vpc-"] },
  "route-recheck-interval": { good: ["0", "45"], bad: ["-1", "soon", "0.5", "1d"] },
  health: { good: ["icmpecho", "icmpecho,tcp"], bad: ["ping", "tcp,ping", "icmpecho,"] },
  "health-policy": {
    beside: { health: ["icmpecho,tcp"] },
    good: ["all-fail", "quorum:2"],
    bad: ["", "quorum", "quorum:0", "quorum:3", "most"],
  },
  "icmp-check-interval": { beside: icmp, good: ["2", "500ms"], bad: ["0", "50ms", "2h", "x"] },
  "tcp-check-port": { beside: tcp, good: ["22", "8080"], bad: ["0", "65536", "ssh", "22.5"] },
  "tcp-check-interval": { beside: tcp, good: ["1", "3s"], bad: ["0", "1 day"] },
  "http-check-path": { beside: http, good: ["/healthz", "/a?b=c%20d"], bad: ["", "healthz", "/a b", "/a#b", "/ä"] },
  "http-check-port": { beside: http, good: ["80", "8080"], bad: ["0", "65536", "http"] },
  "http-check-status": { beside: http, good: ["200", "200-299,401"], bad: ["", "99", "600", "299-200", "2xx", "200,"] },
  "http-check-tls": { beside: http, good: ["true", "false"], bad: ["maybe"] },
  "http-check-host": { beside: http, good: ["router.example", "10.0.0.1"], bad: ["", "a b", "http://x"] },
  "http-check-insecure": { beside: { ...http, "http-check-tls": ["true"] }, good: ["true", "false"], bad: ["maybe"] },
  "http-check-interval": { beside: http, good: ["1", "3s"], bad: ["0", "1 day"] },
  "http-check-timeout": { beside: http, good: ["1", "200ms"], bad: ["0", "50ms", "11"] },
  "ec2-interval": { beside: { health: ["ec2"] }, good: ["1", "30s"], bad: ["0", "500ms", "2h"] },
  anchor: { beside: icmp, good: ["10.0.0.5", "10.0.0.5,10.0.1.5"], bad: ["", "10.0.0.0/24", "router", "10.0.0.5,"] },
  "mass-failure": { good: ["0.5", "off"], bad: ["", "0", "1", "67%", "never"] },
  "failover-limit": { good: ["4", "off"], bad: ["", "0", "1.5", "half"] },
  "flap-damping": { good: ["60", "off"], bad: ["", "0", "500ms", "2h"] },
  detect: { good: ["normal", "fast"], bad: ["", "slow", "300"] },
  fall: { good: ["1", "5"], bad: ["0", "-1", "three", "101"] },
  rise: { good: ["1", "7"], bad: ["0", "2.5", "101"] },
  "alarm-prefix": { beside: cloudwatch, good: ["router-", "a,b"], bad: ["", "a,"] },
  alarms: { beside: cloudwatch, good: ["router-a is down", "a,b"], bad: ["", "x".repeat(256)] },
  "alarm-map": { beside: cloudwatch, good: ["alarms.json", "other.json"], bad: ["", "-"] },
  "insufficient-data": { beside: cloudwatch, good: ["failed", "healthy"], bad: ["ignore", ""] },
  "alarm-interval": { beside: cloudwatch, good: ["5", "30s"], bad: ["0", "500ms", "2h"] },
  "alarm-queue-url": {
    beside: cloudwatch,
    good: [
      "https://sqs.us-east-1.amazonaws.com/123456789012/vpc-router",
      "https://sqs.us-east-1.amazonaws.com/123456789012/other",
    ],
    bad: ["vpc-router", "arn:aws:sqs:us-east-1:123456789012:vpc-router", "https://sqs.us-east-1.amazonaws.com", ""],
  },
  tables: { good: ["main,rtb-0a1b", "tag:Role=router"], bad: ["rtb_1", "maim", "tag:Role", "all,main", ""] },
  own: { good: ["10.0.0.0/8", "10.0.0.0/8,fd00::/8"], bad: ["10.0.0.0", "10.0.0.0/33", "ten", ""] },
  "ignore-routes": { good: ["10.0.0.1,10.9.0.0/16", "fd00::1"], bad: ["10.0.0.256", "10.0.0.0/", ""] },
  "state-file": { good: ["state.json", "other.json"], bad: [""] },
  "dry-run": { good: ["true", "false"], bad: ["maybe"] },
  address: { good: ["0.0.0.0", "::1"], bad: ["10.0.0.300", "localhost:80", "a b"] },
  port: { good: ["0", "8080"], bad: ["65536", "http", "-1"] },
  "allowed-host": { good: ["router.example.org", "a,b"], bad: ["http://x", "x:80", ""] },
  "token-file": { good: ["token", "other"], bad: [""] },
  "allow-unauthenticated-writes": { good: ["true", "false"], bad: ["always"] },
  logfile: { good: ["a.log", "b.log"], bad: [""] },
  "audit-log": { good: ["audit.log", "other.log"], bad: [""] },
  "otlp-endpoint": {
    good: ["http://localhost:4318", "https://collector.example/otlp"],
    bad: ["localhost:4318", "ftp://collector", "", "http://collector/?a=b"],
  },
  "log-format": { good: ["json", "pretty"], bad: ["xml"] },
  "log-level": { good: ["debug", "error"], bad: ["loud"] },
  verbose: { good: ["true", "false"], bad: ["very"] },
  simulate: { good: ["", "topology.json"], bad: [] },
}

const base: GivenOptions = { mode: ["http"], simulate: [""] }
const anOption = fc.constantFrom(...optionNames)

const read = (given: GivenOptions, environment: Readonly<Record<string, string>> = {}) =>
  readOptions(given, environment)
const optionsOf = (given: GivenOptions, environment: Readonly<Record<string, string>> = {}): Options =>
  Result.getOrThrowWith(read(given, environment), (problems) => new Error(JSON.stringify(problems))).options
const faultsOf = (given: GivenOptions, environment: Readonly<Record<string, string>> = {}) =>
  Result.match(read(given, environment), { onFailure: (problems) => problems, onSuccess: () => [] })
const names = (problems: ReadonlyArray<OptionProblem>) => [...new Set(problems.map(({ option }) => option))].sort()

/** The base, what the option needs, and the option. */
const besides = (name: OptionName, text?: string): GivenOptions => {
  const { [name]: _, ...rest } = { ...base, ...samples[name].beside }
  return text === undefined ? rest : { ...rest, [name]: [text] }
}

describe("reading the options", () => {
  it("a flag wins over its variable, and a variable over the default", () => {
    fc.assert(
      fc.property(anOption, fc.boolean(), (name, swap) => {
        const [a, b] = swap ? samples[name].good.toReversed() : samples[name].good
        const [flag, variable] = [a ?? "", b ?? ""]
        const both = optionsOf(besides(name, flag), { [variableOf(name)]: variable })
        assert.deepStrictEqual(both, optionsOf(besides(name, flag)))
        if (variable !== "")
          assert.deepStrictEqual(
            optionsOf(besides(name), { [variableOf(name)]: variable }),
            optionsOf(besides(name, variable)),
          )
      }),
      { numRuns: 300 },
    )
  })

  it("each option changes something, so that none is read and forgotten", () => {
    for (const name of optionNames) {
      if (name === "mode") continue
      const [a, b] = samples[name].good
      assert.notDeepEqual(optionsOf(besides(name, a)), optionsOf(besides(name, b)), name)
    }
  })

  it("a variable that is set but empty is not set", () => {
    const empty = Object.fromEntries(optionNames.map((name) => [variableOf(name), ""]))
    assert.deepStrictEqual(optionsOf(base, empty), optionsOf(base))
  })

  it("every option with a bad value is named, with what was expected, and no other is", () => {
    const independent = optionNames.filter((name) => samples[name].beside === undefined && samples[name].bad.length > 0)
    const aBadOne = fc
      .constantFrom(...independent)
      .chain((name) => fc.constantFrom(...samples[name].bad).map((text) => [name, text] as const))
    fc.assert(
      fc.property(fc.uniqueArray(aBadOne, { minLength: 1, selector: ([name]) => name }), (bad) => {
        const problems = faultsOf({ ...base, ...Object.fromEntries(bad.map(([name, text]) => [name, [text]])) })
        assert.deepStrictEqual(names(problems), bad.map(([name]) => `--${name}`).sort())
        for (const { message } of problems) assert.include(message, "expected")
      }),
      { numRuns: 500 },
    )
  })

  it("a bad value is blamed on the variable that it came from", () => {
    for (const name of optionNames)
      for (const text of samples[name].bad.filter((text) => text !== "")) {
        assert.deepStrictEqual(names(faultsOf(besides(name, text))), [`--${name}`], text)
        assert.deepStrictEqual(names(faultsOf(besides(name), { [variableOf(name)]: text })), [variableOf(name)], text)
      }
  })

  it("whatever is given, there are options or faults, and never neither", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      ...optionNames.map((name) => fc.constantFrom(...samples[name].good, ...samples[name].bad)),
    )
    const given = fc.dictionary(anOption, fc.array(texts, { maxLength: 2 }))
    const environment = fc.dictionary(anOption.map(variableOf), texts)
    fc.assert(
      fc.property(given, environment, (flags, variables) => {
        const result = read(flags, variables)
        assert.isTrue(Result.isSuccess(result) || result.failure.length > 0)
      }),
      { numRuns: 2_000 },
    )
  })

  it("nothing at all, where instance metadata are not to be asked: mode, region and VPC are asked for at once", () => {
    const disabled = { AWS_EC2_METADATA_DISABLED: "true" }
    assert.deepStrictEqual(names(faultsOf({}, disabled)), ["--mode", "--region", "--vpc"])
    assert.deepStrictEqual(names(faultsOf({})), ["--mode"])
  })

  it("asks instance metadata for what is missing of region and VPC, and for nothing else", () => {
    const [IPv4, IPv6] = ["http://169.254.169.254", "http://[fd00:ec2::254]"]
    const vpcOf = (given: GivenOptions, environment: Readonly<Record<string, string>> = {}) =>
      optionsOf({ mode: ["http"], ...given }, environment).vpc
    const [vpc, region] = [VpcId("vpc-1"), "us-east-1"]
    assert.deepStrictEqual(vpcOf({}), VpcChoice.Here({ vpcId: undefined, region: undefined, endpoint: IPv4 }))
    assert.deepStrictEqual(vpcOf({ vpc: [vpc] }), VpcChoice.Here({ vpcId: vpc, region: undefined, endpoint: IPv4 }))
    assert.deepStrictEqual(vpcOf({ region: [region] }), VpcChoice.Here({ vpcId: undefined, region, endpoint: IPv4 }))
    assert.deepStrictEqual(vpcOf({ vpc: [vpc], region: [region] }), VpcChoice.Aws({ vpcId: vpc, region }))
    assert.deepStrictEqual(vpcOf({ vpc: [vpc] }, { AWS_REGION: region }), VpcChoice.Aws({ vpcId: vpc, region }))
    assert.strictEqual(vpcOf({ simulate: [""] })._tag, "Simulated")
    const endpointOf = (environment: Readonly<Record<string, string>>) => {
      const choice = vpcOf({}, environment)
      return choice._tag === "Here" ? choice.endpoint : undefined
    }
    const mode = { AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: "IPv6" }
    assert.strictEqual(endpointOf(mode), IPv6)
    assert.strictEqual(
      endpointOf({ ...mode, AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://localhost:1" }),
      "http://localhost:1",
    )
    assert.strictEqual(endpointOf({ AWS_EC2_METADATA_DISABLED: "false" }), IPv4)
    for (const disabled of ["true", "TRUE", "1"])
      assert.deepStrictEqual(names(faultsOf({ mode: ["http"] }, { AWS_EC2_METADATA_DISABLED: disabled })), [
        "--region",
        "--vpc",
      ])
  })

  it("the region comes from AWS_REGION, and --region goes before it", () => {
    const given = { mode: ["http"], vpc: ["vpc-350d6a51"] }
    const regionOf = (options: Options) => (options.vpc._tag === "Aws" ? options.vpc.region : "none")
    assert.strictEqual(regionOf(optionsOf(given, { AWS_REGION: "eu-west-1" })), "eu-west-1")
    assert.strictEqual(
      regionOf(optionsOf({ ...given, region: ["us-east-1"] }, { AWS_REGION: "eu-west-1" })),
      "us-east-1",
    )
  })

  it("what Kubernetes says of a Service named vpc-router is not taken for an option", () => {
    const links = {
      VPC_ROUTER_PORT: "tcp://10.96.1.2:33289",
      VPC_ROUTER_PORT_33289_TCP: "tcp://10.96.1.2:33289",
      VPC_ROUTER_SERVICE_HOST: "10.96.1.2",
    }
    const { options, warnings } = Result.getOrThrow(read(base, links))
    assert.strictEqual(options.http.port, 33_289)
    assert.deepStrictEqual(warnings, [])
  })

  it("a variable that no option has is warned of", () => {
    const { warnings } = Result.getOrThrow(read(base, { VPC_ROUTER_IGNORE_ROUTE: "10.0.0.0/8" }))
    assert.deepStrictEqual(names(warnings), ["VPC_ROUTER_IGNORE_ROUTE"])
  })

  it("an option of another mode is a mistake on the command line, and a warning from the environment", () => {
    assert.deepStrictEqual(names(faultsOf({ ...base, file: ["spec.json"] })), ["--file"])
    const { options, warnings } = Result.getOrThrow(read(base, { VPC_ROUTER_FILE: "spec.json" }))
    assert.deepStrictEqual(options.config, { _tag: "Http" })
    assert.deepStrictEqual(names(warnings), ["VPC_ROUTER_FILE"])
  })

  it("mode configfile asks for its file, and fixedconf for both of its options", () => {
    assert.deepStrictEqual(names(faultsOf({ ...base, mode: ["configfile"] })), ["--file"])
    assert.deepStrictEqual(names(faultsOf({ ...base, mode: ["fixedconf"] })), ["--fixed-cidr", "--fixed-hosts"])
  })

  it("simulated hosts need --simulate, and are what it watches unless told otherwise", () => {
    const checks = (given: GivenOptions) => optionsOf(given).health.map(({ _tag }) => _tag)
    assert.deepStrictEqual(checks(base), ["Simulated"])
    assert.deepStrictEqual(checks({ ...base, health: ["tcp"] }), ["Tcp"])
    assert.deepStrictEqual(checks({ ...base, ...aws }), ["IcmpEcho"])
    assert.deepStrictEqual(checks({ ...base, health: ["multi"] }), ["IcmpEcho", "Tcp"])
    assert.deepStrictEqual(names(faultsOf({ ...base, ...aws, health: ["simulated"] })), ["--health"])
    assert.deepStrictEqual(names(faultsOf({ ...base, health: ["cloudwatch"] })), ["--health"])
  })

  it("with cloudwatch the state of instances counts as well, to fail hosts and not to prove them; asked for, it proves them", () => {
    const ec2 = (health: string) =>
      optionsOf({ ...base, ...aws, health: [health] }).health.map((check) =>
        check._tag === "Ec2" ? `Ec2 ${check.onlyFails}` : check._tag,
      )
    assert.deepStrictEqual(ec2("cloudwatch"), ["CloudWatch", "Ec2 true"])
    assert.deepStrictEqual(ec2("cloudwatch,ec2"), ["CloudWatch", "Ec2 false"])
    assert.deepStrictEqual(ec2("ec2"), ["Ec2 false"])
    // It is none of those that were asked for.
    const policy = { "health-policy": ["quorum:2"] }
    assert.deepStrictEqual(names(faultsOf({ ...base, ...aws, ...policy, health: ["cloudwatch"] })), ["--health-policy"])
  })

  it("the predecessor's defaults hold: port 33289 on localhost, recheck every 30 s, ping, TCP port 22", () => {
    const { health, http, recheckInterval } = optionsOf({ ...base, ...aws, health: ["icmpecho,tcp"] })
    assert.deepStrictEqual([http.address, http.port, recheckInterval], ["localhost", 33_289, 30_000])
    assert.deepStrictEqual(
      health.map((check) => (check._tag === "Tcp" ? check.port : check._tag)),
      ["IcmpEcho", 22],
    )
  })

  it("seconds, with and without a unit", () => {
    const interval = (text: string) => optionsOf({ ...base, "route-recheck-interval": [text] }).recheckInterval
    assert.deepStrictEqual(
      ["0", "30", "1.5", "1500ms", "2m", "1h"].map(interval),
      [0, 30_000, 1_500, 1_500, 120_000, 3_600_000],
    )
  })

  it("ignored addresses become ranges, and host bits are cleared with a warning", () => {
    const { options, warnings } = Result.getOrThrow(read({ ...base, "ignore-routes": ["10.1.2.3,10.9.9.9/16"] }))
    assert.deepStrictEqual<ReadonlyArray<string>>(options.policy.ignore, ["10.1.2.3/32", "10.9.0.0/16"])
    assert.deepStrictEqual(names(warnings), ["--ignore-routes"])
  })

  it("--tables: every table unless it says otherwise; all is a word of its own", () => {
    const scope = (...texts: ReadonlyArray<string>) =>
      optionsOf(texts.length === 0 ? base : { ...base, tables: texts }).policy.tables
    assert.strictEqual(scope()._tag, "Every")
    assert.strictEqual(scope("all")._tag, "All")
    assert.deepStrictEqual(scope("main", "rtb-0a,tag:Role=a=b"), {
      _tag: "Named",
      selectors: [
        { _tag: "Main" },
        { _tag: "Id", id: RouteTableId("rtb-0a") },
        { _tag: "Tag", key: "Role", value: "a=b" },
      ],
    })
  })

  it("a value that is given twice is no guess", () => {
    assert.deepStrictEqual(names(faultsOf({ ...base, port: ["1", "2"] })), ["--port"])
  })
})

describe("spelling", () => {
  it("underscores are dashes in the name of an option, and stay in its value", () => {
    const value = fc.stringMatching(/^[a-z_][a-z_=.-]*$/)
    fc.assert(
      fc.property(anOption, value, fc.boolean(), (name, text, joined) => {
        const spelt = (option: string) => normalise(joined ? [`--${option}=${text}`] : [`--${option}`, text])
        assert.deepStrictEqual(spelt(name.replaceAll("-", "_")), spelt(name))
        assert.isTrue(spelt(name).join(" ").endsWith(text))
      }),
    )
  })

  it("a short option takes its value with a space, without one, or with =", () => {
    const value = fc.stringMatching(/^[a-z0-9_][a-z0-9_.,-]*$/)
    const short = fc.constantFrom(...optionNames.flatMap((name) => entryOf(name).short ?? []))
    fc.assert(
      fc.property(short, value, (letter, text) => {
        assert.deepStrictEqual(normalise([`-${letter}${text}`]), normalise([`-${letter}`, text]))
        assert.deepStrictEqual(normalise([`-${letter}=${text}`]), [`-${letter}=${text}`])
      }),
    )
  })

  it("--simulate takes the word behind it, unless that is an option", () => {
    assert.deepStrictEqual(normalise(["--simulate", "a.json", "-m", "http"]), ["--simulate=a.json", "-m", "http"])
    assert.deepStrictEqual(normalise(["--simulate", "-m", "http"]), ["--simulate", "-m", "http"])
    assert.deepStrictEqual(normalise(["--simulate"]), ["--simulate"])
  })
})

describe("the help", () => {
  it("shows every option once, with its short form, and no underscore spelling", () => {
    const lines = helpText(100).split("\n")
    for (const name of optionNames) {
      const { short } = entryOf(name)
      const start = `  ${short === undefined ? "    " : `-${short}, `}--${name}`
      assert.lengthOf(
        lines.filter((line) => line === start || line.startsWith(`${start} `)),
        1,
        name,
      )
      if (name.includes("-")) assert.notInclude(helpText(100), name.replaceAll("-", "_"))
    }
  })

  it("fits the terminal", () => {
    for (const columns of [80, 100, 200])
      for (const line of helpText(columns).split("\n")) assert.isAtMost(line.length, Math.min(100, columns), line)
  })
})

it("the version is the package's", () => {
  const { version: packaged } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
  assert.strictEqual(version, packaged)
})
