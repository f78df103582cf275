import { Effect, type Scope } from "effect"

/** Every variable of the SDK that could lead it elsewhere than to the endpoint of a test. */
const isolated: Readonly<Record<string, string | undefined>> = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: undefined,
  AWS_REGION: "us-east-1",
  AWS_DEFAULT_REGION: undefined,
  AWS_PROFILE: undefined,
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_ENDPOINT_URL_EC2: undefined,
  HTTP_PROXY: undefined,
  HTTPS_PROXY: undefined,
  NO_PROXY: undefined,
  http_proxy: undefined,
  https_proxy: undefined,
  no_proxy: undefined,
}

/** The environment in which the SDK, here or in a child process, speaks to `endpoint` and to nothing else. */
export const awsEnvironment = (endpoint: string): Readonly<Record<string, string | undefined>> => ({
  ...isolated,
  AWS_ENDPOINT_URL: endpoint,
})

const put = (name: string, value: string | undefined): void => {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

/** Sets variables of this process and restores what was there at the end of the scope. */
export const withEnvironment = (
  variables: Readonly<Record<string, string | undefined>>,
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
      for (const [name, value] of Object.entries(variables)) put(name, value)
      return before
    }),
    (before) => Effect.sync(() => before.forEach(([name, value]) => put(name, value))),
  )
