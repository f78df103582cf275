import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, type Scope } from "effect"
import { createServer } from "node:net"
import type { Disposition } from "../../../src/domain/WriteFailure.ts"
import { VpcId } from "../../../src/domain/Ids.ts"
import * as AwsEc2 from "../../../src/services/ec2/AwsEc2.ts"
import { Ec2 } from "../../../src/services/ec2/Ec2.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { deafEndpoint } from "../../support/ec2/DeafEndpoint.ts"
import { type Ec2WireOptions, serveEc2 } from "../../support/ec2/Ec2Wire.ts"
import { type FaultProxyHandle, startFaultProxy } from "../../support/ec2/FaultProxy.ts"
import { freePort } from "../../support/ec2/FreePort.ts"
import { destination, refusal } from "./Contract.ts"
import { simulatedStand, standTopology } from "./SimulatedStand.ts"

const makeEc2 = (vpcId: VpcId) =>
  Effect.flatMap(Layer.build(AwsEc2.layer({ vpcId })), (context) => Ec2.pipe(Effect.provide(context)))

/** The AWS layer, through a fault proxy, to the simulated VPC over the wire. */
const setUp = Effect.fnUntraced(function* (wireOptions: Ec2WireOptions = {}) {
  const wire = yield* serveEc2(wireOptions)
  const proxy = yield* startFaultProxy(wire.endpoint)
  yield* withEnvironment(awsEnvironment(proxy.endpoint))
  const stand = yield* simulatedStand
  return { proxy, stand, ec2: yield* makeEc2(stand.vpcId), cell: { table: stand.tableA, cidr: destination } }
})

const simulated = <A, E>(use: Effect.Effect<A, E, Simulation | Scope.Scope>): Effect.Effect<A, E> =>
  Effect.scoped(use).pipe(Effect.provide(Simulation.layer(standTopology)))

const countOf = (proxy: FaultProxyHandle, action: string) => Effect.map(proxy.calls, (calls) => calls.get(action) ?? 0)

const describeCalls = ["DescribeVpcs", "DescribeRouteTables", "DescribeNetworkInterfaces", "DescribeInstances"]

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

describe("time in the AWS layer", () => {
  it.live("an answer that never comes is a timeout after five seconds, and the write may have been done", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2, cell, stand } = yield* setUp()
        yield* proxy.addRule({ action: "CreateRoute", times: 1, fault: { _tag: "CommitThenTimeout" } })
        const [took, error] = yield* Effect.timed(refusal(ec2.createRoute(cell, stand.a.interfaceId)))
        assert.deepInclude({ ...error }, { code: "TimeoutError", disposition: "transient" })
        assert.approximately(Duration.toMillis(took), 5_000, 500)
        assert.strictEqual((yield* refusal(ec2.createRoute(cell, stand.a.interfaceId))).code, "RouteAlreadyExists")
      }),
    ).pipe(Effect.timeout("8 seconds")),
  )

  it.live("an answer that stops halfway is a timeout", () =>
    Effect.gen(function* () {
      const endpoint = yield* Effect.acquireRelease(
        Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
          const server = createServer((socket) => {
            socket.on("error", () => undefined)
            socket.once("data", () =>
              socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<DescribeVpcs"),
            )
          })
          server.listen(0, "127.0.0.1", () => {
            const address = server.address()
            const port = typeof address === "object" && address !== null ? address.port : 0
            resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close: () => server.close() }))
          })
        }),
        ({ close }) => Effect.sync(close),
      )
      yield* withEnvironment(awsEnvironment(endpoint.url))
      const error = yield* refusal((yield* makeEc2(VpcId("vpc-350d6a51"))).snapshot)
      assert.deepInclude({ ...error }, { code: "TimeoutError", disposition: "transient" })
    }).pipe(Effect.timeout("9 seconds")),
  )

  it.live("an address that does not take the connection is a timeout after one second", () =>
    Effect.gen(function* () {
      yield* withEnvironment(awsEnvironment(yield* deafEndpoint))
      const error = yield* refusal((yield* makeEc2(VpcId("vpc-350d6a51"))).snapshot)
      assert.deepInclude({ ...error }, { code: "TimeoutError", disposition: "transient" })
    }).pipe(Effect.timeout("3 seconds")),
  )

  it.live("interruption cancels the request that is out", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2, cell, stand } = yield* setUp()
        yield* proxy.addRule({ action: "CreateRoute", fault: { _tag: "Hang" } })
        const received = yield* Effect.forkScoped(proxy.nextRequest("CreateRoute"), { startImmediately: true })
        const aborted = yield* Effect.forkScoped(proxy.aborted(1), { startImmediately: true })
        const call = yield* Effect.forkScoped(ec2.createRoute(cell, stand.a.interfaceId))
        yield* Fiber.join(received)
        yield* Fiber.interrupt(call)
        yield* Fiber.join(aborted).pipe(Effect.timeout("2 seconds"))
      }),
    ),
  )

  it.live("interrupting a snapshot cancels all four requests", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2 } = yield* setUp()
        yield* proxy.addRule({ action: "any", fault: { _tag: "Hang" } })
        const received = yield* Effect.forEach(describeCalls, (action) =>
          Effect.forkScoped(proxy.nextRequest(action), { startImmediately: true }),
        )
        const call = yield* Effect.forkScoped(ec2.snapshot)
        yield* Effect.forEach(received, Fiber.join)
        const aborted = yield* Effect.forkScoped(proxy.aborted(4), { startImmediately: true })
        yield* Fiber.interrupt(call)
        yield* Fiber.join(aborted).pipe(Effect.timeout("2 seconds"))
      }),
    ),
  )

  it.live.each([-3_600_000, 3_600_000])(
    "a clock that is off by %i ms costs one more request, once",
    (clockOffsetMillis) =>
      simulated(
        Effect.gen(function* () {
          const { proxy, ec2, cell, stand } = yield* setUp({ clockOffsetMillis })
          yield* ec2.createRoute(cell, stand.a.interfaceId)
          assert.strictEqual(yield* countOf(proxy, "CreateRoute"), 2)
          yield* ec2.deleteRoute(cell)
          assert.strictEqual(yield* countOf(proxy, "DeleteRoute"), 1)
        }),
      ),
  )

  it.live("a request that stays expired is not sent a third time", () =>
    simulated(
      Effect.gen(function* () {
        const { proxy, ec2, cell, stand } = yield* setUp()
        yield* proxy.addRule({ action: "any", fault: { _tag: "Error", status: 400, code: "RequestExpired" } })
        const error = yield* refusal(ec2.createRoute(cell, stand.a.interfaceId))
        assert.deepInclude({ ...error }, { code: "RequestExpired", disposition: "transient" })
        assert.strictEqual(yield* countOf(proxy, "CreateRoute"), 2)
      }),
    ),
  )
})

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
})
