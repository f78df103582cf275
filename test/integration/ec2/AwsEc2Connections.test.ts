import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { join } from "node:path"
import { VpcId } from "../../../src/domain/Ids.ts"
import { awsClient } from "../../support/ec2/AwsClient.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { serveEc2 } from "../../support/ec2/Ec2Wire.ts"
import { startFaultProxy } from "../../support/ec2/FaultProxy.ts"
import { startMoto } from "../../support/ec2/Moto.ts"
import { makeMotoVpc } from "../../support/ec2/MotoVpc.ts"
import { countOf, makeEc2, setUp, simulated } from "./AwsEc2Stand.ts"
import { refusal } from "./Contract.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"

describe("connections of the AWS layer", () => {
  it.live("a hundred writes at once all go through", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2, cell } = yield* setUp()
        yield* proxy.addRule({ action: "any", fault: { _tag: "Delay", millis: 300 } })
        const writes = Array.from({ length: 100 }, () => Effect.result(ec2.deleteRoute(cell)))
        yield* Effect.all(writes, { concurrency: "unbounded" })
        assert.strictEqual(yield* countOf(proxy, "DeleteRoute"), 100)
      }),
    ),
  )

  it.live("HTTP_PROXY is honoured, and NO_PROXY", () =>
    simulated(
      Effect.gen(function* () {
        const wire = yield* serveEc2()
        const proxy = yield* startFaultProxy(wire.endpoint)
        const through = { ...awsEnvironment("http://ec2.example.invalid"), HTTP_PROXY: proxy.endpoint }
        yield* withEnvironment(through)
        yield* (yield* makeEc2(VpcId("vpc-350d6a51"))).snapshot
        const [first] = yield* proxy.requests
        assert.strictEqual(first?.target, "http://ec2.example.invalid/")
        yield* proxy.forget
        yield* withEnvironment({ ...through, AWS_ENDPOINT_URL: wire.endpoint, NO_PROXY: "127.0.0.1" })
        yield* (yield* makeEc2(VpcId("vpc-350d6a51"))).snapshot
        assert.lengthOf(yield* proxy.requests, 0)
      }),
    ),
  )

  it.live("HTTPS_PROXY is asked for a tunnel to the endpoint", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<string>()
      const proxy = yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const server = createServer((socket) => {
            socket.on("error", () => undefined)
            socket.once("data", (chunk: Buffer) => {
              Deferred.doneUnsafe(asked, Effect.succeed(chunk.toString().split("\r\n")[0] ?? ""))
              socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n")
            })
          })
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close()),
      )
      const address = proxy.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      yield* withEnvironment({
        ...awsEnvironment("https://ec2.example.invalid"),
        HTTPS_PROXY: `http://127.0.0.1:${port}`,
      })
      const error = yield* refusal((yield* makeEc2(VpcId("vpc-350d6a51"))).snapshot)
      assert.strictEqual(yield* Deferred.await(asked), "CONNECT ec2.example.invalid:443 HTTP/1.1")
      assert.strictEqual(error.disposition, "transient")
    }),
  )

  it.live("a profile's role is assumed, and the calls are signed with what it gives", () =>
    Effect.gen(function* () {
      const moto = yield* startMoto
      const proxy = yield* startFaultProxy(moto.endpoint)
      const client = yield* awsClient(moto.endpoint)
      const vpc = yield* makeMotoVpc(client)
      const folder = yield* temporaryFolder
      const config = [
        "[profile base]",
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = secret",
        "[profile router]",
        "role_arn = arn:aws:iam::123456789012:role/vpc-router",
        "source_profile = base",
        "region = us-east-1",
      ]
      writeFileSync(join(folder, "config"), config.join("\n"))
      yield* withEnvironment({
        ...awsEnvironment(proxy.endpoint),
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
        AWS_REGION: undefined,
        AWS_CONFIG_FILE: join(folder, "config"),
        AWS_PROFILE: "router",
      })
      yield* (yield* makeEc2(vpc.id)).snapshot
      const requests = yield* proxy.requests
      const assumed = requests.find(({ action }) => action === "AssumeRole")
      assert.strictEqual(assumed?.form.get("RoleArn"), "arn:aws:iam::123456789012:role/vpc-router")
      const described = requests.filter(({ action }) => action.startsWith("Describe"))
      assert.lengthOf(described, 4)
      for (const { headers } of described) {
        assert.isDefined(headers["x-amz-security-token"])
        assert.notInclude(headers.authorization, "AKIAIOSFODNN7EXAMPLE")
      }
    }),
  )
})
