import { ByteSize, Effect, Result } from "effect"
import { HttpIncomingMessage, type HttpServerError, type HttpServerRequest } from "effect/http"
import { maxJsonLength } from "../../domain/JsonText.ts"
import { utf8Text } from "../Utf8.ts"
import { BadRequest, ContentTooLarge, UnsupportedMediaType } from "./Problems.ts"

/** The longest body, in bytes: what the JSON reader takes. */
export const maxBodyBytes = maxJsonLength

const tooLarge = new ContentTooLarge({ detail: `the body is longer than ${maxBodyBytes} bytes` })

/** Header names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>

/** Whether a body comes with the request. */
export const hasBody = (headers: RequestHeaders): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0"

/** `application/json`, in UTF-8, which is the only encoding of JSON (RFC 8259, section 8.1). */
const json = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i

/** Refuses a body that is not said to be plain JSON, and one that is said to be too long. */
export const checkBody = (headers: RequestHeaders): Effect.Effect<void, UnsupportedMediaType | ContentTooLarge> => {
  if (!json.test(headers["content-type"] ?? ""))
    return Effect.fail(new UnsupportedMediaType({ detail: "expected Content-Type: application/json" }))
  if ((headers["content-encoding"] ?? "identity").toLowerCase() !== "identity")
    return Effect.fail(new UnsupportedMediaType({ detail: "expected a body without Content-Encoding" }))
  return Number(headers["content-length"] ?? 0) > maxBodyBytes ? Effect.fail(tooLarge) : Effect.void
}

const unread = ({ reason }: HttpServerError.HttpServerError): BadRequest | ContentTooLarge =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
    ? tooLarge
    : new BadRequest({ detail: "the body did not come whole" })

/** The JSON body as the text that was sent, so that our own reader sees what `JSON.parse` would swallow. */
export const jsonText = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  yield* checkBody(request.headers)
  const bytes = yield* request.arrayBuffer.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBodyBytes)),
    Effect.mapError(unread),
  )
  return yield* Effect.fromResult(
    Result.mapError(utf8Text(new Uint8Array(bytes)), () => new BadRequest({ detail: "expected the body in UTF-8" })),
  )
})
