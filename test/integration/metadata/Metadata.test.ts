import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { VpcId } from "../../../src/domain/Ids.ts"
import { whereAmI } from "../../../src/services/ec2/Metadata.ts"
import { freePort } from "../../support/ec2/FreePort.ts"
import { type Instead, instance, type MetadataServer, metadataServer } from "./MetadataServer.ts"

const [first, second, third] = ["0e:49:61:0f:c3:11", "0e:49:61:0f:c3:12", "06:aa:bb:cc:dd:ee"] as const
const one = instance("eu-west-1", [[first, "eni-0a1", "vpc-350d6a51"]])
const nothing = { vpcId: undefined, region: undefined }
const vpcId = VpcId("vpc-350d6a51")

const pathsOf = ({ asked }: MetadataServer) => asked.map(({ path }) => path.replace("/latest/", ""))

/** Why it cannot be told, and how long it took to find out, in milliseconds. */
const refusal = (endpoint: string, known: Parameters<typeof whereAmI>[0] = nothing) =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    const { why } = yield* Effect.flip(whereAmI(known, endpoint))
    return { why, took: (yield* Clock.currentTimeMillis) - began }
  })

describe("where am I, by instance metadata", () => {
  it.live("tells region and VPC of an instance with one interface, with a token in every request", () =>
    Effect.gen(function* () {
      const server = yield* metadataServer(one)
      assert.deepStrictEqual(yield* whereAmI(nothing, server.endpoint), { region: "eu-west-1", vpcId })
      const [token, ...rest] = server.asked
      assert.deepStrictEqual([token?.method, token?.path], ["PUT", "/latest/api/token"])
      assert.isTrue(rest.length > 0 && rest.every(({ method, token }) => method === "GET" && token !== undefined))
    }),
  )

  it.live("several interfaces in one VPC are no question", () =>
    Effect.gen(function* () {
      const interfaces = [first, second, third].map((mac, n) => [mac, `eni-${n}`, "vpc-350d6a51"] as const)
      const { endpoint } = yield* metadataServer(instance("us-gov-east-1", interfaces))
      assert.deepStrictEqual(yield* whereAmI(nothing, endpoint), { region: "us-gov-east-1", vpcId })
    }),
  )

  it.live("several interfaces in several VPCs are listed, and none is chosen", () =>
    Effect.gen(function* () {
      const interfaces = [
        [first, "eni-0b", "vpc-2"],
        [second, "eni-0a", "vpc-2"],
        [third, "eni-0c", "vpc-1"],
      ] as const
      const { endpoint } = yield* metadataServer(instance("eu-west-1", interfaces))
      const { why } = yield* refusal(endpoint)
      assert.strictEqual(
        why,
        "the interfaces of this instance are in several VPCs: vpc-1 (eni-0c) and vpc-2 (eni-0a, eni-0b)",
      )
    }),
  )

  it.live("asks only for what is not known", () =>
    Effect.gen(function* () {
      const server = yield* metadataServer({ "placement/region": "eu-west-1" })
      assert.deepStrictEqual(yield* whereAmI({ vpcId, region: undefined }, server.endpoint), {
        vpcId,
        region: "eu-west-1",
      })
      assert.deepStrictEqual(pathsOf(server), ["api/token", "meta-data/placement/region"])
      const { endpoint } = yield* metadataServer(one)
      assert.deepStrictEqual(yield* whereAmI({ vpcId: undefined, region: "eu-west-1" }, endpoint), {
        vpcId,
        region: "eu-west-1",
      })
    }),
  )

  it.live("does not take the VPC of one region for that of another", () =>
    Effect.gen(function* () {
      const { endpoint } = yield* metadataServer(one)
      const { why } = yield* refusal(endpoint, { vpcId: undefined, region: "us-east-1" })
      assert.strictEqual(why, "this instance is in eu-west-1, so its VPC cannot be meant when the region is us-east-1")
    }),
  )

  it.live("never does without a token, as version 1 would", () =>
    Effect.gen(function* () {
      for (const status of [400, 403, 404, 405, 500]) {
        const instead: Instead = ({ method }, response) => {
          if (method !== "PUT") return false
          response.writeHead(status).end()
          return true
        }
        const server = yield* metadataServer(one, instead)
        const { why } = yield* refusal(server.endpoint)
        assert.strictEqual(why, `instance metadata at ${server.endpoint} answered ${status} to a request for a token`)
        assert.isFalse(server.asked.some(({ method }) => method === "GET"))
      }
      const expired: Instead = ({ method }, response) => {
        if (method === "PUT") response.end("another token")
        return method === "PUT"
      }
      const { endpoint } = yield* metadataServer(one, expired)
      assert.include((yield* refusal(endpoint)).why, "answered 401 to placement/region")
    }),
  )

  it.live("says which answer was none", () =>
    Effect.gen(function* () {
      const { "placement/region": region, ...vpcOnly } = one
      const without = yield* metadataServer(vpcOnly)
      assert.include((yield* refusal(without.endpoint)).why, "answered 404 to placement/region")
      const macs = "network/interfaces/macs/"
      const vpcPath = `${macs}${first}/vpc-id`
      const garbage: ReadonlyArray<readonly [path: string, text: string, why: string]> = [
        ["placement/region", "<html>Welcome to the portal</html>", "which cannot be meant"],
        ["placement/region", "", 'gave "" for placement/region'],
        [macs, "", "gave no list of interfaces"],
        [macs, "../../etc/", "gave no list of interfaces"],
        [macs, `${first}/\n<html>`, "gave no list of interfaces"],
        [
          macs,
          Array.from({ length: 100 }, (_, n) => `0e:00:00:00:00:${n + 10}/`).join("\n"),
          "gave no list of interfaces",
        ],
        [vpcPath, "vpc-1; rm -rf /", "which cannot be meant"],
        [vpcPath, "x".repeat(100_000), 'gave "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" for'],
      ]
      for (const [path, text, expected] of garbage) {
        const { endpoint } = yield* metadataServer({ ...one, "placement/region": region ?? "", [path]: text })
        assert.include((yield* refusal(endpoint)).why, expected)
      }
    }),
  )

  it.live("off EC2 it says so within about two seconds, whatever answers there, or nothing", () =>
    Effect.gen(function* () {
      const closed = `http://127.0.0.1:${yield* freePort}`
      const refused = yield* refusal(closed)
      assert.strictEqual(
        refused.why,
        `nothing answers at ${closed} as instance metadata do: is this an EC2 instance (in a container, one with a hop limit of 2)?`,
      )
      const silent = yield* metadataServer(one, () => true)
      const slowly: Instead = ({ method }, response) => {
        if (method === "PUT") return false
        const drip = setInterval(() => response.write("x"), 100)
        response.on("close", () => clearInterval(drip))
        return true
      }
      const slow = yield* metadataServer(one, slowly)
      const hangsUp: Instead = (_, response) => {
        response.destroy()
        return true
      }
      const rude = yield* metadataServer(one, hangsUp)
      for (const { endpoint } of [silent, slow, rude]) {
        const { took, why } = yield* refusal(endpoint)
        assert.isBelow(took, 2_600, why)
        assert.include(why, endpoint)
      }
    }),
  )

  it.live("a slow answer is good enough", () =>
    Effect.gen(function* () {
      const texts = { ...one }
      const lazily: Instead = ({ method, path }, response) => {
        if (method === "PUT") return false
        setTimeout(() => response.end(texts[path.replace("/latest/meta-data/", "")]), 200)
        return true
      }
      const { endpoint } = yield* metadataServer(one, lazily)
      assert.deepStrictEqual(yield* whereAmI(nothing, endpoint), { region: "eu-west-1", vpcId })
    }),
  )

  it.live("an endpoint that is no URL is said to be none", () =>
    Effect.gen(function* () {
      for (const endpoint of ["169.254.169.254", "ftp://localhost", "http://"])
        assert.include((yield* refusal(endpoint)).why, "AWS_EC2_METADATA_SERVICE_ENDPOINT: expected a URL")
    }),
  )
})
