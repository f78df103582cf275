import { NodeHttpServer } from "@effect/platform-node"
import { Clock, Effect, Result, type Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { NetAddress } from "effect/net"
import { createServer } from "node:http"
import { type Cidr, familyOf, parseCidr } from "../../../src/domain/Cidr.ts"
import { InstanceId, InterfaceId, RouteTableId } from "../../../src/domain/Ids.ts"
import type { Ec2Error } from "../../../src/services/ec2/Ec2.ts"
import {
  httpStatusOf,
  type Operation,
  operations,
  type WriteOperation,
} from "../../../src/services/ec2/SimulatedFaults.ts"
import { createRoute, deleteRoute, type Refusal, replaceRoute } from "../../../src/services/ec2/SimulatedRoutes.ts"
import { statusesOf } from "../../../src/services/ec2/SimulatedStatuses.ts"
import type { SimulatedVpc } from "../../../src/services/ec2/SimulatedVpc.ts"
import { Simulation } from "../../../src/services/ec2/Simulation.ts"
import { answerXml, described, errorXml, statusXml, type Xml } from "./Ec2WireXml.ts"

export interface Ec2WireOptions {
  /** A page never holds more, whatever MaxResults asks for; EC2 may answer with less than asked. */
  readonly largestPage?: number
  /** How far the server's clock is from ours. Requests signed five minutes off it are refused, as EC2 does. */
  readonly clockOffsetMillis?: number
}

type Form = URLSearchParams

const refusal = (code: string, message: string): Refusal => ({ code, message })

/** EC2 accepts a signature for five minutes around its time stamp ("Query requests", EC2 developer guide). */
const signatureLife = 5 * 60_000

/** `20261123T101538Z` */
const amzDate = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

const checkSignature = (authorization: string | undefined, date: string | undefined, now: number) => {
  if (authorization === undefined || !authorization.startsWith("AWS4-HMAC-SHA256 ")) {
    return Result.fail(refusal("AuthFailure", "AWS was not able to validate the provided access credentials"))
  }
  const signedAt = Date.parse((date ?? "").replace(amzDate, "$1-$2-$3T$4:$5:$6Z"))
  return Math.abs(now - signedAt) <= signatureLife
    ? Result.void
    : Result.fail(refusal("RequestExpired", "Request has expired."))
}

/** Largest MaxResults of each call (EC2's API reference); the smallest is 5. */
const largestMaxResults = (operation: Operation): number => (operation === "DescribeRouteTables" ? 100 : 1_000)

const pageSizeOf = (operation: Operation, form: Form): Result.Result<number, Refusal> => {
  const text = form.get("MaxResults")
  if (text === null) return Result.succeed(largestMaxResults(operation))
  const asked = Number(text)
  return Number.isInteger(asked) && asked >= 5 && asked <= largestMaxResults(operation)
    ? Result.succeed(asked)
    : Result.fail(refusal("InvalidParameterValue", `Value ( ${text} ) for parameter maxResults is invalid.`))
}

/** Whether the filters let the VPC through. `vpc-id` is the only one that is known here. */
const matchesFilters = (vpc: SimulatedVpc, form: Form): Result.Result<boolean, Refusal> => {
  let matches = true
  for (let at = 1; form.has(`Filter.${at}.Name`); at++) {
    const name = form.get(`Filter.${at}.Name`)
    if (name !== "vpc-id") return Result.fail(refusal("InvalidParameterValue", `The filter '${name}' is invalid`))
    const values: Array<string | null> = []
    for (let n = 1; form.has(`Filter.${at}.Value.${n}`); n++) values.push(form.get(`Filter.${at}.Value.${n}`))
    matches &&= values.includes(vpc.id)
  }
  return Result.succeed(matches)
}

const tokenOf = (operation: Operation, offset: number): string => btoa(`${operation} ${offset}`)

const offsetOf = (operation: Operation, form: Form): Result.Result<number, Refusal> => {
  const token = form.get("NextToken")
  if (token === null) return Result.succeed(0)
  const offset = Number(Buffer.from(token, "base64").toString().replace(`${operation} `, ""))
  return Number.isInteger(offset)
    ? Result.succeed(offset)
    : Result.fail(refusal("InvalidNextToken", "The token is invalid."))
}

const describe = (operation: Operation, vpc: SimulatedVpc, form: Form, options: Ec2WireOptions) =>
  Result.gen(function* () {
    const pageSize = Math.min(yield* pageSizeOf(operation, form), options.largestPage ?? Number.POSITIVE_INFINITY)
    const offset = yield* offsetOf(operation, form)
    const shows = described[operation]
    const set = shows === undefined ? { element: "none", items: [] } : shows(vpc)
    const items = (yield* matchesFilters(vpc, form)) ? set.items : []
    const end = offset + pageSize
    return {
      [set.element]: items.slice(offset, end),
      nextToken: end < items.length ? tokenOf(operation, end) : undefined,
    }
  })

/** The instances that are named; all, stopped ones as well, since `IncludeAllInstances` is the only way we ask. */
const describeStatuses = (vpc: SimulatedVpc, form: Form, options: Ec2WireOptions) =>
  Result.gen(function* () {
    const ids: Array<InstanceId> = []
    for (let n = 1; form.has(`InstanceId.${n}`); n++) ids.push(InstanceId(form.get(`InstanceId.${n}`) ?? ""))
    if (ids.length > 100) return yield* Result.fail(refusal("InvalidParameterValue", "too many instance IDs"))
    if (ids.length === 0 || form.get("IncludeAllInstances") !== "true")
      return yield* Result.fail(refusal("InvalidParameterValue", "only the status of named instances is served here"))
    if (form.has("MaxResults"))
      return yield* Result.fail(
        refusal("InvalidParameterCombination", "The parameter InstanceIds cannot be used with MaxResults"),
      )
    const items = [...(yield* statusesOf(vpc, ids))].sort(([a], [b]) => (a < b ? -1 : 1)).map(statusXml)
    const offset = yield* offsetOf("DescribeInstanceStatus", form)
    const end = offset + (options.largestPage ?? items.length)
    return {
      instanceStatusSet: items.slice(offset, end),
      nextToken: end < items.length ? tokenOf("DescribeInstanceStatus", end) : undefined,
    }
  })

const required = (form: Form, name: string): Result.Result<string, Refusal> => {
  const value = form.get(name)
  return value === null || value === ""
    ? Result.fail(refusal("MissingParameter", `The request must contain the parameter ${name}`))
    : Result.succeed(value)
}

/** The destination as EC2 keeps it: host bits cleared. */
const destinationOf = (form: Form): Result.Result<Cidr, Refusal> =>
  Result.gen(function* () {
    const v4 = form.get("DestinationCidrBlock")
    const v6 = form.get("DestinationIpv6CidrBlock")
    if (v4 !== null && v6 !== null) {
      return yield* Result.fail(refusal("InvalidParameterCombination", "only one destination may be specified"))
    }
    const text = v4 ?? (yield* required(form, "DestinationIpv6CidrBlock"))
    const invalid = () =>
      refusal("InvalidParameterValue", `Value (${text}) for parameter destinationCidrBlock is invalid.`)
    const { cidr } = yield* Result.mapError(parseCidr(text), invalid)
    return familyOf(cidr) === (v4 === null ? 6 : 4) ? cidr : yield* Result.fail(invalid())
  })

/** The interface that is named, or the only one of the instance that is named. */
const targetOf = (vpc: SimulatedVpc, form: Form): Result.Result<InterfaceId, Refusal> => {
  const interfaceId = form.get("NetworkInterfaceId")
  const instanceId = form.get("InstanceId")
  if (interfaceId !== null && instanceId !== null) {
    return Result.fail(refusal("InvalidParameterCombination", "only one route target may be specified"))
  }
  if (interfaceId !== null) return Result.succeed(InterfaceId(interfaceId))
  if (instanceId === null) return Result.fail(refusal("MissingParameter", "The request must contain a route target"))
  const attached = [...vpc.interfaces.values()].filter((found) => found.attachment?.instanceId === instanceId)
  const [first] = attached
  if (first === undefined) {
    return Result.fail(refusal("InvalidInstanceID.NotFound", `The instance ID '${instanceId}' does not exist`))
  }
  return attached.length === 1
    ? Result.succeed(first.id)
    : Result.fail(refusal("InvalidInstanceID", `There are multiple interfaces attached to instance '${instanceId}'.`))
}

const isOperation = (action: string | null): action is Operation => operations.some((known) => known === action)
const isWrite = (operation: Operation): operation is WriteOperation => operation.endsWith("Route")

/** A running server. */
export interface Ec2Wire {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
}

/** Serves a {@link Simulation} over EC2's wire protocol: form in, XML out; only the calls that vpc-router makes. */
export const serveEc2 = (options: Ec2WireOptions = {}): Effect.Effect<Ec2Wire, never, Simulation | Scope.Scope> =>
  Effect.gen(function* () {
    const simulation = yield* Simulation
    const clock = yield* Clock.Clock
    let requests = 0

    const failed = (requestId: string, { code, message }: Refusal | Ec2Error) => {
      const status = httpStatusOf(code)
      return status === undefined ? Effect.never : Effect.succeed({ status, body: errorXml(code, message, requestId) })
    }

    const act = Effect.fnUntraced(function* (operation: Operation, form: Form, requestId: string) {
      if (form.get("DryRun") === "true") {
        return { status: 412, body: errorXml("DryRunOperation", "Request would have succeeded.", requestId) }
      }
      if (!isWrite(operation)) {
        const vpc = yield* simulation.read(operation)
        const body = yield* Effect.fromResult<Readonly<Record<string, Xml>>, Refusal>(
          operation === "DescribeInstanceStatus"
            ? describeStatuses(vpc, form, options)
            : describe(operation, vpc, form, options),
        )
        return { status: 200, body: answerXml(operation, requestId, body) }
      }
      const table = RouteTableId(yield* Effect.fromResult(required(form, "RouteTableId")))
      const cell = { table, cidr: yield* Effect.fromResult(destinationOf(form)) }
      yield* simulation.write(operation, cell, (vpc) =>
        operation === "DeleteRoute"
          ? deleteRoute(vpc, cell)
          : Result.flatMap(targetOf(vpc, form), (target) =>
              operation === "CreateRoute" ? createRoute(vpc, cell, target) : replaceRoute(vpc, cell, target),
            ),
      )
      return { status: 200, body: answerXml(operation, requestId, { return: true }) }
    })

    const app = Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const form = new URLSearchParams(yield* Effect.orDie(request.text))
      const requestId = `wire-${++requests}`
      const serverTime = clock.currentTimeMillisUnsafe() + (options.clockOffsetMillis ?? 0)
      const action = form.get("Action")
      const signature = checkSignature(request.headers["authorization"], request.headers["x-amz-date"], serverTime)
      const { status, body } = yield* Effect.fromResult(signature).pipe(
        Effect.flatMap(() =>
          isOperation(action)
            ? act(action, form, requestId)
            : Effect.fail(refusal("InvalidAction", `The action ${action} is not valid for this web service.`)),
        ),
        Effect.catch((error) => failed(requestId, error)),
      )
      return HttpServerResponse.text(body, {
        status,
        contentType: "text/xml;charset=UTF-8",
        headers: { date: new Date(serverTime).toUTCString(), "x-amzn-requestid": requestId },
      })
    })

    const server = yield* Effect.orDie(
      NodeHttpServer.make(createServer, { host: "127.0.0.1", port: 0, gracefulShutdownTimeout: "100 millis" }),
    )
    yield* server.serve(app)
    const address = server.address
    const endpoint = NetAddress.isInetAddress(address) ? `http://127.0.0.1:${address.port}` : "no address"
    return { endpoint }
  })
