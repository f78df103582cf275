import {
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeVpcsCommand,
  type EC2Client,
  type RouteTable as SdkTable,
} from "@aws-sdk/client-ec2"
import { Effect, Result } from "effect"
import type { InstanceId, VpcId } from "../../domain/Ids.ts"
import type { InstanceState, NetworkInterface, RouteTable, Vpc } from "../../domain/Vpc.ts"
import { send } from "./AwsClient.ts"
import { decodeInstance, decodeInterface, decodeTable, decodeVpc } from "./AwsEc2Decode.ts"
import type { Ec2Error } from "./Ec2.ts"
import { ec2Error } from "./Ec2Failure.ts"
import { SharedRoutes } from "./SharedRoutes.ts"

/** More pages than EC2's quotas can fill: an endpoint that always names a next page must not be read for ever. */
const pageLimit = 1_000

/** One page of an answer. */
interface Page<A> {
  readonly items: ReadonlyArray<A> | undefined
  readonly next: string | undefined
}

/** Items a page: EC2 gives 5 to 100 tables and 5 to 1,000 of the others. */
export interface PageSizes {
  /** The first page of tables, and the following ones. */
  readonly firstTables: number
  readonly tables: number
  readonly others: number
}

/** How a VPC is read. */
export interface ReadOptions {
  readonly pages: PageSizes
  /** Of the four calls. One at a time, no call's time runs out while another's page is parsed. */
  readonly concurrency: 1 | "unbounded"
  /** Called with the number of routes, interfaces or instances of every page, before the next one is asked for. It may fail the reading. */
  readonly onPage: (items: number) => Effect.Effect<void, Ec2Error>
}

/** What a reading gives, in the order of EC2's answers. Equal routes are one object. */
export interface Reading {
  readonly vpc: Pick<Vpc, "ownerId" | "cidrs">
  readonly tables: ReadonlyArray<RouteTable>
  readonly interfaces: ReadonlyArray<NetworkInterface>
  readonly instances: ReadonlyArray<readonly [InstanceId, InstanceState]>
}

/** An answer that came but cannot be taken as it is: the caller tries again, and the last picture stands. */
const undecodable = (operation: string, problem: string): Ec2Error =>
  ec2Error({ operation, code: "UndecodableAnswer", message: `cannot take the answer: ${problem}` })

const decoded = <A>(operation: string, result: Result.Result<A, string>): Effect.Effect<A, Ec2Error> =>
  Effect.fromResult(Result.mapError(result, (problem) => undecodable(operation, problem)))

/** Reads the whole VPC: all pages of everything, or an error. */
export const readSnapshot = (
  client: EC2Client,
  vpcId: VpcId,
  { concurrency, onPage, pages }: ReadOptions,
): Effect.Effect<Reading, Ec2Error> => {
  /** Reads and decodes page after page: one that fails, or cannot be taken, fails all. */
  const allPages = Effect.fnUntraced(function* <A, B>(
    operation: string,
    decode: (item: A) => Result.Result<B, string>,
    fetch: (next: string | undefined, abort: { readonly abortSignal: AbortSignal }) => Promise<Page<A>>,
    weigh: (item: B) => number,
  ) {
    const items: Array<B> = []
    let next: string | undefined
    for (let count = 0; count < pageLimit; count++) {
      const token = next
      const fetched = yield* send(operation, (abort) => fetch(token, abort))
      // EC2 names the set even where it is empty; an answer without it is some proxy's, and no reading.
      if (fetched.items === undefined) return yield* undecodable(operation, "an answer without its list")
      let weight = 0
      for (const item of fetched.items) {
        const taken = yield* decoded(operation, decode(item))
        weight += weigh(taken)
        items.push(taken)
      }
      yield* onPage(weight)
      if (fetched.next === undefined || fetched.next === "") return items
      if (fetched.next === token) break
      next = fetched.next
    }
    return yield* undecodable(operation, "pages without an end")
  })

  const filter = [{ Name: "vpc-id", Values: [vpcId] }]
  const one = () => 1

  const vpc = allPages(
    "DescribeVpcs",
    decodeVpc,
    (NextToken, abort) =>
      client
        .send(new DescribeVpcsCommand({ Filters: filter, MaxResults: pages.others, NextToken }), abort)
        .then((answer) => ({ items: answer.Vpcs, next: answer.NextToken })),
    one,
  ).pipe(
    Effect.flatMap(([found]) =>
      found === undefined
        ? ec2Error({
            operation: "DescribeVpcs",
            code: "InvalidVpcID.NotFound",
            message: `The vpc ID '${vpcId}' does not exist in this account and region`,
            httpStatus: 400,
          })
        : Effect.succeed(found),
    ),
  )

  const shared = new SharedRoutes()
  const tables = allPages(
    "DescribeRouteTables",
    (table: SdkTable) =>
      Result.map(decodeTable(table), (decoded) => ({
        ...decoded,
        routes: decoded.routes.map((route) => shared.share(route)),
      })),
    (NextToken, abort) => {
      const MaxResults = NextToken === undefined ? pages.firstTables : pages.tables
      return client
        .send(new DescribeRouteTablesCommand({ Filters: filter, MaxResults, NextToken }), abort)
        .then((answer) => ({ items: answer.RouteTables, next: answer.NextToken }))
    },
    ({ routes }) => routes.length,
  )

  const interfaces = allPages(
    "DescribeNetworkInterfaces",
    decodeInterface,
    (NextToken, abort) =>
      client
        .send(new DescribeNetworkInterfacesCommand({ Filters: filter, MaxResults: pages.others, NextToken }), abort)
        .then((answer) => ({ items: answer.NetworkInterfaces, next: answer.NextToken })),
    one,
  )

  const instances = allPages(
    "DescribeInstances",
    decodeInstance,
    (NextToken, abort) =>
      client
        .send(new DescribeInstancesCommand({ Filters: filter, MaxResults: pages.others, NextToken }), abort)
        .then((answer) => ({
          items: answer.Reservations?.flatMap(({ Instances }) => Instances ?? []),
          next: answer.NextToken,
        })),
    one,
  )

  return Effect.all({ vpc, tables, interfaces, instances }, { concurrency }).pipe(
    // Every VPC has a main table: a reading without one is not whole.
    Effect.tap((found) =>
      found.tables.some(({ main }) => main) ? Effect.void : undecodable("DescribeRouteTables", "no main route table"),
    ),
  )
}

/** A reading as the rest of the program takes it. */
export const toVpc = (id: VpcId, { instances, interfaces, tables, vpc }: Reading): Vpc => ({
  id,
  ...vpc,
  tables: new Map(tables.map((table) => [table.id, table])),
  interfaces: new Map(interfaces.map((found) => [found.id, found])),
  instances: new Map(instances),
})
