import {
  CreateRouteCommand,
  DeleteRouteCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeVpcsCommand,
  ReplaceRouteCommand,
} from "@aws-sdk/client-ec2"
import { Effect, Layer, Result } from "effect"
import type { Cell } from "../../domain/Action.ts"
import { familyOf } from "../../domain/Cidr.ts"
import type { VpcId } from "../../domain/Ids.ts"
import type { Vpc } from "../../domain/Vpc.ts"
import { makeClient, send } from "./AwsClient.ts"
import { confirmWrites } from "./AwsConfirmation.ts"
import { decodeInstance, decodeInterface, decodeTable, decodeVpc } from "./AwsEc2Decode.ts"
import { Ec2, type Ec2Error, type WriteReceipt } from "./Ec2.ts"
import { ec2Error } from "./Ec2Failure.ts"

/** Which VPC. No region: the SDK's own environment (`AWS_REGION`, profile) says. */
export interface AwsEc2Options {
  readonly vpcId: VpcId
  readonly region?: string | undefined
}

/**
 * Items a page; EC2 allows 100 tables and 1,000 of the others. Smaller, because the SDK parses a page in one go: 100
 * tables of 500 routes blocked this process, and with it the probes, for 570 ms.
 */
const tablesPage = 20
const page = 250

/** More pages than EC2's quotas can fill: an endpoint that always names a next page must not be read for ever. */
const pageLimit = 1_000

/** One page of an answer. */
interface Page<A> {
  readonly items: ReadonlyArray<A> | undefined
  readonly next: string | undefined
}

const make = Effect.fnUntraced(function* (options: AwsEc2Options) {
  const client = yield* makeClient(options.region)
  confirmWrites(client)

  /** Reads and decodes page after page: one that fails, or cannot be taken, fails all. */
  const allPages = Effect.fnUntraced(function* <A, B>(
    operation: string,
    decode: (item: A) => Result.Result<B, string>,
    fetch: (next: string | undefined, abort: { readonly abortSignal: AbortSignal }) => Promise<Page<A>>,
  ) {
    const items: Array<B> = []
    let next: string | undefined
    for (let count = 0; count < pageLimit; count++) {
      const token = next
      const fetched = yield* send(operation, (abort) => fetch(token, abort))
      // EC2 names the set even where it is empty; an answer without it is some proxy's, and no reading.
      if (fetched.items === undefined) return yield* undecodable(operation, "an answer without its list")
      for (const item of fetched.items) items.push(yield* decoded(operation, decode(item)))
      if (fetched.next === undefined || fetched.next === "") return items
      if (fetched.next === token) break
      next = fetched.next
    }
    return yield* undecodable(operation, "pages without an end")
  })

  const filter = [{ Name: "vpc-id", Values: [options.vpcId] }]

  const describeVpc = allPages("DescribeVpcs", decodeVpc, (NextToken, abort) =>
    client
      .send(new DescribeVpcsCommand({ Filters: filter, MaxResults: page, NextToken }), abort)
      .then((answer) => ({ items: answer.Vpcs, next: answer.NextToken })),
  ).pipe(
    Effect.flatMap(([vpc]) =>
      vpc === undefined
        ? ec2Error({
            operation: "DescribeVpcs",
            code: "InvalidVpcID.NotFound",
            message: `The vpc ID '${options.vpcId}' does not exist in this account and region`,
            httpStatus: 400,
          })
        : Effect.succeed(vpc),
    ),
  )

  const describeTables = allPages("DescribeRouteTables", decodeTable, (NextToken, abort) =>
    client
      .send(new DescribeRouteTablesCommand({ Filters: filter, MaxResults: tablesPage, NextToken }), abort)
      .then((answer) => ({ items: answer.RouteTables, next: answer.NextToken })),
  )

  const describeInterfaces = allPages("DescribeNetworkInterfaces", decodeInterface, (NextToken, abort) =>
    client
      .send(new DescribeNetworkInterfacesCommand({ Filters: filter, MaxResults: page, NextToken }), abort)
      .then((answer) => ({ items: answer.NetworkInterfaces, next: answer.NextToken })),
  )

  const describeInstances = allPages("DescribeInstances", decodeInstance, (NextToken, abort) =>
    client
      .send(new DescribeInstancesCommand({ Filters: filter, MaxResults: page, NextToken }), abort)
      .then((answer) => ({
        items: answer.Reservations?.flatMap(({ Instances }) => Instances ?? []),
        next: answer.NextToken,
      })),
  )

  const receipt = (answer: { readonly $metadata: { readonly requestId?: string | undefined } }): WriteReceipt => ({
    requestId: answer.$metadata.requestId,
  })

  return Ec2.of({
    snapshot: Effect.all(
      { vpc: describeVpc, tables: describeTables, interfaces: describeInterfaces, instances: describeInstances },
      { concurrency: "unbounded" },
    ).pipe(
      // Every VPC has a main table: a reading without one is not whole.
      Effect.tap(({ tables }) =>
        tables.some(({ main }) => main) ? Effect.void : undecodable("DescribeRouteTables", "no main route table"),
      ),
      Effect.map(({ vpc, tables, interfaces, instances }): Vpc => ({
        id: options.vpcId,
        ...vpc,
        tables: new Map(tables.map((table) => [table.id, table])),
        interfaces: new Map(interfaces.map((found) => [found.id, found])),
        instances: new Map(instances),
      })),
      Effect.withSpan("Ec2.snapshot"),
    ),
    createRoute: (cell, NetworkInterfaceId) =>
      send("CreateRoute", (abort) =>
        client.send(new CreateRouteCommand({ ...routeInput(cell), NetworkInterfaceId }), abort),
      ).pipe(Effect.map(receipt)),
    replaceRoute: (cell, NetworkInterfaceId) =>
      send("ReplaceRoute", (abort) =>
        client.send(new ReplaceRouteCommand({ ...routeInput(cell), NetworkInterfaceId }), abort),
      ).pipe(Effect.map(receipt)),
    deleteRoute: (cell) =>
      send("DeleteRoute", (abort) => client.send(new DeleteRouteCommand(routeInput(cell)), abort)).pipe(
        Effect.map(receipt),
      ),
  })
})

/** The cell as the SDK's three writes take it. */
export const routeInput = ({ table, cidr }: Cell) => ({
  RouteTableId: table,
  ...(familyOf(cidr) === 6 ? { DestinationIpv6CidrBlock: cidr } : { DestinationCidrBlock: cidr }),
})

/** An answer that came but cannot be taken as it is: the caller tries again, and the last picture stands. */
const undecodable = (operation: string, problem: string): Ec2Error =>
  ec2Error({ operation, code: "UndecodableAnswer", message: `cannot take the answer: ${problem}` })

const decoded = <A>(operation: string, result: Result.Result<A, string>): Effect.Effect<A, Ec2Error> =>
  Effect.fromResult(Result.mapError(result, (problem) => undecodable(operation, problem)))

/**
 * The `Ec2` port on the AWS SDK. Endpoint, profile, credentials and role come from the SDK's own environment. The client
 * is destroyed, and its connections closed, with the layer.
 */
export const layer = (options: AwsEc2Options): Layer.Layer<Ec2> => Layer.effect(Ec2, make(options))
