import { Effect, Logger, Result } from "effect"
import fc from "fast-check"
import { decodeAlarmMap } from "../../../src/domain/AlarmMap.ts"
import { topologyOf } from "../../../src/runtime/Simulated.ts"
import { VpcChoice } from "../../../src/runtime/Options.ts"
import { readSpec } from "../../../src/runtime/commands/SpecInput.ts"
import { tokenCheck } from "../../../src/services/http/BearerToken.ts"
import { VpcId } from "../../../src/domain/Ids.ts"
import * as StateFile from "../../../src/services/state/StateFile.ts"
import { StateStore } from "../../../src/services/state/StateStore.ts"
import { utf8Text } from "../../../src/services/Utf8.ts"
import { bytesOf, type Decoder, inFile, onDisk, pure } from "./Decoder.ts"
import { specFile } from "./SpecFiles.ts"

const stateFile = fc
  .record({
    named: fc.subarray(["10.66.17.0/24", "::/0"]),
    drained: fc.subarray(["10.33.20.93", "2001:db8:1::2"]),
    spec: fc.constantFrom({}, { "10.66.17.0/24": ["10.33.20.93"], "2001:db8:ff::/48": [] }),
    confirmed: fc.subarray([
      { table: "rtb-1", cidr: "10.66.18.0/24", target: { interface: "eni-1", instance: "i-1", owner: "123456789012" } },
      { table: "rtb-2", cidr: "::/0", target: { instance: "i-1" } },
    ]),
  })
  .map(({ confirmed, drained, named, spec }) =>
    bytesOf(
      JSON.stringify({
        version: 1,
        vpc: "vpc-1",
        route_spec: spec,
        named,
        drained,
        confirmed,
        held: confirmed,
        last_hour: [{ since: 60_000, routes: 7, deleted: named }],
      }),
    ),
  )

const alarmMap = fc
  .dictionary(
    fc.constantFrom("router-a is down", "zone b", "état"),
    fc.constantFrom("10.33.20.93", ["10.33.30.22", "2001:DB8::1"]),
  )
  .map((map) => bytesOf(JSON.stringify(map)))

const topology = fc
  .record({
    latency: fc.constantFrom(0, 20.5),
    state: fc.constantFrom("running", "stopped"),
    target: fc.constantFrom("10.33.20.93", "i-1", "eni-1", "igw-1", "local"),
    destination: fc.constantFrom("10.66.17.0/24", "pl-123", "0.0.0.0/0"),
  })
  .map(({ destination, latency, state, target }) =>
    bytesOf(
      JSON.stringify({
        vpc: { id: "vpc-1", cidrs: ["10.33.0.0/16", "2001:db8:1::/56"], owner: "123456789012" },
        subnets: [{ id: "subnet-1", zone: "us-east-1a", cidrs: ["10.33.20.0/24"] }],
        hosts: [
          { interface: "eni-1", instance: "i-1", addresses: ["10.33.20.93", "2001:db8:1::93"], state, answers: true },
          { interface: "eni-2", addresses: ["10.33.20.94"], requesterManaged: true, sourceDestCheck: true },
        ],
        tables: [
          { id: "rtb-1", main: true, tags: { Name: "main" }, routes: [{ destination, target }] },
          { id: "rtb-2", edge: "igw-1", subnets: ["subnet-1"], routes: [] },
        ],
        quotas: { routesPerTable: 50 },
        latencyMillis: latency,
      }),
    ),
  )

const token = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9\-._~+/]{1,60}={0,2}$/), fc.constantFrom("", "\n", "\r\n"))
  .map(([text, end]) => bytesOf(text + end))

export const fileDecoders: ReadonlyArray<Decoder> = [
  {
    name: "a spec file",
    files: [
      "src/domain/DecodeRouteSpec.ts",
      "src/domain/JsonText.ts",
      "src/domain/SpecDraft.ts",
      "src/runtime/commands/SpecInput.ts",
      "src/services/FileLook.ts",
      "src/services/Utf8.ts",
      "src/services/config/FileConfig.ts",
      "src/services/config/SpecBytes.ts",
    ],
    valid: specFile,
    open: inFile((file) => Effect.flatMap(readSpec(file), (decoded) => Effect.fromResult(decoded))),
  },
  {
    name: "a state file",
    files: ["src/services/state/StateFile.ts", "src/services/state/StateText.ts"],
    costly: true,
    valid: stateFile,
    open: onDisk((file, disk) =>
      Effect.gen(function* () {
        const { restored } = yield* Effect.provide(StateStore, StateFile.layer(file, VpcId("vpc-1")))
        // What cannot be read is put aside, and the start goes on.
        return restored ?? (yield* Effect.fail(`put aside: ${disk.text(`${file}.corrupt`)?.length} characters`))
      }).pipe(Effect.provide(Logger.layer([]))),
    ),
  },
  {
    name: "a map of alarms",
    files: ["src/domain/AlarmMap.ts", "src/runtime/WatchAlarms.ts"],
    valid: alarmMap,
    open: pure((bytes) => Result.flatMap(utf8Text(bytes), (text) => decodeAlarmMap(text))),
  },
  {
    name: "a topology file",
    files: ["src/runtime/Simulated.ts", "src/services/ec2/Topology.ts", "src/services/ec2/TopologyText.ts"],
    valid: topology,
    open: inFile((file) => topologyOf(VpcChoice.Simulated({ file, vpcId: undefined }))),
  },
  {
    name: "a token file",
    files: ["src/services/http/BearerToken.ts"],
    valid: token,
    open: inFile((file) => Effect.flatMap(tokenCheck(file), (check) => check("token"))),
  },
]
