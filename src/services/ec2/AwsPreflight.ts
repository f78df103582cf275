import { createSocket } from "node:dgram"
import { lookup } from "node:dns/promises"
import {
  CreateRouteCommand,
  DeleteRouteCommand,
  DescribeInstancesCommand,
  DescribeManagedPrefixListsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeVpcsCommand,
  type EC2Client,
  ReplaceRouteCommand,
} from "@aws-sdk/client-ec2"
import { Clock, Effect, Layer, Predicate, Result } from "effect"
import type { Cell } from "../../domain/Action.ts"
import type { Millis } from "../../domain/Health.ts"
import { type InterfaceId, SubnetId, type VpcId } from "../../domain/Ids.ts"
import { familyOf, type Ip, parseIp } from "../../domain/Ip.ts"
import { nowUnsafe } from "../Now.ts"
import { makeClient, send } from "./AwsClient.ts"
import { routeInput } from "./AwsEc2.ts"
import { type Endpoint, whyCustom } from "./AwsEndpoint.ts"
import { Preflight, type PrefixListSize, type ReadTrial, type TrialWrite, WriteTrial } from "./Preflight.ts"

export interface AwsPreflightOptions {
  readonly vpcId: VpcId
  readonly region: string
}

/** Why writes must not be tried at an endpoint; undefined: they may. */
export type Judge = (endpoint: Endpoint, addresses: ReadonlyArray<Ip>) => string | undefined

/** What the requests that were sent have shown. */
interface Seen {
  endpoint: Endpoint | undefined
  skew: Millis | undefined
}

const endpointOf = (request: unknown): Endpoint | undefined => {
  if (!Predicate.hasProperty(request, "hostname") || !Predicate.isString(request.hostname)) return undefined
  const { hostname } = request
  const protocol =
    Predicate.hasProperty(request, "protocol") && Predicate.isString(request.protocol) ? request.protocol : ""
  const port = Predicate.hasProperty(request, "port") && Predicate.isNumber(request.port) ? request.port : undefined
  return { protocol, hostname, port }
}

const dateOf = (response: unknown): Millis | undefined => {
  const headers = Predicate.hasProperty(response, "headers") ? response.headers : undefined
  const date = Predicate.hasProperty(headers, "date") && Predicate.isString(headers.date) ? headers.date : undefined
  const millis = date === undefined ? Number.NaN : Date.parse(date)
  return Number.isFinite(millis) ? millis : undefined
}

/** A dry run was about to go where it would be carried out. */
class NotSent extends Error {
  override readonly name = "NotSent"
}

/**
 * Looks at every request just before it is sent, after the SDK has worked out where it goes: a write goes nowhere that the
 * judge does not take for EC2, whatever else went wrong.
 */
const observe = (client: EC2Client, seen: Seen, judge: Judge, now: () => Millis): void =>
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const endpoint = endpointOf(args.request)
      seen.endpoint = endpoint ?? seen.endpoint
      const isRead = context.commandName?.startsWith("Describe") === true
      const why = endpoint === undefined ? "its endpoint is not known" : judge(endpoint, [])
      if (!isRead && why !== undefined) throw new NotSent(why)
      const sentAt = now()
      const output = await next(args)
      const date = dateOf(output.response)
      // The header is cut off at the second.
      if (date !== undefined) seen.skew = date + 500 - (sentAt + now()) / 2
      return output
    },
    { name: "preflight", step: "deserialize", priority: "low" },
  )

const addressesOf = (hostname: string): Effect.Effect<ReadonlyArray<Ip>> =>
  Effect.tryPromise(() => lookup(hostname, { all: true })).pipe(
    Effect.match({
      onFailure: () => [],
      onSuccess: (found) =>
        found.flatMap(({ address }) =>
          Result.getOrElse(
            Result.map(parseIp(address), (ip) => [ip]),
            () => [],
          ),
        ),
    }),
  )

/** Connecting a datagram socket sends nothing: the kernel only chooses the way. */
const sourceTo = (to: Ip): Effect.Effect<Ip | undefined> =>
  Effect.callback<Ip | undefined>((resume) => {
    const socket = createSocket(familyOf(to) === 6 ? "udp6" : "udp4")
    socket.on("error", () => resume(Effect.succeed(undefined)))
    socket.connect(443, to, () => resume(Effect.succeed(Result.getOrUndefined(parseIp(socket.address().address)))))
    return Effect.sync(() => socket.close())
  }).pipe(
    Effect.timeoutOption("2 seconds"),
    Effect.map((found) => (found._tag === "Some" ? found.value : undefined)),
  )

/** The fewest items that every Describe call may be asked for. */
const few = 5

const make = Effect.fnUntraced(function* ({ region, vpcId }: AwsPreflightOptions, judge: Judge) {
  const client = yield* makeClient(region)
  const clock = yield* Clock.Clock
  const seen: Seen = { endpoint: undefined, skew: undefined }
  observe(client, seen, judge, () => nowUnsafe(clock))

  const Filters = [{ Name: "vpc-id", Values: [vpcId] }]
  const trial = <A>(operation: string, run: (abort: { readonly abortSignal: AbortSignal }) => Promise<A>) =>
    Effect.match(send(operation, run), {
      onFailure: (error): ReadTrial => ({ operation, error }),
      onSuccess: (): ReadTrial => ({ operation, error: undefined }),
    })
  const reads = Effect.all([
    trial("DescribeVpcs", (abort) => client.send(new DescribeVpcsCommand({ Filters, MaxResults: few }), abort)),
    trial("DescribeRouteTables", (abort) =>
      client.send(new DescribeRouteTablesCommand({ Filters, MaxResults: few }), abort),
    ),
    trial("DescribeNetworkInterfaces", (abort) =>
      client.send(new DescribeNetworkInterfacesCommand({ Filters, MaxResults: few }), abort),
    ),
    trial("DescribeInstances", (abort) =>
      client.send(new DescribeInstancesCommand({ Filters, MaxResults: few }), abort),
    ),
  ])

  const contact = Effect.gen(function* () {
    const tried = yield* reads
    const { endpoint, skew } = seen
    if (endpoint === undefined) return { reads: tried, endpoint, skew, untried: "no call of EC2 could be sent" }
    const addresses = yield* addressesOf(endpoint.hostname)
    return {
      reads: tried,
      endpoint: { hostname: endpoint.hostname, addresses },
      skew,
      untried: judge(endpoint, addresses),
    }
  })

  const attempt = (operation: TrialWrite, cell: Cell, NetworkInterfaceId: InterfaceId) =>
    send(operation, (abort): Promise<unknown> => {
      const input = { ...routeInput(cell), DryRun: true }
      switch (operation) {
        case "CreateRoute":
          return client.send(new CreateRouteCommand({ ...input, NetworkInterfaceId }), abort)
        case "ReplaceRoute":
          return client.send(new ReplaceRouteCommand({ ...input, NetworkInterfaceId }), abort)
        case "DeleteRoute":
          return client.send(new DeleteRouteCommand(input), abort)
      }
    })

  const tryWrite = (operation: TrialWrite, cell: Cell, interfaceId: InterfaceId): Effect.Effect<WriteTrial> =>
    Effect.match(attempt(operation, cell, interfaceId), {
      onFailure: (error) =>
        error.code === "DryRunOperation"
          ? WriteTrial.Allowed()
          : error.disposition === "denied"
            ? WriteTrial.Denied({ error })
            : WriteTrial.Unclear({ why: `${error.code}: ${error.message}` }),
      onSuccess: () => WriteTrial.Unclear({ why: "the dry run was answered as if it had been carried out" }),
    })

  const prefixLists = (ids: ReadonlyArray<string>) =>
    send("DescribeManagedPrefixLists", (abort) =>
      client.send(new DescribeManagedPrefixListsCommand({ PrefixListIds: [...ids] }), abort),
    ).pipe(
      Effect.map(
        ({ PrefixLists = [] }) =>
          new Map(
            PrefixLists.flatMap(
              ({ AddressFamily, MaxEntries, PrefixListId }): ReadonlyArray<[string, PrefixListSize]> =>
                PrefixListId === undefined || MaxEntries === undefined
                  ? []
                  : [[PrefixListId, { family: AddressFamily === "IPv6" ? 6 : 4, maxEntries: MaxEntries }]],
            ),
          ),
      ),
    )

  return Preflight.of({
    contact,
    tryWrite,
    prefixLists,
    sourceTo,
    subnetOf: (interfaceId) =>
      send("DescribeNetworkInterfaces", (abort) =>
        client.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [interfaceId] }), abort),
      ).pipe(
        Effect.map(({ NetworkInterfaces = [] }) => {
          const id = NetworkInterfaces[0]?.SubnetId
          return id === undefined ? undefined : SubnetId(id)
        }),
      ),
  })
})

/**
 * The `Preflight` port on the AWS SDK. Another judge than {@link whyCustom} is for tests, which bring an endpoint of their
 * own that knows what a dry run is.
 */
export const layer = (
  options: AwsPreflightOptions,
  judge: Judge = (endpoint, addresses) => whyCustom(endpoint, process.env, addresses),
): Layer.Layer<Preflight> => Layer.effect(Preflight, make(options, judge))
