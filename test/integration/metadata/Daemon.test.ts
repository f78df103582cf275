import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { finish, start } from "../cli/Running.ts"
import { instance, metadataServer } from "./MetadataServer.ts"

const one = instance("eu-west-1", [["0e:49:61:0f:c3:11", "eni-0a1", "vpc-350d6a51"]])
const serve = ["-m", "http", "-H", "tcp", "-p", "0"]

/** The variables of a machine whose metadata are there, and whose EC2 nobody answers for. */
const at = (endpoint: string) => ({
  AWS_EC2_METADATA_DISABLED: "",
  AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint,
  AWS_ENDPOINT_URL: "http://127.0.0.1:9",
  AWS_ACCESS_KEY_ID: "none",
  AWS_SECRET_ACCESS_KEY: "none",
})

describe("the daemon asks where it is", () => {
  it.live("and goes to the VPC and region that instance metadata name", () =>
    Effect.gen(function* () {
      const { endpoint } = yield* metadataServer(one)
      const daemon = yield* start(serve, { environment: at(endpoint) })
      yield* daemon.logged("specs by HTTP, for vpc-350d6a51 in eu-west-1")
      yield* daemon.url
    }),
  )

  it.live("only for what it was not told", () =>
    Effect.gen(function* () {
      const { asked, endpoint } = yield* metadataServer(one)
      const environment = at(endpoint)
      const told = yield* start([...serve, "-v", "vpc-1", "-r", "us-east-1"], { environment })
      yield* told.logged("for vpc-1 in us-east-1")
      const simulated = yield* start(["-m", "http", "-p", "0", "--simulate"], { environment })
      yield* simulated.url
      yield* finish(["--help"], { environment })
      yield* finish(["-m", "http", "--fall", "0"], { environment })
      assert.deepStrictEqual(asked, [])
      const half = yield* start([...serve, "-v", "vpc-1"], { environment })
      yield* half.logged("for vpc-1 in eu-west-1")
    }),
  )

  it.live("and says what it needs, and why, where nothing tells", () =>
    Effect.gen(function* () {
      const several = instance("eu-west-1", [
        ["0e:49:61:0f:c3:11", "eni-0a1", "vpc-1"],
        ["0e:49:61:0f:c3:12", "eni-0a2", "vpc-2"],
      ])
      const { endpoint } = yield* metadataServer(several)
      const undecided = yield* finish(serve, { environment: at(endpoint) })
      assert.deepStrictEqual(
        [undecided.code, undecided.stderr],
        [
          1,
          "vpc-router: --vpc: expected the id of the VPC, such as vpc-350d6a51 (or --simulate to try it out); " +
            "the interfaces of this instance are in several VPCs: vpc-1 (eni-0a1) and vpc-2 (eni-0a2)\n",
        ],
      )
      const nowhere = yield* finish(serve, { environment: at("http://127.0.0.1:9") })
      const [region = "", vpc = ""] = nowhere.stderr.split("\n")
      assert.strictEqual(nowhere.code, 1)
      assert.include(region, "vpc-router: --region: expected the region of the VPC, such as us-east-1")
      assert.include(vpc, "nothing answers at http://127.0.0.1:9 as instance metadata do: is this an EC2 instance")
    }),
  )
})
