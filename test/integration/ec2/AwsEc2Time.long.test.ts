import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { createServer } from "node:net"
import { VpcId } from "../../../src/domain/Ids.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { deafEndpoint } from "../../support/ec2/DeafEndpoint.ts"
import { countOf, describeCalls, makeEc2, setUp, simulated } from "./AwsEc2Stand.ts"
import { refusal } from "./Contract.ts"

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
