import { EC2Client } from "@aws-sdk/client-ec2"
import { Effect, type Scope } from "effect"
import { fromThrown, readThrown } from "./AwsEc2Error.ts"
import { ec2Error } from "./Ec2Failure.ts"

/** Milliseconds. Retries belong to the executor, so a call that hangs must end soon. */
const connectionTimeout = 1_000
const requestTimeout = 5_000
/** Milliseconds for a call with everything in it: fetching credentials, and reading the body of a large page. */
const callLimit = 15_000

/** Milliseconds after which an idle connection is closed, before something between here and EC2 drops it silently. */
const idleLimit = 20_000

/** More than are ever in flight: the SDK counts waiting for a socket as connecting. */
const maxSockets = 256

const newClient = (region: string | undefined): EC2Client => {
  // `proxyEnv` lets Node (24.5, 22.21 and later) honour HTTP_PROXY, HTTPS_PROXY and NO_PROXY; the SDK itself does not.
  const agent = { keepAlive: true, maxSockets, timeout: idleLimit, proxyEnv: process.env }
  return new EC2Client({
    ...(region === undefined ? {} : { region }),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout,
      requestTimeout,
      throwOnRequestTimeout: true,
      socketTimeout: requestTimeout,
      httpAgent: agent,
      httpsAgent: agent,
    },
  })
}

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
