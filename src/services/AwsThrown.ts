import { Predicate } from "effect"

/** What the SDK threw, whatever it was. */
export interface Thrown {
  /** The service's error code, without a namespace; for failed connections Node's (`ECONNREFUSED`), for timeouts `TimeoutError`. */
  readonly code: string
  readonly message: string
  readonly httpStatus: number | undefined
  readonly requestId: string | undefined
  /** The request was refused for its time stamp, or the SDK found this machine's clock off; it signs anew correctly now. */
  readonly clockSkewed: boolean
}

const textAt = (value: unknown, key: string): string | undefined =>
  Predicate.hasProperty(value, key) && Predicate.isString(value[key]) && value[key] !== "" ? value[key] : undefined

const numberAt = (value: unknown, key: string): number | undefined =>
  Predicate.hasProperty(value, key) && Predicate.isNumber(value[key]) ? value[key] : undefined

/** Names that say less than Node's code: the SDK calls a connection that was reset a timeout, too. */
const vagueNames: ReadonlySet<string> = new Set(["Error", "AggregateError", "TypeError", "TimeoutError"])

/** Reads what the SDK threw: service errors carry their code as the name, socket errors Node's code. */
export const readThrown = (thrown: unknown): Thrown => {
  const metadata = Predicate.hasProperty(thrown, "$metadata") ? thrown.$metadata : undefined
  const response = Predicate.hasProperty(thrown, "$response") ? thrown.$response : undefined
  const name = textAt(thrown, "name") ?? "Error"
  const message = textAt(thrown, "message") ?? String(thrown)
  const socketCode = textAt(thrown, "code")
  const code =
    vagueNames.has(name) && socketCode !== "ETIMEDOUT" ? (socketCode ?? codeOfMessage(message) ?? name) : name
  return {
    code,
    message: message === "UnknownError" ? `an answer without an error code` : message,
    httpStatus: numberAt(metadata, "httpStatusCode") ?? numberAt(response, "statusCode"),
    requestId: textAt(metadata, "requestId"),
    clockSkewed:
      code === "RequestExpired" ||
      (Predicate.hasProperty(metadata, "clockSkewCorrected") && metadata.clockSkewCorrected === true),
  }
}

/** The SDK says this with a bare `Error`. */
const codeOfMessage = (message: string): string | undefined =>
  message.startsWith("Region is missing") ? "RegionMissing" : undefined
