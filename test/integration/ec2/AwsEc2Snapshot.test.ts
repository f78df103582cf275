import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { countOf, describeCalls, setUp, simulated } from "./AwsEc2Stand.ts"
import { refusal } from "./Contract.ts"

describe("a snapshot of the AWS layer is whole or nothing", () => {
  it.live.each(describeCalls)("one failed page of %s fails all of it", (action) =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2 } = yield* setUp({ largestPage: 2 })
        yield* ec2.snapshot
        yield* proxy.addRule({ action, times: 1, fault: { _tag: "Error", status: 500, code: "InternalError" } })
        const error = yield* refusal(ec2.snapshot)
        assert.deepInclude({ ...error }, { operation: action, code: "InternalError" })
        yield* ec2.snapshot
      }),
    ),
  )

  it.live("a failed later page fails all of it", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2 } = yield* setUp({ largestPage: 2 })
        yield* proxy.addRule({
          action: "DescribeRouteTables",
          containing: btoa("DescribeRouteTables 2"),
          fault: { _tag: "Error", status: 503, code: "RequestLimitExceeded" },
        })
        const error = yield* refusal(ec2.snapshot)
        assert.deepInclude({ ...error }, { operation: "DescribeRouteTables", disposition: "throttled" })
        assert.strictEqual(yield* countOf(proxy, "DescribeRouteTables"), 2)
      }),
    ),
  )

  it.live("each call asks for pages and for this VPC only", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2 } = yield* setUp()
        yield* ec2.snapshot
        const requests = yield* proxy.requests
        assert.sameMembers(
          requests.map(({ action }) => action),
          describeCalls,
        )
        for (const { form } of requests) {
          assert.strictEqual(form.get("Filter.1.Name"), "vpc-id")
          assert.strictEqual(form.get("Filter.1.Value.1"), "vpc-350d6a51")
          assert.isTrue(form.has("MaxResults"))
        }
      }),
    ),
  )

  it.live.each([
    ["DescribeRouteTables", "routeTableId", "RouteTableId"],
    ["DescribeRouteTables", "destinationCidrBlock", "destination"],
    ["DescribeRouteTables", "state", "State"],
    ["DescribeRouteTables", "origin", "Origin"],
    ["DescribeNetworkInterfaces", "networkInterfaceId", "NetworkInterfaceId"],
    ["DescribeNetworkInterfaces", "requesterManaged", "RequesterManaged"],
    ["DescribeInstances", "instanceState", "State"],
    ["DescribeVpcs", "cidrBlock", "CIDR"],
  ] as const)("an answer to %s without %s is not taken", ([action, element, named]) =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2 } = yield* setUp()
        const change = (body: string) =>
          body.replaceAll(new RegExp(`<${element}>(?:(?!</${element}>).)*</${element}>`, "gs"), "")
        yield* proxy.addRule({ action, fault: { _tag: "Rewrite", change } })
        const error = yield* refusal(ec2.snapshot)
        assert.deepInclude({ ...error }, { operation: action, code: "UndecodableAnswer", disposition: "transient" })
        assert.include(error.message, named)
      }),
    ),
  )

  it.live.each(
    describeCalls.flatMap((action) => ["", "<html><body>Welcome</body></html>"].map((body) => [action, body] as const)),
  )("a 200 to %s that holds %j instead of its list is no reading", ([action, body]) =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2 } = yield* setUp()
        yield* proxy.addRule({ action, fault: { _tag: "Answer", status: 200, contentType: "text/html", body } })
        const error = yield* refusal(ec2.snapshot)
        assert.strictEqual(error.operation, action)
      }),
    ),
  )

  it.live("an address that is none is not taken, and is quoted with its place", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2 } = yield* setUp()
        const change = (body: string) => body.replaceAll("10.33.20.94", "10.33.20.940")
        yield* proxy.addRule({ action: "DescribeNetworkInterfaces", fault: { _tag: "Rewrite", change } })
        const { message } = yield* refusal(ec2.snapshot)
        assert.include(message, "eni-0a20093")
        assert.include(message, "10.33.20.940")
      }),
    ),
  )

  it.live("pages that never end do not hold it up for ever", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2 } = yield* setUp()
        const change = (body: string) => body.replace("</DescribeVpcs", "<nextToken>again</nextToken></DescribeVpcs")
        yield* proxy.addRule({ action: "DescribeVpcs", times: 1, fault: { _tag: "Rewrite", change } })
        yield* proxy.addRule({
          action: "DescribeVpcs",
          fault: {
            _tag: "Answer",
            status: 200,
            contentType: "text/xml",
            body: "<DescribeVpcsResponse><nextToken>again</nextToken></DescribeVpcsResponse>",
          },
        })
        const error = yield* refusal(ec2.snapshot)
        assert.deepInclude({ ...error }, { operation: "DescribeVpcs", code: "UndecodableAnswer" })
        assert.strictEqual(yield* countOf(proxy, "DescribeVpcs"), 2)
      }),
    ),
  )
})
