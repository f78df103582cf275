import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Predicate, Result, Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { decodeRouteSpec } from "../../../src/domain/DecodeRouteSpec.ts"
import { readOptions } from "../../../src/runtime/Options.ts"
import { Api } from "../../../src/services/http/Api.ts"
import { run, ToolFailed } from "../../support/netns/Tools.ts"

const deploy = fileURLToPath(new URL("../../../deploy/", import.meta.url))
const text = (path: string) => readFileSync(`${deploy}${path}`, "utf8")

/** Reads options from variables; gives what is wrong with them. */
const problems = (environment: Readonly<Record<string, string>>) =>
  Result.match(readOptions({}, environment), { onFailure: (faults) => faults, onSuccess: ({ warnings }) => warnings })

const Deployment = Schema.Struct({
  kind: Schema.Literal("Deployment"),
  spec: Schema.Struct({
    replicas: Schema.Int,
    strategy: Schema.Struct({ type: Schema.String }),
    template: Schema.Struct({
      spec: Schema.Struct({
        hostNetwork: Schema.Boolean,
        securityContext: Schema.Struct({ runAsNonRoot: Schema.Boolean, runAsUser: Schema.Int }),
        containers: Schema.Array(
          Schema.Struct({
            env: Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String })),
            livenessProbe: Schema.Struct({ httpGet: Schema.Struct({ path: Schema.String, port: Schema.Int }) }),
            readinessProbe: Schema.Struct({ httpGet: Schema.Struct({ path: Schema.String, port: Schema.Int }) }),
            securityContext: Schema.Struct({
              allowPrivilegeEscalation: Schema.Boolean,
              readOnlyRootFilesystem: Schema.Boolean,
              capabilities: Schema.Struct({ drop: Schema.Array(Schema.String), add: Schema.Array(Schema.String) }),
            }),
          }),
        ),
      }),
    }),
  }),
})

const ConfigMap = Schema.Struct({
  kind: Schema.Literal("ConfigMap"),
  metadata: Schema.Struct({ name: Schema.String }),
  data: Schema.Record(Schema.String, Schema.String),
})

/** kubectl, without any cluster. */
const kubectl = (args: ReadonlyArray<string>, input?: string) =>
  Effect.mapError(run("kubectl", args, input), ({ message }) =>
    message.includes("apt-get install")
      ? new ToolFailed({ message: `This test needs the program "kubectl": apt-get install kubernetes-client` })
      : new ToolFailed({ message }),
  )

const manifests = Effect.gen(function* () {
  const built = yield* kubectl(["kustomize", `${deploy}kubernetes`])
  const json = yield* kubectl(["annotate", "--local", "-f", "-", "read-by=test", "-o", "json"], built)
  // One object after the other, each ending with a brace at the beginning of a line.
  return json.trimEnd().split(/(?<=^\})\n/m)
})

/** What `seen` lacks of `written`, by path. */
const missing = (written: unknown, seen: unknown, path = ""): ReadonlyArray<string> => {
  if (Predicate.isObjectOrArray(written)) {
    return Object.entries(written).flatMap(([key, value]) =>
      Predicate.hasProperty(seen, key) ? missing(value, seen[key], `${path}.${key}`) : [`${path}.${key}`],
    )
  }
  return []
}

const asDeployment = Schema.decodeUnknownOption(Schema.fromJsonString(Deployment))
const asConfigMap = Schema.decodeUnknownOption(Schema.fromJsonString(ConfigMap))

describe("the Kubernetes manifests", () => {
  it.live("say nothing that Kubernetes does not know", () =>
    Effect.gen(function* () {
      const deployment = (yield* manifests).find((part) => part.includes(`"kind": "Deployment"`)) ?? ""
      // Reads it into Kubernetes' own types: what these lack is lost, and a value of another type is an error.
      const known = yield* kubectl(["set", "env", "--local", "-f", "-", "READ_BY=test", "-o", "json"], deployment)
      assert.deepStrictEqual(missing(JSON.parse(deployment), JSON.parse(known)), [])
    }),
  )

  it.live("run one pod at a time on the node's network, without root and with NET_RAW alone", () =>
    Effect.gen(function* () {
      const [deployment] = (yield* manifests).flatMap((part) => Option.toArray(asDeployment(part)))
      const { replicas, strategy, template } = deployment!.spec
      assert.deepStrictEqual([replicas, strategy.type, template.spec.hostNetwork], [1, "Recreate", true])
      assert.isTrue(template.spec.securityContext.runAsNonRoot)
      const [container] = template.spec.containers
      assert.deepStrictEqual(container?.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"], add: ["NET_RAW"] },
      })
    }),
  )

  it.live("give options that exist, a spec that is one, and probes that the API answers", () =>
    Effect.gen(function* () {
      const parts = yield* manifests
      const [deployment] = parts.flatMap((part) => Option.toArray(asDeployment(part)))
      const [container] = deployment!.spec.template.spec.containers
      const data = new Map(
        parts.flatMap((part) => Option.toArray(asConfigMap(part))).map(({ data, metadata }) => [metadata.name, data]),
      )
      const environment = {
        ...data.get("vpc-router-options"),
        ...Object.fromEntries(container!.env.map(({ name, value }) => [name, value])),
      }
      assert.deepStrictEqual(problems(environment), [])
      assert.strictEqual(environment["VPC_ROUTER_FILE"], "/etc/vpc-router/route-spec.json")
      assert.isTrue(Result.isSuccess(decodeRouteSpec(data.get("vpc-router-spec")?.["route-spec.json"] ?? "")))
      const paths = Object.keys(OpenApi.fromApi(Api).paths)
      for (const { httpGet } of [container!.livenessProbe, container!.readinessProbe]) {
        assert.include(paths, httpGet.path)
        assert.strictEqual(httpGet.port, 33_289)
      }
    }),
  )
})

describe("the example of an environment file for the systemd unit", () => {
  it("gives options that exist", () => {
    const lines = text("systemd/environment")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
    assert.isAbove(lines.length, 2)
    assert.deepStrictEqual(problems(Object.fromEntries(lines.map((line) => line.split("=")))), [])
  })
})

describe("the Dockerfile", () => {
  const stages = text("docker/Dockerfile").split(/^(?=FROM )/m)
  const last = stages.at(-1) ?? ""

  it("builds with the Node that the project is built with", () => {
    const setup = readFileSync(`${deploy}../scripts/setup.mjs`, "utf8")
    const major = /version: "(\d+)\./.exec(setup)?.[1]
    assert.match(text("docker/Dockerfile"), new RegExp(`^FROM docker.io/library/node:${major}-bookworm AS build$`, "m"))
  })

  it("brings along what the bundle leaves outside", () => {
    const build = readFileSync(`${deploy}../scripts/build.mjs`, "utf8")
    const external = /external: \[(.*)\]/.exec(build)?.[1] ?? ""
    assert.strictEqual(external, `"raw-socket"`)
    assert.include(text("docker/Dockerfile"), "cp build/Release/raw.node /opt/vpc-router/node_modules/raw-socket/")
  })

  it("ends without root, and gives CAP_NET_RAW to Node alone", () => {
    assert.match(last, /^USER 65532:65532$/m)
    assert.isAbove(last.indexOf("\nUSER "), last.lastIndexOf("\nRUN "))
    assert.deepStrictEqual(last.match(/setcap .*?(?= \\)/g), ["setcap cap_net_raw+ep /usr/local/bin/node"])
  })
})
