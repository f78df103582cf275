import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Disposition, dispositionOf } from "../../src/domain/WriteFailure.ts"

/** What to do after each error that EC2 documents for routes, with the status it comes with. */
const table: ReadonlyArray<
  readonly [disposition: Disposition, status: number | undefined, codes: ReadonlyArray<string>]
> = [
  ["throttled", 503, ["RequestLimitExceeded"]],
  ["throttled", 400, ["Throttling", "ThrottlingException", "EC2ThrottledException"]],
  ["transient", 500, ["InternalError", "InternalFailure"]],
  ["transient", 503, ["Unavailable", "ServiceUnavailable"]],
  ["transient", undefined, ["TimeoutError", "ECONNRESET", "ECONNREFUSED", "ENOTFOUND", "EPIPE", "EAI_AGAIN"]],
  ["transient", 400, ["RequestExpired"]],
  ["transient", 200, ["UndecodableAnswer"]],
  ["refresh", 400, ["InvalidRoute.NotFound", "RouteAlreadyExists", "InvalidNetworkInterfaceID.NotFound"]],
  ["refresh", 400, ["InvalidInstanceID", "InvalidInstanceID.NotFound"]],
  ["refresh", 400, ["InvalidRouteTableID.NotFound", "InvalidRouteTableId.NotFound"]],
  ["full", 400, ["RouteLimitExceeded"]],
  [
    "refused",
    400,
    ["InvalidParameterValue", "InvalidParameterCombination", "MissingParameter", "InvalidVpcID.NotFound"],
  ],
  ["denied", 403, ["UnauthorizedOperation", "AccessDenied", "OptInRequired"]],
  ["denied", 401, ["AuthFailure"]],
  ["denied", 400, ["ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId"]],
  ["denied", undefined, ["CredentialsProviderError", "RegionMissing"]],
]

describe("what to do after a failed EC2 call", () => {
  for (const [disposition, status, codes] of table) {
    for (const code of codes) {
      it(`${code} is ${disposition}`, () => assert.strictEqual(dispositionOf(code, status), disposition))
    }
  }

  it("a replace of a route that is gone is told from other wrong parameters by its text", () => {
    const text = "There is no route defined for '10.66.17.0/24' in the route table. Use CreateRoute instead."
    assert.strictEqual(dispositionOf("InvalidParameterValue", 400, text), "refresh")
    assert.strictEqual(dispositionOf("InvalidParameterValue", 400, "Invalid CIDR block"), "refused")
  })

  it("a code that nobody knows is ours to mend with a 4xx status and EC2's otherwise", () => {
    const unknownCode = fc.string({ minLength: 1 }).map((text) => `Unheard.Of.${text}`)
    fc.assert(
      fc.property(unknownCode, fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }), (code, status) => {
        const disposition = dispositionOf(code, status)
        const ours = status !== undefined && status >= 400 && status < 500
        if (status === 408) assert.strictEqual(disposition, "transient")
        else if (status === 429) assert.strictEqual(disposition, "throttled")
        else assert.strictEqual(disposition, ours ? "refused" : "transient")
      }),
    )
  })
})
