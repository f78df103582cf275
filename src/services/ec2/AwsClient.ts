import { EC2Client } from "@aws-sdk/client-ec2"
import { Effect, Predicate, type Scope } from "effect"
import { readThrown } from "../AwsThrown.ts"
import { awsTransport } from "../AwsTransport.ts"
import { fromThrown } from "./AwsEc2Error.ts"
import { ec2Error } from "./Ec2Failure.ts"

/** Milliseconds until the first bytes of an answer, and between any two of it. */
const requestTimeout = 5_000

/**
 * Milliseconds for a call with everything in it, also credentials. A write has its cell wait for it, and its answer is
 * small. A page of a large VPC has some 10 MB, and is parsed in a thread that gives way to others.
 */
const callLimit = (operation: string): number => (operation.startsWith("Describe") ? 15_000 : 5_000)

/** Where the calls went that ended in these errors: the SDK does not say it in them. */
const endpoints = new WeakMap<object, string>()

/** Around all that the SDK does with a call: its endpoint is worked out on the way. */
const noteEndpoints = (client: EC2Client): void =>
  client.middlewareStack.add(
    (next, context) => (args) =>
      next(args).catch((error: unknown) => {
        const url = context.endpointV2?.url
        if (Predicate.isObject(error) && url !== undefined) endpoints.set(error, url.href)
        throw error
      }),
    { name: "endpoint", step: "initialize" },
  )

const newClient = (region: string | undefined): EC2Client => {
  const client = new EC2Client({ ...(region === undefined ? {} : { region }), ...awsTransport(requestTimeout) })
  noteEndpoints(client)
  return client
}

/** What the SDK threw, and where the call was going. */
const readFailure = (error: unknown) => ({
  thrown: readThrown(error),
  endpoint: Predicate.isObject(error) ? endpoints.get(error) : undefined,
})

/** The SDK's client, destroyed with the scope. No region: the SDK's own environment says. */
export const makeClient = (region: string | undefined): Effect.Effect<EC2Client, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => newClient(region)),
    (client) => Effect.sync(() => client.destroy()),
  )

/**
 * One call of the SDK, cancelled by interruption. A time stamp that EC2 refused is corrected by the SDK when it sees the
 * answer; such a request did nothing, so it is signed anew and sent once more.
 */
export const send = <A>(operation: string, run: (abort: { readonly abortSignal: AbortSignal }) => Promise<A>) =>
  Effect.tryPromise({ try: (abortSignal) => run({ abortSignal }), catch: readFailure }).pipe(
    Effect.retry({ times: 1, while: ({ thrown }) => thrown.clockSkewed }),
    Effect.mapError(({ endpoint, thrown }) => fromThrown(operation, thrown, { endpoint, environment: process.env })),
    Effect.timeoutOrElse({
      duration: callLimit(operation),
      orElse: () => {
        const message = `no whole answer within ${callLimit(operation) / 1_000} s`
        return ec2Error({ operation, code: "TimeoutError", message })
      },
    }),
    Effect.withSpan(`Ec2.${operation}`),
  )
