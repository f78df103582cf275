import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { VpcId } from "../../../src/domain/Ids.ts"
import { awsEnvironment, withEnvironment } from "../../support/ec2/AwsEnvironment.ts"
import { freePort } from "../../support/ec2/FreePort.ts"
import { makeEc2 } from "./AwsEc2Stand.ts"
import { refusal } from "./Contract.ts"

const serving = (status: number, contentType: string, body: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((_, response) => {
        response.writeHead(status, { "content-type": contentType }).end(body)
      }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close()),
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : ""
    }),
  )

/** What an operator reads when the VPC cannot be read. */
const wordsOf = Effect.fnUntraced(function* (environment: Readonly<Record<string, string | undefined>>) {
  yield* withEnvironment(environment)
  const ec2 = yield* makeEc2(VpcId("vpc-350d6a51"))
  const { code, message, operation } = yield* refusal(ec2.snapshot)
  assert.match(operation, /^Describe/)
  assert.notInclude(message, "\n")
  assert.notMatch(`${code} ${message}`, /smithy|Unknown|Invalid URL|\$response/)
  return `${code}: ${message}`
})

describe("a call of EC2 that fails says where it was going, and what may be done", () => {
  it.live("nobody listens at the endpoint", () =>
    Effect.gen(function* () {
      const endpoint = `http://127.0.0.1:${yield* freePort}`
      assert.strictEqual(
        yield* wordsOf(awsEnvironment(endpoint)),
        `ECONNREFUSED: ${endpoint} (AWS_ENDPOINT_URL): nothing listens there`,
      )
    }),
  )

  it.live("a name without an address", () =>
    Effect.gen(function* () {
      const words = yield* wordsOf(awsEnvironment("http://ec2.invalid"))
      assert.match(words, /^(ENOTFOUND|EAI_AGAIN): http:\/\/ec2\.invalid \(AWS_ENDPOINT_URL\): .*DNS/)
    }),
  )

  it.live("an endpoint that is no URL", () =>
    Effect.gen(function* () {
      const variables = { ...awsEnvironment("http://127.0.0.1:1"), AWS_ENDPOINT_URL_EC2: "nonsense" }
      assert.strictEqual(
        yield* wordsOf(variables),
        "ERR_INVALID_URL: nonsense (AWS_ENDPOINT_URL_EC2) is no URL; expected one such as https://ec2.us-east-1.amazonaws.com",
      )
    }),
  )

  it.live("a page, an object or nothing in place of an answer", () =>
    Effect.gen(function* () {
      for (const [status, contentType, body] of [
        [500, "text/html", "<html>no</html>"],
        [404, "application/json", "{}"],
        [502, "text/plain", ""],
      ] as const) {
        const endpoint = yield* serving(status, contentType, body)
        assert.strictEqual(
          yield* wordsOf(awsEnvironment(endpoint)),
          `NoAwsAnswer: what answers at ${endpoint} (AWS_ENDPOINT_URL) is not the API of AWS, or not well: HTTP ${status}`,
        )
      }
    }),
  )

  it.live("https where http is spoken", () =>
    Effect.gen(function* () {
      const endpoint = (yield* serving(200, "text/html", "")).replace("http:", "https:")
      assert.strictEqual(
        yield* wordsOf(awsEnvironment(endpoint)),
        `EPROTO: ${endpoint} (AWS_ENDPOINT_URL): what answers there speaks no TLS, or another version of it`,
      )
    }),
  )

  it.live("a profile that is not there, and no credentials at all", () =>
    Effect.gen(function* () {
      const without = {
        ...awsEnvironment("http://127.0.0.1:1"),
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
      }
      assert.match(
        yield* wordsOf({ ...without, AWS_PROFILE: "nope" }),
        /^CredentialsProviderError: no credentials for the profile "nope" of AWS_PROFILE: .*; expected .*~\/\.aws/,
      )
      assert.match(yield* wordsOf(without), /^CredentialsProviderError: no credentials: .*; expected /)
    }),
  )
})
