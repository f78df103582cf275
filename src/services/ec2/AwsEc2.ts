import { CreateRouteCommand, DeleteRouteCommand, ReplaceRouteCommand } from "@aws-sdk/client-ec2"
import { Effect, Layer } from "effect"
import type { Cell } from "../../domain/Action.ts"
import { familyOf } from "../../domain/Cidr.ts"
import type { VpcId } from "../../domain/Ids.ts"
import { makeClient, send } from "./AwsClient.ts"
import { confirmWrites } from "./AwsConfirmation.ts"
import { Ec2, type WriteReceipt } from "./Ec2.ts"
import { ec2Error } from "./Ec2Failure.ts"
import { readSnapshot, toVpc } from "./ReadSnapshot.ts"
import { makeSnapshotThread } from "./SnapshotThread.ts"

/** Which VPC. No region: the SDK's own environment (`AWS_REGION`, profile) says. */
export interface AwsEc2Options {
  readonly vpcId: VpcId
  readonly region?: string | undefined
}

/**
 * Small pages, since the SDK parses a page in one go, and meanwhile nothing else runs: 100 tables of 500 routes took 570 ms. The first is
 * the smallest, so that it is soon known how large the VPC is.
 */
const pages = { firstTables: 5, tables: 20, others: 250 }

/** A VPC with more routes, interfaces and instances than this is read by a thread of its own; smaller ones are not worth it. */
const largeFrom = 2_000

/** Ends a reading that this thread had better leave to another one; nobody else sees it. */
const tooLarge = ec2Error({ operation: "DescribeRouteTables", code: "TooLarge", message: "the VPC is large" })

const make = Effect.fnUntraced(function* (options: AwsEc2Options) {
  const client = yield* makeClient(options.region)
  confirmWrites(client)

  const thread = makeSnapshotThread(options.vpcId, options.region)
  let isLarge = false

  /** Reads here, unless the VPC turns out to be large. */
  const readHere = Effect.suspend(() => {
    let seen = 0
    const onPage = (items: number) =>
      (seen += items) > largeFrom
        ? Effect.andThen(
            Effect.sync(() => (isLarge = true)),
            Effect.fail(tooLarge),
          )
        : Effect.void
    return readSnapshot(client, options.vpcId, { pages, concurrency: "unbounded", onPage })
  }).pipe(
    Effect.map((reading) => toVpc(options.vpcId, reading)),
    Effect.withSpan("Ec2.snapshot"),
  )

  const receipt = (answer: { readonly $metadata: { readonly requestId?: string | undefined } }): WriteReceipt => ({
    requestId: answer.$metadata.requestId,
  })

  return Ec2.of({
    snapshot: Effect.suspend(() => (isLarge ? thread.snapshot : readHere)).pipe(
      Effect.catchIf(
        (error) => error === tooLarge,
        () => thread.snapshot,
      ),
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

/**
 * The `Ec2` port on the AWS SDK. Endpoint, profile, credentials and role come from the SDK's own environment. The client
 * is destroyed, and its connections closed, with the layer.
 */
export const layer = (options: AwsEc2Options): Layer.Layer<Ec2> => Layer.effect(Ec2, make(options))
