import { NodeServices } from "@effect/platform-node"
import { Console, Effect, Result } from "effect"
import fc from "fast-check"
import { decodeFixedSpec } from "../../../src/domain/DecodeFixedSpec.ts"
import { cli } from "../../../src/runtime/Cli.ts"
import { readOptions } from "../../../src/runtime/Options.ts"
import { variableOf } from "../../../src/runtime/OptionTable.ts"
import { bytesOf, type Decoder, pure, textOf, told } from "./Decoder.ts"

/** Good values, one set-up a list. */
const setups: ReadonlyArray<Readonly<Record<string, string>>> = [
  { mode: "configfile", file: "route-spec.json", region: "us-east-1", vpc: "vpc-350d6a51" },
  { mode: "http", simulate: "true", port: "0", address: "127.0.0.1", "allowed-host": "router.example,10.1.2.3" },
  {
    mode: "fixedconf",
    "fixed-cidr": "10.66.0.0/16",
    "fixed-hosts": "10.0.0.1:10.0.0.2",
    simulate: "topology.json",
    tables: "main,tag:Name=router",
    own: "10.66.0.0/16,::/0",
    "ignore-routes": "10.66.17.0/24,10.1.2.3",
    "route-recheck-interval": "500s",
    fall: "3",
    rise: "2",
    anchor: "10.0.0.5",
    "mass-failure": "0.5",
    "failover-limit": "4",
    "flap-damping": "60",
  },
  {
    mode: "http",
    region: "eu-west-2",
    vpc: "vpc-0a1b",
    health: "http,tcp",
    "health-policy": "quorum:2",
    "http-check-path": "/healthz?a=b",
    "http-check-port": "8080",
    "http-check-status": "200-299,401",
    "tcp-check-port": "22",
    "state-file": "state.json",
    "audit-log": "audit.jsonl",
    "otlp-endpoint": "http://localhost:4318",
    "log-format": "json",
    "log-level": "debug",
  },
]

const lines = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line !== "")

/** `name=value`, a line each. */
const pairs = (text: string): ReadonlyArray<readonly [string, string]> =>
  lines(text).map((line) => {
    const [name = "", ...rest] = line.split("=")
    return [name, rest.join("=")]
  })

/** Nothing is printed. */
const silent: Console.Console = new Proxy(globalThis.console, { get: () => () => undefined })

export const operatorDecoders: ReadonlyArray<Decoder> = [
  {
    name: "the environment",
    files: [
      "src/runtime/Options.ts",
      "src/runtime/OptionReader.ts",
      "src/runtime/OptionValues.ts",
      "src/runtime/HealthOptions.ts",
      "src/runtime/HttpCheckOptions.ts",
      "src/runtime/GuardOptions.ts",
      "src/runtime/AlarmOptions.ts",
    ],
    valid: fc.constantFrom(...setups).map((setup) =>
      bytesOf(
        Object.entries(setup)
          .map(([name, value]) => `${variableOf(name)}=${value}`)
          .join("\n"),
      ),
    ),
    open: pure((bytes) => readOptions({}, Object.fromEntries(pairs(textOf(bytes))))),
  },
  {
    name: "the command line",
    files: ["src/runtime/Cli.ts", "src/main.ts", "src/runtime/Program.ts"],
    costly: true,
    valid: fc.constantFrom(...setups).map((setup) =>
      bytesOf(
        Object.entries(setup)
          .map(([name, value]) => `--${name}=${value}`)
          .join("\n"),
      ),
    ),
    open: () =>
      Effect.succeed((bytes) =>
        cli({
          version: "0.0.0",
          columns: 80,
          plugins: [],
          run: (given) => Effect.succeed(Result.isSuccess(readOptions(given, {})) ? 0 : 1),
          runCommand: () => Effect.succeed(0),
        })(lines(textOf(bytes))).pipe(
          Effect.provide(NodeServices.layer),
          Effect.provideService(Console.Console, silent),
          Effect.flatMap((code) => Effect.fromResult(code === 0 ? Result.succeed(code) : Result.fail(code))),
          told,
        ),
      ),
  },
  {
    name: "the spec of --fixed-cidr and --fixed-hosts",
    files: ["src/domain/DecodeFixedSpec.ts", "src/services/config/FixedConfig.ts"],
    valid: fc
      .constantFrom("10.66.0.0/16 10.0.0.1:10.0.0.2", "::/0 [2001:db8::1]:[2001:db8::2],2001:db8::3")
      .map(bytesOf),
    open: pure((bytes) => {
      const [destination = "", hosts = ""] = textOf(bytes).split(" ")
      return decodeFixedSpec(destination, hosts)
    }),
  },
]
