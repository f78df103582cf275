import { EC2Client } from "@aws-sdk/client-ec2"
import { Effect, type Scope } from "effect"
import { readThrown } from "../AwsThrown.ts"
import { awsTransport } from "../AwsTransport.ts"
import { fromThrown } from "./AwsEc2Error.ts"
import { ec2Error } from "./Ec2Failure.ts"

/** Milliseconds until the first bytes of an answer, and for a call with everything in it: also credentials, a large page. */
const requestTimeout = 5_000
const callLimit = 15_000

const newClient = (region: string | undefined): EC2Client =>
  new EC2Client({ ...(region === undefined ? {} : { region }), ...awsTransport(requestTimeout) })

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
  Effect.tryPromise({ try: (abortSignal) => run({ abortSignal }), catch: readThrown }).pipe(
    Effect.retry({ times: 1, while: ({ clockSkewed }) => clockSkewed }),
    Effect.mapError((thrown) => fromThrown(operation, thrown)),
    Effect.timeoutOrElse({
      duration: callLimit,
      orElse: () => ec2Error({ operation, code: "TimeoutError", message: `no whole answer within ${callLimit} ms` }),
    }),
    Effect.withSpan(`Ec2.${operation}`),
  )
