/**
 * What to do after a failed EC2 call, which is all that telling errors apart is for.
 *
 * - `throttled`: the bucket was emptier than we thought; shrink it and try again.
 * - `transient`: try again with jitter, within a budget. The write may have been done.
 * - `refresh`: our picture of the VPC is wrong; read it again and plan anew.
 * - `full`: the table has no room; report, go on with others, try when the table has changed.
 * - `refused`: our mistake, or an illegal destination; report, do not retry the same write.
 * - `denied`: IAM or credentials; report which action and resource, try again slowly.
 */
export type Disposition = "throttled" | "transient" | "refresh" | "full" | "refused" | "denied"

const byCode: ReadonlyMap<string, Disposition> = new Map<string, Disposition>([
  ["RequestLimitExceeded", "throttled"],
  ["Throttling", "throttled"],
  ["ThrottlingException", "throttled"],
  ["EC2ThrottledException", "throttled"],
  ["TooManyRequestsException", "throttled"],
  ["InternalError", "transient"],
  ["InternalFailure", "transient"],
  ["Unavailable", "transient"],
  ["ServiceUnavailable", "transient"],
  ["RequestExpired", "transient"],
  // Not EC2's: an answer that was cut off for its size, whatever its status.
  ["AnswerTooLarge", "transient"],
  // Not EC2's: an answer to a write that does not say whether it was done.
  ["UnconfirmedAnswer", "refresh"],
  ["InvalidRoute.NotFound", "refresh"],
  ["RouteAlreadyExists", "refresh"],
  ["InvalidNetworkInterfaceID.NotFound", "refresh"],
  ["InvalidInstanceID", "refresh"],
  ["InvalidInstanceID.NotFound", "refresh"],
  ["InvalidRouteTableID.NotFound", "refresh"],
  ["InvalidRouteTableId.NotFound", "refresh"],
  ["RouteLimitExceeded", "full"],
  ["UnauthorizedOperation", "denied"],
  ["AuthFailure", "denied"],
  ["ExpiredToken", "denied"],
  ["ExpiredTokenException", "denied"],
  ["UnrecognizedClientException", "denied"],
  ["InvalidClientTokenId", "denied"],
  ["SignatureDoesNotMatch", "denied"],
  ["OptInRequired", "denied"],
  ["AccessDenied", "denied"],
  ["AccessDeniedException", "denied"],
  ["Blocked", "denied"],
  ["IncompleteSignature", "denied"],
  ["InvalidSignatureException", "denied"],
  ["MissingAuthenticationToken", "denied"],
  ["PendingVerification", "denied"],
  // Nothing was sent: the SDK found no credentials, no token or no region.
  ["CredentialsProviderError", "denied"],
  ["TokenProviderError", "denied"],
  ["RegionMissing", "denied"],
])

/** The codes that are told apart by name, sorted. */
export const listedCodes: ReadonlyArray<string> = [...byCode.keys()].sort()

/** EC2 answers a ReplaceRoute of a route that is gone as if the parameter were wrong; only the text tells. */
const routeIsGone = /no route defined|Use CreateRoute instead/i

/**
 * The disposition of an EC2 error, from EC2's error reference ("Client error codes", "Server error codes"). A code that
 * is not listed: a 4xx status is `refused`, everything else `transient` (timeouts and connection errors have no status).
 * `message` is EC2's text; it is looked at only where the code does not say enough.
 */
export const dispositionOf = (code: string, httpStatus: number | undefined, message = ""): Disposition => {
  const listed = byCode.get(code)
  if (listed !== undefined) return listed
  if (code === "InvalidParameterValue" && routeIsGone.test(message)) return "refresh"
  if (httpStatus === 429) return "throttled"
  return httpStatus !== undefined && httpStatus >= 400 && httpStatus < 500 && httpStatus !== 408
    ? "refused"
    : "transient"
}

/** What EC2's answer to a write says of the cell: a route is there, or none is. Undefined: it says nothing of that. */
export const findingOf = (
  write: "CreateRoute" | "ReplaceRoute" | "DeleteRoute",
  { code, disposition }: { readonly code: string; readonly disposition: Disposition },
): "there" | "gone" | undefined => {
  if (disposition !== "refresh") return undefined
  if (write === "CreateRoute") return code === "RouteAlreadyExists" ? "there" : undefined
  return code === "InvalidRoute.NotFound" || code === "InvalidParameterValue" ? "gone" : undefined
}

/** Whether the write may have been done all the same. */
export const mayBeDone = (failure: { readonly disposition: Disposition; readonly code: string }): boolean =>
  failure.disposition === "transient" || failure.code === "UnconfirmedAnswer"

const unknownInterface: ReadonlySet<string> = new Set([
  "InvalidNetworkInterfaceID.NotFound",
  "InvalidInstanceID",
  "InvalidInstanceID.NotFound",
])

/** Whether EC2 will not have this interface, so that another host may be better off; not the table, nor the destination. */
export const blamesInterface = (
  failure: { readonly disposition: Disposition; readonly code: string; readonly message: string },
  interfaceId: string,
): boolean =>
  unknownInterface.has(failure.code) ||
  (failure.disposition === "refused" && failure.message.split(/[^\w-]+/).includes(interfaceId))
