import { STATUS_CODES } from "node:http"
import { Schema } from "effect"
import { type HttpServerResponse, ProblemDetails } from "effect/http"
import { HttpApiError } from "effect/http-api"
import { SpecProblemJson } from "./StatusJson.ts"

// Problems of RFC 9457. All are told apart by their status, so their type is about:blank and their title its phrase.
const { Problem } = HttpApiError
const declare = <const Status extends number, const Title extends string>(status: Status, title: Title) => ({
  type: ProblemDetails.blankType,
  status,
  title,
})

/** Not understood. `problems` is there for a route spec: all its faults. */
export class BadRequest extends Problem<BadRequest>()("BadRequest", declare(400, "Bad Request"), {
  problems: Schema.optionalKey(Schema.Array(SpecProblemJson)),
}) {}

/** A write from another machine without the right bearer token. */
export class Unauthorized extends Problem<Unauthorized>()("Unauthorized", declare(401, "Unauthorized")) {}

/** Not from here: a foreign page, or another machine where no token is configured. */
export class Forbidden extends Problem<Forbidden>()("Forbidden", declare(403, "Forbidden")) {}

export class NotFound extends Problem<NotFound>()("NotFound", declare(404, "Not Found")) {}

export class MethodNotAllowed extends Problem<MethodNotAllowed>()(
  "MethodNotAllowed",
  declare(405, "Method Not Allowed"),
) {}

/** Not in this mode. */
export class Conflict extends Problem<Conflict>()("Conflict", declare(409, "Conflict")) {}

export class ContentTooLarge extends Problem<ContentTooLarge>()("ContentTooLarge", declare(413, "Content Too Large")) {}

export class UnsupportedMediaType extends Problem<UnsupportedMediaType>()(
  "UnsupportedMediaType",
  declare(415, "Unsupported Media Type"),
) {}

/** A `Host` that this server does not answer for. */
export class MisdirectedRequest extends Problem<MisdirectedRequest>()(
  "MisdirectedRequest",
  declare(421, "Misdirected Request"),
) {}

/** Not at present. */
export class Unavailable extends Problem<Unavailable>()("Unavailable", declare(503, "Service Unavailable")) {}

/** The problem of a status that no endpoint declares. */
export const problem = (status: number, detail: string): ProblemDetails.ProblemDetails => ({
  type: ProblemDetails.blankType,
  status,
  title: STATUS_CODES[status] ?? `HTTP status ${status}`,
  detail,
})

export const problemResponse = (status: number, detail: string): HttpServerResponse.HttpServerResponse =>
  ProblemDetails.toResponse(problem(status, detail))
