import { CreateRouteCommand, DescribeRouteTablesCommand } from "@aws-sdk/client-ec2"
import { Effect } from "effect"
import { awsClient } from "../../support/ec2/AwsClient.ts"
import { awsEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { type FaultProxyHandle, startFaultProxy } from "../../support/ec2/FaultProxy.ts"
import { Moto } from "../../support/ec2/Moto.ts"
import { makeMotoVpc } from "../../support/ec2/MotoVpc.ts"

/** Variables without those that are to be unset. */
const present = (variables: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

/** A VPC in moto, a proxy that counts what is asked of it, and the variables that lead a process there. */
export const motoStand = Effect.gen(function* () {
  const moto = yield* Moto
  const client = yield* awsClient(moto.endpoint)
  const vpc = yield* makeMotoVpc(client)
  const proxy = yield* startFaultProxy(moto.endpoint)
  const routes = Effect.promise(() =>
    client.send(new DescribeRouteTablesCommand({ Filters: [{ Name: "vpc-id", Values: [vpc.id] }] })),
  ).pipe(Effect.map(({ RouteTables }) => JSON.stringify(RouteTables)))
  return {
    vpc,
    proxy,
    environment: present(awsEnvironment(proxy.endpoint)),
    args: ["-r", "us-east-1", "-v", vpc.id] as const,
    /** All that moto has, as one text. */
    routes,
    /** Somebody writes a route to an interface. */
    put: (table: string, destination: string, interfaceId: string) =>
      Effect.promise(() =>
        client.send(
          new CreateRouteCommand({
            RouteTableId: vpc.table(table),
            DestinationCidrBlock: destination,
            NetworkInterfaceId: interfaceId,
          }),
        ),
      ),
  }
})

/** The writes that were asked for, with or without DryRun. */
export const writesOf = (proxy: FaultProxyHandle) =>
  Effect.map(proxy.requests, (requests) =>
    requests.map(({ action }) => action).filter((action) => /^(Create|Replace|Delete)Route$/.test(action)),
  )
