import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { VpcId } from "../../../src/domain/Ids.ts"
import type { Disposition } from "../../../src/domain/WriteFailure.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { serveEc2 } from "../../support/ec2/Ec2Wire.ts"
import { freePort } from "../../support/ec2/FreePort.ts"
import { countOf, makeEc2, setUp, simulated } from "./AwsEc2Stand.ts"
import { refusal } from "./Contract.ts"

/** EC2's codes with the status they come with, and what the caller does next. */
const errorTable: ReadonlyArray<readonly [code: string, status: number, disposition: Disposition]> = [
  ["RequestLimitExceeded", 503, "throttled"],
  ["Throttling", 400, "throttled"],
  ["InternalError", 500, "transient"],
  ["Unavailable", 503, "transient"],
  ["ServiceUnavailable", 503, "transient"],
  ["InvalidRoute.NotFound", 400, "refresh"],
  ["RouteAlreadyExists", 400, "refresh"],
  ["InvalidNetworkInterfaceID.NotFound", 400, "refresh"],
  ["InvalidInstanceID", 400, "refresh"],
  ["InvalidInstanceID.NotFound", 400, "refresh"],
  ["InvalidRouteTableID.NotFound", 400, "refresh"],
  ["InvalidRouteTableId.NotFound", 400, "refresh"],
  ["RouteLimitExceeded", 400, "full"],
  ["InvalidParameterValue", 400, "refused"],
  ["InvalidParameterCombination", 400, "refused"],
  ["SomethingNewAndOurs", 400, "refused"],
  ["SomethingNewAndTheirs", 500, "transient"],
  ["UnauthorizedOperation", 403, "denied"],
  ["AuthFailure", 401, "denied"],
  ["ExpiredToken", 400, "denied"],
  ["UnrecognizedClientException", 400, "denied"],
]

describe("errors of the AWS layer", () => {
  it.live.each(errorTable)(
    "%s (HTTP %i) is %s, carries EC2's text, and is not retried",
    ([code, status, disposition]) =>
      simulated(
        Effect.gen(function* () {
          const { proxy, ec2, cell, stand } = yield* setUp()
          yield* proxy.addRule({ action: "any", fault: { _tag: "Error", status, code, message: `text of ${code}` } })
          const error = yield* refusal(ec2.createRoute(cell, stand.a.interfaceId))
          assert.deepInclude({ ...error }, { operation: "CreateRoute", code, disposition })
          assert.strictEqual(error.message, `text of ${code}`)
          assert.strictEqual(error.requestId, "fault-proxy")
          assert.strictEqual(yield* countOf(proxy, "CreateRoute"), 1)
        }),
      ),
  )

  it.live("the text of a replace whose route is gone makes it a reason to read again", () =>
    simulated(
      Effect.gen(function* () {
        const { ec2, cell, stand } = yield* setUp()
        const error = yield* refusal(ec2.replaceRoute(cell, stand.a.interfaceId))
        assert.deepInclude({ ...error }, { code: "InvalidParameterValue", disposition: "refresh" })
      }),
    ),
  )

  it.live.each([
    [
      "an HTML page",
      { status: 500, contentType: "text/html", body: "<html><body>Internal Server Error</body></html>" },
    ],
    ["a bad gateway's page", { status: 502, contentType: "text/html", body: "<h1>502</h1><br>unclosed" }],
    ["nothing", { status: 503, contentType: "text/xml", body: "" }],
    ["broken XML", { status: 200, contentType: "text/xml", body: "<DescribeVpcsResponse><vpcSet><item>" }],
  ] as const)("an answer that is %s is transient", ([, answer]) =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2, cell, stand } = yield* setUp()
        yield* proxy.addRule({ action: "any", fault: { _tag: "Answer", ...answer } })
        assert.strictEqual((yield* refusal(ec2.snapshot)).disposition, "transient")
        if (answer.status !== 200) {
          assert.strictEqual((yield* refusal(ec2.createRoute(cell, stand.a.interfaceId))).disposition, "transient")
        }
      }),
    ),
  )

  it.live.each([
    ["nothing", ""],
    ["a page", "<html><body>Welcome</body></html>"],
    ["another call's", '<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"/>'],
    [
      "a no",
      `<OPERATIONResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><return>false</return></OPERATIONResponse>`,
    ],
  ] as const)("a write whose answer is a success with %s is no write that was done: EC2 is to be read", ([, body]) =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2, cell, stand } = yield* setUp()
        const writes = {
          CreateRoute: ec2.createRoute(cell, stand.a.interfaceId),
          ReplaceRoute: ec2.replaceRoute(cell, stand.a.interfaceId),
          DeleteRoute: ec2.deleteRoute(cell),
        }
        for (const [operation, write] of Object.entries(writes)) {
          const told = body.replaceAll("OPERATION", operation)
          const answer = { _tag: "Answer", status: 200, contentType: "text/xml", body: told } as const
          yield* proxy.addRule({ action: operation, times: 1, fault: answer })
          const error = yield* refusal(write)
          assert.deepInclude({ ...error }, { operation, code: "UnconfirmedAnswer", disposition: "refresh" })
        }
      }),
    ),
  )

  it.live("a cut connection is transient and names what happened", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2, cell, stand } = yield* setUp()
        yield* proxy.addRule({ action: "CreateRoute", fault: { _tag: "Cut" } })
        const error = yield* refusal(ec2.createRoute(cell, stand.a.interfaceId))
        assert.deepInclude({ ...error }, { code: "ECONNRESET", disposition: "transient" })
        assert.strictEqual(yield* countOf(proxy, "CreateRoute"), 1)
      }),
    ),
  )

  it.live("an endpoint where nobody listens is transient", () =>
    Effect.gen(function* () {
      yield* withEnvironment(awsEnvironment(`http://127.0.0.1:${yield* freePort}`))
      const ec2 = yield* makeEc2(VpcId("vpc-350d6a51"))
      const error = yield* refusal(ec2.snapshot)
      assert.deepInclude({ ...error }, { code: "ECONNREFUSED", disposition: "transient" })
    }),
  )

  it.live("without any credentials the call is denied and says so", () =>
    simulated(
      Effect.gen(function* () {
        const wire = yield* serveEc2()
        yield* withEnvironment({
          ...awsEnvironment(wire.endpoint),
          AWS_ACCESS_KEY_ID: undefined,
          AWS_SECRET_ACCESS_KEY: undefined,
        })
        const error = yield* refusal((yield* makeEc2(VpcId("vpc-350d6a51"))).snapshot)
        assert.deepInclude({ ...error }, { code: "CredentialsProviderError", disposition: "denied" })
      }),
    ),
  )

  it.live("without any region the call is denied and says so", () =>
    simulated(
      Effect.gen(function* () {
        const wire = yield* serveEc2()
        yield* withEnvironment({ ...awsEnvironment(wire.endpoint), AWS_REGION: undefined })
        const error = yield* refusal((yield* makeEc2(VpcId("vpc-350d6a51"))).snapshot)
        assert.deepInclude({ ...error }, { code: "RegionMissing", disposition: "denied" })
      }),
    ),
  )

  it.live("a VPC that is not there is named", () =>
    simulated(
      Effect.gen(function* () {
        yield* setUp()
        const error = yield* refusal((yield* makeEc2(VpcId("vpc-0ther"))).snapshot)
        assert.strictEqual(error.code, "InvalidVpcID.NotFound")
        assert.include(error.message, "vpc-0ther")
      }),
    ),
  )
})
