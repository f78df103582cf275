import { EC2Client } from "@aws-sdk/client-ec2"
import { Effect, type Scope } from "effect"

/** A plain SDK client on an endpoint, for what a test sets up around the code under test. */
export const awsClient = (endpoint: string): Effect.Effect<EC2Client, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(
      () =>
        new EC2Client({
          endpoint,
          region: "us-east-1",
          credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "secret" },
        }),
    ),
    (client) => Effect.sync(() => client.destroy()),
  )
