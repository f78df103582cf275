import { Data, Effect, Predicate, Result, Schema } from "effect"
import { FetchHttpClient, HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import type { Ip } from "../../domain/Ip.ts"
import { StatusJson } from "../../services/http/StatusJson.ts"

/** No daemon answered, or something else did. */
export class DaemonUnreachable extends Data.TaggedError("DaemonUnreachable")<{
  readonly url: string
  readonly why: string
}> {}

/** The daemon answered that it does not do it. */
export class DaemonRefused extends Data.TaggedError("DaemonRefused")<{
  readonly status: number
  readonly why: string
}> {}

export type DaemonFault = DaemonUnreachable | DaemonRefused

/** What a daemon says of itself: as it said it, and as it is understood. */
export interface DaemonStatus {
  readonly json: unknown
  readonly status: StatusJson
}

/** A daemon, by its HTTP API. */
export interface DaemonClient {
  readonly url: string
  readonly status: Effect.Effect<DaemonStatus, DaemonFault>
  /** Takes a host out of service, or puts it back. Returns when that is in force. */
  readonly steer: (host: Ip, verb: "drain" | "undrain") => Effect.Effect<void, DaemonFault>
}

/** How long an answer may take; the daemon itself gives up a write after 5 s. */
const patience = "10 seconds"

const ProblemJson = Schema.Struct({ title: Schema.String, detail: Schema.optionalKey(Schema.String) })
const decodeProblem = Schema.decodeUnknownResult(Schema.fromJsonString(ProblemJson))
const decodeStatus = Schema.decodeUnknownResult(StatusJson)
const parse = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

/** Fetch wraps what went wrong in two or three errors; the innermost knows. */
const innermost = (error: unknown): string => {
  if (Predicate.hasProperty(error, "errors") && Array.isArray(error.errors) && error.errors.length > 0)
    return innermost(error.errors[0])
  if (Predicate.hasProperty(error, "cause") && error.cause !== undefined && error.cause !== null)
    return innermost(error.cause)
  return Predicate.isError(error) ? error.message : String(error)
}

const isFault = (error: DaemonFault | HttpClientError.HttpClientError): error is DaemonFault =>
  error._tag !== "HttpClientError"

export const daemonClient = (url: string, token: string | undefined): DaemonClient => {
  const base = url.replace(/\/+$/, "")
  const unreachable = (why: string) => new DaemonUnreachable({ url, why })

  const ask = Effect.fnUntraced(
    function* (
      method: "GET" | "POST",
      path: string,
    ): Effect.fn.Return<string, DaemonFault | HttpClientError.HttpClientError, HttpClient.HttpClient> {
      const request = HttpClientRequest.make(method)(base + path)
      const answer = yield* HttpClient.execute(
        token === undefined ? request : HttpClientRequest.bearerToken(request, token),
      )
      const text = yield* answer.text
      if (answer.status >= 200 && answer.status < 300) return text
      const problem = Result.getOrUndefined(decodeProblem(text))
      if (problem === undefined) return yield* unreachable(`what answers there is no vpc-router: HTTP ${answer.status}`)
      return yield* new DaemonRefused({ status: answer.status, why: problem.detail ?? problem.title })
    },
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => Effect.fail(unreachable(`no answer within ${patience}`)),
    }),
    Effect.mapError((error) => (isFault(error) ? error : unreachable(innermost(error)))),
    Effect.provide(FetchHttpClient.layer),
  )

  const status = Effect.gen(function* () {
    const text = yield* ask("GET", "/status")
    const json = Result.getOrUndefined(parse(text))
    const decoded = decodeStatus(json)
    if (Result.isSuccess(decoded)) return { json, status: decoded.success }
    return yield* unreachable("what answers there is no vpc-router, or one of another version")
  })

  return { url, status, steer: (host, verb) => Effect.asVoid(ask("POST", `/${verb}/${encodeURIComponent(host)}`)) }
}
