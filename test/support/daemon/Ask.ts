import * as Http from "node:http"
import { Effect, Schema } from "effect"
import type { Island } from "./Island.ts"
import { ToolFailed } from "../netns/Tools.ts"

/** An answer of the daemon. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly text: string
  /** The text as JSON; undefined if it is none. */
  readonly json: unknown
}

const fromJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** Asks a server that listens on 127.0.0.1 inside an island. A body is sent as JSON. */
export const ask = (
  { enter }: Island,
  port: number,
  method: "GET" | "POST",
  path: string,
  body?: string,
): Effect.Effect<Answer, ToolFailed> =>
  Effect.callback<Answer, ToolFailed>((resume) => {
    const fail = ({ message }: Error) =>
      resume(Effect.fail(new ToolFailed({ message: `${method} ${path}: ${message}` })))
    const headers = {
      host: `localhost:${port}`,
      connection: "close",
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    }
    const options = { method, path, headers, createConnection: () => enter(port) }
    const request = Http.request(options, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => void (text += chunk))
      response.on("error", fail)
      response.on("end", () => {
        const json = fromJson(text)
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            contentType: response.headers["content-type"] ?? "",
            text,
            json: json._tag === "Some" ? json.value : undefined,
          }),
        )
      })
    })
    request.on("error", fail)
    request.end(body)
    return Effect.sync(() => void request.destroy())
  })
