import type { Thrown } from "./AwsThrown.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** Where a call was going, and what the operator said of it. */
export interface AwsCall {
  /** The URL that the SDK worked out; undefined: it came to none. */
  readonly endpoint: string | undefined
  /** The variables that name another endpoint, the stronger first. */
  readonly endpointVariables: ReadonlyArray<string>
  readonly environment: Environment
}

const given = (environment: Environment, name: string): boolean => (environment[name] ?? "") !== ""

/** What keeps a connection from coming about, by Node's codes. */
const connection: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no way to it",
  ENOTFOUND: "its name has no address; is the region right, and does DNS answer?",
  EAI_AGAIN: "DNS does not answer",
  EPROTO: "what answers there speaks no TLS, or another version of it",
  TimeoutError: "no answer in time; do a route, a security group and a VPC endpoint or proxy lead there?",
  ETIMEDOUT: "no answer in time; do a route, a security group and a VPC endpoint or proxy lead there?",
}

/** Node's and OpenSSL's names of certificates that are not believed. */
const isCertificate = (code: string): boolean => /CERT|UNABLE_TO_VERIFY|ERR_TLS|HOSTNAME_MISMATCH/.test(code)

const firstLine = (text: string): string => text.split("\n", 1)[0]?.trim() ?? ""

/** Names that the SDK gives to an answer that it can make nothing of. */
const nothing: ReadonlySet<string> = new Set(["Unknown", "UnknownError"])
const vague: ReadonlySet<string> = new Set(["Error", "SyntaxError", "TypeError"])

const isNoAnswer = ({ code, message }: Thrown): boolean =>
  nothing.has(code) || (vague.has(code) && /parse error|Deserialization error/.test(message))

const place = ({ endpoint, endpointVariables, environment }: AwsCall): string => {
  const variable = endpointVariables.find((name) => given(environment, name))
  const url = endpoint ?? (variable === undefined ? undefined : environment[variable])
  if (url === undefined) return "its endpoint"
  return variable === undefined ? url.replace(/\/$/, "") : `${url.replace(/\/$/, "")} (${variable})`
}

const credentials = ({ message }: Thrown, { environment }: AwsCall): string => {
  const profile = environment["AWS_PROFILE"] ?? ""
  const whose = profile === "" ? "" : ` for the profile ${JSON.stringify(profile)} of AWS_PROFILE`
  return `no credentials${whose}: ${firstLine(message)}; expected a role of this instance, container or pod, a profile in ~/.aws, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`
}

/**
 * What went wrong with a call of AWS, for the operator. An answer of the service stays as the service worded it; what
 * the SDK or Node says where there was none gets the endpoint or the profile, and what may be done.
 */
export const callWords = (thrown: Thrown, call: AwsCall): string => {
  const { code, httpStatus, message } = thrown
  if (code === "CredentialsProviderError" || code === "TokenProviderError") return credentials(thrown, call)
  if (code === "RegionMissing") return "no region: expected --region, or AWS_REGION"
  if (code === "ERR_INVALID_URL")
    return `${place(call)} is no URL; expected one such as https://ec2.us-east-1.amazonaws.com`
  const reason = connection[code]
  if (reason !== undefined) return `${place(call)}: ${reason}`
  if (isCertificate(code))
    return `${place(call)}: its certificate is not believed (${firstLine(message)}); NODE_EXTRA_CA_CERTS names further authorities`
  if (isNoAnswer(thrown))
    return `what answers at ${place(call)} is not the API of AWS, or not well${httpStatus === undefined ? "" : `: HTTP ${httpStatus}`}`
  return firstLine(message)
}

/** The code to go with it: the SDK's own "Unknown" says nothing. */
export const callCode = (thrown: Thrown): string => (isNoAnswer(thrown) ? "NoAwsAnswer" : thrown.code)
